//! A page of a list: the pointers in their order, of which those are shown that the caller may read.

use std::collections::BTreeSet;

use bytes::Bytes;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{self, Document};
use casefile::key::{List, ObjectKey, SessionFile};
use casefile::link::{Asking, Links};
use casefile::name::FolderName;
use casefile::permission::Action;
use casefile::pointer::{Entry, EntryKind, MAX_POINTER_BYTES, Pointer, PointerName, name_prefix_in};
use casefile::store_error::StoreError;
use casefile::time::rfc3339;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::question::{Question, encode};

/// Entries looked at at once, with two requests each: enough to hide S3's latency, few enough for one thread.
const AT_ONCE: usize = 16;
/// What one call does at most, where much is listed that isn't shown.
const MAX_LISTS: usize = 20;
const MAX_LOOKS: usize = 1_000;
/// The most keys that one LIST gives.
const MAX_KEYS: usize = 1_000;

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Newest first.
    pub(super) entries: Vec<Entry>,
    /// How to go on, when there may be more.
    pub(super) next_cursor: Option<String>,
    /// The policies that let the entries be shown.
    pub(super) policies: BTreeSet<String>,
}

/// The reading of a page.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    links: &'a Links,
    asking: &'a Asking<'a>,
    collection: Collection,
    question: &'a Question,
    /// What the keys of the list begin with.
    prefix: String,
    shown: Vec<Shown>,
    looks: usize,
    /// The last entry that was looked at or passed over.
    scanned: Option<PointerName>,
}

#[derive(Debug)]
struct Shown {
    name: PointerName,
    entry: Entry,
    policies: Vec<String>,
}

impl<'a> Reading<'a> {
    /// The reading of a page of `list`.
    pub(super) fn new(
        links: &'a Links,
        asking: &'a Asking<'a>,
        collection: Collection,
        list: &List,
        question: &'a Question,
    ) -> Self {
        Self {
            links,
            asking,
            collection,
            question,
            prefix: list.prefix(collection),
            shown: Vec::new(),
            looks: 0,
            scanned: None,
        }
    }

    /// Reads the page: one LIST and the entries' own objects where all that is listed may be shown; up to 20 LISTs and
    /// 1,000 entries where much may not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub(super) async fn page(mut self) -> Result<Page, StoreError> {
        let prefix = format!(
            "{}{}",
            self.prefix,
            name_prefix_in(self.collection, &self.question.prefix)
        );
        let mut after = self.question.cursor.as_ref().map(|name| self.key(name));
        for turn in 0..MAX_LISTS {
            let size = self.list_size(turn == 0);
            let listed = self.links.bucket.page(&prefix, after.as_deref(), size).await?;
            let has_rest = self.take(self.candidates(&listed.keys)).await?;
            let may_go_on = has_rest || listed.is_cut;
            after = listed.keys.last().cloned();
            if self.missing() == 0 {
                let last = self.shown.last().map(|shown| shown.name.clone());
                return Ok(self.into_page(last.filter(|_| may_go_on).as_ref()));
            }
            if has_rest {
                break;
            }
            if !listed.is_cut || after.is_none() {
                return Ok(self.into_page(None));
            }
            let passed = after.as_deref().and_then(|key| self.name(key));
            self.scanned = passed.or(self.scanned);
        }
        let scanned = self.scanned.clone();
        Ok(self.into_page(scanned.as_ref()))
    }

    fn key(&self, name: &PointerName) -> String {
        format!("{}{name}", self.prefix)
    }

    fn missing(&self) -> usize {
        self.question.limit.saturating_sub(self.shown.len())
    }

    /// One key more than the page needs shows whether there is another page. Where names are sorted out by their paths,
    /// or entries didn't show, a LIST gives as many as it can.
    fn list_size(&self, is_first: bool) -> i32 {
        let size = if is_first && self.question.prefix.is_empty() {
            self.missing() + 1
        } else {
            MAX_KEYS
        };
        i32::try_from(size).unwrap_or(i32::MAX)
    }

    fn name(&self, key: &str) -> Option<PointerName> {
        PointerName::parse(key.strip_prefix(&self.prefix)?)
    }

    /// The entries whose paths begin as asked for.
    fn candidates(&self, keys: &[String]) -> Vec<PointerName> {
        let names = keys.iter().filter_map(|key| {
            let name = self.name(key);
            if name.is_none() {
                damaged(key, "it has no entry's name");
            }
            name
        });
        names
            .filter(|name| name.path().starts_with(&self.question.prefix))
            .collect()
    }

    /// Looks at as many of the candidates as the page needs; whether some are left for another page.
    async fn take(&mut self, candidates: Vec<PointerName>) -> Result<bool, StoreError> {
        let mut rest = candidates.as_slice();
        let mut size = self.missing();
        while self.missing() > 0 && self.looks < MAX_LOOKS {
            let (batch, others) = rest.split_at(size.min(rest.len()));
            let Some(last) = batch.last() else { break };
            let reading = &*self;
            let looked: Vec<_> = stream::iter(batch)
                .map(|name| reading.look(name))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            self.looks += batch.len();
            self.shown.extend(looked.into_iter().flatten());
            self.scanned = Some(last.clone());
            rest = others;
            // Where entries don't show, the last few of a page aren't looked for one by one.
            size = self.missing().max(AT_ONCE);
        }
        let is_over = self.shown.len() > self.question.limit;
        self.shown.truncate(self.question.limit);
        Ok(is_over || !rest.is_empty())
    }

    /// An entry, if it is complete and the caller may read what it points to. Whose that is, its own metadata says, as
    /// for links.
    async fn look(&self, name: &PointerName) -> Result<Option<Shown>, StoreError> {
        let (key, path) = (self.key(name), name.path());
        let Some(complete_with) = self.complete_with(&path) else {
            damaged(&key, "nothing of the collection can lie where it points to");
            return Ok(None);
        };
        let head = document::optional(self.links.bucket.head(&complete_with));
        let (body, head) = futures::try_join!(self.body(&key), head)?;
        let (Some(body), Some(head)) = (body, head) else {
            return Ok(None);
        };
        let document = Document::new(self.collection, path, complete_with, head);
        let entry = match read(&body, &document) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(None),
            Err(why) => {
                damaged(&key, why);
                return Ok(None);
            }
        };
        let (document, decision) = self
            .links
            .decide(self.asking.caller, Action::Read, Some(document));
        let is_shown = document.is_some() && decision.allowed;
        Ok(is_shown.then(|| Shown {
            name: name.clone(),
            entry,
            policies: decision.policies,
        }))
    }

    /// The object with which what lies at a path is complete.
    fn complete_with(&self, path: &str) -> Option<String> {
        let base = &self.links.base;
        if self.collection == Collection::reviews() {
            let manifest = ObjectKey::SessionFile {
                folder: FolderName::parse(path).ok()?,
                file: SessionFile::Manifest,
            };
            return Some(manifest.path(base));
        }
        self.collection.key(base, path)
    }

    async fn body(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.links.bucket.read(key, MAX_POINTER_BYTES).await {
            Err(StoreError::TooLarge { .. }) => {
                damaged(key, "it is too large");
                Ok(None)
            }
            body => document::optional(std::future::ready(body)).await,
        }
    }

    fn into_page(self, cursor: Option<&PointerName>) -> Page {
        let mut page = Page {
            next_cursor: cursor.map(encode),
            ..Page::default()
        };
        for shown in self.shown {
            page.entries.push(shown.entry);
            page.policies.extend(shown.policies);
        }
        page
    }
}

/// A pointer's entry, if it is the entry of the document that its name leads to. `None` when it is one of an attempt that
/// another one was faster than, or of a version that has been replaced since.
fn read(body: &[u8], document: &Document) -> Result<Option<Entry>, &'static str> {
    let pointer: Pointer = serde_json::from_slice(body).map_err(|_| "it can't be read")?;
    if pointer.complete_with != document.key || pointer.entry.path != document.path {
        return Err("it points elsewhere than its name");
    }
    let is_of_another_time = document
        .listed_at()
        .is_some_and(|time| rfc3339(time) != pointer.entry.time);
    let is_of_other_content = match &pointer.entry.document {
        EntryKind::File { sha256, .. } => document.sha256.is_some_and(|its| its != *sha256),
        EntryKind::Session { .. } => false,
    };
    if is_of_another_time || is_of_other_content {
        return Ok(None);
    }
    if pointer.entry.owner != document.owner {
        return Err("it names another owner than its document");
    }
    Ok(Some(pointer.entry))
}

/// The key holds names, so the log has its digest: `sha256sum` of the key finds it in a listing.
fn damaged(key: &str, why: &str) {
    let key = Sha256::of(key.as_bytes());
    tracing::warn!(storage.key_sha256 = %key, why, "a list's entry is skipped");
}

#[cfg(test)]
mod tests {
    use casefile::bucket::Head;
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Document {
        let metadata = [("tenant", "acme"), ("owner", "c%2017")];
        let head = Head {
            size: 1,
            checksum: None,
            version_id: None,
            etag: None,
            content_type: None,
            last_modified: None,
            is_archived: false,
            metadata: metadata
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let key = "tara/20251114_142510_a/manifest.json".to_owned();
        Document::new(Collection::reviews(), "20251114_142510_a".to_owned(), key, head)
    }

    fn pointer() -> Value {
        json!({"complete_with": "tara/20251114_142510_a/manifest.json", "entry": {
            "path": "20251114_142510_a", "kind": "session", "time": "2025-11-14T14:25:10.000Z", "owner": "c 17",
            "session_id": "x", "revision": 1, "document_name": "a.docx", "total_files": 3, "total_bytes": 7,
            "summary": {"total_ai_suggestions": 0, "total_accepted": 0, "total_rejected": 0,
                        "total_user_feedback": 0, "acceptance_rate": 0.0},
        }})
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = read(pointer().to_string().as_bytes(), &document())
            .unwrap()
            .unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), pointer()["entry"]);
    }

    #[test]
    fn an_entry_of_another_attempt_or_version_does_not_show() {
        let file = |time: &str, digit: &str| {
            let entry = json!({
                "path": "parquet/a.parquet", "kind": "file", "time": time, "file_name": "a.parquet", "size": 1,
                "content_type": "x/y", "sha256": digit.repeat(64),
            });
            json!({"complete_with": "parquet/a.parquet", "entry": entry}).to_string()
        };
        let stored = |metadata: &[(&str, &str)]| {
            let mut document = document();
            document.collection = Collection::clinical();
            "parquet/a.parquet".clone_into(&mut document.path);
            "parquet/a.parquet".clone_into(&mut document.key);
            document.owner = None;
            document.sha256 = Sha256::from_hex(&"a".repeat(64));
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            document.metadata = metadata.iter().map(owned).collect();
            document
        };
        let now = "2025-11-14T14:25:10.000Z";
        let shows = |body: String, document: &Document| read(body.as_bytes(), document).unwrap().is_some();
        let by_api = stored(&[("uploaded-at", now)]);
        assert!(shows(file(now, "a"), &by_api));
        assert!(!shows(file("2025-11-14T14:25:09.000Z", "a"), &by_api));
        assert!(!shows(file(now, "b"), &by_api));
        assert!(shows(file("2025-11-14T14:25:09.000Z", "a"), &stored(&[])));
    }

    #[test]
    fn an_entry_that_isn_t_its_document_s_is_damaged() {
        let changed = |at: &str, to: Value| {
            let mut pointer = pointer();
            *pointer.pointer_mut(at).unwrap() = to;
            pointer.to_string()
        };
        for body in [
            String::new(),
            changed("/complete_with", json!("tara/20251114_142510_b/manifest.json")),
            changed("/entry/path", json!("20251114_142510_b")),
            changed("/entry/owner", json!("c-18")),
            changed("/entry/owner", Value::Null),
            changed("/entry/kind", json!("folder")),
        ] {
            assert!(read(body.as_bytes(), &document()).is_err(), "{body}");
        }
    }
}
