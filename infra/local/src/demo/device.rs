//! What a device delivers: it may put files into its collection's inbox, and nothing else.

use std::io;

use bytes::Bytes;
use casefile::bucket::{Bucket, Metadata, NewObject};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::key::{BasePath, ObjectKey};
use casefile::status::Status;
use casefile::store_error::StoreError;
use casefile::time::compact;
use jiff::Timestamp;

use crate::sample::workspace;

/// A file that a device delivers, and what should become of it.
pub(super) struct Delivery {
    pub(super) name: String,
    pub(super) content: Bytes,
    content_type: &'static str,
    metadata: Metadata,
    pub(super) expected: Status,
}

impl Delivery {
    fn new(name: String, content: Vec<u8>, content_type: &'static str, expected: Status) -> Self {
        Self {
            name,
            content: content.into(),
            content_type,
            metadata: Metadata::new(),
            expected,
        }
    }

    /// Where it is put.
    pub(super) fn key(&self) -> String {
        let delivery = ObjectKey::Delivery {
            collection: Collection::ecg_reports(),
            name: self.name.clone(),
        };
        delivery.path(&BasePath::default())
    }

    /// Puts it there.
    pub(super) async fn put(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let object = NewObject {
            key: self.key(),
            body: self.content.clone(),
            sha256: Sha256::of(&self.content),
            content_type: self.content_type,
            metadata: self.metadata.clone(),
        };
        bucket.create(&object).await.map(drop)
    }
}

/// The files of tests/fixtures/ecg under names of their own, so that a demo's are not those of an earlier one: a report,
/// its measurements, a log that the collection doesn't take, and the report again, broken off.
pub(super) fn deliveries(now: Timestamp) -> io::Result<[Delivery; 4]> {
    let folder = workspace().join("tests/fixtures/ecg");
    let read = |name: &str| std::fs::read(folder.join(name));
    let report = read("ECG_Report_20251028_143022.pdf")?;
    let broken = report.iter().take(report.len() / 2).copied().collect();
    let stamp = compact(now);
    let pdf = |name: String, content, expected| Delivery::new(name, content, "application/pdf", expected);
    let json = |name: String, content, expected| Delivery::new(name, content, "application/json", expected);
    let mut report = pdf(format!("ECG_Report_{stamp}.pdf"), report, Status::Verified);
    report.metadata = [("heart_rate", "72"), ("operator_login", "nurse7")]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
    Ok([
        report,
        json(
            format!("metrics_{stamp}.json"),
            read("metrics_20251028_143022.json")?,
            Status::Verified,
        ),
        json(
            format!("crash_logs_{stamp}.json"),
            read("crash_logs.json")?,
            Status::Skipped,
        ),
        pdf(format!("ECG_Report_{stamp}_broken.pdf"), broken, Status::Rejected),
    ])
}
