//! What a bucket holds when the store is opened: what is on disk, less what a crash left half done.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use super::bucket::{Bucket, State};
use super::disk::{BucketRecord, Disk, readable};
use super::version::{NULL_VERSION, Version, Versioning};
use super::{Shared, whole_second};

impl Bucket {
    pub(super) fn load(name: String, disk: Disk, shared: Arc<Shared>) -> io::Result<Self> {
        let record: Option<BucketRecord> = readable(&disk.bucket_record())?;
        disk.prepare()?;
        let versions = disk.load_versions()?;
        let record = match record {
            Some(record) => record,
            None => replace_record(&disk, &shared, &versions)?,
        };
        let mut state = State {
            created: record.created,
            versioning: record.versioning,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            retention: None,
            deleted: false,
        };
        for version in versions {
            shared.seen(version.seq);
            state.insert(Arc::new(version));
        }
        drop_replaced_nulls(&mut state, &disk)?;
        for upload in disk.load_uploads()? {
            upload.parts.values().for_each(|part| shared.seen(part.seq));
            state.uploads.insert(upload.id.clone(), upload);
        }
        let bucket = Self {
            name,
            disk,
            shared,
            state: RwLock::new(state),
        };
        bucket.repair_view()?;
        Ok(bucket)
    }

    fn repair_view(&self) -> io::Result<()> {
        let current: Vec<(String, PathBuf)> = self.read(|state| {
            let shown = state.objects.values().filter_map(|versions| versions.last());
            let shown = shown.filter(|version| !version.is_delete_marker());
            shown
                .map(|version| (version.key.clone(), self.disk.blob(version.seq)))
                .collect()
        });
        self.disk.view.repair(&current, self.temp().path())
    }
}

/// The record of a bucket whose own can't be read, from what the bucket holds.
fn replace_record(disk: &Disk, shared: &Shared, versions: &[Version]) -> io::Result<BucketRecord> {
    disk.set_aside(&[&disk.bucket_record()])?;
    let keeps_versions = versions.iter().any(|version| version.id != NULL_VERSION);
    let oldest = versions.iter().map(|version| version.modified).min();
    let record = BucketRecord {
        created: oldest.unwrap_or_else(|| whole_second(shared.now())),
        versioning: if keeps_versions {
            Versioning::Enabled
        } else {
            Versioning::Off
        },
    };
    disk.write_json(&disk.bucket_record(), shared.next_seq(), &record)?;
    Ok(record)
}

/// A crash between storing a null version and removing the one it replaces leaves both: the newer counts.
fn drop_replaced_nulls(state: &mut State, disk: &Disk) -> io::Result<()> {
    for versions in state.objects.values_mut() {
        let newest = versions
            .iter()
            .rev()
            .find(|version| version.id == NULL_VERSION)
            .map(|version| version.seq);
        let (kept, replaced) = std::mem::take(versions)
            .into_iter()
            .partition(|version| version.id != NULL_VERSION || Some(version.seq) == newest);
        *versions = kept;
        for old in replaced {
            let old: Arc<Version> = old;
            disk.remove(old.seq)?;
        }
    }
    Ok(())
}
