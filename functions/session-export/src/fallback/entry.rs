//! What is kept beside a request's files, so that it can be sent on: `entry.json`.

use std::net::IpAddr;

use casefile::caller::{Caller, Origin};
use casefile::digest::Sha256;
use casefile::manifest::ManifestFile;
use casefile::name::{SessionId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::review::reservation::Reservation;

/// The version of the form that this code writes and reads.
pub const ENTRY_VERSION: u32 = 1;

/// A request that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// [`ENTRY_VERSION`].
    pub entry_version: u32,
    /// When the request came.
    pub kept_at: Timestamp,
    /// Why it isn't in S3: `outage`, or what is wrong with the set-up.
    pub reason: String,
    /// Its collection.
    pub collection: String,
    /// What is to be done with it.
    pub task: Task,
    /// Who sent it, as the permissions and the audit log have to know.
    pub caller: KeptCaller,
    /// The digest of `request.json`.
    pub request_sha256: Sha256,
    /// The fields of the request that its command event has beside it.
    pub envelope: Vec<String>,
    /// The folder of the files, below the entry's own.
    pub folder: String,
    /// Every file.
    pub files: Vec<EntryFile>,
    /// The size of all of them.
    pub size: u64,
    /// The same as one file.
    pub zip: EntryZip,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// To export a review.
    Review {
        /// Where its folder belongs.
        place: KeptPlace,
    },
    /// To number and store a bill of lading.
    Bol {
        /// The number that it has already.
        number: Option<String>,
    },
    /// To store a training log.
    TrainingLog {
        /// The session.
        session_id: SessionId,
        /// Whether it may become a new version.
        revision: bool,
    },
    /// To store a file.
    File,
}

/// The place of a review's folder in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlace {
    /// Its reservation, as it was made, or would be.
    pub reservation: Reservation,
    /// Whether the folder's name is of this attempt's own making; else it was found in the bucket as another one's.
    pub is_own: bool,
}

/// A file of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFile {
    /// Below the folder, as in S3.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
    /// The media type.
    pub content_type: String,
    /// Where it lies below the folder, when its name is longer than a file system takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_as: Option<String>,
}

/// An entry's files as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryZip {
    /// Its name, in the entry's folder.
    pub file_name: String,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
}

/// Who sent a request, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCaller {
    user_id: String,
    email: Option<String>,
    groups: Vec<String>,
    tenant: TenantId,
    customer: String,
    collection: Option<String>,
    source_ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: String,
}

impl KeptCaller {
    /// What is kept of them.
    pub fn new(caller: &Caller, origin: &Origin) -> Self {
        let (caller, origin) = (caller.clone(), origin.clone());
        Self {
            user_id: caller.user_id,
            email: caller.email,
            groups: caller.groups,
            tenant: caller.tenant,
            customer: caller.customer,
            collection: caller.collection,
            source_ip: origin.source_ip,
            user_agent: origin.user_agent,
            request_id: origin.request_id,
        }
    }

    /// Who it was.
    pub fn caller(&self) -> Caller {
        Caller {
            user_id: self.user_id.clone(),
            email: self.email.clone(),
            groups: self.groups.clone(),
            tenant: self.tenant.clone(),
            customer: self.customer.clone(),
            collection: self.collection.clone(),
        }
    }

    /// Where from.
    pub fn origin(&self) -> Origin {
        Origin {
            source_ip: self.source_ip,
            user_agent: self.user_agent.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

impl From<EntryFile> for ManifestFile {
    fn from(file: EntryFile) -> Self {
        Self {
            path: file.path,
            size: file.size,
            sha256: file.sha256,
            content_type: file.content_type,
        }
    }
}

impl EntryFile {
    /// Where it lies below the folder.
    pub fn place(&self) -> &str {
        self.stored_as.as_deref().unwrap_or(&self.path)
    }
}
