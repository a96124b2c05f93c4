//! What both functions are told about links by their environment.

use crate::audit::AuditLog;
use crate::bucket::Bucket;
use crate::client::S3Settings;
use crate::collection;
use crate::config::{Env, bucket_name};
use crate::id::Entropy;
use crate::key::BasePath;
use crate::name::TenantId;
use crate::permission::{PermissionError, Permissions};
use crate::time::Clock;

use super::Links;

/// The tenant of callers whose identity names none, where the deployment doesn't say.
const DEFAULT_TENANT: &str = "default";

/// The environment's part in links.
#[derive(Debug)]
pub struct LinkSettings {
    /// `S3_BUCKET_NAME`: what links lead to.
    pub bucket: String,
    /// `S3_BASE_PATH`: what comes before a session's folder; `tara/` where it isn't set.
    pub base_path: BasePath,
    /// `AUDIT_BUCKET_NAME`: where the audit log lies.
    pub audit_bucket: String,
    /// `DEFAULT_TENANT`: whose callers are whose identity names no tenant; `default` where it isn't set.
    pub default_tenant: TenantId,
    /// `PUBLIC_URL`: where the API is reached; without it, by the address that a request came by.
    pub public_url: Option<String>,
    /// How to reach S3.
    pub s3: S3Settings,
}

impl LinkSettings {
    /// Reads the environment; what is wrong is noted there.
    pub fn read(env: &mut Env) -> Option<Self> {
        // First, for what follows asks the collections.
        collection::read(env);
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let base_path = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let audit_bucket = env.required("AUDIT_BUCKET_NAME", bucket_name);
        if bucket.is_some() && bucket == audit_bucket {
            env.refuse("AUDIT_BUCKET_NAME", "must be another bucket than S3_BUCKET_NAME");
        }
        let default_tenant = default_tenant(env);
        let public_url = env.optional("PUBLIC_URL", public_url);
        let s3 = env.s3();
        Some(Self {
            bucket: bucket?,
            base_path,
            audit_bucket: audit_bucket?,
            default_tenant: default_tenant?,
            public_url,
            s3: s3?,
        })
    }

    /// What is needed to hand out links. Once in a process: it holds the connections.
    ///
    /// # Errors
    /// When the policies can't be read, which a test keeps from happening.
    pub fn links(self, clock: Clock, entropy: Entropy) -> Result<Links, PermissionError> {
        let credentials_end = self.s3.credentials_end();
        let client = self.s3.client();
        let audit_bucket = Bucket::new(client.clone(), self.audit_bucket);
        let bucket = Bucket::new(client, self.bucket);
        Ok(Links {
            bucket,
            base: self.base_path,
            audit: AuditLog::new(audit_bucket, clock, entropy),
            permissions: Permissions::shipped()?,
            credentials_end,
            public_url: self.public_url,
        })
    }
}

/// Reads `DEFAULT_TENANT`; `default` where it isn't set.
pub fn default_tenant(env: &mut Env) -> Option<TenantId> {
    match env.text("DEFAULT_TENANT") {
        Some(_) => env.optional("DEFAULT_TENANT", TenantId::parse),
        None => TenantId::parse(DEFAULT_TENANT).ok(),
    }
}

fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()) && !rest.contains(['?', '#'])
    });
    if is_url {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL such as https://files.example.com, without a query")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_variables_are_named_at_once() {
        let mut env = Env::of([
            ("S3_BUCKET_NAME", "files"),
            ("AUDIT_BUCKET_NAME", "files"),
            ("DEFAULT_TENANT", "../x"),
            ("PUBLIC_URL", "files.example.com"),
            ("AWS_CREDENTIAL_EXPIRATION", "soon"),
        ]);
        let settings = LinkSettings::read(&mut env).map(|_| ());
        let error = env.finish(settings).unwrap_err().to_string();
        for name in [
            "AUDIT_BUCKET_NAME must be another bucket",
            "DEFAULT_TENANT",
            "PUBLIC_URL",
            "AWS_CREDENTIAL_EXPIRATION",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
    }
}
