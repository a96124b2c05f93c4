//! Finding the folder that an export goes to: a new one, or the one that it, or its twin, has begun or finished.

use casefile::bucket::Bucket;
use casefile::digest::Sha256;
use casefile::key::{BasePath, SessionFile};
use casefile::manifest::Manifest;
use casefile::name::FolderName;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time;
use casefile::verify::{parse_manifest, read_manifest};
use jiff::{SignedDuration, Timestamp};

use super::folder::{Draft, Folder, NewFile};
use super::problems::storage_problem;
use super::reservation::{Reservation, Reservations};

/// Revisions of one session.
const MAX_REVISIONS: u32 = 100;
/// A program that began an export has finished it, or was ended by Lambda, after this time.
const AT_WORK: SignedDuration = SignedDuration::from_secs(60);

/// Where an export stands.
#[derive(Debug)]
pub enum Place {
    /// To be written; the reservation is durable.
    Open(Folder),
    /// Written by an earlier call, or by a twin.
    Finished(Manifest, NewFile),
}

/// What a reservation that is there already means for a request.
enum Finding {
    /// The export goes on here.
    Here(Box<Place>),
    /// Other content lies here.
    Other,
    /// The same content, which another version of this program began and didn't finish.
    Abandoned,
}

/// Looks for an export's place.
pub struct Search<'a> {
    /// What is to be exported.
    pub draft: &'a Draft<'a>,
    /// Where exports go.
    pub bucket: &'a Bucket,
    /// What comes before a session's folder.
    pub base: &'a BasePath,
    /// When the export began.
    pub now: Timestamp,
}

impl Search<'_> {
    /// Reserves a place, or finds the one that is reserved for the same content.
    ///
    /// # Errors
    /// `conflict` when the session was exported with other content and no new revision is asked for; `unavailable`
    /// and `internal` when storage fails.
    pub async fn run(&self) -> Result<Place, Problem> {
        let request = self.draft.request;
        let claimed = self
            .reservations()
            .claim_folder(request, self.draft.generator, self.now)
            .await?;
        let (mine, folder) = self.candidate(&claimed, 1)?;
        let Some(mut found) = self.reservations().create_or_read(&mine).await? else {
            return Ok(Place::Open(folder));
        };
        let mut first_other = None;
        let mut may_add = request.revision;
        for revision in 2..=MAX_REVISIONS {
            match self.judge(&found).await? {
                Finding::Here(place) => return Ok(*place),
                Finding::Abandoned => may_add = true,
                Finding::Other => first_other = first_other.or(Some(found)),
            }
            found = match self.reservations().read(&request.session.id, revision).await? {
                Some(next) => next,
                None if may_add => {
                    let (mine, folder) = self.candidate(&claimed, revision)?;
                    match self.reservations().create_or_read(&mine).await? {
                        Some(theirs) => theirs,
                        None => return Ok(Place::Open(folder)),
                    }
                }
                None => return Err(self.refuse(first_other).await),
            };
        }
        let detail = format!("the session has {MAX_REVISIONS} revisions, the most there may be");
        Err(Problem::new(ProblemKind::Conflict, detail))
    }

    fn reservations(&self) -> Reservations<'_> {
        Reservations {
            bucket: self.bucket,
            base: self.base,
        }
    }

    fn candidate(&self, folder_name: &FolderName, revision: u32) -> Result<(Reservation, Folder), Problem> {
        let folder = self
            .draft
            .build(folder_name, &time::rfc3339(self.now), revision)?;
        let reservation = Reservation {
            session_id: folder.manifest.session_id.clone(),
            revision,
            folder_name: folder_name.clone(),
            exported_at: folder.manifest.exported_at.clone(),
            request_sha256: folder.manifest.request_sha256,
            manifest_sha256: folder.manifest_file.sha256,
        };
        Ok((reservation, folder))
    }

    async fn judge(&self, found: &Reservation) -> Result<Finding, Problem> {
        if found.request_sha256 != self.draft.request.content_sha256 {
            return Ok(Finding::Other);
        }
        if let Some((manifest, file)) = self.finished(found).await? {
            return Ok(Finding::Here(Box::new(Place::Finished(manifest, file))));
        }
        let folder = self
            .draft
            .build(&found.folder_name, &found.exported_at, found.revision)?;
        if folder.manifest_file.sha256 == found.manifest_sha256 {
            return Ok(Finding::Here(Box::new(Place::Open(folder))));
        }
        if self.is_recent(found) {
            let detail = "another version of this service is at work on this very export; repeat the request";
            return Err(Problem {
                retry_after: Some(30),
                ..Problem::new(ProblemKind::Unavailable, detail)
            });
        }
        Ok(Finding::Abandoned)
    }

    fn is_recent(&self, found: &Reservation) -> bool {
        time::parse(&found.exported_at).is_some_and(|begun| self.now.duration_since(begun) < AT_WORK)
    }

    /// The manifest of an export that is complete.
    async fn finished(&self, found: &Reservation) -> Result<Option<(Manifest, NewFile)>, Problem> {
        let bytes = match read_manifest(self.bucket, self.base, &found.folder_name).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(storage_problem(&error)),
        };
        let manifest = parse_manifest(&bytes).map_err(|error| storage_problem(&error))?;
        let file = NewFile {
            file: SessionFile::Manifest,
            sha256: Sha256::of(&bytes),
            body: bytes,
        };
        Ok(Some((manifest, file)))
    }

    /// What to say when the session holds other content.
    async fn refuse(&self, other: Option<Reservation>) -> Problem {
        let Some(other) = other else {
            return Problem::new(
                ProblemKind::Conflict,
                "the session was exported with other content",
            );
        };
        let what = match self.finished(&other).await {
            Ok(Some(_)) => "was exported",
            Ok(None) => "is being exported, or was begun to be,",
            Err(problem) => return problem,
        };
        let detail = format!(
            "session {} {what} with other content, as {} at {}; to keep both, repeat the request with \"revision\": true",
            other.session_id, other.folder_name, other.exported_at
        );
        Problem::new(ProblemKind::Conflict, detail)
    }
}
