//! The files of a session's folder.

use crate::name::FileName;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file in a session's folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SessionFile {
    /// A document of the review, under its own name.
    Document(DocumentRole, FileName),
    /// Feedback items, by section.
    Feedback(FeedbackFile),
    /// What happened during the session.
    Log(LogFile),
    /// `comprehensive_report.json`.
    ComprehensiveReport,
    /// `readable_report.txt`.
    ReadableReport,
    /// `manifest-sha256.txt`, which `sha256sum -c` accepts.
    Checksums,
    /// `manifest.json`, written last.
    Manifest,
    /// `summary.json`, which post-process adds to a complete session. No manifest lists it.
    Summary,
}

/// What a document is to its review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentRole {
    /// As it came for review.
    Before,
    /// With the review's result.
    After,
    /// What it was reviewed against.
    Guidelines,
}

/// The four files below `feedback/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedbackFile {
    /// `accepted_feedback.json`
    Accepted,
    /// `rejected_feedback.json`
    Rejected,
    /// `user_custom_feedback.json`
    UserCustom,
    /// `all_ai_suggestions.json`
    AllAiSuggestions,
}

/// The three files below `logs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFile {
    /// `activity_log.json`
    Activity,
    /// `chat_history.json`
    Chat,
    /// `audit_logs.json`
    Audit,
}

impl DocumentRole {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Guidelines];

    fn prefix(self) -> &'static str {
        match self {
            Self::Before => "before_",
            Self::After => "after_",
            Self::Guidelines => "guidelines_",
        }
    }
}

impl FeedbackFile {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::Accepted,
        Self::Rejected,
        Self::UserCustom,
        Self::AllAiSuggestions,
    ];

    fn file_name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted_feedback.json",
            Self::Rejected => "rejected_feedback.json",
            Self::UserCustom => "user_custom_feedback.json",
            Self::AllAiSuggestions => "all_ai_suggestions.json",
        }
    }
}

impl LogFile {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Activity, Self::Chat, Self::Audit];

    fn file_name(self) -> &'static str {
        match self {
            Self::Activity => "activity_log.json",
            Self::Chat => "chat_history.json",
            Self::Audit => "audit_logs.json",
        }
    }
}

impl SessionFile {
    /// Where the file lies below its session's folder: `documents/before_write-up.docx`.
    pub fn path(&self) -> String {
        match self {
            Self::Document(role, name) => format!("documents/{}{name}", role.prefix()),
            Self::Feedback(file) => format!("feedback/{}", file.file_name()),
            Self::Log(file) => format!("logs/{}", file.file_name()),
            Self::ComprehensiveReport => "comprehensive_report.json".to_owned(),
            Self::ReadableReport => "readable_report.txt".to_owned(),
            Self::Checksums => "manifest-sha256.txt".to_owned(),
            Self::Manifest => "manifest.json".to_owned(),
            Self::Summary => "summary.json".to_owned(),
        }
    }

    /// The media type that the object is stored and served with.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Document(_, name) if name.is_docx() => DOCX,
            Self::Document(..) => "application/octet-stream",
            Self::Feedback(_) | Self::Log(_) | Self::ComprehensiveReport | Self::Manifest | Self::Summary => {
                JSON
            }
            Self::ReadableReport | Self::Checksums => TEXT,
        }
    }

    /// The file at `path`, if that is where one lies.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.split_once('/') {
            Some(("documents", name)) => Self::document(name),
            Some(("feedback", name)) => FeedbackFile::ALL
                .into_iter()
                .find(|file| file.file_name() == name)
                .map(Self::Feedback),
            Some(("logs", name)) => LogFile::ALL
                .into_iter()
                .find(|file| file.file_name() == name)
                .map(Self::Log),
            Some(_) => None,
            None => [
                Self::ComprehensiveReport,
                Self::ReadableReport,
                Self::Checksums,
                Self::Manifest,
                Self::Summary,
            ]
            .into_iter()
            .find(|file| file.path() == path),
        }
    }

    fn document(name: &str) -> Option<Self> {
        DocumentRole::ALL.into_iter().find_map(|role| {
            Some(Self::Document(
                role,
                FileName::parse(name.strip_prefix(role.prefix())?).ok()?,
            ))
        })
    }
}
