//! Large files on their way through the API: an upload grant, by which their bytes go to S3.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use casefile::collection::Collection;
use http::{Method, Request};
use serde::Deserialize;
use serde_json::json;

use super::api::not_done;
use super::body::Load;
use super::job::Job;
use super::outcome::Sent;
use crate::web::{Api, Http, NoAnswer, next, retry_after, time_for};

/// What is waited before bytes are sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];

/// What a grant says.
#[derive(Deserialize)]
struct Grant {
    upload_id: String,
    url: String,
    headers: BTreeMap<String, String>,
}

/// Puts a large file into the caller's inbox; the id by which the export finds it there.
pub(super) async fn upload(api: &Api, job: &Job, load: &Load) -> Result<String, Sent> {
    // Once more where S3 refuses: a grant ends, and so do the credentials that it was made with.
    for _ in 0..2 {
        let grant = granted(api, job).await?;
        if put(&api.http, job, load, &grant).await? {
            return Ok(grant.upload_id);
        }
    }
    let why = "S3 refuses what the API has granted, and granted once more: status 403";
    Err(Sent::Failed(why.to_owned()))
}

async fn granted(api: &Api, job: &Job) -> Result<Grant, Sent> {
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
    let answer = answer.map_err(Sent::from)?;
    if answer.status != 201 {
        return Err(not_done(&answer));
    }
    let odd = || Sent::Failed("the API's upload grant can't be read".to_owned());
    answer.json().ok_or_else(odd)
}

/// Sends the bytes, three times at most; whether S3 takes the grant at all.
async fn put(http: &Http, job: &Job, load: &Load, grant: &Grant) -> Result<bool, Sent> {
    let mut pauses = PAUSES.iter();
    loop {
        let body = load
            .open()
            .await
            .map_err(|error: io::Error| Sent::Refused(error.to_string()))?;
        let (sent, asked) = match put_once(http, job, grant, body).await {
            // 412: an earlier try, whose answer was lost. The grant takes just these bytes, once.
            Ok((200 | 412, _)) => return Ok(true),
            Ok((status, asked)) if is_passing(status) => {
                (Sent::Busy(format!("S3 is busy: status {status}")), asked)
            }
            Ok((status, _)) => {
                job.check().await.map_err(Sent::Refused)?;
                if status == 403 {
                    return Ok(false);
                }
                let why = format!("S3 refuses what the API has granted: status {status}");
                return Err(Sent::Failed(why));
            }
            Err(error) => {
                job.check().await.map_err(Sent::Refused)?;
                (Sent::Down(format!("S3 can't be reached: {error}")), None)
            }
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(asked.unwrap_or_default().max(*pause)).await,
            None => return Err(sent),
        }
    }
}

/// Whether the same may go well later.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..)
}

/// The status, and what is asked to be waited. A body that came too slowly is S3's 400 with the code `RequestTimeout`, which
/// is 408 here.
async fn put_once(
    http: &Http,
    job: &Job,
    grant: &Grant,
    body: SdkBody,
) -> Result<(u16, Option<Duration>), NoAnswer> {
    let mut request = Request::put(&grant.url);
    for (name, value) in &grant.headers {
        request = request.header(name, value);
    }
    let request = request.body(body).map_err(|_| NoAnswer::Request)?;
    let mut answer = http.send(request, time_for(job.size)).await?;
    let asked = retry_after(answer.headers());
    let status = match answer.status().as_u16() {
        400 if is_timeout(answer.body_mut()).await => 408,
        status => status,
    };
    Ok((status, asked))
}

/// S3's error documents are a few hundred bytes.
async fn is_timeout(body: &mut SdkBody) -> bool {
    let mut text = Vec::new();
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(time_for(0), next(body)).await {
        text.extend_from_slice(&piece);
        if text.len() > 8 * 1024 {
            break;
        }
    }
    String::from_utf8_lossy(&text).contains("<Code>RequestTimeout</Code>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again() {
        let again: Vec<_> = [400, 403, 404, 408, 409, 429, 500, 503]
            .into_iter()
            .filter(|status| is_passing(*status))
            .collect();
        assert_eq!(again, [408, 409, 429, 500, 503]);
    }

    #[tokio::test]
    async fn a_body_that_came_too_slowly_is_told_from_a_wrong_one() {
        let is =
            async |code: &str| is_timeout(&mut SdkBody::from(format!("<Error><Code>{code}</Code>"))).await;
        assert!(is("RequestTimeout").await && !is("BadDigest").await);
    }
}
