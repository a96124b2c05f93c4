//! `GET /v1/documents/{collection}/{path+}`.

use std::collections::BTreeMap;

use casefile::audit::{Activity, Asked, Event, Outcome};
use casefile::bol::REQUEST;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{self, Document};
use casefile::http::query::Query;
use casefile::http::{self, Request, Response};
use casefile::key::{ObjectKey, SessionFile};
use casefile::link::{Asking, Links, Refusal, file, storage_problem};
use casefile::manifest::{Manifest, ManifestFile, Summary, Warning};
use casefile::name::{FolderName, Owner};
use casefile::permission::{Action, Decision};
use casefile::problem::Problem;
use casefile::status::Status;
use casefile::store_error::StoreError;
use casefile::time::rfc3339;
use casefile::verify::{parse_manifest, read_manifest};
use serde::Serialize;

use crate::route::Place;

/// What is known of a document.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    collection: &'static str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a Owner>,
    #[serde(flatten)]
    kind: Kind<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind<'a> {
    File {
        file_name: &'a str,
        content_type: &'a str,
        size: u64,
        sha256: Option<Sha256>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_modified: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
        metadata: BTreeMap<&'a str, String>,
    },
    Session {
        session_id: &'a str,
        revision: u32,
        document_name: &'a str,
        time: &'a str,
        total_files: usize,
        total_bytes: u64,
        summary: &'a Summary,
        files: &'a [ManifestFile],
        warnings: &'a [Warning],
    },
}

/// What is known of a file, or of a session by its folder's name.
///
/// # Errors
/// `invalid-request` for any parameter; `not-found` when there is no such document or the caller may not read it,
/// which nobody can tell apart; `unavailable` when storage or the audit log fails.
pub async fn metadata(
    links: &Links,
    asking: &Asking<'_>,
    request: &Request,
    place: &Place,
) -> Result<Response, Problem> {
    Query::refuse_all(request.raw_query())?;
    let folder = folder(place);
    let (found, status) = match &folder {
        Some(folder) => (session(links, place, folder).await?, None),
        None => match links.find(&place.collection, &place.path).await? {
            Some(found) => (Some(found.document), found.status),
            None => (None, None),
        },
    };
    let (found, decision) = links.decide(asking.caller, Action::Read, found);
    let document = match found {
        Some(document) if decision.allowed => document,
        found => {
            let refusal = Refusal {
                activity: Activity::Preview,
                collection: &place.collection,
                path: &place.path,
                document: found.as_ref(),
                decision: &decision,
            };
            return links.refuse_asked(asking, &refusal, Asked::default()).await;
        }
    };
    // A manifest is read for those only who may know how large it is.
    let manifest = match &folder {
        Some(folder) => Some(manifest(links, folder).await?),
        None => None,
    };
    record(links, asking, &document, &decision).await?;
    http::json(200, &answer(&document, status, manifest.as_ref()))
}

/// The session's folder that a place names as a whole.
fn folder(place: &Place) -> Option<FolderName> {
    let is_reviews = Collection::parse(&place.collection) == Some(Collection::reviews());
    FolderName::parse(&place.path).ok().filter(|_| is_reviews)
}

/// A session, as its manifest's metadata says whose it is.
async fn session(links: &Links, place: &Place, folder: &FolderName) -> Result<Option<Document>, Problem> {
    let manifest = ObjectKey::SessionFile {
        folder: folder.clone(),
        file: SessionFile::Manifest,
    };
    let key = manifest.path(&links.base);
    let head = document::optional(links.bucket.head(&key)).await;
    let head = head.map_err(|error| storage_problem(&error))?;
    Ok(head.map(|head| Document::new(Collection::reviews(), place.path.clone(), key, head)))
}

async fn manifest(links: &Links, folder: &FolderName) -> Result<Manifest, Problem> {
    let read = async || -> Result<Manifest, StoreError> {
        parse_manifest(&read_manifest(&links.bucket, &links.base, folder).await?)
    };
    read().await.map_err(|error| storage_problem(&error))
}

async fn record(
    links: &Links,
    asking: &Asking<'_>,
    document: &Document,
    decision: &Decision,
) -> Result<(), Problem> {
    let event = Event {
        file: Some(file(links.bucket.name(), document)),
        ..asking.event(Activity::Preview, Outcome::Success, decision)
    };
    links.audit.write(links.audit.next_id()?, &event).await
}

fn answer<'a>(document: &'a Document, status: Option<Status>, manifest: Option<&'a Manifest>) -> Answer<'a> {
    Answer {
        collection: document.collection.name(),
        path: &document.path,
        owner: document.owner.as_ref(),
        kind: match manifest {
            Some(manifest) => session_kind(document, manifest),
            None => file_kind(document, status),
        },
    }
}

fn file_kind(document: &Document, status: Option<Status>) -> Kind<'_> {
    let is_own = |name: &str| [REQUEST, document::BEFORE].contains(&name);
    let metadata = document.metadata.iter().filter(|(name, _)| !is_own(name));
    Kind::File {
        file_name: &document.file_name,
        content_type: &document.content_type,
        size: document.size,
        sha256: document.sha256,
        version_id: document.version_id.as_deref(),
        last_modified: document.last_modified.map(rfc3339),
        status,
        metadata: metadata
            .map(|(name, value)| (name.as_str(), casefile::metadata::decode(value)))
            .collect(),
    }
}

/// The manifest lists every file but itself; the totals count it.
fn session_kind<'a>(document: &Document, manifest: &'a Manifest) -> Kind<'a> {
    let sizes = manifest.files.iter().map(|file| file.size);
    Kind::Session {
        session_id: manifest.session_id.as_str(),
        revision: manifest.revision,
        document_name: manifest.document_name.as_str(),
        time: &manifest.exported_at,
        total_files: manifest.files.len() + 1,
        total_bytes: sizes.fold(document.size, u64::saturating_add),
        summary: &manifest.summary,
        files: &manifest.files,
        warnings: &manifest.warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_reviews_is_a_session() {
        let folder = |collection: &str, path: &str| {
            folder(&Place {
                collection: collection.to_owned(),
                path: path.to_owned(),
            })
        };
        assert!(folder("reviews", "20251114_142510_a").is_some());
        assert!(folder("reviews", "20251114_142510_a/manifest.json").is_none());
        assert!(folder("reviews", "20251114_142510_a/").is_none());
        assert!(folder("bols", "20251114_142510_a").is_none());
    }

    #[test]
    fn no_parameter_is_taken() {
        let request = |query: &str| {
            let event =
                serde_json::json!({"rawQueryString": query, "requestContext": {"http": {"method": "GET"}}});
            Request::read(&event.to_string()).unwrap()
        };
        assert_eq!(Query::refuse_all(request("").raw_query()), Ok(()));
        let problem = Query::refuse_all(request("limit=3&x").raw_query()).unwrap_err();
        assert_eq!(problem.errors.len(), 2);
    }
}
