//! A file on its way into its place: what lies there is looked at, the entries of lists are written, and the file after
//! them, create-only, or by `If-Match` where it may follow another version.

use std::collections::HashMap;

use bytes::Bytes;
use casefile::bucket::{Created, Head, Metadata, NewObject, Replaced, Target};
use casefile::collection::Collection;
use casefile::document::{Document as Stored, UPLOADED_AT, optional, ownership};
use casefile::intake;
use casefile::link::{Links, storage_problem};
use casefile::name::{Owner, TenantId};
use casefile::pointer::{ListedFile, file_pointers};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time::rfc3339;
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::document::{Content, Document};
use crate::review::problems::unavailable;

/// How often it is begun anew because somebody else was faster.
const TRIES: u32 = 8;

/// A file that is to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewFile<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) collection: Collection,
    pub(crate) path: &'a str,
    pub(crate) document: &'a Document,
    pub(crate) content_type: &'static str,
    /// Beside Casefile's own.
    pub(crate) metadata: Metadata,
    pub(crate) owner: Option<&'a Owner>,
    pub(crate) overwrite: Overwrite<'a>,
}

/// What may lie in a file's place, other than itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Overwrite<'a> {
    /// Nothing.
    Never,
    /// Just the version of this id or digest, or nothing.
    Version(Option<&'a str>),
    /// Any version of the same tenant's.
    Current,
}

/// A file in its place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) document: Stored,
    /// Whether it didn't lie there before.
    pub(crate) is_new: bool,
}

/// What became of an attempt: `None` when somebody else was faster.
type Attempt = Option<Placed>;

/// Puts a file into its place. The same content of the same tenant counts as put.
///
/// # Errors
/// `conflict` when something else lies there; `unavailable` and `internal` when storage fails.
pub(crate) async fn place(links: &Links, new: &NewFile<'_>) -> Result<Placed, Problem> {
    let key = new.collection.key(&links.base, new.path).ok_or_else(|| {
        Problem::new(
            ProblemKind::Internal,
            "the file's name makes no key of its collection",
        )
    })?;
    for _ in 0..TRIES {
        let found = optional(links.bucket.head(&key)).await;
        let attempt = match found.map_err(failed)? {
            Some(head) => new.follow(links, &key, head).await?,
            None => new.create(links, &key).await?,
        };
        if let Some(placed) = attempt {
            return Ok(placed);
        }
    }
    Err(unavailable("others keep changing the same file"))
}

fn failed(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => unavailable("an upload has just been removed"),
        error => storage_problem(&error),
    }
}

impl NewFile<'_> {
    /// Where nothing lies.
    async fn create(&self, links: &Links, key: &str) -> Result<Attempt, Problem> {
        if let Overwrite::Version(Some(_)) = self.overwrite {
            return Err(conflict(
                "nothing is there that it could replace; leave \"replaces\" out",
            ));
        }
        let now = links.audit.now();
        match self.write(links, key, now).await? {
            Ok(Created {
                is_new: true,
                version_id,
            }) => Ok(Some(self.placed(key, now, version_id))),
            // A twin was faster, or another file.
            Ok(_) | Err(StoreError::AlreadyExists) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The entries of lists, and after them the file, create-only.
    ///
    /// # Errors
    /// What the entries fail with; the file's own outcome is the answer.
    pub(crate) async fn write(
        &self,
        links: &Links,
        key: &str,
        uploaded: Timestamp,
    ) -> Result<Result<Created, StoreError>, Problem> {
        self.list(links, key, uploaded).await?;
        Ok(match &self.document.content {
            Content::Bytes(bytes) => links.bucket.create(&self.object(key, bytes, uploaded)).await,
            Content::Upload(source, _) => links.bucket.copy(source, &self.target(key, uploaded)).await,
        })
    }

    /// Where something lies.
    async fn follow(&self, links: &Links, key: &str, head: Head) -> Result<Attempt, Problem> {
        let etag = head.etag.clone().unwrap_or_default();
        let size = head.size;
        let mut there = Stored::new(self.collection, self.path.to_owned(), key.to_owned(), head);
        if there.sha256.is_none() && size == self.document.size {
            let hashed = links.bucket.hash_version(key, there.version_id.as_deref()).await;
            there.sha256 = Some(hashed.map_err(failed)?.sha256);
        }
        let is_own = there.tenant.as_ref() == Some(self.tenant);
        if is_own && size == self.document.size && there.sha256 == Some(self.document.sha256) {
            mend_entries(links, &there).await?;
            return Ok(Some(Placed {
                document: there,
                is_new: false,
            }));
        }
        if !is_own {
            return Err(conflict(
                "something else lies under the same name; nothing was overwritten",
            ));
        }
        self.may_replace(&there)?;
        self.replace(links, key, &etag).await
    }

    fn may_replace(&self, there: &Stored) -> Result<(), Problem> {
        let is = |named: &str| {
            there.version_id.as_deref() == Some(named)
                || there.sha256.is_some_and(|sha256| sha256.to_string() == named)
        };
        match self.overwrite {
            Overwrite::Current => Ok(()),
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

    async fn replace(&self, links: &Links, key: &str, etag: &str) -> Result<Attempt, Problem> {
        let now = links.audit.now();
        self.list(links, key, now).await?;
        let replaced = match &self.document.content {
            Content::Bytes(bytes) => links.bucket.replace(&self.object(key, bytes, now), etag).await,
            Content::Upload(source, _) => {
                links
                    .bucket
                    .replace_by_copy(source, &self.target(key, now), etag)
                    .await
            }
        };
        match replaced.map_err(failed)? {
            Replaced::Now(version_id) => Ok(Some(self.placed(key, now, version_id))),
            Replaced::Changed => Ok(None),
        }
    }

    /// Writes the entries of lists, which are shown once the file is there.
    async fn list(&self, links: &Links, key: &str, uploaded: Timestamp) -> Result<(), Problem> {
        let listed = ListedFile {
            collection: self.collection,
            path: self.path,
            key,
            owner: self.owner,
            content_type: self.content_type,
            size: self.document.size,
            sha256: self.document.sha256,
            time: intake::listed_time(self.collection, self.path, uploaded),
        };
        write_entries(links, self.tenant, &listed).await
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
            sha256: self.document.sha256,
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
            size: self.document.size,
            sha256: Some(self.document.sha256),
            content_type: self.content_type.to_owned(),
            last_modified: None,
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
    let (Some(tenant), Some(sha256), Some(time)) = (&there.tenant, there.sha256, there.listed_at()) else {
        return Ok(());
    };
    let listed = ListedFile {
        collection: there.collection,
        path: &there.path,
        key: &there.key,
        owner: there.owner.as_ref(),
        content_type: &there.content_type,
        size: there.size,
        sha256,
        time,
    };
    write_entries(links, tenant, &listed).await
}

async fn write_entries(links: &Links, tenant: &TenantId, listed: &ListedFile<'_>) -> Result<(), Problem> {
    let pointers = file_pointers(&links.base, tenant, listed)
        .map_err(|_| Problem::new(ProblemKind::Internal, "a list's entry can't be written as JSON"))?;
    let written = pointers.iter().map(|pointer| async {
        match links.bucket.create(pointer).await {
            // Another version of this program wrote it in another form. Whoever reads it checks it.
            Err(StoreError::AlreadyExists) => Ok(()),
            created => created.map(drop),
        }
    });
    try_join_all(written).await.map(drop).map_err(failed)
}

fn conflict(detail: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, detail)
}
