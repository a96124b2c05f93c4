//! S3's events as `EventBridge` delivers them: `{"detail-type": "Object Created", "detail": {…}}`. The key is spelled
//! as it is, unlike in S3's own notifications.

use serde::Deserialize;

use super::notification::{Bucket, etag, given};
use super::{Malformed, ObjectArrived, Sequencer, key};

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    time: Option<String>,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(rename = "version-id", default)]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

/// The object that arrived, if the event is about that: its `detail-type` is `kind`.
pub(super) fn object(kind: &str, text: &str) -> Vec<Result<ObjectArrived, Malformed>> {
    match kind {
        "Object Created" => vec![created(text)],
        _ => Vec::new(),
    }
}

fn created(text: &str) -> Result<ObjectArrived, Malformed> {
    let wire: Wire =
        serde_json::from_str(text).map_err(|error| Malformed::json("the EventBridge event", &error))?;
    // Anybody may put events of this type on a bus under a name of their own; only AWS may under this one.
    if wire.source.as_deref() != Some("aws.s3") {
        return Err(Malformed::new(
            "the EventBridge event isn't S3's: its source must be 'aws.s3'",
        ));
    }
    let Detail { bucket, object } = wire.detail;
    Ok(ObjectArrived {
        bucket: bucket.name()?,
        key: key::as_it_is(&object.key)?,
        version_id: given(object.version_id),
        etag: etag(object.etag),
        size: object.size,
        sequencer: Sequencer::parse(&object.sequencer.unwrap_or_default())?,
        time: wire.time.and_then(|time| time.parse().ok()),
    })
}
