//! A file on its way into its place: what lies there is looked at, the entries of lists are written, and the file after
//! them, create-only, or by `If-Match` where it may follow another version.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use casefile::backoff::Backoff;
use casefile::bucket::{Created, Head, Metadata, NewObject, Outgoing, Replaced, Target};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{BEFORE, Document as Stored, UPLOADED_AT, optional, ownership};
use casefile::intake;
use casefile::link::{Links, storage_problem};
use casefile::name::{Owner, TenantId};
use casefile::pointer::{ListedFile, file_pointers, stored_pointers};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time::{parse, rfc3339};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use crate::document::{Content, Document};
use crate::review::problems::unavailable;

/// How often it is begun anew because somebody else was faster; in all, that is longer than the function lives.
const TRIES: u32 = 40;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(25),
    last: Duration::from_millis(1_600),
};
/// How many earlier versions a file tells of.
const MAX_BEFORE: usize = 60;
/// How many milliseconds later a file may count as stored, so that its entry in a list is its own.
const MAX_LATER: i64 = 100;

/// A file that is to be stored.
#[derive(Debug, Clone)]
pub struct NewFile<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// Its collection.
    pub collection: Collection,
    /// Below the collection.
    pub path: &'a str,
    /// What it holds.
    pub document: Held<'a>,
    /// The media type.
    pub content_type: &'static str,
    /// Beside Casefile's own.
    pub metadata: Metadata,
    /// Whose it is within its tenant.
    pub owner: Option<&'a Owner>,
    /// What may lie in its place.
    pub overwrite: Overwrite<'a>,
}

/// What a file holds, by where it comes from.
#[derive(Debug, Clone, Copy)]
pub enum Held<'a> {
    /// A request.
    Document(&'a Document),
    /// This machine: it is read as it is sent, and replaces nothing.
    Local(&'a Outgoing),
}

impl Held<'_> {
    fn size(self) -> u64 {
        match self {
            Self::Document(document) => document.size,
            Self::Local(outgoing) => outgoing.content().size,
        }
    }

    fn sha256(self) -> Sha256 {
        match self {
            Self::Document(document) => document.sha256,
            Self::Local(outgoing) => outgoing.content().sha256,
        }
    }
}

/// What may lie in a file's place, other than itself.
#[derive(Debug, Clone, Copy)]
pub enum Overwrite<'a> {
    /// Nothing.
    Never,
    /// Just the version of this id or digest, or nothing.
    Version(Option<&'a str>),
    /// Any version of the same tenant's; but none that was stored after this time, when what follows it came and had to be
    /// kept.
    Current(Option<Timestamp>),
}

/// A file in its place.
#[derive(Debug)]
pub struct Placed {
    /// As it is stored.
    pub document: Stored,
    /// Whether it didn't lie there before.
    pub is_new: bool,
}

/// What became of an attempt: `None` when somebody else was faster.
type Attempt = Option<Placed>;

/// Puts a file into its place. The same content of the same tenant counts as put.
///
/// # Errors
/// `conflict` when something else lies there; `unavailable` and `internal` when storage fails.
pub async fn place(links: &Links, new: &NewFile<'_>) -> Result<Placed, Problem> {
    let key = new.key(links)?;
    for tried in 0..TRIES {
        let found = optional(links.bucket.head(&key)).await;
        let attempt = match found.map_err(failed)? {
            Some(head) => new.follow(links, &key, head).await?,
            None => new.create(links, &key).await?,
        };
        if let Some(placed) = attempt {
            return Ok(placed);
        }
        tokio::time::sleep(BACKOFF.pause(tried, links.audit.entropy())).await;
    }
    Err(unavailable("others keep changing the same file"))
}

/// A file that is in lists, and not there yet.
#[derive(Debug)]
pub struct Announced {
    key: String,
    uploaded: Timestamp,
}

/// The first half of [`place`] where somebody has just seen that nothing lies there: the entries of lists, without a look.
///
/// # Errors
/// `unavailable` and `internal` when storage fails.
pub async fn announce(links: &Links, new: &NewFile<'_>) -> Result<Announced, Problem> {
    let key = new.key(links)?;
    let uploaded = new.list(links, &key).await?;
    Ok(Announced { key, uploaded })
}

/// The second half: the file itself, create-only. What lies there after all is looked at as [`place`] does.
///
/// # Errors
/// As for [`place`].
pub async fn deliver(links: &Links, new: &NewFile<'_>, announced: Announced) -> Result<Placed, Problem> {
    let Announced { key, uploaded } = announced;
    match new.put(links, &key, uploaded).await {
        Ok(Created {
            is_new: true,
            version_id,
        }) => Ok(new.placed(&key, uploaded, version_id)),
        Ok(_) | Err(StoreError::AlreadyExists) => Box::pin(place(links, new)).await,
        Err(error) => Err(failed(error)),
    }
}

/// The very file where it lies already.
///
/// # Errors
/// As for [`place`], but for `conflict`.
pub(crate) async fn find(links: &Links, new: &NewFile<'_>) -> Result<Option<Placed>, Problem> {
    let Some(key) = new.collection.key(&links.base, new.path) else {
        return Ok(None);
    };
    let Some(head) = optional(links.bucket.head(&key)).await.map_err(failed)? else {
        return Ok(None);
    };
    let there = new.look(links, &key, head).await?;
    if !new.is_same(&there) {
        return Ok(None);
    }
    mend_entries(links, &there).await?;
    Ok(Some(Placed {
        document: there,
        is_new: false,
    }))
}

fn failed(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => unavailable("an upload has just been removed"),
        error => storage_problem(&error),
    }
}

impl NewFile<'_> {
    fn key(&self, links: &Links) -> Result<String, Problem> {
        let key = self.collection.key(&links.base, self.path);
        let none = "the file's name makes no key of its collection";
        key.ok_or_else(|| Problem::new(ProblemKind::Internal, none))
    }

    /// Where nothing lies.
    async fn create(&self, links: &Links, key: &str) -> Result<Attempt, Problem> {
        if let Overwrite::Version(Some(_)) = self.overwrite {
            return Err(conflict(
                "nothing is there that it could replace, or what was there has been rejected; leave \"replaces\" out",
            ));
        }
        let (uploaded, written) = self.write(links, key).await?;
        match written {
            Ok(Created {
                is_new: true,
                version_id,
            }) => Ok(Some(self.placed(key, uploaded, version_id))),
            // A twin was faster, or another file.
            Ok(_) | Err(StoreError::AlreadyExists) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The entries of lists, and after them the file, create-only: when it counts as stored, and the end of that.
    ///
    /// # Errors
    /// What the entries fail with.
    pub(crate) async fn write(
        &self,
        links: &Links,
        key: &str,
    ) -> Result<(Timestamp, Result<Created, StoreError>), Problem> {
        let uploaded = self.list(links, key).await?;
        Ok((uploaded, self.put(links, key, uploaded).await))
    }

    async fn put(&self, links: &Links, key: &str, uploaded: Timestamp) -> Result<Created, StoreError> {
        match self.document {
            Held::Document(document) => match &document.content {
                Content::Bytes(bytes) => links.bucket.create(&self.object(key, bytes, uploaded)).await,
                Content::Upload(source, _) => links.bucket.copy(source, &self.target(key, uploaded)).await,
            },
            Held::Local(outgoing) => {
                let target = self.target(key, uploaded);
                links.bucket.create_from(outgoing, &target).await
            }
        }
    }

    /// Where something lies.
    async fn follow(&self, links: &Links, key: &str, head: Head) -> Result<Attempt, Problem> {
        let etag = head.etag.clone().unwrap_or_default();
        let there = self.look(links, key, head).await?;
        if self.is_same(&there) {
            mend_entries(links, &there).await?;
            return Ok(Some(Placed {
                document: there,
                is_new: false,
            }));
        }
        if there.tenant.as_ref() != Some(self.tenant) {
            return Err(conflict("the name is taken; nothing was overwritten"));
        }
        self.may_replace(&there)?;
        self.replace(links, key, &etag, &there).await
    }

    /// What lies there, with its digest where that may decide.
    async fn look(&self, links: &Links, key: &str, head: Head) -> Result<Stored, Problem> {
        let mut there = Stored::new(self.collection, self.path.to_owned(), key.to_owned(), head);
        if there.sha256.is_none() && there.size == self.document.size() {
            let hashed = links.bucket.hash_version(key, there.version_id.as_deref()).await;
            there.sha256 = Some(hashed.map_err(failed)?.sha256);
        }
        Ok(there)
    }

    fn is_same(&self, there: &Stored) -> bool {
        there.tenant.as_ref() == Some(self.tenant)
            && there.size == self.document.size()
            && there.sha256 == Some(self.document.sha256())
    }

    fn may_replace(&self, there: &Stored) -> Result<(), Problem> {
        let is = |named: &str| {
            there.version_id.as_deref() == Some(named)
                || there.sha256.is_some_and(|sha256| sha256.to_string() == named)
        };
        match self.overwrite {
            Overwrite::Current(_) if self.was_replaced(there) => Err(conflict(
                "this content was a version before, and a newer one has replaced it; nothing was overwritten",
            )),
            Overwrite::Current(Some(came)) if stored_after(there, came) => Err(conflict(
                "a newer version was stored while this one was kept; nothing was overwritten",
            )),
            Overwrite::Current(_) => Ok(()),
            Overwrite::Version(Some(named)) if is(named) => Ok(()),
            Overwrite::Version(named) => {
                let now = there.version_id.as_deref().map(str::to_owned);
                let now = now.or_else(|| there.sha256.map(|sha256| sha256.to_string()));
                let what = if named.is_some() {
                    "another version than \"replaces\" names is there"
                } else {
                    "a version is there already; name it in \"replaces\" to replace it"
                };
                Err(conflict(&format!("{what}: {}", now.unwrap_or_default())))
            }
            Overwrite::Never => Err(conflict(
                "a file with other content lies under the same name; nothing was overwritten",
            )),
        }
    }

    /// Whether a late twin would undo what has come after it.
    fn was_replaced(&self, there: &Stored) -> bool {
        let before = there.metadata.get(BEFORE).map(String::as_str).unwrap_or_default();
        before
            .split(' ')
            .any(|before| before == short(self.document.sha256()))
    }

    /// The contents of earlier versions, as the next one carries them.
    fn before(there: &Stored) -> String {
        let before = there.metadata.get(BEFORE).map(String::as_str).unwrap_or_default();
        let last = there.sha256.map(short);
        let earlier = before.split(' ').filter(|part| !part.is_empty());
        let all = last.as_deref().into_iter().chain(earlier);
        all.take(MAX_BEFORE).collect::<Vec<_>>().join(" ")
    }

    async fn replace(
        &self,
        links: &Links,
        key: &str,
        etag: &str,
        there: &Stored,
    ) -> Result<Attempt, Problem> {
        let Held::Document(document) = self.document else {
            return Err(conflict("a file of this machine replaces nothing"));
        };
        let mut new = self.clone();
        if let Overwrite::Current(_) = self.overwrite {
            new.metadata.push((BEFORE, Self::before(there)));
        }
        let now = new.list(links, key).await?;
        let replaced = match &document.content {
            Content::Bytes(bytes) => links.bucket.replace(&new.object(key, bytes, now), etag).await,
            Content::Upload(source, _) => {
                links
                    .bucket
                    .replace_by_copy(source, &new.target(key, now), etag)
                    .await
            }
        };
        match replaced.map_err(failed)? {
            Replaced::Now(version_id) => {
                remove_entries(links, there).await;
                Ok(Some(new.placed(key, now, version_id)))
            }
            Replaced::Changed => Ok(None),
        }
    }

    /// Writes the entries of lists, which are shown once the file is there; gives when it then counts as stored. Now, or
    /// a few milliseconds later, where another content's entry has the name that this one's would have.
    async fn list(&self, links: &Links, key: &str) -> Result<Timestamp, Problem> {
        let now = links.audit.now();
        for later in 0..MAX_LATER {
            let uploaded = now
                .saturating_add(SignedDuration::from_millis(later))
                .unwrap_or(now);
            let listed = ListedFile {
                collection: self.collection,
                path: self.path,
                key,
                owner: self.owner,
                content_type: self.content_type,
                size: self.document.size(),
                sha256: self.document.sha256(),
                time: intake::listed_time(self.collection, self.path, uploaded),
            };
            if create_all(links, &pointers(links, self.tenant, &listed)?).await? {
                return Ok(uploaded);
            }
        }
        Err(unavailable("too many store the same file at once"))
    }

    fn metadata(&self, uploaded: Timestamp) -> Metadata {
        let own = ownership(self.tenant, self.owner);
        let uploaded = (UPLOADED_AT, rfc3339(uploaded));
        self.metadata
            .iter()
            .cloned()
            .chain(own)
            .chain([uploaded])
            .collect()
    }

    fn object(&self, key: &str, bytes: &Bytes, uploaded: Timestamp) -> NewObject {
        NewObject {
            key: key.to_owned(),
            content_type: self.content_type,
            body: Bytes::clone(bytes),
            sha256: self.document.sha256(),
            metadata: self.metadata(uploaded),
        }
    }

    fn target(&self, key: &str, uploaded: Timestamp) -> Target {
        Target {
            key: key.to_owned(),
            content_type: self.content_type,
            metadata: self.metadata(uploaded),
        }
    }

    /// What was stored just now is known.
    pub(crate) fn placed(&self, key: &str, uploaded: Timestamp, version_id: Option<String>) -> Placed {
        let metadata = self.metadata.iter().cloned();
        let mut metadata: HashMap<String, String> =
            metadata.map(|(name, value)| (name.to_owned(), value)).collect();
        metadata.insert(UPLOADED_AT.to_owned(), rfc3339(uploaded));
        let document = Stored {
            collection: self.collection,
            path: self.path.to_owned(),
            key: key.to_owned(),
            file_name: key.rsplit('/').next().unwrap_or_default().to_owned(),
            version_id,
            size: self.document.size(),
            sha256: Some(self.document.sha256()),
            content_type: self.content_type.to_owned(),
            last_modified: None,
            is_archived: false,
            tenant: Some(self.tenant.clone()),
            owner: self.owner.cloned(),
            metadata,
        };
        Placed {
            document,
            is_new: true,
        }
    }
}

/// Writes the entries of what is there, should it have been stored by a call that was stopped before it wrote them all.
pub(crate) async fn mend_entries(links: &Links, there: &Stored) -> Result<(), Problem> {
    match entries(links, there) {
        // One in another form is one of another version of this program. Whoever reads it checks it.
        Some(pointers) => create_all(links, &pointers?).await.map(drop),
        None => Ok(()),
    }
}

/// The entries of what is there; `None` where the API didn't store it.
fn entries(links: &Links, there: &Stored) -> Option<Result<Vec<NewObject>, Problem>> {
    Some(stored_pointers(&links.base, there)?.map_err(no_json))
}

fn pointers(links: &Links, tenant: &TenantId, listed: &ListedFile<'_>) -> Result<Vec<NewObject>, Problem> {
    file_pointers(&links.base, tenant, listed).map_err(no_json)
}

fn no_json(_: serde_json::Error) -> Problem {
    Problem::new(ProblemKind::Internal, "a list's entry can't be written as JSON")
}

/// Whether they are there now, and no others are in their place.
async fn create_all(links: &Links, pointers: &[NewObject]) -> Result<bool, Problem> {
    let written = pointers.iter().map(|pointer| async {
        match links.bucket.create(pointer).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    });
    let written = try_join_all(written).await?;
    Ok(written.into_iter().all(|is_there| is_there))
}

/// Removes the entries of a version that was replaced, which no list shows any more. Should it fail, lists pass them over.
async fn remove_entries(links: &Links, there: &Stored) {
    let Some(Ok(pointers)) = entries(links, there) else {
        return;
    };
    let removed = pointers.iter().map(|pointer| links.bucket.delete(&pointer.key));
    if let Err(error) = try_join_all(removed).await {
        tracing::warn!(storage.error = %error, "entries of a replaced version stay");
    }
}

fn stored_after(there: &Stored, time: Timestamp) -> bool {
    let stored = there.metadata.get(UPLOADED_AT).and_then(|text| parse(text));
    stored.is_some_and(|stored| stored > time)
}

/// Enough of a digest to know a content again.
fn short(sha256: Sha256) -> String {
    sha256.to_string().chars().take(16).collect()
}

fn conflict(detail: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, detail)
}
