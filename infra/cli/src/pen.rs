//! What operators' commands write into the audit log, before they do it, under the name that the operator claims.

use casefile::audit::{Activity, Asked, AuditLog, Event, Given, Outcome};
use casefile::caller::{Caller, Origin};
use casefile::name::TenantId;
use casefile::problem::Problem;
use jiff::Timestamp;

use crate::failure::Failure;

/// What writes into the audit log.
#[derive(Debug)]
pub(crate) struct Pen {
    audit: AuditLog,
    operator: Caller,
    origin: Origin,
}

impl Pen {
    /// Of an operator of that tenant.
    ///
    /// # Errors
    /// When there is no id for the call.
    pub(crate) fn new(audit: AuditLog, operator: String, tenant: TenantId) -> Result<Self, Failure> {
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
    pub(crate) fn operator(&self) -> &Caller {
        &self.operator
    }

    /// By the audit log's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.audit.now()
    }

    /// What the operator does, about nothing yet.
    pub(crate) fn event(&self, activity: Activity, outcome: Outcome) -> Event<'_> {
        Event {
            activity,
            outcome,
            caller: Some(&self.operator),
            origin: &self.origin,
            tenant: Some(self.operator.tenant.as_str()),
            policies: &[],
            file: None,
            grant_id: None,
            asked: Asked::default(),
            given: Given::default(),
        }
    }

    /// # Errors
    /// When it can't be written: then nothing may be shown or done.
    pub(crate) async fn write(&self, event: &Event<'_>) -> Result<(), Problem> {
        self.audit.write(self.audit.next_id()?, event).await
    }

    /// [`Self::write`] of a change.
    ///
    /// # Errors
    /// The same, in words for the operator.
    pub(crate) async fn record(&self, event: &Event<'_>) -> Result<(), Failure> {
        self.write(event).await.map_err(|problem| {
            Failure::Failed(format!(
                "the audit record can't be written, and without it nothing is changed: {problem}"
            ))
        })
    }

    /// A change that failed is on record as one that was made: a second record says so. What the operator is told.
    pub(crate) async fn undone(&self, event: &Event<'_>, failure: Failure) -> Failure {
        match self.write(event).await {
            Ok(()) => failure,
            Err(_) => Failure::Failed(format!(
                "{failure}; the audit log has it as done, and the record that it wasn't can't be written either: repeat it"
            )),
        }
    }
}
