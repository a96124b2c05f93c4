//! What there is to tell about, and its wording.

use std::fmt::Display;

use casefile::digest::{Hasher, Sha256};
use serde::Serialize;
use serde_json::{Map, Value};

use super::notice::{Attributes, Notice};

/// Something was judged.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct News<'a> {
    /// The collection's name.
    pub collection: &'a str,
    /// The verdict: `verified`, `rejected`, `unsupported`, `skipped`.
    pub status: &'a str,
    /// Why, without anything of the content.
    pub reason: Option<&'a str>,
    /// Whose it is.
    pub tenant: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// The key of the file, or of the session's manifest.
    pub key: &'a str,
    /// The version that was judged.
    pub version_id: Option<&'a str>,
    /// What it is.
    #[serde(flatten)]
    pub about: About<'a>,
}

/// What was judged.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About<'a> {
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Of the content.
        sha256: Option<Sha256>,
    },
    /// A session that is complete.
    Session {
        /// The session.
        session_id: &'a str,
        /// How many files it has.
        files: usize,
        /// `summary_statistics` of its report; the numbers go into the e-mail.
        statistics: &'a Map<String, Value>,
        /// `available` or `unavailable`; absent where nothing is summarised.
        summary: Option<&'a str>,
    },
}

impl News<'_> {
    /// The same for the same verdict on the same version of the same object.
    pub fn id(&self) -> Sha256 {
        let version = self.version_id.unwrap_or_default();
        let mut hasher = Hasher::default();
        // Each with its length before it, so that no two lists are the same bytes.
        for part in [self.kind(), self.bucket, self.key, version, self.status] {
            hasher.update(part.len().to_string().as_bytes());
            hasher.update(b":");
            hasher.update(part.as_bytes());
        }
        hasher.finish()
    }

    fn kind(&self) -> &'static str {
        match self.about {
            About::File { .. } => "file",
            About::Session { .. } => "session",
        }
    }

    /// The message to subscribers.
    ///
    /// # Errors
    /// Never: the news are JSON.
    pub fn notice(&self) -> Result<Notice, serde_json::Error> {
        let attributes = Attributes {
            collection: self.collection.to_owned(),
            status: self.status.to_owned(),
            tenant: self.tenant.to_owned(),
            kind: self.kind().to_owned(),
        };
        let subject = format!("Casefile: {} {} {}", self.collection, self.kind(), self.status);
        let json = serde_json::to_value(self)?;
        Ok(Notice::new(&subject, self.text(), json, attributes, self.id()))
    }

    /// The e-mail: neither key nor file name, which may be a person's.
    fn text(&self) -> String {
        let mut lines = Vec::new();
        lines.extend(self.reason.map(|reason| line("Reason", reason)));
        lines.push(line("Tenant", self.tenant));
        lines.extend(self.about.lines());
        lines.extend(self.version_id.map(|version| line("Version", version)));
        format!(
            "A {} of {} is {}.\n\n{}",
            self.kind(),
            self.collection,
            self.status,
            lines.concat()
        )
    }
}

impl About<'_> {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::File { size, sha256 } => {
                let mut lines = vec![line("Size", format!("{size} bytes"))];
                lines.extend(sha256.map(|sha256| line("SHA-256", sha256)));
                lines
            }
            Self::Session {
                session_id,
                files,
                statistics,
                summary,
            } => {
                let mut lines = vec![line("Session", session_id), line("Files", files)];
                let numbers = statistics.iter().filter(|(_, value)| value.is_number());
                lines.extend(numbers.map(|(name, number)| line(&in_words(name), number)));
                lines.extend(summary.map(|summary| line("Summary", summary)));
                lines
            }
        }
    }
}

fn line(name: &str, value: impl Display) -> String {
    format!("{name}: {value}\n")
}

/// `total_ai_suggestions` as "Total ai suggestions".
fn in_words(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_file<'a>(key: &'a str, status: &'a str) -> News<'a> {
        News {
            collection: "ecg-reports",
            status,
            reason: Some("the content is no PDF"),
            tenant: "clinic-a",
            bucket: "artifacts",
            key,
            version_id: Some("v1"),
            about: About::File {
                size: 7,
                sha256: None,
            },
        }
    }

    #[test]
    fn mail_names_no_file_and_machines_get_the_key() {
        let key = "ecg-reports/2025/11/14/doe_jane_report.pdf";
        let notice = of_file(key, "rejected").notice().unwrap();
        assert_eq!(notice.subject(), "Casefile: ecg-reports file rejected");
        assert_eq!(
            notice.text(),
            "A file of ecg-reports is rejected.\n\nReason: the content is no PDF\nTenant: clinic-a\nSize: 7 bytes\n\
             Version: v1\n"
        );
        let machines = notice.json();
        assert_eq!(machines["key"], key);
        assert_eq!(machines["kind"], "file");
        assert_eq!(machines["deduplication_id"], notice.deduplication_id());
    }

    #[test]
    fn a_session_tells_its_numbers() {
        let statistics = json!({"total_ai_suggestions": 7, "acceptance_rate": 71.43, "note": "a name"});
        let about = About::Session {
            session_id: "s-1",
            files: 13,
            statistics: statistics.as_object().unwrap(),
            summary: Some("unavailable"),
        };
        let news = News {
            about,
            reason: None,
            ..of_file("tara/20251114_142510_jane/manifest.json", "verified")
        };
        let notice = news.notice().unwrap();
        assert_eq!(
            notice.text(),
            "A session of ecg-reports is verified.\n\nTenant: clinic-a\nSession: s-1\nFiles: 13\n\
             Total ai suggestions: 7\nAcceptance rate: 71.43\nSummary: unavailable\nVersion: v1\n"
        );
        assert_eq!(notice.json()["statistics"]["acceptance_rate"], 71.43);
    }

    #[test]
    fn an_id_stands_for_one_verdict_on_one_version() {
        let news = of_file("a", "verified");
        assert_eq!(news.id(), of_file("a", "verified").id());
        assert_ne!(news.id(), of_file("a", "rejected").id());
        let other = News {
            version_id: None,
            ..news
        };
        assert_ne!(news.id(), other.id());
    }
}
