//! The entries of lists: small objects whose keys sort newest first, so that a page costs the same however many there
//! are.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bucket::NewObject;
use crate::collection::Collection;
use crate::digest::Sha256;
use crate::document::Document;
use crate::key::{BasePath, List, ObjectKey, SessionFile};
use crate::manifest::{Manifest, Summary};
use crate::name::{Owner, TenantId};
use crate::time;

/// Year to millisecond.
const DIGITS: usize = 17;
/// A pointer's body is well below this size.
pub const MAX_POINTER_BYTES: u64 = 16 * 1024;

/// What an entry is called in its list: its time counted down, then what it points to.
///
/// Each digit of `YYYYMMDDhhmmssmmm` (UTC) is taken from nine. So the names sort newest first, and those of one year,
/// month or day begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointerName(String);

impl PointerName {
    /// The name of the entry of this time that points to `path`.
    pub fn new(time: Timestamp, path: &str) -> Self {
        let digits = time.strftime("%Y%m%d%H%M%S%3f").to_string();
        let escaped = path.replace('%', "%25").replace('/', "%2F");
        Self(format!("{}_{escaped}", counted_down(&digits)))
    }

    /// Reads a name back.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, id) = text.split_at_checked(DIGITS)?;
        let is_name = digits.bytes().all(|byte| byte.is_ascii_digit())
            && id.strip_prefix('_').is_some_and(|id| !id.is_empty())
            && !id.contains('/');
        is_name.then(|| Self(text.to_owned()))
    }

    /// The path that the entry points to.
    pub fn path(&self) -> String {
        let escaped = self.0.get(DIGITS + 1..).unwrap_or_default();
        escaped.replace("%2F", "/").replace("%25", "%")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PointerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What all names begin with whose paths begin with `prefix`: a path begins with its time in digits, whatever stands
/// between them (`20251114_142510_…`, `2025/11/14/…`). Empty where a path begins with something else.
pub fn name_prefix(prefix: &str) -> String {
    let is_digit = |c: &char| c.is_ascii_digit();
    let digits: String = prefix
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '/' | '_'))
        .filter(is_digit)
        .take(14)
        .collect();
    counted_down(&digits)
}

/// [`name_prefix`] within a collection, of whose paths only so many characters are their time: the name of an ECG
/// report's file, after `2025/10/28/`, may begin with digits that are none.
pub fn name_prefix_in(collection: Collection, prefix: &str) -> String {
    name_prefix(&prefix.chars().take(collection.dated_chars()).collect::<String>())
}

fn counted_down(digits: &str) -> String {
    digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| char::from(b'0' + (b'9' - digit)))
        .collect()
}

/// An entry: what a list shows, and what must exist for it to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pointer {
    /// The object with which the document is complete: a session's manifest, or the file itself.
    pub complete_with: String,
    /// What the list shows.
    pub entry: Entry,
}

/// What a list shows of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Below the collection: a session's folder, or a file's path.
    pub path: String,
    /// When it was stored, or what its path says: RFC 3339, UTC.
    pub time: String,
    /// Whose it is within its tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What kind of document it is.
    #[serde(flatten)]
    pub document: EntryKind,
}

/// A session, or a single file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryKind {
    /// A session of document review.
    Session {
        /// The session.
        session_id: String,
        /// 1 for the first export of the session, 2 for its next revision, …
        revision: u32,
        /// The reviewed document's name.
        document_name: String,
        /// How many files there are, the manifest included.
        total_files: usize,
        /// The size of all files.
        total_bytes: u64,
        /// The session's numbers.
        summary: Summary,
    },
    /// A single file.
    File {
        /// Its name.
        file_name: String,
        /// Its media type.
        content_type: String,
        /// In bytes.
        size: u64,
        /// Of the content.
        sha256: Sha256,
    },
}

/// The entries of a session: in its tenant's list and, where it has an owner, in the owner's. `manifest_size` is the
/// manifest file's own, in bytes. Written before the manifest, they are shown only once it is there.
///
/// # Errors
/// Never: an entry is JSON.
pub fn session_pointers(
    base: &BasePath,
    tenant: &TenantId,
    manifest: &Manifest,
    manifest_size: u64,
) -> Result<Vec<NewObject>, serde_json::Error> {
    let pointer = session_pointer(base, manifest, manifest_size);
    let time = time::parse(&manifest.exported_at).unwrap_or_default();
    pointers(base, tenant, Collection::reviews(), &pointer, time)
}

/// The same of a single file that is listed at this time. Written before the file, they are shown only once it is there;
/// of a file that was stored through the API, only those of [`Document::listed_at`].
///
/// # Errors
/// Never: an entry is JSON.
pub fn file_pointers(
    base: &BasePath,
    tenant: &TenantId,
    file: &ListedFile<'_>,
) -> Result<Vec<NewObject>, serde_json::Error> {
    let pointer = Pointer {
        complete_with: file.key.to_owned(),
        entry: Entry {
            path: file.path.to_owned(),
            time: time::rfc3339(file.time),
            owner: file.owner.cloned(),
            document: EntryKind::File {
                file_name: file.key.rsplit('/').next().unwrap_or_default().to_owned(),
                content_type: file.content_type.to_owned(),
                size: file.size,
                sha256: file.sha256,
            },
        },
    };
    pointers(base, tenant, file.collection, &pointer, file.time)
}

/// The same of what is stored already; `None` where the API didn't store it, or its digest isn't known.
///
/// # Errors
/// Never: an entry is JSON.
pub fn stored_pointers(
    base: &BasePath,
    document: &Document,
) -> Option<Result<Vec<NewObject>, serde_json::Error>> {
    let listed = ListedFile {
        collection: document.collection,
        path: &document.path,
        key: &document.key,
        owner: document.owner.as_ref(),
        content_type: &document.content_type,
        size: document.size,
        sha256: document.sha256?,
        time: document.listed_at()?,
    };
    Some(file_pointers(base, document.tenant.as_ref()?, &listed))
}

/// A single file as a list shows it.
#[derive(Debug, Clone, Copy)]
pub struct ListedFile<'a> {
    /// Its collection.
    pub collection: Collection,
    /// Below the collection.
    pub path: &'a str,
    /// In the bucket.
    pub key: &'a str,
    /// Whose it is within its tenant.
    pub owner: Option<&'a Owner>,
    /// The media type.
    pub content_type: &'a str,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
    /// When it is listed.
    pub time: Timestamp,
}

fn pointers(
    base: &BasePath,
    tenant: &TenantId,
    collection: Collection,
    pointer: &Pointer,
    time: Timestamp,
) -> Result<Vec<NewObject>, serde_json::Error> {
    let body = Bytes::from(serde_json::to_vec(pointer)?);
    let owner = pointer.entry.owner.clone();
    let lists = [
        Some(List::Tenant(tenant.clone())),
        owner.map(|owner| List::Owner(tenant.clone(), owner)),
    ];
    let name = PointerName::new(time, &pointer.entry.path);
    let objects = lists.into_iter().flatten().map(|list| {
        let key = ObjectKey::ListPointer {
            list,
            collection,
            name: name.clone(),
        };
        NewObject::json(key.path(base), body.clone())
    });
    Ok(objects.collect())
}

fn session_pointer(base: &BasePath, manifest: &Manifest, manifest_size: u64) -> Pointer {
    let complete_with = ObjectKey::SessionFile {
        folder: manifest.folder_name.clone(),
        file: SessionFile::Manifest,
    };
    let listed: u64 = manifest.files.iter().map(|file| file.size).sum();
    Pointer {
        complete_with: complete_with.path(base),
        entry: Entry {
            path: manifest.folder_name.as_str().to_owned(),
            time: manifest.exported_at.clone(),
            owner: manifest.owner.clone(),
            document: EntryKind::Session {
                session_id: manifest.session_id.as_str().to_owned(),
                revision: manifest.revision,
                document_name: manifest.document_name.as_str().to_owned(),
                total_files: manifest.files.len() + 1,
                total_bytes: listed + manifest_size,
                summary: manifest.summary.clone(),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn names_sort_newest_first() {
        let old = PointerName::new(at("2025-11-14T14:25:10.123Z"), "20251114_142510_a");
        let new = PointerName::new(at("2025-11-14T14:25:10.124Z"), "20251114_142510_a");
        assert_eq!(old.as_str(), "79748885857489876_20251114_142510_a");
        assert!(new.as_str() < old.as_str());
        assert_eq!(PointerName::parse(old.as_str()), Some(old.clone()));
        assert_eq!(old.path(), "20251114_142510_a");
        for text in [
            "",
            "79748885857489876",
            "79748885857489876_",
            "7974888585748987x_a",
        ] {
            assert_eq!(PointerName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn paths_of_one_day_have_names_that_begin_alike() {
        let time = at("2025-11-14T14:25:10.123Z");
        let name = PointerName::new(time, "2025/11/14/x.pdf");
        assert_eq!(name.path(), "2025/11/14/x.pdf");
        for prefix in ["", "2", "2025", "2025/11/1", "2025/11/14/x", "20251114_1425"] {
            assert!(name.as_str().starts_with(&name_prefix(prefix)), "{prefix}");
        }
        for other in ["2024", "2025/12", "20251114_15"] {
            assert!(!name.as_str().starts_with(&name_prefix(other)), "{other}");
        }
        assert_eq!(name_prefix("parquet/2025"), "");
    }

    #[test]
    fn digits_that_are_no_time_narrow_nothing() {
        for (collection, prefix, expected) in [
            (Collection::reviews(), "20251114_142510_2", "79748885857489"),
            (Collection::bols(), "2025/00", "7974"),
            (Collection::ecg_reports(), "2025/10/28/123", "79748971"),
            (Collection::training_logs(), "2025/11/1234", "797488"),
            (Collection::clinical(), "2025", ""),
        ] {
            assert_eq!(name_prefix_in(collection, prefix), expected, "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn every_name_reads_back(millis in 0..4_102_444_800_000_i64, id in "[a-zA-Z0-9_./%!-]{1,80}") {
            let name = PointerName::new(Timestamp::from_millisecond(millis).unwrap(), &id);
            prop_assert_eq!(PointerName::parse(name.as_str()), Some(name.clone()));
            prop_assert_eq!(name.path(), id);
        }
    }
}
