//! Straight to S3, with nothing but the right to put objects, as devices have it: into a collection's inbox, from where
//! post-process files it, and of training runs into the log's own place.

use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use casefile::bucket::{Bucket, Content, Delivered, Metadata, Target};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{UPLOADED_AT, ownership};
use casefile::intake::{Acceptance, MAX_METADATA_BYTES, accept_delivery};
use casefile::json::compact;
use casefile::key::{BasePath, ObjectKey};
use casefile::metadata::encode;
use casefile::name::TenantId;
use casefile::store_error::StoreError;
use casefile::time::{Clock, rfc3339};
use casefile::training_log::TrainingLog;
use jiff::tz::TimeZone;

use super::body::Load;
use super::job::Job;
use super::outcome::{Sent, Stored};
use crate::web::time_for;

/// What is waited before a body is sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];

/// S3, and whose a training log is.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) bucket: Bucket,
    pub(super) tenant: TenantId,
    pub(super) clock: Clock,
}

/// What is put where.
struct Parcel {
    target: Target,
    content: Content,
    /// Of what isn't sent as it lies on the disk.
    bytes: Option<Bytes>,
    /// Whether its key says its content, so that whatever lies there is the same.
    is_named_by_content: bool,
    notes: Vec<String>,
}

impl Direct {
    /// Stores a file.
    pub(super) async fn send(&self, job: &Job, load: &Load) -> Sent {
        let sent = match self.parcel(job) {
            Ok(parcel) => self.put(job, load, parcel).await,
            Err(sent) => sent,
        };
        load.done();
        sent
    }

    fn parcel(&self, job: &Job) -> Result<Parcel, Sent> {
        let name = &job.wish.collection;
        let collection = Collection::parse(name).ok_or_else(|| {
            let all: Vec<_> = Collection::all().map(Collection::name).collect();
            Sent::Refused(format!(
                "there is no collection {name}; there are {}",
                all.join(", ")
            ))
        })?;
        if job.size > collection.max_bytes() {
            let (size, most) = (job.size, collection.max_bytes());
            return Err(Sent::Refused(format!(
                "it has {size} bytes; {name} takes at most {most}"
            )));
        }
        if collection == Collection::training_logs() {
            return self.log(job, collection);
        }
        if collection.has_inbox() {
            return delivery(job, collection);
        }
        Err(Sent::Refused(format!(
            "{name} is written to through the API: name one by --api or CASEFILE_API_URL"
        )))
    }

    /// A training run's log as the API would store it, of which nobody needs to do anything more.
    fn log(&self, job: &Job, collection: Collection) -> Result<Parcel, Sent> {
        let refused = |why: String| Sent::Refused(format!("it is no training log: {why}"));
        if !job.wish.metadata.is_empty() {
            return Err(Sent::Refused(
                "a training log says all of itself: it takes no metadata".to_owned(),
            ));
        }
        let bytes = job.content().map_err(Sent::Refused)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| refused(error.to_string()))?;
        let log = TrainingLog::parse(text).map_err(|error| refused(error.to_string()))?;
        let log = log.map_err(|errors| {
            let errors = errors
                .iter()
                .map(|error| format!("{} {}", error.pointer, error.detail));
            refused(errors.collect::<Vec<_>>().join("; "))
        })?;
        let id = log.session_id.as_str();
        let day = log.started.to_zoned(TimeZone::UTC).date();
        let path = collection.new_path("", day, id);
        let key = collection.key(&BasePath::default(), &path);
        let kind = collection.kind_of(&path);
        let (key, kind) = key
            .zip(kind)
            .ok_or_else(|| refused("its session's id makes no key".to_owned()))?;
        let bytes = Bytes::from(compact(text));
        let own = [
            ("session-id", id.to_owned()),
            (UPLOADED_AT, rfc3339((self.clock)())),
        ];
        Ok(Parcel {
            target: Target {
                key,
                content_type: kind.content_type(),
                metadata: ownership(&self.tenant, None).into_iter().chain(own).collect(),
            },
            content: Content {
                size: bytes.len() as u64,
                sha256: Sha256::of(&bytes),
            },
            bytes: Some(bytes),
            is_named_by_content: false,
            notes: Vec::new(),
        })
    }

    async fn put(&self, job: &Job, load: &Load, parcel: Parcel) -> Sent {
        let delivered = match self.deliver(job, load, &parcel).await {
            Ok(delivered) => delivered,
            Err(sent) => return sent,
        };
        let stored = Stored {
            url: format!("s3://{}/{}", self.bucket.name(), parcel.target.key),
            notes: parcel.notes,
        };
        match delivered {
            Delivered::Now => Sent::Stored(stored),
            Delivered::Taken if parcel.is_named_by_content => Sent::There(stored),
            Delivered::Taken => match self.bucket.content(&parcel.target.key).await {
                Ok(content) if content == parcel.content => Sent::There(stored),
                Ok(_) => Sent::Refused("another log of its session lies there; nothing was overwritten".to_owned()),
                Err(StoreError::Refused(_)) => Sent::Refused(
                    "a log of its session lies there already, and these credentials may not look whether it is the same; \
                     nothing was overwritten"
                        .to_owned(),
                ),
                Err(error) => Sent::from(error),
            },
        }
    }

    /// Three times at most.
    async fn deliver(&self, job: &Job, load: &Load, parcel: &Parcel) -> Result<Delivered, Sent> {
        let time = time_for(parcel.content.size);
        let mut pauses = PAUSES.iter();
        loop {
            let body = match &parcel.bytes {
                Some(bytes) => SdkBody::from(Bytes::clone(bytes)),
                None => load
                    .open()
                    .await
                    .map_err(|error| Sent::Refused(error.to_string()))?,
            };
            let error = match self
                .bucket
                .deliver(&parcel.target, parcel.content, body, time)
                .await
            {
                Ok(delivered) => return Ok(delivered),
                Err(error) => error,
            };
            // S3 takes nothing that isn't what it was said to be.
            job.check().await.map_err(Sent::Refused)?;
            match (error, pauses.next()) {
                (StoreError::Unavailable(_), Some(pause)) => tokio::time::sleep(*pause).await,
                (error @ StoreError::Unavailable(_), None) => return Err(Sent::from(error)),
                (error, _) => return Err(Sent::Failed(explained(&error))),
            }
        }
    }
}

fn explained(error: &StoreError) -> String {
    match error {
        StoreError::Refused(cause) => match cause.set_up() {
            Some(fault) => format!("{error}: {}", fault.advice()),
            None => error.to_string(),
        },
        error => error.to_string(),
    }
}

/// A device's delivery. Its key has a folder of the content's digest and the metadata's, which post-process passes over: so a repeat is known
/// without a right to read, and other content of the same name is not in its way.
fn delivery(job: &Job, collection: Collection) -> Result<Parcel, Sent> {
    let content_type = match accept_delivery(collection, job.name()) {
        Acceptance::Accepted { content_type } => content_type,
        Acceptance::Skipped(why) => return Err(Sent::Skipped(why)),
    };
    let (metadata, notes) = sorted(job, collection)?;
    let name = format!("{}/{}", folder(job, &metadata), job.name());
    let key = ObjectKey::Delivery { collection, name };
    Ok(Parcel {
        target: Target {
            key: key.path(&BasePath::default()),
            content_type,
            metadata,
        },
        content: Content {
            size: job.size,
            sha256: job.sha256,
        },
        bytes: None,
        is_named_by_content: true,
        notes,
    })
}

/// The content's digest, and where there is metadata its, too: the same content with other metadata is another delivery.
fn folder(job: &Job, metadata: &Metadata) -> String {
    if metadata.is_empty() {
        return job.sha256.to_string();
    }
    let parts = metadata.iter().flat_map(|(name, value)| [*name, value.as_str()]);
    format!("{}-{}", job.sha256, Sha256::of_parts(parts))
}

/// What the collection keeps of the metadata, as S3 keeps it; and what it doesn't.
fn sorted(job: &Job, collection: Collection) -> Result<(Metadata, Vec<String>), Sent> {
    let mut metadata = Metadata::new();
    let mut notes = Vec::new();
    for (name, value) in &job.wish.metadata {
        if value.chars().any(char::is_control) {
            return Err(Sent::Refused(format!("--metadata {name} has control characters")));
        }
        let known = collection.metadata().iter().find(|field| field.name == *name);
        match known {
            Some(field) => metadata.push((field.name, encode(value))),
            None => notes.push(format!("{name} isn't kept by its collection")),
        }
    }
    let size: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MAX_METADATA_BYTES {
        return Err(Sent::Refused(format!(
            "its metadata has {size} bytes; at most {MAX_METADATA_BYTES} are kept"
        )));
    }
    Ok((metadata, notes))
}

#[cfg(test)]
mod tests {
    use super::super::job::Wish;
    use super::*;

    fn job(collection: &str, name: &str, metadata: &[(&str, &str)]) -> Job {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Job {
            path: format!("/srv/{name}").into(),
            size: 3,
            sha256: Sha256::of(b"abc"),
            wish: Wish {
                collection: collection.to_owned(),
                metadata: metadata.iter().map(owned).collect(),
                owner: None,
                replaces: None,
            },
        }
    }

    #[test]
    fn a_delivery_lies_in_the_inbox_by_its_content_with_what_its_collection_keeps() {
        let given = [("patient_name", "José"), ("operator", "nurse7")];
        let job = job("ecg-reports", "report ä.pdf", &given);
        let parcel = delivery(&job, Collection::ecg_reports()).ok().unwrap();
        let kept = Sha256::of_parts(["patient_name", &encode("José")]);
        let key = format!("inbox/ecg-reports/{}-{kept}/report ä.pdf", Sha256::of(b"abc"));
        assert_eq!(
            (parcel.target.key, parcel.target.content_type),
            (key, "application/pdf")
        );
        assert_eq!(parcel.target.metadata, [("patient_name", encode("José"))]);
        assert_eq!(parcel.notes, ["operator isn't kept by its collection"]);
    }

    #[test]
    fn what_a_collection_does_not_take_is_skipped_and_what_would_break_a_header_is_refused() {
        let skipped = delivery(&job("ecg-reports", "scan.pdf", &[]), Collection::ecg_reports()).err();
        assert!(matches!(skipped, Some(Sent::Skipped(_))));
        for value in ["a\nb", &"x".repeat(MAX_METADATA_BYTES)] {
            let job = job("ecg-reports", "report.pdf", &[("patient_name", value)]);
            let refused = delivery(&job, Collection::ecg_reports()).err();
            assert!(matches!(refused, Some(Sent::Refused(_))), "{value}");
        }
    }
}
