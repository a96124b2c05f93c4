//! Through the API: small files in the request, large ones past it by an upload grant, and then the collection's route.

use std::io;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::collection::Collection;
use casefile::json::FieldError;
use casefile::time;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::Load;
use super::job::Job;
use super::outcome::{Sent, Stored};
use crate::web::{Answer, Api, Http, NoAnswer, encoded, time_for};

/// What goes in the request itself: 4 MB in base64, of 6 MB that fit through API Gateway.
const INLINE: u64 = 3 * 1024 * 1024;
/// What a training log may have, which is a request of its own.
const MAX_REQUEST: u64 = 6 * 1024 * 1024;
/// What is waited before bytes are sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];
/// How far two clocks of one service may be apart.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);

/// What a grant says.
#[derive(Deserialize)]
struct Grant {
    upload_id: String,
    url: String,
    headers: std::collections::BTreeMap<String, String>,
}

/// What is said of a stored or skipped file.
#[derive(Deserialize)]
struct Said {
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

/// Stores a file.
pub(super) async fn send(api: &Api, job: &Job, load: &Load) -> Sent {
    let sent = match request(api, job, load).await {
        Ok((route, body)) => {
            let started = Instant::now();
            let answer = api.call(&Method::POST, &route, &body).await;
            answer.map_or_else(Sent::Down, |answer| told(api, job, &answer, started.elapsed()))
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
            if job.size > MAX_REQUEST {
                return refused("the API takes training logs of at most 6 MiB; --direct takes larger ones");
            }
            if !wish.metadata.is_empty() || wish.owner.is_some() || wish.replaces.is_some() {
                return refused("a training log says all of itself: it takes no metadata, owner or replaces");
            }
            return Ok((
                "/v1/training-logs".to_owned(),
                job.content().map_err(Sent::Refused)?,
            ));
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

/// Puts a large file into the caller's inbox; the id by which the export finds it there.
async fn upload(api: &Api, job: &Job, load: &Load) -> Result<String, Sent> {
    let kind = Collection::parse(&job.wish.collection).and_then(|collection| collection.kind_of(job.name()));
    let asked = json!({
        "collection": job.wish.collection,
        "file_name": job.name(),
        "size": job.size,
        "sha256": job.sha256,
        "content_type": kind.map_or("application/octet-stream", |kind| kind.content_type()),
    });
    let answer = api
        .call(&Method::POST, "/v1/uploads", &Bytes::from(asked.to_string()))
        .await;
    let answer = answer.map_err(Sent::Down)?;
    if answer.status != 201 {
        return Err(not_done(&answer));
    }
    let odd = || Sent::Failed("the API's upload grant can't be read".to_owned());
    let grant: Grant = answer.json().ok_or_else(odd)?;
    put(&api.http, job, load, &grant).await?;
    Ok(grant.upload_id)
}

/// Sends the bytes, three times at most.
async fn put(http: &Http, job: &Job, load: &Load, grant: &Grant) -> Result<(), Sent> {
    let mut pauses = PAUSES.iter();
    loop {
        let body = load
            .open()
            .await
            .map_err(|error: io::Error| Sent::Refused(error.to_string()))?;
        let why = match put_once(http, job, grant, body).await {
            // 412: an earlier try, whose answer was lost. The grant takes just these bytes, once.
            Ok(200 | 412) => return Ok(()),
            Ok(status) if status < 500 && status != 429 => {
                job.check().await.map_err(Sent::Refused)?;
                return Err(Sent::Failed(format!(
                    "S3 refuses what the API has granted: status {status}"
                )));
            }
            Ok(status) => format!("S3 is busy: status {status}"),
            Err(error) => {
                job.check().await.map_err(Sent::Refused)?;
                format!("S3 can't be reached: {error}")
            }
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(Sent::Down(why)),
        }
    }
}

async fn put_once(http: &Http, job: &Job, grant: &Grant, body: SdkBody) -> Result<u16, NoAnswer> {
    let mut request = Request::put(&grant.url);
    for (name, value) in &grant.headers {
        request = request.header(name, value);
    }
    let request = request.body(body).map_err(|_| NoAnswer::Request)?;
    let answer = http.send(request, time_for(job.size)).await?;
    Ok(answer.status().as_u16())
}

/// What an answer means.
fn told(api: &Api, job: &Job, answer: &Answer, took: Duration) -> Sent {
    let said: Option<Said> = answer.json();
    match (answer.status, said) {
        (201, Some(said)) => {
            let is_new = is_new(&said, answer, took);
            let stored = stored(api, job, &said);
            if is_new {
                Sent::Stored(stored)
            } else {
                Sent::There(stored)
            }
        }
        (200, Some(said)) => Sent::Skipped(said.reason),
        (202, _) => Sent::Kept,
        _ => not_done(answer),
    }
}

fn not_done(answer: &Answer) -> Sent {
    match answer.status {
        401 | 403 => Sent::Failed(answer.problem()),
        400..500 => Sent::Refused(answer.problem()),
        _ => Sent::Failed(answer.problem()),
    }
}

fn stored(api: &Api, job: &Job, said: &Said) -> Stored {
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
        url: format!(
            "{}/v1/documents/{}/{path}",
            api.url,
            encoded(&job.wish.collection)
        ),
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
                reason: String::new(),
                path: String::new(),
                uploaded_at: uploaded.map(str::to_owned),
                dropped: Vec::new(),
                warnings: Vec::new(),
            };
            let answer = Answer {
                status: 201,
                date: date.map(|date| date.parse().unwrap()),
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
}
