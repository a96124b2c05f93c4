//! Which records a search shows.

use casefile::audit::Record;

/// Which records a search shows: those that are the tenant's and fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// A user's id or e-mail address.
    pub(super) user: Option<String>,
    /// A collection, as it was named in requests.
    pub(super) collection: Option<String>,
    /// A path below it; one that ends in `/` stands for all below it.
    pub(super) path: Option<String>,
    /// How it ended.
    pub(super) outcome: Option<Ending>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The caller got it.
    Success,
    /// The caller was refused.
    Failure,
}

impl Ending {
    /// As queries spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// OCSF's `status_id`.
    fn id(self) -> u32 {
        match self {
            Self::Success => 1,
            Self::Failure => 2,
        }
    }
}

impl Filter {
    /// Whether it shows a record to an auditor of the tenant. What stands in nobody's log isn't shown to anybody.
    pub(super) fn shows(&self, tenant: &str, record: &Record) -> bool {
        let place = &record.unmapped;
        place.tenant.as_deref() == Some(tenant)
            && self.user.as_deref().is_none_or(|user| is_by(record, user))
            && (self.collection.is_none() || self.collection == place.collection)
            && self
                .path
                .as_deref()
                .is_none_or(|path| place.path.as_deref().is_some_and(|of| is_below(of, path)))
            && self
                .outcome
                .is_none_or(|outcome| outcome.id() == record.status_id)
    }
}

fn is_by(record: &Record, user: &str) -> bool {
    let actor = record.actor.user.as_ref();
    let is_address = |address: &str| address.eq_ignore_ascii_case(user);
    actor.is_some_and(|actor| actor.uid == user || actor.email_addr.as_deref().is_some_and(is_address))
}

fn is_below(path: &str, wanted: &str) -> bool {
    path == wanted || (wanted.ends_with('/') && path.starts_with(wanted))
}

#[cfg(test)]
mod tests {
    use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
    use casefile::caller::{Caller, Origin};
    use casefile::id::TimeId;
    use casefile::name::TenantId;

    use super::*;

    fn record(outcome: Outcome) -> Record {
        let caller = Caller {
            user_id: "dana".to_owned(),
            email: Some("Dana@example.com".to_owned()),
            groups: Vec::new(),
            tenant: TenantId::parse("acme").unwrap(),
            customer: String::new(),
            collection: None,
        };
        let event = Event {
            activity: Activity::Share,
            outcome,
            caller: Some(&caller),
            origin: &Origin::default(),
            tenant: Some("acme"),
            policies: &[],
            file: Some(File {
                collection: "bols".to_owned(),
                path: "2025/x.pdf".to_owned(),
                ..File::default()
            }),
            grant_id: None,
            asked: Asked::default(),
            given: Given::default(),
        };
        Record::new(TimeId::floor("2025-11-14T12:00:00Z".parse().unwrap()), &event)
    }

    fn filter(user: &str, collection: &str, path: &str, outcome: Option<Ending>) -> Filter {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            user: given(user),
            collection: given(collection),
            path: given(path),
            outcome,
        }
    }

    #[test]
    fn a_record_shows_that_fits_all_that_is_given() {
        let record = record(Outcome::Success);
        for (user, collection, path, outcome, shows) in [
            ("", "", "", None, true),
            ("dana", "bols", "2025/x.pdf", Some(Ending::Success), true),
            ("dana@example.com", "", "2025/", None, true),
            ("Dana", "", "", None, false),
            ("", "reviews", "", None, false),
            ("", "", "2025", None, false),
            ("", "", "2025/x.pdf/", None, false),
            ("", "", "", Some(Ending::Failure), false),
        ] {
            let filter = filter(user, collection, path, outcome);
            assert_eq!(filter.shows("acme", &record), shows, "{filter:?}");
        }
    }

    #[test]
    fn another_tenant_s_record_never_shows_nor_does_nobody_s() {
        let mut record = record(Outcome::Refused {
            status: 404,
            reason: "forbidden",
        });
        assert!(filter("", "", "", Some(Ending::Failure)).shows("acme", &record));
        assert!(!Filter::default().shows("other", &record));
        record.unmapped.tenant = None;
        assert!(!Filter::default().shows("acme", &record) && !Filter::default().shows("", &record));
    }
}
