//! Event notifications: what happened to an object, and the record S3 sends about it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// "Supported event types for SQS, SNS, and Lambda" (user guide): those this S3 sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventName {
    /// `ObjectCreated:Put`
    Put,
    /// `ObjectCreated:Copy`
    Copy,
    /// `ObjectCreated:CompleteMultipartUpload`
    CompleteMultipartUpload,
    /// `ObjectRemoved:Delete`: a version is gone for good.
    Deleted,
    /// `ObjectRemoved:DeleteMarkerCreated`
    DeleteMarkerCreated,
    /// `ObjectTagging:Put`
    TagsPut,
    /// `ObjectTagging:Delete`
    TagsDeleted,
}

impl EventName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Put,
        Self::Copy,
        Self::CompleteMultipartUpload,
        Self::Deleted,
        Self::DeleteMarkerCreated,
        Self::TagsPut,
        Self::TagsDeleted,
    ];

    /// As in a record's `eventName`; a notification's configuration says it with `s3:` before.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Deleted => "ObjectRemoved:Delete",
            Self::DeleteMarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
            Self::TagsPut => "ObjectTagging:Put",
            Self::TagsDeleted => "ObjectTagging:Delete",
        }
    }

    /// Whether a configured event, such as `s3:ObjectCreated:*`, includes this one.
    pub fn is_included_in(self, configured: &str) -> bool {
        let configured = configured.strip_prefix("s3:").unwrap_or(configured);
        match configured.strip_suffix('*') {
            Some(prefix) => self.as_str().starts_with(prefix),
            None => self.as_str() == configured,
        }
    }
}

/// What happened to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// What was done.
    pub name: EventName,
    /// Where.
    pub bucket: String,
    /// The key as it is, not encoded.
    pub key: String,
    /// Absent in a bucket that never kept versions.
    pub version_id: Option<String>,
    /// In bytes; absent for a delete marker.
    pub size: Option<u64>,
    /// Without quotes; absent for a delete marker.
    pub etag: Option<String>,
    /// Hexadecimal, always as long, and greater for each later event of a key.
    pub sequencer: String,
    /// When it took effect.
    pub time: Timestamp,
    /// The bucket's region.
    pub region: String,
    /// Who did it: the access key.
    pub principal: String,
    /// From where.
    pub source_ip: IpAddr,
    /// The id of the request, as in its answer's `x-amz-request-id`.
    pub request_id: String,
}

/// The request that an event comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub request_id: String,
    pub source_ip: IpAddr,
    /// The access key; the owner's where none is known.
    pub principal: Option<String>,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            request_id: String::new(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            principal: None,
        }
    }
}

/// Takes an event before its write is answered. It is called under the bucket's lock, so it must neither wait nor ask
/// this S3 anything.
type Listener = Box<dyn Fn(&ObjectEvent) + Send + Sync>;

/// Those who listen. Each gets every event from when it subscribed, however slow it reads.
#[derive(Default)]
pub(crate) struct Events {
    subscribers: Mutex<Vec<UnboundedSender<ObjectEvent>>>,
    listeners: Mutex<Vec<Listener>>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    pub(crate) fn subscribe(&self) -> UnboundedReceiver<ObjectEvent> {
        let (sender, receiver) = unbounded_channel();
        lock(&self.subscribers).push(sender);
        receiver
    }

    pub(crate) fn listen(&self, listener: impl Fn(&ObjectEvent) + Send + Sync + 'static) {
        lock(&self.listeners).push(Box::new(listener));
    }

    pub(crate) fn publish(&self, event: &ObjectEvent) {
        lock(&self.subscribers).retain(|subscriber| subscriber.send(event.clone()).is_ok());
        lock(&self.listeners).iter().for_each(|listener| listener(event));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One entry of `Records`, as S3 writes it ("Event message structure", version 2.1).
///
/// The key is form-encoded: a blank is `+`, every byte outside `A-Z a-z 0-9 - . _ * /` is `%XX`.
pub fn event_record(event: &ObjectEvent) -> Value {
    let mut object = json!({ "key": form_encoded(&event.key) });
    if let (Some(size), Some(etag)) = (event.size, &event.etag)
        && event.name != EventName::Deleted
    {
        if !matches!(event.name, EventName::TagsPut | EventName::TagsDeleted) {
            set(&mut object, "size", json!(size));
        }
        set(&mut object, "eTag", json!(etag));
    }
    if event.name == EventName::DeleteMarkerCreated {
        // What S3 sends: the etag of nothing.
        set(&mut object, "eTag", json!("d41d8cd98f00b204e9800998ecf8427e"));
    }
    if let Some(version) = &event.version_id {
        set(&mut object, "versionId", json!(version));
    }
    set(&mut object, "sequencer", json!(event.sequencer));
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": event.region,
        "eventTime": format!("{:.3}", event.time),
        "eventName": event.name.as_str(),
        "userIdentity": { "principalId": format!("AWS:{}", event.principal) },
        "requestParameters": { "sourceIPAddress": event.source_ip.to_string() },
        "responseElements": {
            "x-amz-request-id": event.request_id,
            "x-amz-id-2": event.request_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "casefile-local",
            "bucket": {
                "name": event.bucket,
                "ownerIdentity": { "principalId": event.principal },
                "arn": format!("arn:aws:s3:::{}", event.bucket),
            },
            "object": object,
        },
    })
}

/// What S3 sends to a queue when a bucket's notifications are set up. Source: Amazon S3 User Guide, "Event message
/// structure".
pub(crate) fn test_event(bucket: &str, time: Timestamp) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": format!("{time:.3}"),
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    })
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

fn form_encoded(key: &str) -> String {
    use std::fmt::Write as _;
    key.bytes()
        .fold(String::with_capacity(key.len()), |mut text, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                    text.push(char::from(byte));
                }
                b' ' => text.push('+'),
                // Writing to a string can't fail.
                _ => drop(write!(text, "%{byte:02X}")),
            }
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: EventName, key: &str) -> ObjectEvent {
        ObjectEvent {
            name,
            bucket: "files".to_owned(),
            key: key.to_owned(),
            version_id: Some("v1".to_owned()),
            size: Some(5),
            etag: Some("e".to_owned()),
            sequencer: "00".to_owned(),
            time: "2025-11-14T14:25:10.5Z".parse().unwrap(),
            region: "eu-central-1".to_owned(),
            principal: "casefile".to_owned(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request_id: "R1".to_owned(),
        }
    }

    #[test]
    fn a_record_has_the_fields_of_the_documented_structure() {
        let record = event_record(&event(EventName::Put, "tara/before TR+20417 ü%.docx"));
        assert_eq!(record["eventTime"], "2025-11-14T14:25:10.500Z");
        assert_eq!(record["eventName"], "ObjectCreated:Put");
        assert_eq!(
            record["s3"]["object"]["key"],
            "tara/before+TR%2B20417+%C3%BC%25.docx"
        );
        assert_eq!(record["s3"]["object"]["size"], 5);
        assert_eq!(record["s3"]["object"]["versionId"], "v1");
        assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::files");
        assert_eq!(record["responseElements"]["x-amz-request-id"], "R1");
    }

    #[test]
    fn a_deleted_version_has_neither_size_nor_etag() {
        let record = event_record(&event(EventName::Deleted, "a"));
        assert!(record["s3"]["object"].get("size").is_none());
        assert!(record["s3"]["object"].get("eTag").is_none());
    }

    #[test]
    fn a_wildcard_includes_the_events_of_its_kind() {
        assert!(EventName::Copy.is_included_in("s3:ObjectCreated:*"));
        assert!(EventName::Put.is_included_in("s3:ObjectCreated:Put"));
        assert!(!EventName::Deleted.is_included_in("s3:ObjectCreated:*"));
    }
}
