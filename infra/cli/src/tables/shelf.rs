//! The folder with the copies. Each has a record beside it, which says of which version it is; a copy that isn't as its
//! record says is none.
//!
//! Files appear whole or not at all: they are written under another name, synced and renamed. A crash, or another run at
//! the same time, may leave a copy and a record of different versions: then the copy is hashed, and so known or not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use casefile::bucket::Head;
use casefile::digest::{Hasher, Sha256};
use casefile::id::Entropy;
use casefile::time::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::name::{TableName, VersionId, Wanted};
use super::withheld::Withheld;

/// What unfinished files are called: it begins and ends so.
const PART: (&str, &str) = (".casefile-", ".part");
/// An unfinished file that nobody has written to for so long is a dead run's.
const ABANDONED: SignedDuration = SignedDuration::from_hours(1);
const PIECE: usize = 1024 * 1024;

/// What a copy is of, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    bucket: String,
    key: String,
    pub(super) version_id: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) sha256: Sha256,
    /// In bytes.
    pub(super) size: u64,
    /// When the version was stored in S3.
    pub(super) stored_at: Option<Timestamp>,
    /// When S3 last said that it was this version.
    pub(super) checked_at: Timestamp,
    /// The file's own time: while it stands, the content does.
    modified_at: Timestamp,
    /// Why it isn't handed out, whether S3 can be asked or not, until S3 says otherwise.
    #[serde(default)]
    pub(super) withheld: Option<Withheld>,
}

impl Record {
    /// Whether it is of the version that S3 has just described.
    pub(super) fn is_of(&self, head: &Head) -> bool {
        self.etag == head.etag && self.version_id == head.version_id && self.size == head.size
    }
}

/// What lies on the shelf under a table's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Local {
    Missing,
    Copy(Record),
    /// A copy of what S3 said is not to be handed out.
    Withheld(Record, Withheld),
    /// A file that isn't as a record says: without one, cut short, changed by somebody, or of another bucket.
    Unknown,
}

impl Local {
    pub(super) fn copy(self) -> Option<Record> {
        match self {
            Self::Copy(record) => Some(record),
            Self::Withheld(..) | Self::Missing | Self::Unknown => None,
        }
    }

    /// What the file is of, handed out or not.
    pub(super) fn record(self) -> Option<Record> {
        match self {
            Self::Copy(record) | Self::Withheld(record, _) => Some(record),
            Self::Missing | Self::Unknown => None,
        }
    }
}

/// A folder, and whose tables it has.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    bucket: String,
    clock: Clock,
    entropy: Entropy,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, bucket: String, clock: Clock, entropy: Entropy) -> Self {
        Self {
            folder,
            bucket,
            clock,
            entropy,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn path(&self, wanted: &Wanted) -> PathBuf {
        self.folder.join(wanted.file_name())
    }

    fn record_path(&self, wanted: &Wanted) -> PathBuf {
        self.folder.join(format!(".{}.json", wanted.file_name()))
    }

    /// What lies there, for who has just asked S3. A file whose time has changed is hashed.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) async fn look(&self, wanted: &Wanted) -> io::Result<Local> {
        self.compare(wanted, false).await
    }

    /// The same for who has the copy alone to go by: it is hashed in any case, as a time can be set.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) async fn look_into(&self, wanted: &Wanted) -> io::Result<Local> {
        self.compare(wanted, true).await
    }

    async fn compare(&self, wanted: &Wanted, is_hashed: bool) -> io::Result<Local> {
        let Some((size, modified_at)) = stat(&self.path(wanted))? else {
            return Ok(Local::Missing);
        };
        let Some(record) = self.record(wanted).filter(|record| record.size == size) else {
            return Ok(Local::Unknown);
        };
        let is_doubted = is_hashed || record.modified_at != modified_at;
        if is_doubted && self.hash(wanted).await? != record.sha256 {
            return Ok(Local::Unknown);
        }
        let record = Record {
            modified_at,
            ..record
        };
        Ok(match record.withheld {
            Some(why) => Local::Withheld(record, why),
            None => Local::Copy(record),
        })
    }

    /// What was downloaded. One that can't be read counts as none: the copy is downloaded again.
    pub(super) fn record(&self, wanted: &Wanted) -> Option<Record> {
        let text = fs::read(self.record_path(wanted)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        let is_asked = wanted.version.is_none() || record.version_id.as_deref() == wanted.version_id();
        (record.bucket == self.bucket && record.key == wanted.key() && is_asked).then_some(record)
    }

    /// Makes a file without a good record a copy, if it is what S3 has just described: after a crash, say.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) async fn adopt(&self, wanted: &Wanted, head: &Head) -> io::Result<Option<Record>> {
        let (Some(sha256), Some((size, modified_at))) = (head.sha256(), stat(&self.path(wanted))?) else {
            return Ok(None);
        };
        if size != head.size || self.hash(wanted).await? != sha256 {
            return Ok(None);
        }
        Ok(Some(self.describe(wanted, head, sha256, modified_at)))
    }

    /// Notes that S3 has just said the same. That it can't be noted in a folder of somebody else's is no failure.
    pub(super) fn confirm(&self, wanted: &Wanted, record: Record) -> Record {
        let checked_at = (self.clock)();
        let record = Record {
            checked_at,
            withheld: None,
            ..record
        };
        let _ = self.write_record(wanted, &record);
        record
    }

    /// Notes that S3 has just said of this version that it isn't to be handed out, on every copy of it: that of the
    /// newest version, and that beside it.
    ///
    /// # Errors
    /// When it can't be noted: such a copy is handed out without S3.
    pub(super) fn withhold(&self, table: &TableName, head: &Head, why: Withheld) -> io::Result<()> {
        let version: Option<VersionId> = head.version_id.as_deref().and_then(|id| id.parse().ok());
        let beside = version.map(|version| Wanted {
            table: table.clone(),
            version: Some(version),
        });
        for wanted in [Some(Wanted::newest(table.clone())), beside]
            .into_iter()
            .flatten()
        {
            let record = self.record(&wanted).filter(|record| record.is_of(head));
            if let Some(record) = record.filter(|record| record.withheld != Some(why)) {
                let record = Record {
                    checked_at: (self.clock)(),
                    withheld: Some(why),
                    ..record
                };
                self.write_record(&wanted, &record)?;
            }
        }
        Ok(())
    }

    /// Begins a file. It is gone with the [`Part`], unless that is kept.
    ///
    /// # Errors
    /// When it can't be written, or there is no randomness.
    pub(super) fn begin(&self) -> io::Result<Part> {
        make_folder(&self.folder)?;
        let mut random = [0; 8];
        (self.entropy)(&mut random).map_err(io::Error::other)?;
        let name = format!("{}{:016x}{}", PART.0, u64::from_le_bytes(random), PART.1);
        let path = self.folder.join(name);
        let file = create(&path)?;
        Ok(Part { file, path })
    }

    /// Puts a file that is complete in its place, and its record beside it.
    ///
    /// # Errors
    /// When that fails. The copy may be there already: the next run finds out.
    pub(super) fn keep(
        &self,
        part: Part,
        wanted: &Wanted,
        head: &Head,
        sha256: Sha256,
    ) -> io::Result<Record> {
        let modified_at = modified_at(&part.file.metadata()?)?;
        part.rename(&self.path(wanted))?;
        self.sync()?;
        let record = self.describe(wanted, head, sha256, modified_at);
        self.write_record(wanted, &record)?;
        Ok(record)
    }

    fn describe(&self, wanted: &Wanted, head: &Head, sha256: Sha256, modified_at: Timestamp) -> Record {
        Record {
            bucket: self.bucket.clone(),
            key: wanted.key(),
            version_id: head.version_id.clone(),
            etag: head.etag.clone(),
            sha256,
            size: head.size,
            stored_at: head.last_modified,
            checked_at: (self.clock)(),
            modified_at,
            withheld: None,
        }
    }

    fn write_record(&self, wanted: &Wanted, record: &Record) -> io::Result<()> {
        let mut part = self.begin()?;
        part.write(&serde_json::to_vec_pretty(record)?)?;
        part.rename(&self.record_path(wanted))?;
        self.sync()
    }

    /// So that a rename outlives a crash.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    async fn hash(&self, wanted: &Wanted) -> io::Result<Sha256> {
        let path = self.path(wanted);
        // Seconds, for a large one, in which downloads at the same time are to go on.
        let hashed = tokio::task::spawn_blocking(move || hash(&path)).await;
        hashed.map_err(io::Error::other)?
    }

    /// What this bucket's copies were when they were made, by name; what became of them since, [`Shelf::look`] tells.
    ///
    /// # Errors
    /// When the folder can't be read. One that isn't there is empty.
    pub(super) fn records(&self) -> io::Result<Vec<(Wanted, Record)>> {
        let mut names = self.names()?;
        names.sort();
        let tables = names.iter().filter_map(|name| {
            let file = name.strip_prefix('.')?.strip_suffix(".json")?;
            let wanted = Wanted::newest(TableName::of_file(file)?);
            self.record(&wanted).map(|record| (wanted, record))
        });
        Ok(tables.collect())
    }

    /// Removes what dead runs have left. What can't be removed stays.
    pub(super) fn sweep(&self) {
        let is_part = |name: &&String| name.starts_with(PART.0) && name.ends_with(PART.1);
        for name in self.names().unwrap_or_default().iter().filter(is_part) {
            let path = self.folder.join(name);
            let age = stat(&path)
                .ok()
                .flatten()
                .map(|(_, at)| (self.clock)().duration_since(at));
            if age.is_some_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }
}

/// A file that isn't complete yet.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn rename(self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Not there any more when it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Patients' data: a folder that isn't there yet becomes its user's alone.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Its user's alone as well, wherever it lies: what it becomes by its new name is no more readable.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

/// A file's size and time; nothing when none is there.
fn stat(path: &Path) -> io::Result<Option<(u64, Timestamp)>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some((metadata.len(), modified_at(&metadata)?))),
        Ok(_) => Err(io::Error::other("it is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn modified_at(metadata: &fs::Metadata) -> io::Result<Timestamp> {
    Timestamp::try_from(metadata.modified()?).map_err(io::Error::other)
}

fn hash(path: &Path) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::default();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests;
