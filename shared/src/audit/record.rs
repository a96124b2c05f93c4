//! A record's form: OCSF 1.5, *File Hosting Activity* (class 6006, <https://schema.ocsf.io/1.5.0/classes/file_hosting>).
//! What the class has no attribute for stands in `unmapped`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::caller::Caller;
use crate::collection::LinkKind;
use crate::digest::Sha256;
use crate::http::disposition::Disposition;
use crate::id::TimeId;
use crate::time::rfc3339;

/// As long as the longest key.
const MAX_TEXT_BYTES: usize = 1_024;

/// What was asked for, as OCSF names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// An upload grant.
    Upload,
    /// The use of a share link.
    Download,
    /// A document's metadata.
    Preview,
    /// The issue of a link.
    Share,
    /// The end of a share link.
    Unshare,
    /// A list of documents.
    List,
    /// A look into the audit log.
    ReadAudit,
    /// An export.
    Export,
    /// An operator's look into the quarantine.
    ReadQuarantine,
    /// The release of what was quarantined.
    Release,
    /// A number that an operator lets a series go on after.
    SetCounter,
    /// A number that an operator declares void.
    VoidNumber,
    /// Existing files that an operator moves in.
    Migrate,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The caller gets what was given.
    Success,
    /// The caller gets this status; the reason is for auditors.
    Refused {
        /// HTTP.
        status: u16,
        /// `not_found`, `forbidden`, `expired`, `used_up`, `revoked`, `wrong_network`, …
        reason: &'static str,
    },
}

/// One record.
#[expect(missing_docs, reason = "the attributes are OCSF's, described there")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub activity_id: u32,
    pub activity_name: String,
    pub actor: Actor,
    pub category_name: String,
    pub category_uid: u32,
    pub class_name: String,
    pub class_uid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<i64>,
    pub file: OcsfFile,
    pub http_request: HttpRequest,
    pub metadata: Metadata,
    pub severity: String,
    pub severity_id: u32,
    pub src_endpoint: Endpoint,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<String>,
    pub status_id: u32,
    /// Milliseconds since 1970.
    pub time: i64,
    /// RFC 3339, the same time for people.
    pub time_dt: String,
    pub type_name: String,
    pub type_uid: u32,
    pub unmapped: Unmapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorizations: Vec<Authorization>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Authorization {
    pub decision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub uid: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_addr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    pub org: Organization,
    pub uid: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    pub uid: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OcsfFile {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    pub name: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(rename = "type")]
    pub kind: String,
    pub type_id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub algorithm: String,
    pub algorithm_id: u32,
    pub value: Sha256,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub uid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svc_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub product: Product,
    pub uid: TimeId,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub name: String,
    pub vendor_name: String,
    pub version: String,
}

/// What OCSF has no attribute for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unmapped {
    /// In whose log the record stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The bucket that holds the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The collection that the request named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The path below the collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The grant that was issued or used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// What was asked for.
    pub asked: Asked,
    /// What was given.
    pub given: Given,
}

/// What a request asked for, beyond the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The kind of link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LinkKind>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Saved or shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// How many uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// From which network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What a list or a look into the log was limited to, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Why, as an operator says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the request came, if storage was at fault then and it was sent on later: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<String>,
}

/// What the caller got.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The kind of link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LinkKind>,
    /// Until when: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// What made it shorter than asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamped_by: Option<String>,
    /// How many entries of a list, or records of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<usize>,
    /// Which ones: the paths of a list's entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// The bucket.
    pub bucket: String,
    /// The collection.
    pub collection: String,
    /// Below the collection.
    pub path: String,
    /// In the bucket; empty when the path leads to none.
    pub key: String,
    /// Of the object.
    pub version_id: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// Of the content.
    pub sha256: Option<Sha256>,
    /// The media type.
    pub content_type: Option<String>,
}

impl Activity {
    fn id(self) -> u32 {
        match self {
            Self::Upload => 1,
            Self::Download => 2,
            Self::Preview => 9,
            Self::Share => 12,
            Self::Unshare => 13,
            Self::List
            | Self::ReadAudit
            | Self::Export
            | Self::ReadQuarantine
            | Self::Release
            | Self::SetCounter
            | Self::VoidNumber
            | Self::Migrate => 99,
        }
    }

    /// What a caller uses who comes by no network: an operator the tool, anybody else the function itself.
    fn service(self) -> &'static str {
        match self {
            Self::ReadQuarantine | Self::Release | Self::SetCounter | Self::VoidNumber | Self::Migrate => {
                "casefile"
            }
            _ => "lambda",
        }
    }

    /// As records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upload => "Upload",
            Self::Download => "Download",
            Self::Preview => "Preview",
            Self::Share => "Share",
            Self::Unshare => "Unshare",
            Self::List => "List",
            Self::ReadAudit => "Read Audit",
            Self::Export => "Export",
            Self::ReadQuarantine => "Read Quarantine",
            Self::Release => "Release",
            Self::SetCounter => "Set Counter",
            Self::VoidNumber => "Void Number",
            Self::Migrate => "Migrate",
        }
    }
}

impl Record {
    /// The record of an event.
    pub fn new(id: TimeId, event: &Event<'_>) -> Self {
        let activity = event.activity;
        let type_name = match activity.id() {
            99 => "Other",
            _ => activity.name(),
        };
        let (status_id, status, refused) = match event.outcome {
            Outcome::Success => (1, "Success", None),
            Outcome::Refused { status, reason } => (2, "Failure", Some((status, reason))),
        };
        Self {
            activity_id: activity.id(),
            activity_name: activity.name().to_owned(),
            actor: Actor::new(event),
            category_name: "Application Activity".to_owned(),
            category_uid: 6,
            class_name: "File Hosting Activity".to_owned(),
            class_uid: 6006,
            expiration_time: event.given.expires_at.as_deref().and_then(millis),
            file: event.file.as_ref().map_or_else(OcsfFile::unknown, OcsfFile::new),
            http_request: HttpRequest {
                uid: event.origin.request_id.clone(),
                user_agent: event.origin.user_agent.clone(),
            },
            metadata: Metadata::new(id),
            severity: "Informational".to_owned(),
            severity_id: 1,
            src_endpoint: Endpoint::new(activity, event.origin.source_ip),
            status: status.to_owned(),
            status_code: refused.map(|(status, _)| status.to_string()),
            status_detail: refused.map(|(_, reason)| reason.to_owned()),
            status_id,
            time: id.time().as_millisecond(),
            time_dt: rfc3339(id.time()),
            type_name: format!("File Hosting Activity: {type_name}"),
            type_uid: 600_600 + activity.id(),
            unmapped: Unmapped::new(event),
        }
    }

    /// Whether the caller got nothing.
    pub fn is_failure(&self) -> bool {
        self.status_id == 2
    }
}

impl Actor {
    fn new(event: &Event<'_>) -> Self {
        let decision = match event.outcome {
            Outcome::Success => "allow",
            Outcome::Refused { .. } => "deny",
        };
        let policies = event.policies.iter();
        Self {
            authorizations: policies
                .map(|policy| Authorization {
                    decision: decision.to_owned(),
                    policy: Some(Policy { uid: policy.clone() }),
                })
                .collect(),
            user: event.caller.map(User::new),
        }
    }
}

impl User {
    fn new(caller: &Caller) -> Self {
        let groups = caller.groups.iter();
        Self {
            email_addr: caller.email.clone(),
            groups: groups.map(|name| Group { name: name.clone() }).collect(),
            org: Organization {
                uid: caller.tenant.as_str().to_owned(),
            },
            uid: caller.user_id.clone(),
        }
    }
}

impl Endpoint {
    fn new(activity: Activity, ip: Option<IpAddr>) -> Self {
        Self {
            svc_name: ip.is_none().then(|| activity.service().to_owned()),
            ip,
        }
    }
}

impl OcsfFile {
    /// The class demands a file, also where a request is about none.
    fn unknown() -> Self {
        Self {
            hashes: Vec::new(),
            mime_type: None,
            name: "unknown".to_owned(),
            path: String::new(),
            size: None,
            kind: "Unknown".to_owned(),
            type_id: 0,
            version: None,
        }
    }

    fn new(file: &File) -> Self {
        let place = if file.key.is_empty() {
            &file.path
        } else {
            &file.key
        };
        let hashes = file.sha256.iter().map(|sha256| Fingerprint {
            algorithm: "SHA-256".to_owned(),
            algorithm_id: 3,
            value: *sha256,
        });
        Self {
            hashes: hashes.collect(),
            mime_type: file.content_type.clone(),
            name: shortened(place.rsplit('/').next().unwrap_or_default()),
            path: shortened(place),
            size: file.size,
            kind: "Regular File".to_owned(),
            type_id: 1,
            version: file.version_id.clone(),
        }
    }
}

impl Metadata {
    fn new(id: TimeId) -> Self {
        Self {
            product: Product {
                name: "Casefile".to_owned(),
                vendor_name: "Casefile".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            uid: id,
            version: "1.5.0".to_owned(),
        }
    }
}

impl Unmapped {
    fn new(event: &Event<'_>) -> Self {
        let file = event.file.as_ref();
        let named = |text: &String| (!text.is_empty()).then(|| shortened(text));
        Self {
            tenant: event.tenant.map(str::to_owned),
            bucket: file.and_then(|file| named(&file.bucket)),
            collection: file.and_then(|file| named(&file.collection)),
            path: file.and_then(|file| named(&file.path)),
            grant_id: event.grant_id.clone(),
            asked: event.asked.clone(),
            given: event.given.clone(),
        }
    }
}

/// What a request names may be longer than anything that exists; a record is not.
fn shortened(text: &str) -> String {
    let end = (0..=text.len().min(MAX_TEXT_BYTES)).rev();
    let end = end.into_iter().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

fn millis(time: &str) -> Option<i64> {
    crate::time::parse(time).map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::Activity;

    /// Each of them: a new one stops the build here until it is added.
    fn all() -> Vec<Activity> {
        use Activity::{
            Download, Export, List, Migrate, Preview, ReadAudit, ReadQuarantine, Release, SetCounter, Share,
            Unshare, Upload, VoidNumber,
        };
        let next = |activity| match activity {
            Upload => Some(Download),
            Download => Some(Preview),
            Preview => Some(Share),
            Share => Some(Unshare),
            Unshare => Some(List),
            List => Some(ReadAudit),
            ReadAudit => Some(Export),
            Export => Some(ReadQuarantine),
            ReadQuarantine => Some(Release),
            Release => Some(SetCounter),
            SetCounter => Some(VoidNumber),
            VoidNumber => Some(Migrate),
            Migrate => None,
        };
        std::iter::successors(Some(Upload), |activity| next(*activity)).collect()
    }

    #[test]
    fn the_reference_of_the_api_knows_every_activity() {
        let reference = include_str!("../../../infra/openapi.yaml");
        let (_, after) = reference
            .split_once("        activity_name:\n          description")
            .unwrap();
        let (_, after) = after.split_once("          enum:\n").unwrap();
        let lines = after
            .lines()
            .map_while(|line| line.strip_prefix("            - "));
        let known: Vec<_> = lines.collect();
        let names: Vec<_> = all().into_iter().map(Activity::name).collect();
        assert_eq!(known, names);
    }
}
