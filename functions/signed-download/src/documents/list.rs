//! `GET /v1/documents/{collection}`.

use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
use casefile::caller::Caller;
use casefile::collection::Collection;
use casefile::http::{self, Request, Response};
use casefile::key::List;
use casefile::link::{Asking, Links, Refusal, storage_problem};
use casefile::name::{Owner, TenantId};
use casefile::permission::{Action, Decision, Permissions, Resource};
use casefile::pointer::Entry;
use casefile::problem::Problem;
use serde::Serialize;

use super::page::{Page, Reading};
use super::question::Question;

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    documents: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A page of a collection's documents, newest first: all of the tenant's for those who may list it, else those that
/// name the caller as their owner, else none. Only what is complete and the caller may read shows, and pages are filled
/// with that. A page of 50 costs the same among 100 and among 100,000.
///
/// # Errors
/// `invalid-request` with every wrong parameter; `not-found` when there is no such collection; `unavailable` when
/// storage or the audit log fails.
pub async fn list(
    links: &Links,
    asking: &Asking<'_>,
    request: &Request,
    collection: &str,
) -> Result<Response, Problem> {
    let question = Question::read(request.raw_query())?;
    let Some(collection) = Collection::parse(collection) else {
        return refuse(links, asking, collection, &question).await;
    };
    let (list, decision) = list_of(&links.permissions, asking.caller, collection);
    let mut page = match &list {
        None => Page::default(),
        Some(list) => {
            let reading = Reading::new(links, asking, collection, list, &question);
            // Boxed: the handler's future would become large and deep otherwise.
            Box::pin(reading.page())
                .await
                .map_err(|error| storage_problem(&error))?
        }
    };
    page.policies.extend(decision.policies);
    record(links, asking, collection, &question, &page).await?;
    let answer = Answer {
        documents: page.entries,
        next_cursor: page.next_cursor,
    };
    http::json(200, &answer)
}

/// The list that a caller may look into, and what let it.
fn list_of(permissions: &Permissions, caller: &Caller, collection: Collection) -> (Option<List>, Decision) {
    let (principal, tenant, name) = (caller.principal(), &caller.tenant, collection.name());
    let all = Resource::Collection {
        tenant: tenant.as_str(),
        name,
    };
    let decision = permissions.decide(&principal, Action::List, &all);
    if decision.allowed {
        return (Some(List::Tenant(tenant.clone())), decision);
    }
    let decide_on_own = |owner: &Owner| {
        let own = Resource::Document {
            tenant: tenant.as_str(),
            owner: Some(owner.as_str()),
            collection: name,
            path: "",
        };
        permissions.decide(&principal, Action::Read, &own)
    };
    let own = caller.owner().map(|owner| (decide_on_own(&owner), owner));
    match own {
        Some((decision, owner)) if decision.allowed => (Some(owned(tenant, owner)), decision),
        _ => (None, Decision::none()),
    }
}

fn owned(tenant: &TenantId, owner: Owner) -> List {
    List::Owner(tenant.clone(), owner)
}

async fn refuse<T>(
    links: &Links,
    asking: &Asking<'_>,
    collection: &str,
    question: &Question,
) -> Result<T, Problem> {
    let refusal = Refusal {
        activity: Activity::List,
        collection,
        path: &question.prefix,
        document: None,
        decision: &Decision::none(),
    };
    links.refuse_asked(asking, &refusal, asked(question)).await
}

fn asked(question: &Question) -> Asked {
    Asked {
        query: Some(question.written()),
        ..Asked::default()
    }
}

async fn record(
    links: &Links,
    asking: &Asking<'_>,
    collection: Collection,
    question: &Question,
    page: &Page,
) -> Result<(), Problem> {
    let decision = Decision {
        allowed: true,
        policies: page.policies.iter().cloned().collect(),
    };
    let event = Event {
        file: Some(File {
            bucket: links.bucket.name().to_owned(),
            collection: collection.name().to_owned(),
            path: question.prefix.clone(),
            ..File::default()
        }),
        asked: asked(question),
        given: Given {
            entries: Some(page.entries.len()),
            paths: page.entries.iter().map(|entry| entry.path.clone()).collect(),
            ..Given::default()
        },
        ..asking.event(Activity::List, Outcome::Success, &decision)
    };
    links.audit.write(links.audit.next_id()?, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(group: &str, customer: &str) -> Caller {
        Caller {
            user_id: "dana".to_owned(),
            email: None,
            groups: vec![group.to_owned()],
            tenant: TenantId::parse("acme").unwrap(),
            customer: customer.to_owned(),
            collection: None,
        }
    }

    #[test]
    fn each_caller_looks_into_its_own_list() {
        let permissions = Permissions::shipped().unwrap();
        let list = |group, customer| list_of(&permissions, &caller(group, customer), Collection::bols()).0;
        let tenant = TenantId::parse("acme").unwrap();
        assert_eq!(list("office", "dana"), Some(List::Tenant(tenant.clone())));
        let own = List::Owner(tenant, Owner::parse("c-17").unwrap());
        assert_eq!(list("customer", "c-17"), Some(own));
        for (group, customer) in [
            ("customer", " x"),
            ("customer", ""),
            ("auditor", "c-17"),
            ("", "c-17"),
        ] {
            assert_eq!(list(group, customer), None, "{group} {customer}");
        }
    }
}
