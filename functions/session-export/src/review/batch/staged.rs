//! Requests that lie in the bucket: in the caller's inbox by an upload grant, or in a folder below
//! `inbox/reviews/{tenant}/`, where whoever may put objects there collects them for a schedule. They stay until the inbox
//! expires.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::id::TimeId;
use casefile::json::{Errors, FieldError, Node};
use casefile::key::{BasePath, Inbox, ObjectKey};
use casefile::name::TenantId;
use casefile::problem::{Problem, ProblemKind};

use super::MAX_ITEMS;
use super::request::Item;
use crate::document::too_large;
use crate::review::problems::{storage_problem, unavailable};
use crate::uploads;

/// The largest staged request: a review's own limit doesn't apply, since it doesn't go through API Gateway. Four of them,
/// with what they unpack to, fit into memory.
pub const MAX_STAGED_BYTES: u64 = 20 * 1024 * 1024;
/// Of a folder's name.
const MAX_FOLDER_BYTES: usize = 200;
/// Keys in one answer of S3.
const KEYS_AT_ONCE: i32 = 1_000;

/// A folder of staged requests, and where to go on in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Staged {
    /// `nightly/`.
    folder: String,
    /// The name, within the folder, of the last request that was taken.
    after: Option<String>,
}

/// Some of the staged requests.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) next_cursor: Option<String>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StagedRequest {
    /// Below the tenant's staged requests.
    name: String,
    key: String,
}

impl Staged {
    /// Reads a command's folder and cursor.
    pub(super) fn read(folder: &Node<'_>, cursor: Option<&Node<'_>>, errors: &mut Errors) -> Option<Self> {
        let name = folder.string(errors).and_then(|name| {
            let read = read_folder(&name);
            if read.is_none() {
                let detail = "must be a folder such as nightly/: letters, digits, '-', '_', '.' between single slashes, \
                              at most 200 characters";
                folder.refuse(errors, detail);
            }
            read
        });
        let after = cursor.map(|cursor| {
            let text = cursor.string(errors)?;
            let after = decode(&text);
            if after.is_none() {
                cursor.refuse(errors, "must be the next_cursor of an earlier answer");
            }
            after
        });
        Some(Self {
            folder: name?,
            after: match after {
                None => None,
                Some(after) => Some(after?),
            },
        })
    }

    /// The next requests: the JSON files, in the order of their names.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails.
    pub(super) async fn page(&self, bucket: &Bucket, tenant: &TenantId) -> Result<Page<'static>, Problem> {
        let prefix = key(tenant, &self.folder);
        let mut last = self.after.as_ref().map(|after| format!("{prefix}{after}"));
        let mut names: Vec<String> = Vec::new();
        loop {
            let page = bucket.page(&prefix, last.as_deref(), KEYS_AT_ONCE).await;
            let page = page.map_err(|error| storage_problem(&error))?;
            let files = page.keys.iter().filter(|key| is_json(key));
            names.extend(
                files
                    .filter_map(|key| key.strip_prefix(&prefix))
                    .map(str::to_owned),
            );
            let is_last = !page.is_cut || page.keys.is_empty();
            if is_last || names.len() > MAX_ITEMS {
                break;
            }
            last = page.keys.into_iter().next_back();
        }
        let is_cut = names.len() > MAX_ITEMS;
        names.truncate(MAX_ITEMS);
        if is_cut {
            tracing::warn!(
                batch.items = MAX_ITEMS,
                "more reviews are staged than one batch exports"
            );
        }
        let cursor = names.last().map(|name| URL_SAFE_NO_PAD.encode(name));
        let items = names.into_iter().map(|name| {
            let key = format!("{prefix}{name}");
            let name = format!("{}{name}", self.folder);
            Item::Staged(StagedRequest { name, key })
        });
        Ok(Page {
            items: items.collect(),
            next_cursor: cursor.filter(|_| is_cut),
        })
    }
}

impl StagedRequest {
    /// Its place below `inbox/reviews/{tenant}/`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads it.
    ///
    /// # Errors
    /// `not-found` when it isn't there any more; `too-large`, `malformed-request`; `unavailable` and `internal` when
    /// storage fails.
    pub(super) async fn read(&self, bucket: &Bucket) -> Result<String, Problem> {
        let gone = || Problem::new(ProblemKind::NotFound, "the staged request isn't there any more");
        read(bucket, &self.key).await?.ok_or_else(gone)
    }
}

/// Reads a request that the caller has uploaded.
///
/// # Errors
/// `invalid-request` when it isn't there, or isn't this caller's; otherwise as for [`StagedRequest::read`].
pub(super) async fn read_upload(bucket: &Bucket, id: TimeId, inbox: &Inbox) -> Result<String, Problem> {
    let missing = || {
        Problem::invalid(vec![FieldError {
            pointer: "/upload_id".to_owned(),
            detail: "names no upload of yours that is there; an upload expires after two days".to_owned(),
        }])
    };
    read(bucket, &uploads::key(id, inbox)).await?.ok_or_else(missing)
}

/// A staged request, in the version that is looked at.
async fn read(bucket: &Bucket, key: &str) -> Result<Option<String>, Problem> {
    let failed = |error| storage_problem(&error);
    let Some(head) = optional(bucket.head(key)).await.map_err(failed)? else {
        return Ok(None);
    };
    if head.size > MAX_STAGED_BYTES {
        return Err(too_large("the staged request", head.size, MAX_STAGED_BYTES));
    }
    let version = head.version_id.as_deref();
    let bytes = optional(bucket.read_version(key, version, head.size)).await;
    let Some(bytes) = bytes.map_err(failed)? else {
        return Ok(None);
    };
    if head.checksum.is_some_and(|sha256| sha256 != Sha256::of(&bytes)) {
        return Err(unavailable(
            "a staged request came back with other bytes than were stored",
        ));
    }
    let not_text = |_| Problem::new(ProblemKind::Malformed, "the staged request is not JSON in UTF-8");
    String::from_utf8(bytes.into()).map(Some).map_err(not_text)
}

fn key(tenant: &TenantId, name: &str) -> String {
    let collection = Collection::reviews();
    let name = format!("{tenant}/{name}");
    // The base path has no part in it.
    ObjectKey::Delivery { collection, name }.path(&BasePath::default())
}

fn is_json(key: &str) -> bool {
    key.rsplit_once('.')
        .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

fn read_folder(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_folder =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
    let folders = text.strip_suffix('/').unwrap_or(text);
    let is_one = folders.len() <= MAX_FOLDER_BYTES && folders.split('/').all(is_folder);
    is_one.then(|| format!("{folders}/"))
}

fn decode(text: &str) -> Option<String> {
    let name = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    // A key has at most 1,024 bytes (S3 user guide, *Naming Amazon S3 objects*).
    (!name.is_empty() && name.len() <= 1_024).then_some(name)
}
