//! What is asked for: exports of four kinds, each under an id by which it is found again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::digest::Sha256;
use casefile::time::compact;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sample::{review_request, workspace};

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A review session. All are of the same document, and so of one folder name but for the time.
    Review,
    /// A bill of lading that gets its number when it is stored.
    Bol,
    /// An ECG report.
    EcgReport,
    /// A training log.
    TrainingLog,
}

impl Kind {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Review, Self::Bol, Self::EcgReport, Self::TrainingLog];

    /// Seven of ten are reviews.
    pub(super) fn of(number: usize) -> Self {
        match number % 10 {
            3 => Self::Bol,
            5 => Self::EcgReport,
            8 => Self::TrainingLog,
            _ => Self::Review,
        }
    }

    /// Its collection.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Review => "reviews",
            Self::Bol => "bols",
            Self::EcgReport => "ecg-reports",
            Self::TrainingLog => "training-logs",
        }
    }

    /// Where it is asked for.
    pub(super) fn route(self) -> String {
        format!("/v1/{}", self.collection())
    }
}

/// One export that is asked for, as often as it takes.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    /// No other has it, of whatever kind.
    pub(super) id: String,
    pub(super) body: Bytes,
    /// Of the very bytes that must be there, where they are the request's.
    pub(super) sha256: Option<Sha256>,
}

/// What the requests are made of.
pub(super) struct Samples {
    stamp: String,
    review: Value,
    bol: Value,
    ecg_report: Vec<u8>,
    training_log: Value,
}

impl Samples {
    /// Reads tests/fixtures. Ids have the time in them, so that a demo's are not those of an earlier one.
    pub(super) fn read(now: Timestamp) -> std::io::Result<Self> {
        let fixtures = workspace().join("tests/fixtures");
        let bytes = |name: &str| std::fs::read(fixtures.join(name));
        let value = |name: &str| Ok::<_, std::io::Error>(serde_json::from_slice(&bytes(name)?)?);
        Ok(Self {
            stamp: compact(now),
            review: review_request()?,
            bol: value("bol/bol.json")?,
            ecg_report: bytes("ecg/ECG_Report_20251028_143022.pdf")?,
            training_log: value("training/session.json")?,
        })
    }

    /// The export of this number.
    pub(super) fn asked(&self, number: usize) -> Asked {
        let kind = Kind::of(number);
        let mut id = format!("outage-{}-{number}", self.stamp);
        let body = match kind {
            Kind::Review => with(&self.review, &["session", "session_id"], &id),
            // Found by its owner, for its number is known only in the end; which also makes it a bill of its own.
            Kind::Bol => with(&self.bol, &["owner"], &id),
            Kind::EcgReport => {
                id = format!("ECG_Report_{}_{number}.pdf", self.stamp);
                json!({"file": {"file_name": id, "content_base64": BASE64.encode(&self.ecg_report)}})
            }
            Kind::TrainingLog => with(&self.training_log, &["session", "id"], &id),
        };
        let body = body.to_string();
        let sha256 = match kind {
            Kind::EcgReport => Some(Sha256::of(&self.ecg_report)),
            // Kept as it came.
            Kind::TrainingLog => Some(Sha256::of(body.as_bytes())),
            Kind::Review | Kind::Bol => None,
        };
        Asked {
            kind,
            id,
            body: body.into(),
            sha256,
        }
    }
}

/// A copy with another text at the end of these keys.
fn with(sample: &Value, keys: &[&str], text: &str) -> Value {
    let mut copy = sample.clone();
    let mut at = &mut copy;
    for key in keys {
        // Makes what isn't there; every sample is an object.
        at = &mut at[*key];
    }
    *at = text.into();
    copy
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_export_is_one_of_its_own_and_most_are_reviews() {
        let samples = Samples::read(Timestamp::UNIX_EPOCH).unwrap();
        let asked: Vec<_> = (0..20).map(|number| samples.asked(number)).collect();
        let count = |kind| asked.iter().filter(|asked| asked.kind == kind).count();
        assert_eq!(Kind::ALL.map(count), [14, 2, 2, 2]);
        let ids: BTreeSet<_> = asked.iter().map(|asked| &asked.id).collect();
        let bodies: BTreeSet<_> = asked.iter().map(|asked| &asked.body).collect();
        assert_eq!((ids.len(), bodies.len()), (20, 20));
        let review: Value = serde_json::from_slice(&asked[0].body).unwrap();
        assert_eq!(review["session"]["session_id"], "outage-19700101_000000-0");
        let bol: Value = serde_json::from_slice(&asked[3].body).unwrap();
        assert_eq!(bol["owner"], "outage-19700101_000000-3");
    }
}
