//! What an export fixes before it writes anything, so that a repeat, or a twin at the same moment, writes the same
//! bytes to the same place.

use bytes::Bytes;
use casefile::bucket::{Bucket, Created, NewObject};
use casefile::digest::Sha256;
use casefile::key::{BasePath, ObjectKey};
use casefile::name::{FolderName, SessionId};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time;
use casefile::verify::read_manifest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problems::storage_problem;
use super::request::ReviewRequest;

/// A reservation is well below this size.
const MAX_RESERVATION_BYTES: u64 = 16 * 1024;
/// Sessions of one document name in one second, and revisions of one session, before an export gives up.
const MAX_ATTEMPTS: u32 = 100;

/// The place, time and content of an export, in `_casefile/sessions/{session_id}.json`. Create-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The session.
    pub session_id: SessionId,
    /// 1 for the first export of the session, 2 for its next revision, …
    pub revision: u32,
    /// The folder that all files go to.
    pub folder_name: FolderName,
    /// When the export began: RFC 3339, UTC.
    pub exported_at: String,
    /// The digest of the request's content.
    pub request_sha256: Sha256,
    /// What writes the files: with another version or template the same request may give other bytes.
    pub generator: String,
    /// Whether this very call made it, so that nothing can have been written yet.
    #[serde(skip)]
    pub is_new: bool,
}

impl Reservation {
    /// The reservation of an export that is answered and not stored: nothing is reserved for it.
    pub fn for_download(request: &ReviewRequest<'_>, now: Timestamp, generator: &str) -> Self {
        Self {
            session_id: request.session.id.clone(),
            revision: 1,
            folder_name: FolderName::new(now, &request.session.document_name, 1),
            exported_at: time::rfc3339(now),
            request_sha256: request.content_sha256,
            generator: generator.to_owned(),
            is_new: true,
        }
    }
}

/// Which session holds a folder's name. Names repeat only within a second, so claims need not be kept for long.
#[derive(Serialize)]
struct Claim<'a> {
    session_id: &'a SessionId,
    revision: u32,
}

/// What a reservation that is already there means for a request.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// The same content: go on with it.
    Continue,
    /// Look at the next revision.
    Next,
    /// Other content, and no new revision asked for.
    Refuse,
}

/// Everything that reserving needs beside the request.
#[derive(Debug, Clone, Copy)]
pub struct Reserver<'a> {
    /// Where exports go.
    pub bucket: &'a Bucket,
    /// What comes before the folder.
    pub base: &'a BasePath,
    /// Program, version and template.
    pub generator: &'a str,
}

impl Reserver<'_> {
    /// Reserves a place for the request, or finds the one that it, or its twin, has reserved.
    ///
    /// # Errors
    /// `conflict` when the session was exported with other content and no new revision is asked for; `unavailable`
    /// and `internal` when storage fails.
    pub async fn reserve(&self, request: &ReviewRequest<'_>, now: Timestamp) -> Result<Reservation, Problem> {
        for revision in 1..=MAX_ATTEMPTS {
            let mine = self.candidate(request, now, revision).await?;
            let reservation = self.create_or_read(mine).await?;
            match self.decide(&reservation, request).await? {
                Decision::Continue => return Ok(reservation),
                Decision::Next => {}
                Decision::Refuse => return Err(other_content(&reservation)),
            }
        }
        Err(Problem::new(
            ProblemKind::Conflict,
            format!("the session has {MAX_ATTEMPTS} revisions, the most there are"),
        ))
    }

    async fn candidate(
        &self,
        request: &ReviewRequest<'_>,
        now: Timestamp,
        revision: u32,
    ) -> Result<Reservation, Problem> {
        Ok(Reservation {
            session_id: request.session.id.clone(),
            revision,
            folder_name: self.claim_folder(request, now, revision).await?,
            exported_at: time::rfc3339(now),
            request_sha256: request.content_sha256,
            generator: self.generator.to_owned(),
            is_new: false,
        })
    }

    /// Takes the first free name. A twin of this request finds its own claim and takes the same name.
    async fn claim_folder(
        &self,
        request: &ReviewRequest<'_>,
        now: Timestamp,
        revision: u32,
    ) -> Result<FolderName, Problem> {
        let session = &request.session;
        let claim = Claim {
            session_id: &session.id,
            revision,
        };
        for attempt in 1..=MAX_ATTEMPTS {
            let folder = FolderName::new(now, &session.document_name, attempt);
            let object = self.object(&ObjectKey::FolderClaim(folder.clone()), &claim)?;
            match self.bucket.create(&object).await {
                Ok(_) => return Ok(folder),
                Err(StoreError::AlreadyExists) => {}
                Err(error) => return Err(storage_problem(&error)),
            }
        }
        let detail =
            "too many sessions of this document's name are exported in this second; repeat the request";
        Err(Problem {
            retry_after: Some(1),
            ..Problem::new(ProblemKind::Unavailable, detail)
        })
    }

    async fn create_or_read(&self, mine: Reservation) -> Result<Reservation, Problem> {
        let key = ObjectKey::SessionReservation {
            session: mine.session_id.clone(),
            revision: mine.revision,
        };
        let object = self.object(&key, &mine)?;
        match self.bucket.create(&object).await {
            Ok(created) => {
                return Ok(Reservation {
                    is_new: created == Created::Now,
                    ..mine
                });
            }
            Err(StoreError::AlreadyExists) => {}
            Err(error) => return Err(storage_problem(&error)),
        }
        let bytes = self
            .bucket
            .read(&object.key, MAX_RESERVATION_BYTES)
            .await
            .map_err(|e| storage_problem(&e))?;
        serde_json::from_slice(&bytes)
            .map_err(|_| storage_problem(&StoreError::Damaged("a session's reservation can't be read")))
    }

    async fn decide(&self, found: &Reservation, request: &ReviewRequest<'_>) -> Result<Decision, Problem> {
        if found.request_sha256 != request.content_sha256 {
            return Ok(if request.revision {
                Decision::Next
            } else {
                Decision::Refuse
            });
        }
        if found.generator == self.generator || self.is_complete(found).await? {
            return Ok(Decision::Continue);
        }
        // Begun by another version and never finished: this one would write other bytes, so it takes a new folder.
        Ok(Decision::Next)
    }

    async fn is_complete(&self, reservation: &Reservation) -> Result<bool, Problem> {
        match read_manifest(self.bucket, self.base, &reservation.folder_name).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(storage_problem(&error)),
        }
    }

    fn object(&self, key: &ObjectKey, value: &impl Serialize) -> Result<NewObject, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|_| Problem::new(ProblemKind::Internal, "a reservation can't be written as JSON"))?;
        Ok(NewObject {
            key: key.path(self.base),
            sha256: Sha256::of(&body),
            body: Bytes::from(body),
            content_type: key.content_type(),
        })
    }
}

fn other_content(found: &Reservation) -> Problem {
    let detail = format!(
        "session {} was exported with other content, as {} at {}; to keep both, repeat the request with \
         \"revision\": true",
        found.session_id, found.folder_name, found.exported_at
    );
    Problem::new(ProblemKind::Conflict, detail)
}
