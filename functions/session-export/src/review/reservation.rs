//! What an export fixes before it writes a file, so that a repeat, or a twin at the same moment, writes the same bytes
//! to the same place. All of it is create-only.

use casefile::bucket::{Bucket, NewObject};
use casefile::digest::Sha256;
use casefile::key::{BasePath, ObjectKey};
use casefile::name::{FolderName, SessionId, TenantId};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problems::{storage_problem, unavailable};
use super::request::ReviewRequest;

/// A reservation is well below this size.
const MAX_RESERVATION_BYTES: u64 = 16 * 1024;
/// Sessions of one document's name in one second before an export gives up.
const MAX_CLAIMS: u32 = 100;

/// The place, time and content of an export, in `_casefile/sessions/{tenant}/{session_id}.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The session.
    pub session_id: SessionId,
    /// 1 for the first export of the session, 2 for its next revision, …
    pub revision: u32,
    /// What comes before the folder: as it was then, whatever the function's setting is now.
    pub base_path: BasePath,
    /// The folder that all files go to.
    pub folder_name: FolderName,
    /// When the export began: RFC 3339, UTC.
    pub exported_at: String,
    /// The digest of the request's content.
    pub request_sha256: Sha256,
    /// The digest of the manifest, and by it of every file: who would write other bytes, such as another version of
    /// this program, must write them elsewhere.
    pub manifest_sha256: Sha256,
}

/// Whose a folder's name is. Names repeat only within a second, so claims need not be kept for long; one that comes to
/// nothing costs another session of that second no more than a `_2`.
#[derive(Serialize)]
struct Claim<'a> {
    tenant: &'a TenantId,
    session_id: &'a SessionId,
    request_sha256: Sha256,
    generator: &'a str,
}

/// The same as it is read back, whichever program made it.
#[derive(Deserialize, PartialEq, Eq)]
struct Claimed {
    tenant: TenantId,
    session_id: SessionId,
    request_sha256: Sha256,
}

/// The bucket's reservations.
#[derive(Debug, Clone, Copy)]
pub struct Reservations<'a> {
    /// Where exports go.
    pub bucket: &'a Bucket,
    /// What comes before a session's folder.
    pub base: &'a BasePath,
    /// Whose sessions: two tenants' sessions of one id have nothing to do with each other.
    pub tenant: &'a TenantId,
}

impl Reservations<'_> {
    /// Takes the first free folder name of this second. A twin of the request, from the same program, takes the same.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails, or the second has too many sessions of this name.
    pub async fn claim_folder(
        &self,
        request: &ReviewRequest<'_>,
        generator: &str,
        now: Timestamp,
    ) -> Result<FolderName, Problem> {
        for attempt in 1..=MAX_CLAIMS {
            let folder = FolderName::new(now, &request.session.document_name, attempt);
            let object = self.claim_object(request, generator, &folder)?;
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

    /// Takes this very folder name, unless another session, or other content, has it.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails.
    pub async fn claim(
        &self,
        request: &ReviewRequest<'_>,
        generator: &str,
        folder: &FolderName,
    ) -> Result<bool, Problem> {
        let object = self.claim_object(request, generator, folder)?;
        let failed = |error: StoreError| storage_problem(&error);
        match self.bucket.create(&object).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists) => {
                let found = self.bucket.read(&object.key, MAX_RESERVATION_BYTES).await;
                let found: Option<Claimed> = serde_json::from_slice(&found.map_err(failed)?).ok();
                let ours = Claimed {
                    tenant: self.tenant.clone(),
                    session_id: request.session.id.clone(),
                    request_sha256: request.content_sha256(),
                };
                Ok(found == Some(ours))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn claim_object(
        &self,
        request: &ReviewRequest<'_>,
        generator: &str,
        folder: &FolderName,
    ) -> Result<NewObject, Problem> {
        let claim = Claim {
            tenant: self.tenant,
            session_id: &request.session.id,
            request_sha256: request.content_sha256(),
            generator,
        };
        self.object(&ObjectKey::FolderClaim(folder.clone()), &claim)
    }

    /// Makes the reservation, or finds the one that is there: `None` when this call made it, so that nothing can have
    /// been written yet.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails.
    pub async fn create_or_read(&self, mine: &Reservation) -> Result<Option<Reservation>, Problem> {
        let key = self.key(&mine.session_id, mine.revision);
        match self.bucket.create(&self.object(&key, mine)?).await {
            Ok(created) => Ok((!created.is_new).then(|| mine.clone())),
            Err(StoreError::AlreadyExists) => match self.read(&mine.session_id, mine.revision).await? {
                Some(found) => Ok(Some(found)),
                None => Err(unavailable("the session's reservation has just been removed")),
            },
            Err(error) => Err(storage_problem(&error)),
        }
    }

    /// The reservation of a session's revision, if there is one.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails.
    pub async fn read(&self, session: &SessionId, revision: u32) -> Result<Option<Reservation>, Problem> {
        let key = self.key(session, revision);
        let bytes = match self
            .bucket
            .read(&key.path(self.base), MAX_RESERVATION_BYTES)
            .await
        {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(storage_problem(&error)),
        };
        let damaged = |_| storage_problem(&StoreError::Damaged("a session's reservation can't be read"));
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    fn key(&self, session: &SessionId, revision: u32) -> ObjectKey {
        ObjectKey::SessionReservation {
            tenant: self.tenant.clone(),
            session: session.clone(),
            revision,
        }
    }

    fn object(&self, key: &ObjectKey, value: &impl Serialize) -> Result<NewObject, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|_| Problem::new(ProblemKind::Internal, "a reservation can't be written as JSON"))?;
        Ok(NewObject::json(key.path(self.base), body))
    }
}
