//! A review that S3 doesn't take: its folder, as it would be there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::id::Entropy;
use casefile::key::session_prefix;
use casefile::link::Asking;
use casefile::manifest::MAX_MANIFEST_BYTES;
use casefile::name::FolderName;
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use casefile::time;
use jiff::Timestamp;

use super::ReviewExport;
use super::folder::{Draft, Folder};
use super::request::{Destination, Documents, ReviewRequest};
use super::reservation::Reservation;
use crate::document::{Document, GivenDocument};
use crate::fallback::{Fallback, KeptAnswer, KeptFile, KeptPlace, Task, ToKeep, not_kept};

/// Folder names in S3 end at `_100`: see `MAX_CLAIMS`. One that is made up here begins above, and is drawn at random.
const FIRST_ATTEMPT: u32 = 100_000_000;
const ATTEMPTS: u32 = 900_000_000;
const OTHER_CONTENT: &str = "the session is kept already, with other content; to keep both, repeat the request with \
                             \"revision\": true";

/// The place that an export may have in S3 by now, and its folder once that is built, for whoever has to write it
/// elsewhere.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Option<Noted>>);

type Noted = (KeptPlace, Option<Folder>);

impl Trail {
    pub(super) fn note(&self, reservation: &Reservation, is_own: bool, folder: Option<&Folder>) {
        let reservation = reservation.clone();
        let place = KeptPlace { reservation, is_own };
        // The files' bytes are shared.
        *self.lock() = Some((place, folder.cloned()));
    }

    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn noted(&self) -> Option<Noted> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A review's request that storage is at fault for.
pub(crate) struct UnstoredReview<'a> {
    /// When it came.
    pub(crate) came: Timestamp,
    pub(crate) asking: &'a Asking<'a>,
    pub(crate) text: &'a str,
    pub(crate) envelope: &'a [&'a str],
    /// How far it came.
    pub(crate) trail: &'a Trail,
    /// Whether the caller wants the ZIP itself.
    pub(crate) returns_zip: bool,
    pub(crate) fault: StorageFault,
}

impl ReviewExport {
    /// Keeps a review: its folder as it is, or would be, in S3.
    ///
    /// # Errors
    /// What is wrong with the request; `unavailable` when it can't be kept, as one can't that names uploads, for these
    /// lie in S3.
    pub(crate) async fn keep(
        &self,
        fallback: &Fallback,
        unstored: UnstoredReview<'_>,
    ) -> Result<KeptAnswer, Problem> {
        let UnstoredReview { asking, fault, .. } = unstored;
        fallback.folder(fault)?;
        let decision = self
            .links
            .may(asking.caller, Action::Write, Collection::reviews());
        if !decision.allowed {
            // It was refused, and that couldn't be recorded.
            return Err(not_kept(fault, "the answer can't be recorded"));
        }
        let request = ReviewRequest::parse(unstored.text, unstored.envelope)?;
        if request.destination == Destination::Download {
            return Err(not_kept(fault, "what is to be handed out can't be recorded"));
        }
        let Some(request) = request.inline() else {
            return Err(not_kept(fault, "the request names uploads, which lie there"));
        };
        let (place, folder) = self.local(&request, &unstored)?;
        let tenant = asking.caller.tenant.as_str();
        let session = request.session.id.as_str();
        let prefix = session_prefix(&place.reservation.base_path, &folder.manifest.folder_name);
        let new = ToKeep {
            asking,
            collection: Collection::reviews(),
            request: unstored.text,
            envelope: unstored.envelope,
            came: unstored.came,
            subject: Sha256::of_parts(["a review", tenant, session]),
            // As in S3: not by its spelling, nor by whoever sends it.
            identity: Sha256::of_parts([
                "a review",
                tenant,
                &request.content_sha256().to_string(),
                if request.revision { "revision" } else { "" },
            ]),
            conflict: (!request.revision).then_some(OTHER_CONTENT),
            folder: prefix.trim_end_matches('/').to_owned(),
            files: files(&folder)?,
            zip_name: format!("{}.zip", folder.manifest.folder_name),
            returns_zip: unstored.returns_zip,
            task: Task::Review { place },
        };
        fallback.keep(new, fault).await
    }

    /// The folder in the place that it has in S3 already, or may have; else in one that nobody is likely to take there.
    fn local(
        &self,
        request: &ReviewRequest<'_>,
        unstored: &UnstoredReview<'_>,
    ) -> Result<(KeptPlace, Folder), Problem> {
        let place = match unstored.trail.noted() {
            Some((place, Some(folder))) => return Ok((place, folder)),
            Some((place, None)) => Some(place),
            None => None,
        };
        let now = unstored.came;
        let template = self.templates.at_hand();
        let draft = Draft {
            request,
            template: &template.template,
            generator: &template.generator,
            kept: None,
        };
        let is_own = place.as_ref().is_none_or(|place| place.is_own);
        let (name, exported_at, revision, base_path) = if let Some(place) = place {
            let found = place.reservation;
            (
                found.folder_name,
                found.exported_at,
                found.revision,
                found.base_path,
            )
        } else {
            let name = FolderName::new(
                now,
                &request.session.document_name,
                attempt(self.links.audit.entropy())?,
            );
            (name, time::rfc3339(now), 1, self.links.base.clone())
        };
        let folder = draft.build(&name, &exported_at, revision)?;
        if folder.manifest_file.size > MAX_MANIFEST_BYTES {
            let detail = format!("the session's manifest would have more than {MAX_MANIFEST_BYTES} bytes");
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        }
        let reservation = Reservation {
            session_id: folder.manifest.session_id.clone(),
            revision,
            base_path,
            folder_name: name,
            exported_at,
            request_sha256: folder.manifest.request_sha256,
            manifest_sha256: folder.manifest_file.sha256,
        };
        Ok((KeptPlace { reservation, is_own }, folder))
    }
}

impl<'a> ReviewRequest<'a, GivenDocument> {
    /// The request with its documents, if all of them stand in it.
    pub(crate) fn inline(self) -> Option<ReviewRequest<'a>> {
        let Documents {
            before,
            after,
            guidelines,
        } = &self.documents;
        let optional = |given: &Option<GivenDocument>| match given {
            Some(given) => Document::inline(given).map(Some),
            None => Some(None),
        };
        let documents = Documents {
            before: Document::inline(before)?,
            after: optional(after)?,
            guidelines: optional(guidelines)?,
        };
        Some(self.with(documents))
    }
}

fn files(folder: &Folder) -> Result<Vec<KeptFile>, Problem> {
    let files = folder.all().map(|file| {
        Some(KeptFile {
            path: file.file.path(),
            bytes: file.bytes()?.clone(),
            sha256: file.sha256,
            content_type: file.file.content_type().to_owned(),
        })
    });
    let files: Option<_> = files.collect();
    files.ok_or_else(|| Problem::new(ProblemKind::Internal, "a file to keep isn't in memory"))
}

fn attempt(entropy: Entropy) -> Result<u32, Problem> {
    let mut random = [0; 4];
    let drawn = entropy(&mut random);
    drawn.map_err(|_| Problem::new(ProblemKind::Internal, "the system gives no randomness"))?;
    Ok(FIRST_ATTEMPT + u32::from_le_bytes(random) % ATTEMPTS)
}
