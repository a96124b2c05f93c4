//! `GET /v1/audit`: the audit log for those who watch over it, newest first, reading only the days asked for.

mod cursor;
mod filter;
mod question;
mod search;
mod window;

use casefile::audit::{Activity, Asked, Event, Given, Outcome};
use casefile::http::{self, Request, Response};
use casefile::link::{Asking, Links, storage_problem};
use casefile::permission::{Action, Decision, Resource};
use casefile::problem::{Problem, ProblemKind};
use serde::Serialize;
use serde_json::value::RawValue;

use self::cursor::Cursor;
use self::question::Question;
use self::search::Search;

/// The answer: records just as they are stored.
#[derive(Debug, Serialize)]
struct Answer {
    records: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A page of the tenant's records, newest first. The look itself is recorded before the answer, and isn't in it.
///
/// # Errors
/// `forbidden` when the caller is no auditor; `invalid-request` with every wrong parameter; `unavailable` when the log
/// can't be read or written.
pub async fn search(links: &Links, asking: &Asking<'_>, request: &Request) -> Result<Response, Problem> {
    let tenant = asking.caller.tenant.as_str();
    let log = Resource::AuditLog { tenant };
    let decision = links
        .permissions
        .decide(&asking.caller.principal(), Action::ReadAudit, &log);
    let question = Question::read(request.raw_query(), links.audit.now());
    if !decision.allowed {
        let asked = question.ok().as_ref().map(asked).unwrap_or_default();
        return Err(refuse(links, asking, &decision, asked).await);
    }
    let question = question?;
    let search = Search::new(links.audit.bucket(), tenant, &question);
    // Boxed: the handler's future would become large and deep otherwise.
    let page = Box::pin(search.page())
        .await
        .map_err(|error| storage_problem(&error))?;
    let given = Given {
        entries: Some(page.records.len()),
        ..Given::default()
    };
    record(
        links,
        asking,
        &decision,
        Outcome::Success,
        asked(&question),
        given,
    )
    .await?;
    let answer = Answer {
        records: page.records,
        next_cursor: page.next_cursor.map(Cursor::encode),
    };
    http::json(200, &answer)
}

fn asked(question: &Question) -> Asked {
    Asked {
        query: Some(question.written()),
        ..Asked::default()
    }
}

/// That there is a log is no secret, so the refusal says what it is.
async fn refuse(links: &Links, asking: &Asking<'_>, decision: &Decision, asked: Asked) -> Problem {
    let outcome = Outcome::Refused {
        status: ProblemKind::Forbidden.status(),
        reason: "forbidden",
    };
    match record(links, asking, decision, outcome, asked, Given::default()).await {
        Ok(()) => Problem::new(ProblemKind::Forbidden, "only auditors may read the audit log"),
        Err(problem) => problem,
    }
}

async fn record(
    links: &Links,
    asking: &Asking<'_>,
    decision: &Decision,
    outcome: Outcome,
    asked: Asked,
    given: Given,
) -> Result<(), Problem> {
    let event = Event {
        asked,
        given,
        ..asking.event(Activity::ReadAudit, outcome, decision)
    };
    links.audit.write(links.audit.next_id()?, &event).await
}
