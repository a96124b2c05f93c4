//! What a run of `apply` writes into the audit log, under the name that the operator claims, before it does it.

use casefile::audit::{Activity, Asked, AuditLog, Event, File, Given, Outcome};
use casefile::caller::{Caller, Origin};
use casefile::name::TenantId;

use crate::failure::Failure;

/// What writes into the audit log.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    audit: &'a AuditLog,
    operator: Caller,
    origin: Origin,
}

impl<'a> Pen<'a> {
    pub(super) fn new(audit: &'a AuditLog, operator: String, tenant: TenantId) -> Result<Self, Failure> {
        Ok(Self {
            operator: Caller {
                user_id: operator,
                groups: vec!["operator".to_owned()],
                ..Caller::operator(tenant)
            },
            origin: Origin {
                source_ip: None,
                user_agent: Some(concat!("casefile/", env!("CARGO_PKG_VERSION")).to_owned()),
                request_id: audit.next_id()?.to_string(),
            },
            audit,
        })
    }

    /// Who the operator claims to be.
    pub(super) fn operator(&self) -> &str {
        &self.operator.user_id
    }

    /// # Errors
    /// When it can't be written: then nothing may be done.
    pub(super) async fn record(
        &self,
        activity: Activity,
        outcome: Outcome,
        file: File,
        asked: Asked,
        given: Given,
    ) -> Result<(), Failure> {
        let event = Event {
            activity,
            outcome,
            caller: Some(&self.operator),
            origin: &self.origin,
            tenant: Some(self.operator.tenant.as_str()),
            policies: &[],
            file: Some(file),
            grant_id: None,
            asked,
            given,
        };
        let id = self.audit.next_id()?;
        self.audit.write(id, &event).await.map_err(|problem| {
            Failure::Failed(format!(
                "the audit record can't be written, and without it nothing is changed: {problem}"
            ))
        })
    }
}
