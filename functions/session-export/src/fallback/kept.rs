//! A request on its way into the folder: packed with its files, and with what a replay has to know.

use bytes::Bytes;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::link::Asking;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use jiff::Timestamp;

use super::entry::{ENTRY_VERSION, Entry, EntryFile, EntryZip, KeptCaller, Task};
use super::local::{EntryName, Packed};
use crate::archive;

/// What a file system takes as a name, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A request that S3 doesn't take.
#[derive(Debug)]
pub(crate) struct ToKeep<'a> {
    pub(crate) asking: &'a Asking<'a>,
    pub(crate) collection: Collection,
    pub(crate) task: Task,
    /// The request, as it came.
    pub(crate) request: &'a str,
    /// The fields of it that are a command event's.
    pub(crate) envelope: &'a [&'a str],
    /// When it came.
    pub(crate) came: Timestamp,
    /// What it is about: what comes later about the same is sent on later.
    pub(crate) subject: Sha256,
    /// What tells it from others: the same is kept once.
    pub(crate) identity: Sha256,
    /// What is said when another one is kept about the same, where that is in its way.
    pub(crate) conflict: Option<&'static str>,
    /// The folder that its files belong to in the bucket, without a slash at its end.
    pub(crate) folder: String,
    pub(crate) files: Vec<KeptFile>,
    /// What its ZIP is called.
    pub(crate) zip_name: String,
    /// Whether the caller wants the ZIP itself.
    pub(crate) returns_zip: bool,
}

/// A file of it.
#[derive(Debug, Clone)]
pub(crate) struct KeptFile {
    /// Below the folder.
    pub(crate) path: String,
    pub(crate) bytes: Bytes,
    pub(crate) sha256: Sha256,
    pub(crate) content_type: String,
}

impl ToKeep<'_> {
    /// Everything that is to be written.
    pub(super) fn pack(self, fault: StorageFault) -> Result<Packed, Problem> {
        let contents = self.files.iter();
        let contents = contents.map(|file| (file.path.as_str(), &*file.bytes, file.content_type.as_str()));
        let zip = archive::zip(contents);
        let zip = zip.map_err(|_| internal("the files can't be packed as a ZIP"))?;
        let request = Bytes::copy_from_slice(self.request.as_bytes());
        let entry = Entry {
            entry_version: ENTRY_VERSION,
            kept_at: self.came,
            reason: fault.name().to_owned(),
            collection: self.collection.name().to_owned(),
            caller: KeptCaller::new(self.asking.caller, self.asking.origin),
            request_sha256: Sha256::of(&request),
            envelope: self.envelope.iter().map(|name| (*name).to_owned()).collect(),
            size: self.files.iter().map(|file| file.bytes.len() as u64).sum(),
            files: self.files.iter().map(described).collect(),
            zip: EntryZip {
                size: zip.len() as u64,
                sha256: Sha256::of(&zip),
                file_name: self.zip_name,
            },
            folder: self.folder,
            task: self.task,
        };
        let record = serde_json::to_vec_pretty(&entry);
        let record = Bytes::from(record.map_err(|_| internal("an entry can't be written as JSON"))?);
        let size = entry.size + entry.zip.size + (request.len() + record.len()) as u64;
        Ok(Packed {
            name: EntryName::new(self.collection, self.subject, self.identity),
            size,
            is_alone: self.conflict.is_some(),
            contents: self.files.into_iter().map(|file| file.bytes).collect(),
            zip: Bytes::from(zip),
            request,
            record,
            entry,
        })
    }
}

fn described(file: &KeptFile) -> EntryFile {
    EntryFile {
        path: file.path.clone(),
        size: file.bytes.len() as u64,
        sha256: file.sha256,
        content_type: file.content_type.clone(),
        stored_as: shortened(&file.path),
    }
}

/// Where a file goes whose name is longer than a file system takes: under the name's digest, with its extension.
fn shortened(path: &str) -> Option<String> {
    let (folder, name) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, name)| (folder, name));
    if name.len() <= MAX_NAME_BYTES {
        return None;
    }
    let digest = Sha256::of(name.as_bytes());
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let extension = extension.filter(|extension| extension.len() <= 16);
    let name = extension.map_or_else(|| digest.to_string(), |extension| format!("{digest}.{extension}"));
    Some(if folder.is_empty() {
        name
    } else {
        format!("{folder}/{name}")
    })
}

fn internal(why: &str) -> Problem {
    Problem::new(ProblemKind::Internal, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_file_system_takes_is_stored_under_another() {
        assert_eq!(shortened("documents/before_a.docx"), None);
        let long = "ü".repeat(200);
        let short = shortened(&format!("documents/before_{long}.docx")).unwrap();
        assert!(
            short.starts_with("documents/") && short.contains(".docx"),
            "{short}"
        );
        assert!(short.len() < 100);
        assert_ne!(Some(short), shortened(&format!("documents/after_{long}.docx")));
        assert!(!shortened(&"x".repeat(300)).unwrap().contains('/'));
    }
}
