//! What a caller gets for a request that is kept.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::digest::Sha256;
use casefile::manifest::ManifestFile;
use serde::Serialize;

use super::entry::{Entry, Task};
use super::local::BUCKET;
use crate::review::MAX_ZIP_BYTES;

/// The answer to a request that S3 couldn't take. It is on a disk, and is sent on when S3 is back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptAnswer {
    /// `local`.
    pub stored: &'static str,
    /// The collection.
    pub collection: String,
    /// The session, of a review or a training log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What the session's folder is called, here and, unless the session is found in S3 under another name, there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_name: Option<String>,
    /// The number of a bill of lading; null until it gets one, when it is sent on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Option<String>>,
    /// Where the files are.
    pub folder: String,
    /// The files as one.
    pub zip: KeptZip,
    /// The size of all files, in bytes.
    pub size: u64,
    /// Every file.
    pub files: Vec<ManifestFile>,
    /// Why it isn't in S3: `outage`, or what is wrong with the set-up.
    pub reason: String,
    /// The same in words, and what happens next.
    pub detail: String,
}

/// The files as one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptZip {
    /// Where it is.
    pub path: String,
    /// What it is called.
    pub file_name: String,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
    /// The content, if it was asked for and fits into an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
}

impl KeptAnswer {
    /// The answer about the entry in the folder `place`, with its ZIP if that is wanted and fits.
    pub(super) fn new(place: &Path, entry: Entry, zip: Option<Bytes>) -> Self {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        let zip_path = place.join(&entry.zip.file_name);
        let zip = zip.filter(|zip| zip.len() <= MAX_ZIP_BYTES);
        let (session_id, folder_name, number) = match &entry.task {
            Task::Review { place } => {
                let reserved = place.reservation.clone();
                (Some(reserved.session_id), Some(reserved.folder_name.into()), None)
            }
            Task::TrainingLog { session_id, .. } => (Some(session_id.clone()), None, None),
            Task::Bol { number } => (None, None, Some(number.clone())),
            Task::File => (None, None, None),
        };
        Self {
            stored: "local",
            session_id: session_id.map(String::from),
            folder_name,
            number,
            folder: shown(&place.join(BUCKET).join(&entry.folder)),
            zip: KeptZip {
                path: shown(&zip_path),
                file_name: entry.zip.file_name,
                size: entry.zip.size,
                sha256: entry.zip.sha256,
                content_base64: zip.map(|zip| BASE64.encode(zip)),
            },
            size: entry.size,
            files: entry.files.into_iter().map(ManifestFile::from).collect(),
            detail: detail(&entry.reason, &entry.task),
            reason: entry.reason,
            collection: entry.collection,
        }
    }
}

fn detail(reason: &str, task: &Task) -> String {
    let why = match reason {
        "outage" => "S3 can't be reached just now",
        _ => "S3 refuses this service, whose operator has been told",
    };
    let numbered = match task {
        Task::Bol { number: None } => " The bill of lading gets its number then.",
        _ => "",
    };
    format!(
        "{why}: the request is kept on this service's own disk, and is sent on to S3 when that is possible.{numbered} The \
         same request may be repeated; it is stored once."
    )
}
