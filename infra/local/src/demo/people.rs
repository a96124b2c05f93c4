//! Who takes part.

use jiff::Timestamp;

use crate::sample::caller;
use crate::token::{Claims, issue};

/// Their tokens. No `Debug`: they are nobody's to read.
pub(super) struct People {
    /// Of the office whose review it is.
    pub(super) office: String,
    /// Who watches over the same tenant's audit log.
    pub(super) auditor: String,
    /// Of the office of another tenant.
    pub(super) stranger: String,
    /// Who watches over that one's.
    pub(super) foreign_auditor: String,
}

impl People {
    pub(super) fn new(now: Timestamp) -> Self {
        let office = caller();
        let other = |sub: &str, group: &str, tenant: Option<String>| Claims {
            email: Some(format!("{sub}@localhost")),
            groups: vec![group.to_owned()],
            tenant,
            ..Claims::new(sub)
        };
        let foreign = || Some("other".to_owned());
        let auditor = other("auditor", "auditor", office.tenant.clone());
        Self {
            office: issue(&office, now),
            auditor: issue(&auditor, now),
            stranger: issue(&other("stranger", "office", foreign()), now),
            foreign_auditor: issue(&other("auditor", "auditor", foreign()), now),
        }
    }
}

/// The token of office staff of a tenant.
pub(super) fn office_of(tenant: Option<String>, now: Timestamp) -> String {
    let office = Claims { tenant, ..caller() };
    issue(&office, now)
}
