//! S3's own notifications: `{"Records": [{"eventName": "ObjectCreated:Put", "s3": {…}}]}`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Malformed, ObjectArrived, Sequencer, key};

/// What a record is about, which decides whether the rest is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    event_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    event_time: Option<String>,
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
pub(super) struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    e_tag: Option<String>,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

impl Bucket {
    pub(super) fn name(self) -> Result<String, Malformed> {
        let named = (!self.name.is_empty()).then_some(self.name);
        named.ok_or_else(|| Malformed::new("the bucket's name is empty"))
    }
}

/// The objects that arrived, each record alone.
pub(super) fn objects(records: &[&RawValue]) -> Vec<Result<ObjectArrived, Malformed>> {
    let arrived = records.iter().map(|record| object(record.get()));
    arrived.filter_map(Result::transpose).collect()
}

/// The object of one record; none when nothing was created.
fn object(record: &str) -> Result<Option<ObjectArrived>, Malformed> {
    let malformed = |error: serde_json::Error| Malformed::json("a record of the notification", &error);
    let subject: Subject = serde_json::from_str(record).map_err(malformed)?;
    // Some S3-compatible stores send the name as it is configured.
    let name = subject.event_name.as_str();
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if !name.starts_with("ObjectCreated:") {
        return Ok(None);
    }
    let record: Record = serde_json::from_str(record).map_err(malformed)?;
    let S3 { bucket, object } = record.s3;
    Ok(Some(ObjectArrived {
        bucket: bucket.name()?,
        key: key::form_decoded(&object.key)?,
        version_id: given(object.version_id),
        etag: etag(object.e_tag),
        size: object.size,
        sequencer: Sequencer::parse(&object.sequencer.unwrap_or_default())?,
        time: record.event_time.and_then(|time| time.parse().ok()),
    }))
}

/// An empty text says as little as none.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Without quotes, which some stores send.
pub(super) fn etag(text: Option<String>) -> Option<String> {
    given(text.map(|text| text.trim_matches('"').to_owned()))
}
