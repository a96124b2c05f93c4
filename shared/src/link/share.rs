//! Share links: `/v1/s/{token}`. The bucket holds only the token's digest, in an object of its own, which also counts
//! the uses; it changes by `If-Match` alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Asking, Grant, Link, Links, storage_problem};
use crate::bucket::{NewObject, SignedUrl};
use crate::digest::Sha256;
use crate::http::disposition::Disposition;
use crate::id::{TimeId, Token};
use crate::key::{BasePath, ObjectKey};
use crate::name::{Owner, TenantId};
use crate::problem::{Problem, ProblemKind};

/// A share is well below this size, with all its uses.
pub const MAX_SHARE_BYTES: u64 = 64 * 1024;

/// A share link, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The digest of its token, by which it is revoked.
    pub grant_id: Sha256,
    /// The document's collection.
    pub collection: String,
    /// The document's path.
    pub path: String,
    /// The document's key.
    pub key: String,
    /// The version that was shared, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// Whose document it is.
    pub tenant: TenantId,
    /// Whose it is within its tenant.
    pub owner: Option<Owner>,
    /// Who made the link.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// Saved or shown.
    pub disposition: Disposition,
    /// How many uses it has; as many as one likes where nothing is said.
    pub uses: Option<u32>,
    /// The network that it may be used from.
    pub network: Option<ipnet::IpNet>,
    /// When it was revoked, and by whom.
    pub revoked: Option<Revoked>,
    /// The uses of a link that has a limit.
    pub used: Vec<Use>,
    /// How often it was changed. No two states of a share have the same content, hence the same entity tag: a change
    /// that reaches S3 late, after its caller gave up on it, finds nothing to match.
    pub changes: u64,
}

/// The end of a share link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// A use of a share link. It is reserved before its audit record is written, and counts once the record is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The use's audit record.
    pub record: TimeId,
    /// Whether the record was seen to be there.
    pub is_settled: bool,
}

impl Share {
    /// Where a share lies.
    pub fn key(grant_id: Sha256) -> String {
        ObjectKey::Share(grant_id).path(&BasePath::default())
    }

    /// How many uses are left, where there is a limit.
    pub fn left(&self) -> Option<usize> {
        let uses = usize::try_from(self.uses?).unwrap_or(usize::MAX);
        Some(uses.saturating_sub(self.used.len()))
    }

    /// Whether this use is reserved.
    pub fn has(&self, record: TimeId) -> bool {
        self.used.iter().any(|used| used.record == record)
    }

    /// The share as an object.
    ///
    /// # Errors
    /// `internal`, never for what this crate makes.
    pub fn object(&self) -> Result<NewObject, Problem> {
        let body = serde_json::to_vec(self)
            .map_err(|_| Problem::new(ProblemKind::Internal, "a share link can't be written as JSON"))?;
        Ok(NewObject::json(Self::key(self.grant_id), body))
    }
}

impl Links {
    pub(super) async fn share(&self, asking: &Asking<'_>, grant: &Grant<'_>) -> Result<Link, Problem> {
        let base_url = self.public_url.as_deref().or(asking.base_url).ok_or_else(|| {
            tracing::error!("PUBLIC_URL isn't set, and the request doesn't say how it came");
            Problem::new(
                ProblemKind::Internal,
                "a share link can't be made, for it isn't known where this API is reached",
            )
        })?;
        let token = Token::new(self.audit.entropy()).map_err(|error| {
            tracing::error!(%error, "no token can be made");
            Problem::new(ProblemKind::Internal, "no share link can be made")
        })?;
        let document = grant.document;
        let share = Share {
            grant_id: token.digest(),
            collection: document.collection.name().to_owned(),
            path: document.path.clone(),
            key: document.key.clone(),
            version_id: document.version_id.clone(),
            tenant: asking.caller.tenant.clone(),
            owner: document.owner.clone(),
            created_by: asking.caller.user_id.clone(),
            created_at: grant.now,
            expires_at: grant.terms.expires_at,
            disposition: grant.request.disposition,
            uses: grant.request.uses,
            network: grant.request.network,
            revoked: None,
            used: Vec::new(),
            changes: 0,
        };
        self.bucket
            .create(&share.object()?)
            .await
            .map_err(|error| storage_problem(&error))?;
        let url = SignedUrl::new(format!("{base_url}/v1/s/{}", token.expose()));
        Ok(Link {
            uses: share.uses,
            network: share.network.map(|network| network.to_string()),
            ..grant.link(url, share.grant_id.to_string())
        })
    }
}
