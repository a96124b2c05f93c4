//! Single files, which a collection keeps by its policy: may they → is it one that the collection takes → where does it
//! go → its entries in lists → the file, create-only → answer with a link.
//!
//! What is written is a function of the request and of what lies there already, so a repeat after any failure, or a twin
//! at the same moment, ends in the same file.

mod answer;
mod content;
mod dated;
pub(crate) mod keep;
mod metadata;
mod request;
mod store;
mod training;

use casefile::audit::{Activity, Event, Outcome};
use casefile::bol::REQUEST;
use casefile::collection::{Collection, LinkKind};
use casefile::document::{BEFORE, Document as Stored, SOURCE, UPLOADED_AT};
use casefile::intake::{self, Acceptance};
use casefile::json::FieldError;
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link, Links, file};
use casefile::name::Owner;
use casefile::permission::{Action, Decision};
use casefile::problem::{Problem, ProblemKind};

use crate::uploads;

pub use answer::{FileAnswer, Filed, Skipped};
pub use content::{PARQUET, is_table};
pub use dated::{note, note_key, noted};
pub use metadata::Sorted;
use request::FileRequest;
use store::find;
pub(crate) use store::mend_entries;
pub use store::{Announced, Held, NewFile, Overwrite, Placed, announce, deliver, place};
pub use training::training_log;

/// Stores the file that `text`, a request's JSON, gives: `{file, metadata?, owner?}`, and `replaces?` where a collection's
/// files may be replaced. `envelope` are the fields that a command event has beside those.
///
/// # Errors
/// What is wrong with the request, all of it at once; `conflict` when other content lies there; `unavailable` and
/// `internal` when storage or the audit log fails. After any of them the same request may be repeated.
pub async fn store(
    links: &Links,
    asking: &Asking<'_>,
    collection: Collection,
    text: &str,
    envelope: &[&str],
) -> Result<Filed, Problem> {
    let decision = links
        .permit(asking, Activity::Export, Action::Write, collection)
        .await?;
    let tenant = &asking.caller.tenant;
    let request = FileRequest::parse(collection, tenant, text, envelope)?;
    if request.replaces.is_some() {
        links
            .permit(asking, Activity::Export, Action::Replace, collection)
            .await?;
    }
    let name = request.file.name.as_str();
    let content_type = match intake::accept(collection, name) {
        Acceptance::Accepted { content_type } => content_type,
        Acceptance::Skipped(reason) => return Ok(Filed::Skipped(Skipped::new(collection, reason))),
    };
    let document = uploads::resolve_file(&links.bucket, &asking.caller.inbox(), &request.file).await?;
    check_size(collection, document.size)?;
    if collection.is_replaced() {
        content::check(links, &document).await?;
    }
    let came = asking.kept_at.unwrap_or_else(|| links.audit.now());
    let paths = dated::paths(links, tenant, collection, &document, &request.metadata, came).await?;
    let overwrite = match (collection.is_replaced(), &request.replaces) {
        (false, _) => Overwrite::Never,
        (true, named) => Overwrite::Version(named.as_deref()),
    };
    let placed = Box::pin(place_in_one(links, &paths, |path| NewFile {
        tenant,
        collection,
        path,
        document: Held::Document(&document),
        content_type,
        metadata: request.metadata.kept(),
        owner: request.owner.as_ref(),
        overwrite,
    }))
    .await
    .map_err(|problem| told(links, asking, collection, problem))?;
    let link = link_or_record(links, asking, &decision, &placed).await?;
    tracing::info!(
        collection = collection.name(),
        export.bytes = placed.document.size,
        export.is_new = placed.is_new,
        "a file was stored"
    );
    if !placed.is_new && !links.may_read(asking.caller, collection) {
        // Nothing of what somebody else has stored there.
        let answer = FileAnswer::sent(&placed.document, &request);
        return Ok(Filed::Stored(Box::new(answer.with(request.metadata))));
    }
    let stands = stands(&request, &placed);
    let mut answer = FileAnswer::new(placed.document, link).with(request.metadata);
    answer.warnings.extend(stands);
    Ok(Filed::Stored(Box::new(answer)))
}

/// A conflict, as somebody may know of it: who may read nothing learns nothing of what lies there.
fn told(links: &Links, asking: &Asking<'_>, collection: Collection, problem: Problem) -> Problem {
    if problem.kind != ProblemKind::Conflict || links.may_read(asking.caller, collection) {
        return problem;
    }
    Problem::new(
        ProblemKind::Conflict,
        "the name is taken; nothing was overwritten",
    )
}

/// What a repeat brings that isn't stored: what lies there already stands.
fn stands(request: &FileRequest, placed: &Placed) -> Vec<FieldError> {
    let sent = request.metadata.values();
    let is_same = |(name, value): (&String, &String)| {
        let there = placed.document.metadata.get(name);
        there.is_some_and(|there| casefile::metadata::decode(there) == *value)
    };
    let metadata = (!placed.is_new && !sent.iter().all(is_same)).then(|| another("/metadata"));
    let owner = owner_stands(placed, request.owner.as_ref());
    metadata.into_iter().chain(owner).collect()
}

/// The same of the owner alone.
pub(crate) fn owner_stands(placed: &Placed, owner: Option<&Owner>) -> Option<FieldError> {
    (!placed.is_new && placed.document.owner.as_ref() != owner).then(|| another("/owner"))
}

fn another(pointer: &str) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        detail: "is another than that of the same file, which was stored before; that stands".to_owned(),
    }
}

/// Stores a file under the first of its paths that nothing else lies at.
async fn place_in_one<'a>(
    links: &Links,
    paths: &'a [String],
    new: impl Fn(&'a str) -> NewFile<'a>,
) -> Result<Placed, Problem> {
    // The same content may lie beside by now, where it went when something else lay here.
    for path in paths.iter().skip(1) {
        if let Some(placed) = find(links, &new(path)).await? {
            return Ok(placed);
        }
    }
    let mut taken = None;
    for path in paths {
        match place(links, &new(path)).await {
            Err(problem) if problem.kind == ProblemKind::Conflict => taken = Some(problem),
            placed => return placed,
        }
    }
    Err(taken.unwrap_or_else(|| Problem::new(ProblemKind::Internal, "the file has no path")))
}

pub(crate) fn check_size(collection: Collection, size: u64) -> Result<(), Problem> {
    if size <= collection.max_bytes() {
        return Ok(());
    }
    let detail = format!(
        "the file has {size} bytes; {} takes at most {}",
        collection.name(),
        collection.max_bytes()
    );
    Err(Problem::new(ProblemKind::TooLarge, detail))
}

/// A link to what was stored, where the caller waits for it, may read it and links may lead there at once; else a record of the export.
/// Either is in the audit log before this returns.
pub(crate) async fn link_or_record(
    links: &Links,
    asking: &Asking<'_>,
    written: &Decision,
    placed: &Placed,
) -> Result<Option<Link>, Problem> {
    let stored = &placed.document;
    // A share link is an address of this API, which a command doesn't come by.
    let has_address = links.public_url.is_some() || asking.base_url.is_some();
    let can_be_made = has_address || stored.collection.link_kind() != LinkKind::Share;
    let can_be_made = can_be_made && asking.kept_at.is_none();
    if can_be_made && is_linked_at_once(links, placed).await? {
        let wanted = LinkRequest::plain(stored.collection, &stored.path);
        let (readable, decision) = links.decide(asking.caller, Action::Read, Some(stored.clone()));
        if let (Some(readable), true) = (readable, decision.allowed) {
            return links.give(asking, &readable, &decision, &wanted).await.map(Some);
        }
    }
    let event = Event {
        file: Some(file(links.bucket.name(), stored)),
        ..asking.event(Activity::Export, Outcome::Success, written)
    };
    links.audit.write(links.audit.next_id()?, &event).await?;
    Ok(None)
}

async fn is_linked_at_once(links: &Links, placed: &Placed) -> Result<bool, Problem> {
    let stored = &placed.document;
    if placed.is_new {
        return Ok(!stored.collection.demands_verification());
    }
    // What lay there before may have been rejected since, or replaced.
    let found = links.find(stored.collection.name(), &stored.path).await?;
    Ok(found
        .is_some_and(|found| found.unverified().is_none() && found.document.version_id == stored.version_id))
}

/// The metadata that callers see: what they sent, and nothing of Casefile's own.
pub fn shown(document: &Stored) -> impl Iterator<Item = (&str, String)> {
    let is_own = |name: &str| [UPLOADED_AT, SOURCE, REQUEST, BEFORE].contains(&name);
    let own = document.metadata.iter().filter(move |(name, _)| !is_own(name));
    own.map(|(name, value)| (name.as_str(), casefile::metadata::decode(value)))
}
