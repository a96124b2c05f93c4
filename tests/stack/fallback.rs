//! S3 is down, or not to be used as it is set up: nothing that a caller was told is kept is lost, and a replay stores it as
//! if it had come then.

mod answers;
mod batches;
mod counter;
mod every_call;
mod order;
mod places;
mod replays;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use session_export::fallback::Fallback;

use crate::support::noon;

/// What keeps nothing.
pub(crate) fn no_fallback() -> Fallback {
    Fallback::new(None, noon, casefile::id::system_entropy)
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Review,
    Record,
    Numbered,
    Report,
    UndatedReport,
    Log,
    Revision,
    Table,
    Replacement,
}

const KINDS: [Kind; 9] = [
    Kind::Review,
    Kind::Record,
    Kind::Numbered,
    Kind::Report,
    Kind::UndatedReport,
    Kind::Log,
    Kind::Revision,
    Kind::Table,
    Kind::Replacement,
];

const RECORD: &str = include_str!("../fixtures/bol/bol.json");
const LOG: &str = crate::files::LOG;
const TABLE: &str = "encounter_maindata.parquet";

impl Kind {
    fn route(self) -> &'static str {
        match self {
            Self::Review => "/v1/reviews",
            Self::Record | Self::Numbered => "/v1/bols",
            Self::Report | Self::UndatedReport => "/v1/ecg-reports",
            Self::Log => "/v1/training-logs",
            Self::Revision => "/v1/training-logs?revision=true",
            Self::Table | Self::Replacement => "/v1/clinical",
        }
    }

    /// What has to be in S3 before.
    fn first(self) -> Option<Value> {
        match self {
            Self::Revision => Some(serde_json::from_str(LOG).unwrap()),
            Self::Replacement => Some(crate::files::given(TABLE, crate::files::DEMOGRAPHICS)),
            _ => None,
        }
    }

    /// The request, given the digest of what was there before.
    fn request(self) -> Value {
        let mut request = match self {
            Self::Review => crate::support::sample("x"),
            Self::Record => serde_json::from_str(RECORD).unwrap(),
            Self::Numbered => {
                let mut request = crate::files::given("bill.pdf", crate::files::REPORT);
                request["date"] = json!("2025-10-28");
                request["number"] = json!("PRT-2025-0042");
                request
            }
            Self::Report => crate::files::given(crate::files::REPORT_NAME, crate::files::REPORT),
            Self::UndatedReport => crate::files::given("report.pdf", crate::files::REPORT),
            Self::Log | Self::Revision => serde_json::from_str(LOG).unwrap(),
            Self::Table | Self::Replacement => crate::files::given(TABLE, crate::files::ENCOUNTERS),
        };
        match self {
            Self::Revision => request["training_results"]["final_loss"] = json!(7),
            Self::Replacement => {
                let before = casefile::digest::Sha256::of(crate::files::DEMOGRAPHICS);
                request["replaces"] = json!(before.to_string());
            }
            Self::Review | Self::Report => request["owner"] = json!("c-17"),
            _ => {}
        }
        request
    }

    /// Where its files are in S3.
    fn prefix(self) -> &'static str {
        match self {
            Self::Review => "tara/",
            Self::Record | Self::Numbered => "bols/",
            Self::Report | Self::UndatedReport => "ecg-reports/",
            Self::Log | Self::Revision => "training-logs/",
            Self::Table | Self::Replacement => "parquet/",
        }
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Review => "reviews",
            Self::Record | Self::Numbered => "bols",
            Self::Report | Self::UndatedReport => "ecg-reports",
            Self::Log | Self::Revision => "training-logs",
            Self::Table | Self::Replacement => "clinical",
        }
    }

    /// Of a single file, its content.
    fn content(self) -> Option<Vec<u8>> {
        match self {
            Self::Review | Self::Record => None,
            Self::Numbered | Self::Report | Self::UndatedReport => Some(crate::files::REPORT.to_vec()),
            Self::Log | Self::Revision => Some(self.request().to_string().into_bytes()),
            Self::Table | Self::Replacement => Some(crate::files::ENCOUNTERS.to_vec()),
        }
    }
}

/// The sample review under a session id, with another document.
fn with_other_document(session_id: &str, content: &[u8]) -> Value {
    let mut request = crate::support::sample(session_id);
    request["documents"]["before"]["content_base64"] = json!(BASE64.encode(content));
    request
}
