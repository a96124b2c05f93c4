//! A bucket of the deployment.

use casefile::client::S3Client;

/// A bucket, what it is for, and the client that reaches it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) client: S3Client,
    pub(super) bucket: String,
    pub(super) role: Role,
}

/// What a bucket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Artifacts,
    Audit,
    Quarantine,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Artifacts => "artifacts",
            Self::Audit => "audit",
            Self::Quarantine => "quarantine",
        }
    }

    /// The variable that names the bucket.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Artifacts => "S3_BUCKET_NAME",
            Self::Audit => "AUDIT_BUCKET_NAME",
            Self::Quarantine => "QUARANTINE_BUCKET_NAME",
        }
    }

    /// What `template.yaml` calls it.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Artifacts => "ArtifactsBucket",
            Self::Audit => "AuditBucket",
            Self::Quarantine => "QuarantineBucket",
        }
    }
}

impl Place {
    /// The name of a check of this bucket.
    pub(super) fn check(&self, what: &str) -> String {
        format!("{} {what}", self.role.name())
    }

    /// `right` on the bucket itself.
    pub(super) fn right(&self, right: &str) -> String {
        format!("{right} on arn:aws:s3:::{}", self.bucket)
    }

    /// `right` on what lies below `prefix`.
    pub(super) fn right_below(&self, right: &str, prefix: &str) -> String {
        format!("{right} on arn:aws:s3:::{}/{prefix}*", self.bucket)
    }
}
