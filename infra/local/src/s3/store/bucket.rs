//! One bucket: the versions of its keys, and the writes that change them.
//!
//! Bodies are received without any lock. The lock is held for the moment in which a condition is checked and
//! the write commits, so that of any number of racing conditional writes exactly one sees its condition hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use jiff::Timestamp;
use s3s::crypto::{Checksum as _, Sha256};
use s3s::dto::ETagCondition;
use s3s::{S3Result, s3_error};

use super::super::events::{EventName, ObjectEvent, Origin};
use super::conditions::{WriteCondition, check_delete};
use super::disk::{BucketRecord, Disk, TempFile};
use super::lookup::check_id;
use super::uploads::Upload;
use super::version::{Content, NULL_VERSION, Version, Versioning};
use super::view::link;
use super::{Shared, disk_error, hex, whole_second};

#[derive(Debug)]
pub(crate) struct Bucket {
    pub name: String,
    pub(super) disk: Disk,
    pub(super) shared: Arc<Shared>,
    pub(super) state: RwLock<State>,
}

/// What a bucket holds.
#[derive(Debug)]
pub(crate) struct State {
    pub created: Timestamp,
    pub versioning: Versioning,
    /// By key, in the order S3 lists them (UTF-8 bytes); of each key all versions, oldest first.
    pub objects: BTreeMap<String, Vec<Arc<Version>>>,
    /// By upload id.
    pub uploads: BTreeMap<String, Upload>,
    /// How long Object Lock keeps each version. It is what the server was started with, and not on disk.
    pub retention: Option<Duration>,
    pub(super) deleted: bool,
}

/// A write that is ready to take effect.
#[derive(Debug)]
pub(crate) struct Draft {
    pub key: String,
    pub content: Content,
    pub bytes: TempFile,
    pub condition: WriteCondition,
    pub event: EventName,
    pub origin: Origin,
    /// The multipart upload that this write completes.
    pub upload: Option<String>,
}

/// What a delete did.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// A delete marker was made, or removed.
    pub marker: bool,
    /// Of the marker that was made or the version that was removed.
    pub version_id: Option<String>,
}

impl State {
    pub(crate) fn current(&self, key: &str) -> Option<&Arc<Version>> {
        self.objects.get(key)?.last()
    }

    pub(crate) fn version(&self, key: &str, id: &str) -> Option<&Arc<Version>> {
        self.objects.get(key)?.iter().find(|version| version.id == id)
    }

    pub(super) fn insert(&mut self, version: Arc<Version>) {
        let versions = self.objects.entry(version.key.clone()).or_default();
        versions.push(version);
        versions.sort_by_key(|version| version.seq);
    }

    fn remove(&mut self, version: &Version) {
        if let Some(versions) = self.objects.get_mut(&version.key) {
            versions.retain(|other| other.seq != version.seq);
            if versions.is_empty() {
                self.objects.remove(&version.key);
            }
        }
    }

    /// What a write replaces: nothing while versions are kept.
    fn replaced(&self, key: &str) -> Option<Arc<Version>> {
        match self.versioning {
            Versioning::Enabled => None,
            Versioning::Off | Versioning::Suspended => self.version(key, NULL_VERSION).cloned(),
        }
    }
}

impl Bucket {
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// # Errors
    /// `NoSuchBucket` when it was deleted since the request found it.
    pub(super) fn write(&self) -> S3Result<RwLockWriteGuard<'_, State>> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.deleted {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        Ok(state)
    }

    /// A name under `tmp/` that nobody else has.
    pub(crate) fn temp(&self) -> TempFile {
        self.disk.temp(self.shared.next_seq())
    }

    pub(super) fn blob(&self, seq: u64) -> PathBuf {
        self.disk.blob(seq)
    }

    /// A second name for stored bytes, which never change, to be committed as another version.
    ///
    /// # Errors
    /// `InternalError` when the disk fails, or the bytes are gone.
    pub(crate) fn borrow_bytes(&self, from: &Self, seq: u64) -> S3Result<TempFile> {
        let temp = self.temp();
        link(&from.blob(seq), temp.path()).map_err(disk_error)?;
        Ok(temp)
    }

    /// Commits a write: its condition holds and it takes effect, or neither.
    ///
    /// # Errors
    /// What [`WriteCondition::check`] says; `NoSuchUpload` when the upload it completes is gone;
    /// `InternalError` when the disk fails, and then nothing has changed.
    pub(crate) fn put(&self, draft: Draft) -> S3Result<(Arc<Version>, Versioning)> {
        let mut state = self.write()?;
        if let Some(upload) = &draft.upload {
            state.upload(upload, &draft.key)?;
        }
        draft
            .condition
            .check(state.current(&draft.key).map(AsRef::as_ref))?;
        let replaced = state.replaced(&draft.key);
        let version = self.version(&state, draft.key, Some(draft.content));
        self.disk
            .store(&version, Some(&draft.bytes))
            .map_err(disk_error)?;
        self.commit(&mut state, &version, replaced);
        if let Some(upload) = draft.upload.and_then(|id| state.uploads.remove(&id)) {
            self.discard(&upload);
        }
        self.publish(draft.event, &version, state.versioning, &draft.origin);
        Ok((version, state.versioning))
    }

    /// Removes a version for good, or hides the key under a delete marker.
    ///
    /// # Errors
    /// What the condition says; `InvalidArgument` for an impossible id; `AccessDenied` for a version that is locked;
    /// `InternalError` when the disk fails.
    pub(crate) fn delete(
        &self,
        key: &str,
        id: Option<&str>,
        expected: Option<&ETagCondition>,
        origin: &Origin,
    ) -> S3Result<Deleted> {
        let mut state = self.write()?;
        check_delete(expected, state.current(key).map(AsRef::as_ref))?;
        match (id, state.versioning) {
            (Some(id), _) => self.delete_version(&mut state, key, check_id(id)?, origin),
            (None, Versioning::Off) => self
                .delete_version(&mut state, key, NULL_VERSION, origin)
                .map(|_| Deleted::default()),
            (None, _) => self.mark_deleted(&mut state, key, origin),
        }
    }

    fn mark_deleted(&self, state: &mut State, key: &str, origin: &Origin) -> S3Result<Deleted> {
        let replaced = state.replaced(key);
        let marker = self.version(state, key.to_owned(), None);
        self.disk.store(&marker, None).map_err(disk_error)?;
        self.commit(state, &marker, replaced);
        self.publish(EventName::DeleteMarkerCreated, &marker, state.versioning, origin);
        Ok(Deleted {
            marker: true,
            version_id: Some(marker.id.clone()),
        })
    }

    fn delete_version(&self, state: &mut State, key: &str, id: &str, origin: &Origin) -> S3Result<Deleted> {
        let Some(version) = state.version(key, id).cloned() else {
            // Deleting what isn't there succeeds.
            return Ok(Deleted {
                marker: false,
                version_id: Some(id.to_owned()),
            });
        };
        state.check_lock(&version, self.shared.now())?;
        self.disk.remove(version.seq).map_err(disk_error)?;
        state.remove(&version);
        self.refresh_view(state, key);
        let removed = Version {
            seq: self.shared.next_seq(),
            ..version.as_ref().clone()
        };
        self.publish(EventName::Deleted, &removed, state.versioning, origin);
        Ok(Deleted {
            marker: version.is_delete_marker(),
            version_id: Some(id.to_owned()),
        })
    }

    /// Replaces the tags of one version, and says which.
    ///
    /// # Errors
    /// As [`State::find`].
    pub(crate) fn set_tags(
        &self,
        key: &str,
        id: Option<&str>,
        tags: Vec<(String, String)>,
        event: EventName,
        origin: &Origin,
    ) -> S3Result<Option<String>> {
        let mut state = self.write()?;
        let (stored, mut content) = state.find(key, id)?;
        content.attributes.tags = tags;
        let version = Arc::new(Version {
            content: Some(content),
            ..stored.version().clone()
        });
        self.disk.rewrite(&version).map_err(disk_error)?;
        state.remove(&version);
        state.insert(Arc::clone(&version));
        let announced = Version {
            seq: self.shared.next_seq(),
            ..version.as_ref().clone()
        };
        self.publish(event, &announced, state.versioning, origin);
        Ok(stored.shown_id())
    }

    /// # Errors
    /// `InvalidBucketState` where Object Lock needs versions; `InternalError` when the disk fails.
    pub(crate) fn set_versioning(&self, versioning: Versioning) -> S3Result<()> {
        let mut state = self.write()?;
        state.check_versioning(versioning)?;
        let record = BucketRecord {
            created: state.created,
            versioning,
        };
        let seq = self.shared.next_seq();
        self.disk
            .write_json(&self.disk.bucket_record(), seq, &record)
            .map_err(disk_error)?;
        state.versioning = versioning;
        Ok(())
    }

    pub(super) fn destroy(&self) -> S3Result<()> {
        let mut state = self.write()?;
        if !state.objects.is_empty() || !state.uploads.is_empty() {
            return Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ));
        }
        self.disk.destroy().map_err(disk_error)?;
        state.deleted = true;
        Ok(())
    }

    fn version(&self, state: &State, key: String, content: Option<Content>) -> Arc<Version> {
        let seq = self.shared.next_seq();
        let id = match state.versioning {
            Versioning::Enabled => self.opaque(&key, seq),
            Versioning::Off | Versioning::Suspended => NULL_VERSION.to_owned(),
        };
        Arc::new(Version {
            key,
            id,
            seq,
            modified: whole_second(self.shared.now()),
            content,
        })
    }

    /// 32 hex digits that say nothing.
    pub(super) fn opaque(&self, key: &str, seq: u64) -> String {
        let digest = Sha256::checksum(format!("{}\n{key}\n{seq}", self.name).as_bytes());
        hex(digest.get(..16).unwrap_or_default())
    }

    /// What follows once a version is on disk. A failure here leaves what the next start mends.
    fn commit(&self, state: &mut State, version: &Arc<Version>, replaced: Option<Arc<Version>>) {
        if let Some(old) = replaced {
            state.remove(&old);
            if let Err(error) = self.disk.remove(old.seq) {
                tracing::warn!(%error, "a replaced object's bytes stay until the next start");
            }
        }
        state.insert(Arc::clone(version));
        self.refresh_view(state, &version.key);
    }

    fn refresh_view(&self, state: &State, key: &str) {
        let shown = match state.current(key).filter(|version| !version.is_delete_marker()) {
            Some(version) => self
                .disk
                .view
                .show(key, &self.disk.blob(version.seq), self.temp().path()),
            None => self.disk.view.hide(key),
        };
        if let Err(error) = shown {
            tracing::warn!(%error, "an object can't be shown as a file");
        }
    }

    /// Under the lock, so that a key's events leave in the order of its writes.
    fn publish(&self, name: EventName, version: &Version, versioning: Versioning, origin: &Origin) {
        let content = version.content.as_ref();
        self.shared.events.publish(&ObjectEvent {
            name,
            bucket: self.name.clone(),
            key: version.key.clone(),
            version_id: version.shown_id(versioning),
            size: content.map(|content| content.size),
            etag: content.map(|content| content.etag.clone()),
            sequencer: format!("{:018X}", version.seq),
            time: self.shared.now(),
            region: self.shared.region.clone(),
            principal: origin.principal.as_ref().unwrap_or(&self.shared.owner).clone(),
            source_ip: origin.source_ip,
            request_id: origin.request_id.clone(),
        });
    }
}
