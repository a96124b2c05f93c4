//! Through the API: small files in the request, large ones past it by an upload grant, and then the collection's route.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::json::FieldError;
use casefile::time;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::Load;
use super::grant::upload;
use super::job::Job;
use super::outcome::{Sent, Stored};
use crate::web::{Answer, Api, encoded};

/// What goes in the request itself: 4 MB in base64, of 6 MB that fit through API Gateway.
const INLINE: u64 = 3 * 1024 * 1024;
/// What a training log may have, which is a request of its own, as API Gateway counts it ([`in_request`]).
const MAX_REQUEST: u64 = 6_000_000;
const TOO_LARGE: &str = "the API takes training logs of at most 6 MB, with each quote and line break counted twice; --direct \
                         takes larger ones";
/// How far two clocks of one service may be apart.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);

/// What is said of a stored or skipped file.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    path: String,
    uploaded_at: Option<String>,
    #[serde(default)]
    dropped: Vec<String>,
    #[serde(default)]
    warnings: Vec<FieldError>,
}

/// What is said of a file that the API keeps.
#[derive(Deserialize)]
struct SaidKept {
    stored: String,
    folder: String,
}

/// Stores a file.
pub(super) async fn send(api: &Api, job: &Job, load: &Load) -> Sent {
    let sent = match request(api, job, load).await {
        Ok((route, body)) => {
            let started = Instant::now();
            let answer = api.call(&Method::POST, &route, &body).await;
            answer.map_or_else(Sent::from, |answer| {
                told(&api.url, job, &answer, started.elapsed())
            })
        }
        Err(sent) => sent,
    };
    load.done();
    sent
}

/// The route, and what it is asked.
async fn request(api: &Api, job: &Job, load: &Load) -> Result<(String, Bytes), Sent> {
    let refused = |why: &str| Err(Sent::Refused(why.to_owned()));
    let wish = &job.wish;
    let (route, mut fields) = match wish.collection.as_str() {
        "reviews" => {
            return refused(
                "a review is a session of many files: its application sends it to POST /v1/reviews",
            );
        }
        "training-logs" => {
            // Before it is in memory, and then as it is counted.
            if job.size > MAX_REQUEST {
                return refused(TOO_LARGE);
            }
            let content = job.content().map_err(Sent::Refused)?;
            if in_request(&content) > MAX_REQUEST {
                return refused(TOO_LARGE);
            }
            if !wish.metadata.is_empty() || wish.owner.is_some() || wish.replaces.is_some() {
                return refused("a training log says all of itself: it takes no metadata, owner or replaces");
            }
            return Ok(("/v1/training-logs".to_owned(), content));
        }
        "bols" => ("/v1/bols".to_owned(), bol(job)?),
        other => (format!("/v1/documents/{}", encoded(other)), plain(job)),
    };
    if let Some(owner) = &wish.owner {
        fields.insert("owner".to_owned(), json!(owner));
    }
    let content = if job.size <= INLINE {
        let content = job.content().map_err(Sent::Refused)?;
        ("content_base64", BASE64.encode(content))
    } else {
        ("upload_id", upload(api, job, load).await?)
    };
    fields.insert(
        "file".to_owned(),
        json!({ "file_name": job.name(), content.0: content.1 }),
    );
    Ok((route, Bytes::from(Value::Object(fields).to_string())))
}

/// The size of a body as the JSON string that API Gateway passes on.
fn in_request(body: &[u8]) -> u64 {
    let is_escaped = |byte: &&u8| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t');
    (body.len() + body.iter().filter(is_escaped).count()) as u64
}

fn plain(job: &Job) -> Map<String, Value> {
    let mut fields = Map::new();
    if !job.wish.metadata.is_empty() {
        fields.insert("metadata".to_owned(), json!(job.wish.metadata));
    }
    if let Some(replaces) = &job.wish.replaces {
        fields.insert("replaces".to_owned(), json!(replaces));
    }
    fields
}

/// A finished bill of lading's date and number.
fn bol(job: &Job) -> Result<Map<String, Value>, Sent> {
    let is_known = |name: &String| ["date", "number"].contains(&name.as_str());
    if !job.wish.metadata.contains_key("date") || !job.wish.metadata.keys().all(is_known) {
        let why = "a bill of lading takes --metadata date=2025-11-14, which is required, and --metadata \
                   number=PRT-2025-0042, and nothing else";
        return Err(Sent::Refused(why.to_owned()));
    }
    if job.wish.replaces.is_some() {
        return Err(Sent::Refused("a bill of lading is never replaced".to_owned()));
    }
    let fields = job.wish.metadata.iter();
    Ok(fields.map(|(name, value)| (name.clone(), json!(value))).collect())
}

/// What an answer means.
fn told(url: &str, job: &Job, answer: &Answer, took: Duration) -> Sent {
    let said: Option<Said> = answer.json();
    match (answer.status, said) {
        (201, Some(said)) if said.status == "stored" && !said.path.is_empty() => {
            let is_new = is_new(&said, answer, took);
            let stored = stored(url, job, &said);
            if is_new {
                Sent::Stored(stored)
            } else {
                Sent::There(stored)
            }
        }
        (200, Some(said)) if said.status == "skipped" && !said.reason.is_empty() => {
            Sent::Skipped(said.reason)
        }
        (202, _) if is_kept(answer) => Sent::Kept,
        _ => not_done(answer),
    }
}

fn is_kept(answer: &Answer) -> bool {
    let said: Option<SaidKept> = answer.json();
    said.is_some_and(|said| said.stored == "local" && !said.folder.is_empty())
}

pub(super) fn not_done(answer: &Answer) -> Sent {
    match answer.status {
        // Somebody else's, such as a page to log in on.
        ..400 => Sent::Failed(format!(
            "what answers isn't Casefile's API (status {}): check --api or CASEFILE_API_URL",
            answer.status
        )),
        401 | 403 => Sent::Failed(answer.problem()),
        400..500 => Sent::Refused(answer.problem()),
        _ => Sent::Failed(answer.problem()),
    }
}

fn stored(url: &str, job: &Job, said: &Said) -> Stored {
    let path = encoded(&said.path);
    let dropped = said
        .dropped
        .iter()
        .map(|name| format!("{name} isn't kept by its collection"));
    let warned = said
        .warnings
        .iter()
        .map(|warning| format!("{} {}", warning.pointer, warning.detail));
    Stored {
        url: format!("{url}/v1/documents/{}/{path}", encoded(&job.wish.collection)),
        notes: dropped.chain(warned).collect(),
    }
}

/// Whether the call stored it. A repeat gets the first answer again: then the file was stored before the call began, by the
/// service's own clock; and who may read nothing isn't told when.
fn is_new(said: &Said, answer: &Answer, took: Duration) -> bool {
    let Some(uploaded) = said.uploaded_at.as_deref() else {
        return false;
    };
    let took = SignedDuration::try_from(took).unwrap_or(SignedDuration::MAX);
    let began = |date: Timestamp| {
        date.saturating_sub(took)
            .and_then(|date| date.saturating_sub(DRIFT))
            .ok()
    };
    match (time::parse(uploaded), answer.date.and_then(began)) {
        (Some(uploaded), Some(began)) => uploaded >= began,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_stored_before_the_call_began_is_not_new() {
        let new = |uploaded: Option<&str>, date: Option<&str>, took| {
            let said = Said {
                status: "stored".to_owned(),
                reason: String::new(),
                path: String::new(),
                uploaded_at: uploaded.map(str::to_owned),
                dropped: Vec::new(),
                warnings: Vec::new(),
            };
            let answer = Answer {
                status: 201,
                date: date.map(|date| date.parse().unwrap()),
                retry_after: None,
                body: Bytes::new(),
            };
            is_new(&said, &answer, Duration::from_secs(took))
        };
        let date = Some("2025-11-14T12:00:10Z");
        assert!(new(Some("2025-11-14T12:00:09.500Z"), date, 1));
        assert!(new(Some("2025-11-14T12:00:01.000Z"), date, 8));
        assert!(!new(Some("2025-11-14T12:00:01.000Z"), date, 1));
        assert!(!new(None, date, 1));
        assert!(new(Some("2025-11-14T11:00:00.000Z"), None, 1));
    }

    #[test]
    fn only_an_answer_of_the_api_s_own_is_success() {
        let job = Job {
            path: "/srv/a.pdf".into(),
            size: 3,
            sha256: casefile::digest::Sha256::of(b"abc"),
            wish: super::super::job::Wish {
                collection: "ecg-reports".to_owned(),
                metadata: std::collections::BTreeMap::new(),
                owner: None,
                replaces: None,
            },
        };
        let of = |status, body: &'static str| {
            let answer = Answer {
                status,
                date: None,
                retry_after: None,
                body: Bytes::from_static(body.as_bytes()),
            };
            told("https://files.example.com", &job, &answer, Duration::ZERO)
        };
        let stored = of(
            201,
            r#"{"status": "stored", "path": "a.pdf", "uploaded_at": "2025-11-14T12:00:00Z"}"#,
        );
        assert!(matches!(stored, Sent::Stored(_)), "{stored:?}");
        let skipped = of(200, r#"{"status": "skipped", "reason": "no"}"#);
        assert_eq!(skipped, Sent::Skipped("no".to_owned()));
        assert_eq!(of(202, r#"{"stored": "local", "folder": "/mnt/x"}"#), Sent::Kept);
        for (status, body) in [
            (201, "{}"),
            (201, r#"{"status": "stored", "path": ""}"#),
            (200, r#"{"ok": true}"#),
            (200, r#"{"status": "skipped", "reason": ""}"#),
            (202, "{}"),
            (202, ""),
            (204, ""),
            (302, "<html>"),
        ] {
            let sent = of(status, body);
            assert!(
                matches!(&sent, Sent::Failed(why) if why.contains("isn't Casefile's API")),
                "{body}: {sent:?}"
            );
        }
    }

    #[test]
    fn a_request_is_counted_as_api_gateway_counts_it() {
        assert_eq!(in_request(b"{\"a\": 1}\n"), 12);
    }
}
