//! The bucket's layout: the only place that knows where an object lies, what type it has, and the way back.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bol::Series;
use crate::collection::Collection;
use crate::digest::Sha256;
use crate::id::TimeId;
use crate::name::{FolderName, Owner, SessionId, TenantId};
pub use crate::pointer::PointerName;
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
    /// When it is longer than 100 bytes, begins where something else lies (`_casefile`,
    /// `inbox`, `index`, another collection), or holds anything
    /// but letters, digits, `-`, `_`, `.` and single slashes.
    pub fn parse(text: &str) -> Result<Self, BasePathError> {
        let folders = text.trim_matches('/');
        if folders.is_empty() {
            return Ok(Self(String::new()));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_folder =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
        let first = folders.split('/').next().unwrap_or_default();
        let is_ours = TAKEN.contains(&first) || Collection::first_folders().any(|taken| taken == first);
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
        Self(Collection::reviews().default_prefix().to_owned())
    }
}

/// A text that is no base path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be folders like 'tara/': letters, digits, '-', '_', '.' between single slashes, at most 100 characters, \
     not below '_casefile', 'inbox', 'index', 'files' or another collection"
)]
pub struct BasePathError;

/// The system's own place in the bucket; no collection lies there.
const SYSTEM: &str = "_casefile";
/// What comes in from outside.
const INBOX: &str = "inbox";
/// What Athena reads.
const INDEX: &str = "index";
/// Where collections lie that have no code of their own.
const FILES: &str = "files";
/// Where no review lies, whatever the other collections are.
const TAKEN: [&str; 4] = [SYSTEM, INBOX, INDEX, FILES];

/// An object's place in the artifacts bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKey {
    /// What an export fixed before it wrote anything; revision 1 is the first.
    SessionReservation {
        /// Whose: two tenants' sessions of one id have nothing to do with each other.
        tenant: TenantId,
        /// The session.
        session: SessionId,
        /// 1 for the first export, 2 for the next revision, …
        revision: u32,
    },
    /// Which session holds a folder's name.
    FolderClaim(FolderName),
    /// The entry of a list, in the order of time.
    ListPointer {
        /// Whose list it is.
        list: List,
        /// The collection.
        collection: Collection,
        /// What it is called in the list.
        name: PointerName,
    },
    /// A share link, by its token's digest.
    Share(Sha256),
    /// A row of the index.
    IndexRow {
        /// Of the document that it describes.
        collection: Collection,
        /// The day that the document's key says; the index is divided by it.
        day: Date,
        /// Of what it describes.
        id: Sha256,
    },
    /// Whether something that is to be done once is done, by its digest.
    Once(Sha256),
    /// Which path something has that doesn't say so itself, by its digest.
    PathNote(Sha256),
    /// A summary that was paid for, by the digest of what it was made from.
    CachedSummary(Sha256),
    /// Which number of a series of bills of lading is next, and which are open.
    BolSeries(Series),
    /// Which number a request has used, by its digest.
    BolRequest(Sha256),
    /// What a device put there that may write nothing else.
    Delivery {
        /// What it is meant for.
        collection: Collection,
        /// Its name; slashes are the device's own.
        name: String,
    },
    /// A file that a caller put there by an upload grant.
    Upload {
        /// The upload.
        id: TimeId,
        /// Who put it there: nobody else finds it.
        inbox: Inbox,
    },
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
            Self::SessionReservation {
                tenant,
                session,
                revision: 1,
            } => format!("{SYSTEM}/sessions/{tenant}/{session}.json"),
            Self::SessionReservation {
                tenant,
                session,
                revision,
            } => format!("{SYSTEM}/sessions/{tenant}/{session}/revision-{revision}.json"),
            Self::ListPointer {
                list,
                collection,
                name,
            } => format!("{}{name}", list.prefix(*collection)),
            Self::Share(digest) => format!("{SYSTEM}/shares/{digest}.json"),
            Self::IndexRow { collection, day, id } => {
                format!("{INDEX}/{}/dt={day}/{id}.json", collection.name())
            }
            Self::Once(digest) => format!("{SYSTEM}/once/{digest}.json"),
            Self::PathNote(digest) => format!("{SYSTEM}/paths/{digest}.json"),
            Self::CachedSummary(digest) => format!("{SYSTEM}/summaries/{digest}.json"),
            Self::BolSeries(series) => format!("{SYSTEM}/bols/{series}.json"),
            Self::BolRequest(digest) => format!("{SYSTEM}/bols/requests/{digest}.json"),
            Self::Delivery { collection, name } => format!("{INBOX}/{}/{name}", collection.name()),
            Self::Upload { id, inbox } => format!("{INBOX}/{id}/{inbox}"),
            Self::FolderClaim(folder) => format!("{SYSTEM}/folders/{folder}.json"),
            Self::SessionFile { folder, file } => format!("{}{}", session_prefix(base, folder), file.path()),
        }
    }

    /// The media type that the object is stored with.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::SessionReservation { .. }
            | Self::FolderClaim(_)
            | Self::ListPointer { .. }
            | Self::Share(_)
            | Self::IndexRow { .. }
            | Self::Once(_)
            | Self::PathNote(_)
            | Self::CachedSummary(_)
            | Self::BolSeries(_)
            | Self::BolRequest(_) => JSON,
            Self::Upload { .. } | Self::Delivery { .. } => "application/octet-stream",
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
            None => Self::parse_index_row(key)
                .or_else(|| Self::parse_inbox(key))
                .or_else(|| key.strip_prefix(base.as_str()).and_then(Self::parse_session_file)),
        };
        parsed.ok_or(UnknownKey)
    }

    fn parse_system(rest: &str) -> Option<Self> {
        let (place, name) = rest.split_once('/')?;
        match place {
            "sessions" => Self::parse_reservation(name.strip_suffix(".json")?),
            "folders" => FolderName::parse(name.strip_suffix(".json")?)
                .ok()
                .map(Self::FolderClaim),
            "shares" => exact_digest(name.strip_suffix(".json")?).map(Self::Share),
            "paths" => exact_digest(name.strip_suffix(".json")?).map(Self::PathNote),
            "once" => exact_digest(name.strip_suffix(".json")?).map(Self::Once),
            "summaries" => exact_digest(name.strip_suffix(".json")?).map(Self::CachedSummary),
            "bols" => {
                let name = name.strip_suffix(".json")?;
                match name.strip_prefix("requests/") {
                    Some(digest) => exact_digest(digest).map(Self::BolRequest),
                    None => Series::parse(name).map(Self::BolSeries),
                }
            }
            "by-time" => {
                let (tenant, rest) = name.split_once('/')?;
                let tenant = TenantId::parse(tenant).ok()?;
                Self::parse_pointer(List::Tenant(tenant), rest)
            }
            "by-owner" => {
                let (tenant, rest) = name.split_once('/')?;
                let (owner, rest) = rest.split_once('/')?;
                let tenant = TenantId::parse(tenant).ok()?;
                let decoded = Owner::decode(owner).ok()?;
                let is_exact = decoded.encoded() == owner;
                Self::parse_pointer(List::Owner(tenant, decoded), rest).filter(|_| is_exact)
            }
            _ => None,
        }
    }

    fn parse_reservation(rest: &str) -> Option<Self> {
        let (tenant, name) = rest.split_once('/')?;
        let (id, revision) = match name.split_once("/revision-") {
            None => (name, 1),
            Some((id, revision)) => {
                let number = revision.parse().ok();
                (id, number.filter(|n: &u32| *n > 1 && n.to_string() == revision)?)
            }
        };
        Some(Self::SessionReservation {
            tenant: TenantId::parse(tenant).ok()?,
            session: SessionId::parse(id).ok()?,
            revision,
        })
    }

    fn parse_pointer(list: List, rest: &str) -> Option<Self> {
        let (collection, name) = rest.split_once('/')?;
        Some(Self::ListPointer {
            list,
            collection: Collection::parse(collection)?,
            name: PointerName::parse(name)?,
        })
    }

    fn parse_index_row(key: &str) -> Option<Self> {
        let (collection, rest) = key.strip_prefix(INDEX)?.strip_prefix('/')?.split_once('/')?;
        let (day, name) = rest.strip_prefix("dt=")?.split_once('/')?;
        let exact = |date: &Date| date.to_string() == day;
        Some(Self::IndexRow {
            collection: Collection::parse(collection)?,
            day: day.parse().ok().filter(exact)?,
            id: exact_digest(name.strip_suffix(".json")?)?,
        })
    }

    fn parse_inbox(key: &str) -> Option<Self> {
        let (place, name) = key.strip_prefix(INBOX)?.strip_prefix('/')?.split_once('/')?;
        match Collection::parse(place) {
            Some(collection) => (!name.is_empty()).then(|| Self::Delivery {
                collection,
                name: name.to_owned(),
            }),
            None => Some(Self::Upload {
                id: TimeId::parse(place)?,
                inbox: Inbox::parse(name)?,
            }),
        }
    }

    fn parse_session_file(rest: &str) -> Option<Self> {
        let (folder, path) = rest.split_once('/')?;
        Some(Self::SessionFile {
            folder: FolderName::parse(folder).ok()?,
            file: SessionFile::from_path(path)?,
        })
    }
}

/// Whose list of documents it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// All of a tenant's.
    Tenant(TenantId),
    /// Those of one owner within a tenant.
    Owner(TenantId, Owner),
}

impl List {
    /// What the keys of its entries of a collection begin with.
    pub fn prefix(&self, collection: Collection) -> String {
        let collection = collection.name();
        match self {
            Self::Tenant(tenant) => format!("{SYSTEM}/by-time/{tenant}/{collection}/"),
            Self::Owner(tenant, owner) => {
                format!("{SYSTEM}/by-owner/{tenant}/{}/{collection}/", owner.encoded())
            }
        }
    }
}

/// The place where a caller's uploads lie: a digest of who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox(String);

impl Inbox {
    /// The inbox of a user of a tenant.
    pub fn of(tenant: &TenantId, user_id: &str) -> Self {
        let digest = Sha256::of(format!("{tenant}/{user_id}").as_bytes()).to_string();
        Self(digest.get(..32).unwrap_or_default().to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn exact_digest(text: &str) -> Option<Sha256> {
    Sha256::from_hex(text).filter(|digest| digest.to_string() == text)
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

    fn tenant() -> TenantId {
        TenantId::parse("acme").unwrap()
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
        let reservation = |revision| ObjectKey::SessionReservation {
            tenant: tenant(),
            session: SessionId::parse("abc").unwrap(),
            revision,
        };
        assert_eq!(reservation(1).path(&base), "_casefile/sessions/acme/abc.json");
        assert_eq!(
            reservation(2).path(&base),
            "_casefile/sessions/acme/abc/revision-2.json"
        );
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
        files.extend([
            SessionFile::Checksums,
            SessionFile::Manifest,
            SessionFile::Summary,
        ]);
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
            tenant: tenant(),
            session: session.clone(),
            revision,
        }));
        let owner = Owner::parse("Müller & Sons/East").unwrap();
        let lists = [List::Tenant(tenant()), List::Owner(tenant(), owner)];
        keys.extend(lists.map(|list| ObjectKey::ListPointer {
            list,
            collection: Collection::reviews(),
            name: PointerName::new("2025-11-14T14:25:10.123Z".parse().unwrap(), folder().as_str()),
        }));
        keys.push(ObjectKey::Share(Sha256::of(b"x")));
        keys.push(ObjectKey::Once(Sha256::of(b"x")));
        keys.push(ObjectKey::PathNote(Sha256::of(b"x")));
        keys.push(ObjectKey::CachedSummary(Sha256::of(b"x")));
        keys.push(ObjectKey::BolSeries(Series::parse("PRT-2025").unwrap()));
        keys.push(ObjectKey::BolRequest(Sha256::of(b"x")));
        keys.push(ObjectKey::IndexRow {
            collection: Collection::ecg_reports(),
            day: jiff::civil::date(2025, 10, 28),
            id: Sha256::of(b"x"),
        });
        keys.push(ObjectKey::Delivery {
            collection: Collection::ecg_reports(),
            name: "device 7/ECG_Report.pdf".to_owned(),
        });
        keys.push(ObjectKey::Upload {
            id: TimeId::floor("2025-11-14T14:25:10.123Z".parse().unwrap()),
            inbox: Inbox::of(&tenant(), "dana"),
        });
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
            "_casefile/sessions/x.json",
            "_casefile/sessions/acme/x/revision-1.json",
            "_casefile/sessions/acme/x/revision-02.json",
            "_casefile/sessions/acme/../x.json",
            "_casefile/sessions/../acme/x.json",
            "_casefile/shares/x.json",
            "_casefile/bols/PRT.json",
            "_casefile/bols/requests.json",
            "_casefile/bols/requests/PRT-2025.json",
            "_casefile/bols/2025/PRT-2025.json",
            "_casefile/by-owner/acme/a b/reviews/79748885857489876_x",
            "inbox/x/y",
        ] {
            assert_eq!(ObjectKey::parse(key, &base), Err(UnknownKey), "{key}");
        }
    }

    #[test]
    fn a_base_path_can_not_reach_the_system_s_place() {
        assert_eq!(BasePath::parse("/x/y/").unwrap().as_str(), "x/y/");
        assert_eq!(BasePath::parse("").unwrap().as_str(), "");
        for text in [
            "_casefile",
            "_casefile/x",
            "inbox",
            "bols/x",
            "a//b",
            "a/../b",
            "a b",
            "ä",
        ] {
            assert!(BasePath::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_key_is_the_key_it_was_parsed_from(key in "(tara|_casefile/sessions|_casefile/by-owner|_casefile/bols|inbox)/[ -~]{0,60}") {
            let base = BasePath::default();
            if let Ok(parsed) = ObjectKey::parse(&key, &base) {
                prop_assert_eq!(parsed.path(&base), key);
            }
        }
    }
}
