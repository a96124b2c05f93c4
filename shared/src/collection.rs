//! The collections: kinds of files with one policy each.

use std::time::Duration;

use crate::key::{BasePath, ObjectKey};

/// A kind of file with one policy: where it lies, and how links to it work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collection {
    /// Sessions of document review.
    Reviews,
    /// Bills of lading.
    Bols,
    /// Reports of ECG devices.
    EcgReports,
    /// Logs of training runs.
    TrainingLogs,
    /// Tables and snapshots of a clinical registry.
    Clinical,
}

/// The two kinds of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A presigned URL of S3.
    Direct,
    /// `/v1/s/{token}`, checked at each use.
    Share,
}

impl LinkKind {
    /// As requests and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Share => "share",
        }
    }
}

impl Collection {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::Reviews,
        Self::Bols,
        Self::EcgReports,
        Self::TrainingLogs,
        Self::Clinical,
    ];

    /// As it stands in a route.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reviews => "reviews",
            Self::Bols => "bols",
            Self::EcgReports => "ecg-reports",
            Self::TrainingLogs => "training-logs",
            Self::Clinical => "clinical",
        }
    }

    /// The collection of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|collection| collection.name() == name)
    }

    /// The kind of its links, where the caller doesn't ask for one.
    pub fn link_kind(self) -> LinkKind {
        match self {
            Self::Bols => LinkKind::Share,
            Self::Reviews | Self::EcgReports | Self::TrainingLogs | Self::Clinical => LinkKind::Direct,
        }
    }

    /// How long a link of [`Collection::link_kind`] lives, and at most may.
    pub fn link_life(self) -> Duration {
        match self {
            Self::Bols => Duration::from_hours(24),
            Self::Reviews | Self::EcgReports | Self::TrainingLogs | Self::Clinical => Duration::from_mins(15),
        }
    }

    /// Whether links lead only to what was verified, or released by an operator. For devices deliver without anybody who
    /// looks; what another collection has through the inbox is treated alike.
    pub fn demands_verification(self) -> bool {
        match self {
            Self::EcgReports => true,
            Self::Reviews | Self::Bols | Self::TrainingLogs | Self::Clinical => false,
        }
    }

    /// What comes before each of its keys; `clinical` has its two folders in the paths.
    fn prefix(self, base: &BasePath) -> &str {
        match self {
            Self::Reviews => base.as_str(),
            Self::Bols => "bols/",
            Self::EcgReports => "ecg-reports/",
            Self::TrainingLogs => "training-logs/",
            Self::Clinical => "",
        }
    }

    /// The key that a path below the collection names; `None` when nothing of the collection can lie there. A bill of
    /// lading answers to its number alone.
    pub fn key(self, base: &BasePath, path: &str) -> Option<String> {
        let is_safe = !path.chars().any(char::is_control)
            && path
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..");
        let key = match (self, bol_year(path)) {
            (Self::Bols, Some(year)) => format!("bols/{year}/{path}.pdf"),
            _ => format!("{}{path}", self.prefix(base)),
        };
        (is_safe && key.len() <= MAX_KEY_BYTES && self.holds(base, &key)).then_some(key)
    }

    /// The path below the collection of one of its keys.
    pub fn path<'a>(self, base: &BasePath, key: &'a str) -> Option<&'a str> {
        let path = key.strip_prefix(self.prefix(base))?;
        self.holds(base, key).then_some(path)
    }

    fn holds(self, base: &BasePath, key: &str) -> bool {
        match self {
            // The base path may be empty, so only a session's files count.
            Self::Reviews => matches!(ObjectKey::parse(key, base), Ok(ObjectKey::SessionFile { .. })),
            Self::Bols | Self::EcgReports | Self::TrainingLogs => key.starts_with(self.prefix(base)),
            Self::Clinical => key.starts_with("parquet/") || key.starts_with("snapshots/"),
        }
    }
}

/// S3 user guide, *Naming Amazon S3 objects*.
const MAX_KEY_BYTES: usize = 1_024;

/// The year in a bill of lading's number, `PRT-2025-0042`.
fn bol_year(number: &str) -> Option<&str> {
    let (rest, count) = number.rsplit_once('-')?;
    let (prefix, year) = rest.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !prefix.is_empty()
        && !number.contains(['/', '.'])
        && year.len() == 4
        && digits(year)
        && digits(count);
    is_number.then_some(year)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_lead_to_keys_and_back() {
        let base = BasePath::default();
        for (collection, path, key) in [
            (
                Collection::Reviews,
                "20251114_142510_a/documents/after_a & b+c.docx",
                "tara/20251114_142510_a/documents/after_a & b+c.docx",
            ),
            (
                Collection::Bols,
                "2025/PRT-2025-0042.pdf",
                "bols/2025/PRT-2025-0042.pdf",
            ),
            (
                Collection::EcgReports,
                "2025/10/28/x.pdf",
                "ecg-reports/2025/10/28/x.pdf",
            ),
            (
                Collection::Clinical,
                "parquet/encounter_maindata.parquet",
                "parquet/encounter_maindata.parquet",
            ),
        ] {
            assert_eq!(collection.key(&base, path).as_deref(), Some(key));
            assert_eq!(collection.path(&base, key), Some(path));
        }
        assert_eq!(
            Collection::Bols.key(&base, "PRT-2025-0042").as_deref(),
            Some("bols/2025/PRT-2025-0042.pdf")
        );
    }

    #[test]
    fn what_can_not_lie_in_a_collection_has_no_key() {
        let everywhere = BasePath::parse("").unwrap();
        for (collection, path) in [
            (Collection::Reviews, "_casefile/sessions/acme/x.json"),
            (Collection::Reviews, "bols/2025/PRT-2025-0042.pdf"),
            (Collection::Reviews, "20251114_142510_a"),
            (Collection::Reviews, "20251114_142510_a/secret.txt"),
            (Collection::Bols, "../inbox/x"),
            (Collection::Bols, "2025//x.pdf"),
            (Collection::Bols, "/x"),
            (Collection::Bols, ""),
            (Collection::Bols, "a\nb"),
            (Collection::Clinical, "_casefile/shares/x"),
            (Collection::Clinical, "bols/2025/x.pdf"),
            (Collection::Clinical, "parquet"),
        ] {
            assert_eq!(collection.key(&everywhere, path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_its_collection(path in any::<String>()) {
            let base = BasePath::default();
            for collection in Collection::ALL {
                if let Some(key) = collection.key(&base, &path) {
                    prop_assert!(!key.starts_with("_casefile/") && !key.starts_with("inbox/"));
                    prop_assert!(collection.path(&base, &key).is_some());
                }
            }
        }
    }
}
