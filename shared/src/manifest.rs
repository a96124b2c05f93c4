//! `manifest.json`: what a session's folder holds. Written last; a folder without it doesn't exist for any
//! reader.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::name::{FileName, FolderName, Owner, SessionId};

/// The version of the manifest's form that this code writes and reads.
pub const MANIFEST_VERSION: u32 = 1;
/// The largest manifest that is read: 20 times that of a session with 5,000 comments.
pub const MAX_MANIFEST_BYTES: u64 = 32 * 1024 * 1024;

/// A session's manifest. It lists every file of the folder but itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// The session.
    pub session_id: SessionId,
    /// 1 for the first export of the session, 2 for its next revision, …
    pub revision: u32,
    /// The folder's name.
    pub folder_name: FolderName,
    /// The reviewed document's name.
    pub document_name: FileName,
    /// When the export began: RFC 3339, UTC.
    pub exported_at: String,
    /// Which program in which version wrote the folder.
    pub generator: String,
    /// The digest of the request's content, by which a repeat is recognised.
    pub request_sha256: Sha256,
    /// Whose the session is within its tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The numbers that a list shows.
    pub summary: Summary,
    /// Every file but this one, in the order of their paths' documentation.
    pub files: Vec<ManifestFile>,
    /// The comments put into the after document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<CommentRecord>,
    /// What didn't go as asked without costing the export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A session's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Suggestions of the AI.
    pub total_ai_suggestions: usize,
    /// Accepted items, the user's own included.
    pub total_accepted: usize,
    /// Rejected items.
    pub total_rejected: usize,
    /// Items that the user added.
    pub total_user_feedback: usize,
    /// Accepted AI items in percent of the AI suggestions.
    pub acceptance_rate: f64,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Below the folder.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
    /// The media type.
    pub content_type: String,
}

/// How a feedback item became a comment in the after document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRecord {
    /// The item's id.
    pub feedback_id: String,
    /// The item's section.
    pub section: String,
    /// The comment's `w:id`.
    pub comment_id: u32,
    /// The rule that found the anchor.
    pub anchored_by: String,
    /// Where the quote stands, when Word ignores comments there: the anchor is beside it, in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote_in: Option<String>,
    /// The range covers more than the quote, because a marker there would hide text or break a field.
    #[serde(default)]
    pub widened: bool,
}

/// Something that didn't go as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The file it is about, by its path in the folder.
    pub file: String,
    /// What happened, and why.
    pub detail: String,
}

/// One line of `manifest-sha256.txt`, as `sha256sum` writes and checks it: digest, two blanks, path.
pub fn checksum_line(sha256: Sha256, path: &str) -> String {
    format!("{sha256}  {path}\n")
}
