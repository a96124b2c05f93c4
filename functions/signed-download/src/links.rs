//! Links for those who may have them: one, or many at once.

use casefile::collection::{Collection, LinkKind};
use casefile::http::query::Query;
use casefile::http::{self, Request, Response};
use casefile::json::{Errors, Node};
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link, Links};
use casefile::metrics::LinkCount;
use casefile::problem::{Problem, ProblemDocument, ProblemKind};
use futures::{StreamExt as _, stream};
use serde::Serialize;

use crate::route::Place;

/// The most links that are asked for at once.
const MAX_ITEMS: usize = 100;
/// Links made at once: enough to hide S3's latency, few enough for one thread.
const AT_ONCE: usize = 16;
const PARAMETERS: [&str; 6] = ["kind", "expires_in", "disposition", "redirect", "uses", "network"];

/// `GET /v1/links/{collection}/{path+}`.
///
/// # Errors
/// As for [`Links::issue`]; `invalid-request` with every wrong parameter.
pub async fn one(
    links: &Links,
    asking: &Asking<'_>,
    request: &Request,
    place: Place,
) -> Result<Response, Problem> {
    let mut errors = Errors::default();
    let mut query = Query::read(request.raw_query(), &mut errors);
    let wanted = LinkRequest::from_query(place.collection, place.path, &mut query, &mut errors);
    let is_redirect = query.flag("redirect", &mut errors);
    query.refuse_rest(&PARAMETERS, &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors.into_vec()));
    }
    let link = counted(links, asking, &wanted).await?;
    if is_redirect {
        http::redirect(302, &link.url)
    } else {
        http::json(200, &link)
    }
}

/// Issues a link, and counts what became of it.
async fn counted(links: &Links, asking: &Asking<'_>, wanted: &LinkRequest) -> Result<Link, Problem> {
    // Of a collection that there isn't, it would be one like most.
    let kind = || Collection::parse(&wanted.collection).map_or(LinkKind::Direct, Collection::link_kind);
    let count = LinkCount::asked(wanted.kind.unwrap_or_else(kind));
    let outcome = links.issue(asking, wanted).await;
    count.ended(&outcome);
    outcome
}

/// The answer to many.
#[derive(Serialize)]
struct Answer {
    links: Vec<Item>,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Item {
    Granted { link: Box<Link> },
    Refused { problem: ProblemDocument },
}

/// `POST /v1/links`: each item has its own record and its own outcome, in the order asked.
///
/// # Errors
/// Those of a request that can't be read; `unavailable` when no item had an outcome.
pub async fn many(links: &Links, asking: &Asking<'_>, request: Request) -> Result<Response, Problem> {
    let body = request.json_body()?;
    let wanted = read(&body)?;
    let outcomes: Vec<_> = stream::iter(&wanted)
        .map(|wanted| counted(links, asking, wanted))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let is_down = |outcome: &Result<Link, Problem>| {
        outcome
            .as_ref()
            .is_err_and(|problem| problem.kind == ProblemKind::Unavailable)
    };
    if outcomes.iter().all(is_down) {
        let first = outcomes.into_iter().find_map(Result::err);
        return Err(first.unwrap_or_else(|| Problem::new(ProblemKind::Internal, "no item has an outcome")));
    }
    let items = outcomes.into_iter().map(|outcome| match outcome {
        Ok(link) => Item::Granted { link: Box::new(link) },
        Err(problem) => Item::Refused {
            problem: problem.document(&asking.origin.request_id),
        },
    });
    let answer = Answer {
        links: items.collect(),
    };
    http::json(200, &answer)
}

fn read(body: &str) -> Result<Vec<LinkRequest>, Problem> {
    let node = Node::parse(body)?;
    let mut errors = Errors::default();
    let wanted = items(&node, &mut errors);
    match wanted {
        Some(wanted) if errors.is_empty() => Ok(wanted),
        _ => Err(Problem::invalid(errors.into_vec())),
    }
}

fn items(node: &Node<'_>, errors: &mut Errors) -> Option<Vec<LinkRequest>> {
    let mut fields = node.object(errors)?;
    let items = fields.take_required("items", errors);
    fields.refuse_rest(&["items"], errors);
    let node = items?;
    let items = node.array(MAX_ITEMS, errors)?;
    if items.is_empty() {
        node.refuse(errors, "must name at least one document");
    }
    Some(
        items
            .iter()
            .filter_map(|item| LinkRequest::from_json(item, errors))
            .collect(),
    )
}
