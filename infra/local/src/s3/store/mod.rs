//! Buckets and what is in them: an index in memory over files on disk. The files are written first.

mod bucket;
mod checksum;
mod conditions;
mod disk;
mod key_path;
mod load;
mod lock;
mod lookup;
mod spool;
mod uploads;
mod version;
mod view;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::HeaderValue;
use jiff::Timestamp;
use s3s::dto::TimestampFormat;
use s3s::{S3Error, S3Result, s3_error};

pub(crate) use bucket::{Bucket, Deleted, Draft, State};
pub(crate) use checksum::{Algorithm, Checksum, Kind};
pub(crate) use conditions::{ReadCondition, Unmet, WriteCondition, not_modified, precondition_failed};
pub(crate) use disk::TempFile;
pub(crate) use lookup::{Found, Stored};
pub(crate) use spool::{Spooled, place, receive, reread};
pub(crate) use uploads::Upload;
pub(crate) use version::{Attributes, Content, Part, Version, Versioning, s3_time};

use super::config::{BucketSettings, S3Config};
use super::events::Events;
use disk::{BucketRecord, Disk};

/// What all buckets have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub region: String,
    /// The access key, which stands for the account in answers and events.
    pub owner: String,
    /// Of the buckets that aren't set up as S3 sets up a new one.
    pub settings: BTreeMap<String, BucketSettings>,
    pub events: Events,
    pub sync: bool,
    clock: fn() -> Timestamp,
    last_seq: AtomicU64,
    /// Held for as long as any bucket is, and a commit under way holds one; the system lets go of it when the process
    /// ends.
    _lock: File,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Grows with every call, over restarts too: nanoseconds since 1970, or one more than the last.
    pub(crate) fn next_seq(&self) -> u64 {
        let now = u64::try_from(self.now().as_nanosecond()).unwrap_or_default();
        let next = |last: u64| now.max(last + 1);
        let last = self
            .last_seq
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }

    /// Keeps [`Shared::next_seq`] above what is on disk, should the clock have gone back.
    fn seen(&self, seq: u64) {
        self.last_seq.fetch_max(seq, Ordering::Relaxed);
    }
}

/// All buckets of one root folder.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) shared: Arc<Shared>,
    root: PathBuf,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

impl Store {
    /// Loads what is there, sweeps what a crash left over, and makes the configured buckets.
    ///
    /// # Errors
    /// `WouldBlock` when another process has this root open; `InvalidData` when a record can't be read.
    pub(crate) fn open(config: &S3Config) -> io::Result<Self> {
        fs::create_dir_all(&config.root)?;
        let lock = File::create(config.root.join(".lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        let shared = Arc::new(Shared {
            region: config.region.clone(),
            owner: config.access_key.clone(),
            settings: config.settings.clone(),
            events: Events::default(),
            sync: config.sync,
            clock: config.clock,
            last_seq: AtomicU64::new(0),
            _lock: lock,
        });
        let store = Self {
            shared,
            root: config.root.clone(),
            buckets: RwLock::new(BTreeMap::new()),
        };
        store.load()?;
        for name in &config.buckets {
            store.configure(name, true)?;
        }
        for name in &config.unversioned_buckets {
            store.configure(name, false)?;
        }
        for (name, retention) in &config.retention {
            let bucket = store.bucket(name).map_err(io::Error::other)?;
            bucket.lock(*retention).map_err(io::Error::other)?;
        }
        Ok(store)
    }

    /// Makes a bucket unless it is there, and sees to it that it keeps versions, or none. A bucket that has kept
    /// versions can't go back to where it never did.
    fn configure(&self, name: &str, versioned: bool) -> io::Result<()> {
        let wanted = if versioned {
            Versioning::Enabled
        } else {
            Versioning::Off
        };
        self.create(name, wanted)?;
        let bucket = self.bucket(name).map_err(io::Error::other)?;
        let change = match (versioned, bucket.read(|state| state.versioning)) {
            (true, Versioning::Off | Versioning::Suspended) => Versioning::Enabled,
            (false, Versioning::Enabled) => Versioning::Suspended,
            _ => return Ok(()),
        };
        bucket.set_versioning(change).map_err(io::Error::other)
    }

    fn load(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let disk = Disk::new(entry.path(), self.shared.sync);
            if disk.bucket_record().is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let bucket = Bucket::load(name.clone(), disk, Arc::clone(&self.shared))?;
                self.write().insert(name, Arc::new(bucket));
            }
        }
        Ok(())
    }

    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        let found = self.read().get(name).cloned();
        found.ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    pub(crate) fn buckets(&self) -> Vec<Arc<Bucket>> {
        self.read().values().cloned().collect()
    }

    /// Makes a bucket; one that is there stays as it is. Says whether it was made.
    pub(crate) fn create(&self, name: &str, versioning: Versioning) -> io::Result<bool> {
        let mut buckets = self.write();
        if buckets.contains_key(name) {
            return Ok(false);
        }
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        let disk = Disk::new(folder, self.shared.sync);
        let record = BucketRecord {
            created: whole_second(self.shared.now()),
            versioning,
        };
        disk.prepare()?;
        disk.write_json(&disk.bucket_record(), self.shared.next_seq(), &record)?;
        let bucket = Bucket::load(name.to_owned(), disk, Arc::clone(&self.shared))?;
        buckets.insert(name.to_owned(), Arc::new(bucket));
        Ok(true)
    }

    /// # Errors
    /// `NoSuchBucket`, or `BucketNotEmpty` while any version or delete marker is left.
    pub(crate) fn delete(&self, name: &str) -> S3Result<()> {
        let bucket = self.bucket(name)?;
        let mut buckets = self.write();
        bucket.destroy()?;
        buckets.remove(name);
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what touches the disk on a thread that may wait. It runs to its end even when nobody waits for the
/// answer any more, so a client that goes away leaves nothing half done.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> S3Result<T>
where
    T: Send + 'static,
    E: Into<Failure> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| error.into().0),
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

/// Either kind of error that storing ends with, on its way to a client.
pub(crate) struct Failure(S3Error);

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        Self(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(disk_error(error))
    }
}

/// What a client hears of a failing disk: `InternalError`, which SDKs retry.
pub(crate) fn disk_error(error: io::Error) -> S3Error {
    s3_error!(
        error,
        InternalError,
        "We encountered an internal error. Please try again."
    )
}

/// S3 dates objects by the second.
pub(crate) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

pub(crate) fn http_date(time: Timestamp) -> Option<HeaderValue> {
    let mut text = Vec::new();
    s3_time(time).format(TimestampFormat::HttpDate, &mut text).ok()?;
    HeaderValue::from_bytes(&text).ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
