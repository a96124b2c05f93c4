//! What S3 holds in the end: every file read, by the ids under which it was asked for.

use std::collections::BTreeMap;

use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::key::{BasePath, SessionFile};
use casefile::name::FolderName;
use casefile::store_error::StoreError;
use casefile::time::compact;
use casefile::verify::verify_session;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::demo::DemoError;

/// How much is read at once.
const READS: usize = 8;

/// The places of what is complete, by id: where, and the digest of what lies there if it is one file.
pub(super) type Found = BTreeMap<String, Vec<Place>>;

/// Where an export lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Below the bucket.
    pub(super) key: String,
    /// Of a file's content.
    pub(super) sha256: Option<Sha256>,
}

/// Looks for whatever was exported since `begun`.
pub(super) async fn find(bucket: &Bucket, base: &BasePath, begun: Timestamp) -> Result<Found, DemoError> {
    let mut all = sessions(bucket, base, begun).await?;
    for (collection, id_of) in [
        (Collection::bols(), owner as fn(&File) -> Option<String>),
        (Collection::ecg_reports(), name),
        (Collection::training_logs(), session),
    ] {
        for prefix in collection.places(base) {
            for file in files(bucket, &prefix).await? {
                let Some(id) = id_of(&file) else { continue };
                all.entry(id).or_default().push(file.place());
            }
        }
    }
    Ok(all)
}

/// Sessions whose every file is what the manifest says. A folder's name begins with the time of its export.
async fn sessions(bucket: &Bucket, base: &BasePath, begun: Timestamp) -> Result<Found, DemoError> {
    let (first, end) = (compact(begun), format!("/{}", SessionFile::Manifest.path()));
    let keys = bucket.keys(base.as_str()).await?;
    let folders = keys
        .iter()
        .filter_map(|key| key.strip_prefix(base.as_str())?.strip_suffix(&end));
    let folders = folders.filter(|folder| *folder >= first.as_str());
    let folders: Vec<_> = folders.map(FolderName::parse).collect::<Result<_, _>>()?;
    let mut found = Found::new();
    for folder in folders {
        let verification = verify_session(bucket, base, &folder).await?;
        if verification.holds() {
            let place = Place {
                key: folder.to_string(),
                sha256: None,
            };
            let id = verification.manifest.session_id.to_string();
            found.entry(id).or_default().push(place);
        }
    }
    Ok(found)
}

/// A file that was read to its end.
struct File {
    key: String,
    sha256: Sha256,
    owner: Option<String>,
}

impl File {
    fn place(self) -> Place {
        Place {
            key: self.key,
            sha256: Some(self.sha256),
        }
    }
}

async fn files(bucket: &Bucket, prefix: &str) -> Result<Vec<File>, StoreError> {
    let keys = bucket.keys(prefix).await?;
    let files = stream::iter(keys).map(|key| file(bucket, key));
    files.buffer_unordered(READS).try_collect().await
}

async fn file(bucket: &Bucket, key: String) -> Result<File, StoreError> {
    let (head, content) = futures::try_join!(bucket.head(&key), bucket.hash(&key))?;
    Ok(File {
        owner: head.metadata.get("owner").cloned(),
        sha256: content.sha256,
        key,
    })
}

fn owner(file: &File) -> Option<String> {
    file.owner.clone()
}

fn name(file: &File) -> Option<String> {
    file.key.rsplit('/').next().map(str::to_owned)
}

fn session(file: &File) -> Option<String> {
    name(file)?.strip_suffix(".log").map(str::to_owned)
}
