//! Finding the folder that an export goes to: a new one, or the one that it, or its twin, has begun or finished.

use casefile::bucket::Bucket;
use casefile::key::{BasePath, SessionFile};
use casefile::manifest::{MAX_MANIFEST_BYTES, Manifest};
use casefile::name::{FolderName, TenantId};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time;
use casefile::verify::{parse_manifest, read_manifest};
use jiff::{SignedDuration, Timestamp};

use super::folder::{Draft, Folder, NewFile};
use super::keep::Trail;
use super::problems::storage_problem;
use super::reservation::{Reservation, Reservations};
use crate::fallback::KeptPlace;

/// Revisions of one session.
const MAX_REVISIONS: u32 = 100;
/// A program that began an export has finished it, or was ended by Lambda, after this time.
const AT_WORK: SignedDuration = SignedDuration::from_secs(60);

/// An export's place, and how far it has come.
#[derive(Debug)]
pub struct Place {
    /// What comes before the folder.
    pub base: BasePath,
    /// How far the export has come.
    pub state: State,
}

/// How far an export has come.
#[derive(Debug)]
pub enum State {
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

/// What became of trying to reserve.
enum Reserved {
    /// This call made the reservation, so nothing can have been written yet.
    Mine(Box<Place>),
    /// It was there already.
    Theirs(Reservation),
}

/// Looks for an export's place.
pub struct Search<'a> {
    /// What is to be exported.
    pub draft: &'a Draft<'a>,
    /// Where exports go.
    pub bucket: &'a Bucket,
    /// What comes before a new session's folder.
    pub base: &'a BasePath,
    /// Whose export it is.
    pub tenant: &'a TenantId,
    /// Whether the caller may be told what its tenant has exported.
    pub may_read: bool,
    /// When the export began.
    pub now: Timestamp,
    /// Whether to look for what is there before anything is claimed or built: one more round trip for a new export, and
    /// next to no work for one that is finished.
    pub looks_first: bool,
    /// The place that it had when it was kept.
    pub kept: Option<&'a KeptPlace>,
    /// Where to note the place that it may have in the bucket.
    pub trail: &'a Trail,
}

impl Search<'_> {
    /// Reserves a place, or finds the one that is reserved for the same content.
    ///
    /// # Errors
    /// `conflict` when the session was exported with other content and no new revision is asked for; `too-large`
    /// when no reader would take its manifest; `unavailable` and `internal` when storage fails.
    pub async fn run(&self) -> Result<Place, Problem> {
        let draft = self.draft;
        let mut claimed = self.claim_kept().await?;
        let mut first_other = None;
        let mut may_add = draft.request.revision;
        let mut reserved = match self.look().await? {
            Some(found) => Reserved::Theirs(found),
            None => self.reserve(&mut claimed, 1).await?,
        };
        for revision in 1..=MAX_REVISIONS {
            let found = match reserved {
                Reserved::Mine(place) => return Ok(*place),
                Reserved::Theirs(found) => found,
            };
            let next = self.reservations().read(&found.session_id, revision + 1).await?;
            match self.judge(&found, next.as_ref()).await? {
                Finding::Here(place) => return Ok(*place),
                Finding::Abandoned => {
                    may_add = true;
                    claimed = claimed.filter(|claimed| *claimed != found.folder_name);
                }
                Finding::Other => first_other = first_other.or(Some(found)),
            }
            reserved = match next {
                Some(next) => Reserved::Theirs(next),
                None if !may_add => return Err(self.refuse(first_other).await),
                None if revision == MAX_REVISIONS => break,
                None => self.reserve(&mut claimed, revision + 1).await?,
            };
        }
        let detail = format!("the session has {MAX_REVISIONS} revisions, the most there may be");
        Err(Problem::new(ProblemKind::Conflict, detail))
    }

    fn reservations(&self) -> Reservations<'_> {
        Reservations {
            bucket: self.bucket,
            base: self.base,
            tenant: self.tenant,
        }
    }

    /// The session's first reservation, if it is to be looked for.
    async fn look(&self) -> Result<Option<Reservation>, Problem> {
        if !self.looks_first {
            return Ok(None);
        }
        let session = &self.draft.request.session.id;
        self.reservations().read(session, 1).await
    }

    /// Reserves a revision, unless it is reserved already, for a folder that is claimed once.
    async fn reserve(&self, claimed: &mut Option<FolderName>, revision: u32) -> Result<Reserved, Problem> {
        let folder_name = match claimed {
            Some(claimed) => claimed,
            None => claimed.insert(self.claim().await?),
        };
        let (mine, folder) = self.candidate(folder_name, revision)?;
        self.trail.note(&mine, true, Some(&folder));
        Ok(match self.reservations().create_or_read(&mine).await? {
            Some(theirs) => Reserved::Theirs(theirs),
            None => Reserved::Mine(Box::new(Place {
                base: mine.base_path,
                state: State::Open(folder),
            })),
        })
    }

    /// The name that the folder was kept under, if nobody else has it. One that isn't claimed in the bucket was seen there
    /// as another attempt's, and is found by its reservation.
    async fn claim_kept(&self) -> Result<Option<FolderName>, Problem> {
        let Some(kept) = self.kept.filter(|kept| kept.is_own) else {
            return Ok(None);
        };
        let Draft {
            request, generator, ..
        } = self.draft;
        let name = &kept.reservation.folder_name;
        let is_ours = self.reservations().claim(request, generator, name).await?;
        Ok(is_ours.then(|| name.clone()))
    }

    async fn claim(&self) -> Result<FolderName, Problem> {
        let Draft {
            request, generator, ..
        } = self.draft;
        self.reservations()
            .claim_folder(request, generator, self.now)
            .await
    }

    fn candidate(&self, folder_name: &FolderName, revision: u32) -> Result<(Reservation, Folder), Problem> {
        let kept = self.kept.map(|kept| &kept.reservation);
        let kept = kept.filter(|kept| kept.folder_name == *folder_name);
        let exported_at = kept.map_or_else(|| time::rfc3339(self.now), |kept| kept.exported_at.clone());
        let base_path = kept.map_or(self.base, |kept| &kept.base_path).clone();
        let folder = self.draft.build(folder_name, &exported_at, revision)?;
        if folder.manifest_file.size > MAX_MANIFEST_BYTES {
            let detail = format!("the session's manifest would have more than {MAX_MANIFEST_BYTES} bytes");
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        }
        let reservation = Reservation {
            session_id: folder.manifest.session_id.clone(),
            revision,
            base_path,
            folder_name: folder_name.clone(),
            exported_at: folder.manifest.exported_at.clone(),
            request_sha256: folder.manifest.request_sha256,
            manifest_sha256: folder.manifest_file.sha256,
        };
        Ok((reservation, folder))
    }

    /// What a reservation means, given the one after it.
    async fn judge(&self, found: &Reservation, next: Option<&Reservation>) -> Result<Finding, Problem> {
        if found.request_sha256 != self.draft.request.content_sha256() {
            return Ok(Finding::Other);
        }
        self.trail.note(found, false, None);
        let here = |state| {
            Finding::Here(Box::new(Place {
                base: found.base_path.clone(),
                state,
            }))
        };
        if let Some((manifest, file)) = self.finished(found).await? {
            if is_of(found, &manifest) {
                return Ok(here(State::Finished(manifest, file)));
            }
            tracing::error!("a session's folder holds another session: it is exported to another folder");
            self.trail.forget();
            return Ok(Finding::Abandoned);
        }
        if next.is_some_and(|next| next.request_sha256 == found.request_sha256) {
            // Another version gave this one up and went on there. It stays given up, also after a rollback.
            self.trail.forget();
            return Ok(Finding::Abandoned);
        }
        let folder = self
            .draft
            .build(&found.folder_name, &found.exported_at, found.revision)?;
        if folder.manifest_file.sha256 == found.manifest_sha256 {
            self.trail.note(found, false, Some(&folder));
            return Ok(here(State::Open(folder)));
        }
        if self.is_recent(found) {
            let detail = "another version of this service is at work on this very export; repeat the request";
            return Err(Problem {
                retry_after: Some(30),
                ..Problem::new(ProblemKind::Unavailable, detail)
            });
        }
        self.trail.forget();
        Ok(Finding::Abandoned)
    }

    fn is_recent(&self, found: &Reservation) -> bool {
        time::parse(&found.exported_at).is_some_and(|begun| self.now.duration_since(begun) < AT_WORK)
    }

    /// The manifest of an export that is complete.
    async fn finished(&self, found: &Reservation) -> Result<Option<(Manifest, NewFile)>, Problem> {
        let bytes = match read_manifest(self.bucket, &found.base_path, &found.folder_name).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(storage_problem(&error)),
        };
        let manifest = parse_manifest(&bytes).map_err(|error| storage_problem(&error))?;
        Ok(Some((manifest, NewFile::new(SessionFile::Manifest, bytes))))
    }

    /// What to say when the session holds other content.
    async fn refuse(&self, other: Option<Reservation>) -> Problem {
        let Some(other) = other.filter(|_| self.may_read) else {
            return Problem::new(
                ProblemKind::Conflict,
                "the session was exported with other content",
            );
        };
        let what = match self.finished(&other).await {
            Ok(Some(_)) => "was exported",
            Ok(None) => "is being exported, or was begun to be,",
            // That it is in conflict is known without it.
            Err(_) => "was exported, or was begun to be,",
        };
        let detail = format!(
            "session {} {what} with other content, as {} at {}; to keep both, repeat the request with \"revision\": true",
            other.session_id, other.folder_name, other.exported_at
        );
        Problem::new(ProblemKind::Conflict, detail)
    }
}

/// Whether a folder holds the session that it was reserved for, and with that content.
fn is_of(reservation: &Reservation, manifest: &Manifest) -> bool {
    manifest.session_id == reservation.session_id && manifest.request_sha256 == reservation.request_sha256
}
