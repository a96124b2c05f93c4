//! The bucket's layout: the only place that knows where an object lies, what type it has, and the way back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{FolderName, NameError, SessionId};
pub use crate::session_file::{DocumentRole, FeedbackFile, LogFile, SessionFile};

const JSON: &str = "application/json";

/// What comes before every key of the `reviews` collection: empty, or folders that end in `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BasePath(String);

impl TryFrom<String> for BasePath {
    type Error = BasePathError;

    fn try_from(text: String) -> Result<Self, BasePathError> {
        Self::parse(&text)
    }
}

impl From<BasePath> for String {
    fn from(base: BasePath) -> Self {
        base.0
    }
}

impl BasePath {
    /// Reads a prefix such as `tara/`. A missing last `/` is added, a leading one dropped.
    ///
    /// # Errors
    /// When it is longer than 100 bytes, begins with `_casefile` (the system's own place), or holds anything
    /// but letters, digits, `-`, `_`, `.` and single slashes.
    pub fn parse(text: &str) -> Result<Self, BasePathError> {
        let folders = text.trim_matches('/');
        if folders.is_empty() {
            return Ok(Self(String::new()));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_folder =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
        let is_ours = folders.split('/').next() == Some(SYSTEM);
        if folders.len() > 100 || is_ours || !folders.split('/').all(is_folder) {
            return Err(BasePathError);
        }
        Ok(Self(format!("{folders}/")))
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for BasePath {
    fn default() -> Self {
        Self("tara/".to_owned())
    }
}

/// A text that is no base path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be folders like 'tara/': letters, digits, '-', '_', '.' between single slashes, at most 100 characters, \
     not below '_casefile'"
)]
pub struct BasePathError;

/// The system's own place in the bucket; no collection lies there.
const SYSTEM: &str = "_casefile";

/// An object's place in the artifacts bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKey {
    /// What an export fixed before it wrote anything; revision 1 is the first.
    SessionReservation {
        /// The session.
        session: SessionId,
        /// 1 for the first export, 2 for the next revision, …
        revision: u32,
    },
    /// Which session holds a folder's name.
    FolderClaim(FolderName),
    /// A file of an exported session.
    SessionFile {
        /// The session's folder.
        folder: FolderName,
        /// The file in it.
        file: SessionFile,
    },
}

impl ObjectKey {
    /// The key in the bucket.
    pub fn path(&self, base: &BasePath) -> String {
        match self {
            Self::SessionReservation { session, revision: 1 } => format!("{SYSTEM}/sessions/{session}.json"),
            Self::SessionReservation { session, revision } => {
                format!("{SYSTEM}/sessions/{session}/revision-{revision}.json")
            }
            Self::FolderClaim(folder) => format!("{SYSTEM}/folders/{folder}.json"),
            Self::SessionFile { folder, file } => format!("{}{}", session_prefix(base, folder), file.path()),
        }
    }

    /// The media type that the object is stored with.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::SessionReservation { .. } | Self::FolderClaim(_) => JSON,
            Self::SessionFile { file, .. } => file.content_type(),
        }
    }

    /// The place that a key names.
    ///
    /// # Errors
    /// When no object of this layout lies there.
    pub fn parse(key: &str, base: &BasePath) -> Result<Self, UnknownKey> {
        let parsed = match key.strip_prefix(SYSTEM).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => Self::parse_system(rest),
            None => key.strip_prefix(base.as_str()).and_then(Self::parse_session_file),
        };
        parsed.ok_or(UnknownKey)
    }

    fn parse_system(rest: &str) -> Option<Self> {
        let (place, name) = rest.strip_suffix(".json")?.split_once('/')?;
        match (place, name.split_once("/revision-")) {
            ("sessions", None) => Self::reservation(name, 1).ok(),
            ("sessions", Some((id, revision))) => {
                let number = revision
                    .parse()
                    .ok()
                    .filter(|n: &u32| *n > 1 && n.to_string() == revision)?;
                Self::reservation(id, number).ok()
            }
            ("folders", None) => FolderName::parse(name).ok().map(Self::FolderClaim),
            _ => None,
        }
    }

    fn reservation(id: &str, revision: u32) -> Result<Self, NameError> {
        Ok(Self::SessionReservation {
            session: SessionId::parse(id)?,
            revision,
        })
    }

    fn parse_session_file(rest: &str) -> Option<Self> {
        let (folder, path) = rest.split_once('/')?;
        Some(Self::SessionFile {
            folder: FolderName::parse(folder).ok()?,
            file: SessionFile::from_path(path)?,
        })
    }
}

/// The prefix under which all files of a session lie.
pub fn session_prefix(base: &BasePath, folder: &FolderName) -> String {
    format!("{}{folder}/", base.as_str())
}

/// A key at which no object of this layout lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownKey;

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is no place of the bucket's layout")
    }
}

impl std::error::Error for UnknownKey {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::FileName;

    fn folder() -> FolderName {
        FolderName::parse("20251114_142510_write-up_TR-20417").unwrap()
    }

    #[test]
    fn the_documented_layout_is_the_layout() {
        let base = BasePath::default();
        let name = FileName::parse("write-up TR-20417.docx").unwrap();
        let file = SessionFile::Document(DocumentRole::Before, name);
        let key = ObjectKey::SessionFile {
            folder: folder(),
            file,
        };
        assert_eq!(
            key.path(&base),
            "tara/20251114_142510_write-up_TR-20417/documents/before_write-up TR-20417.docx"
        );
        let session = SessionId::parse("abc").unwrap();
        let first = ObjectKey::SessionReservation {
            session: session.clone(),
            revision: 1,
        };
        let second = ObjectKey::SessionReservation { session, revision: 2 };
        assert_eq!(first.path(&base), "_casefile/sessions/abc.json");
        assert_eq!(second.path(&base), "_casefile/sessions/abc/revision-2.json");
    }

    #[test]
    fn every_key_reads_back() {
        let base = BasePath::parse("a/b").unwrap();
        let mut files: Vec<_> = FeedbackFile::ALL.into_iter().map(SessionFile::Feedback).collect();
        files.extend(LogFile::ALL.into_iter().map(SessionFile::Log));
        files.extend(
            DocumentRole::ALL.map(|role| SessionFile::Document(role, FileName::parse("x.docx").unwrap())),
        );
        files.extend([SessionFile::ComprehensiveReport, SessionFile::ReadableReport]);
        files.extend([SessionFile::Checksums, SessionFile::Manifest]);
        let mut keys: Vec<_> = files
            .into_iter()
            .map(|file| ObjectKey::SessionFile {
                folder: folder(),
                file,
            })
            .collect();
        keys.push(ObjectKey::FolderClaim(folder()));
        let session = SessionId::parse("a.b-c").unwrap();
        keys.extend([1, 2, 17].map(|revision| ObjectKey::SessionReservation {
            session: session.clone(),
            revision,
        }));
        for key in keys {
            assert_eq!(ObjectKey::parse(&key.path(&base), &base), Ok(key));
        }
    }

    #[test]
    fn keys_outside_the_layout_are_unknown() {
        let base = BasePath::default();
        for key in [
            "",
            "tara/",
            "tara/20251114_142510_a/",
            "tara/20251114_142510_a/secret.txt",
            "tara/20251114_142510_a/documents/other.docx",
            "tara/20251114_142510_a/documents/before_a/b.docx",
            "_casefile/sessions/x/revision-1.json",
            "_casefile/sessions/x/revision-02.json",
            "_casefile/sessions/../x.json",
        ] {
            assert_eq!(ObjectKey::parse(key, &base), Err(UnknownKey), "{key}");
        }
    }

    #[test]
    fn a_base_path_can_not_reach_the_system_s_place() {
        assert_eq!(BasePath::parse("/x/y/").unwrap().as_str(), "x/y/");
        assert_eq!(BasePath::parse("").unwrap().as_str(), "");
        for text in ["_casefile", "_casefile/x", "a//b", "a/../b", "a b", "ä"] {
            assert!(BasePath::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_key_is_the_key_it_was_parsed_from(key in "(tara|_casefile)/[ -~]{0,60}") {
            let base = BasePath::default();
            if let Ok(parsed) = ObjectKey::parse(&key, &base) {
                prop_assert_eq!(parsed.path(&base), key);
            }
        }
    }
}
