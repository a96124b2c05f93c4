//! The function's routes.

use std::fmt;

use aws_lambda_events::http::Method;
use casefile::audit::Activity;
use casefile::http::Request;
use casefile::problem::{Problem, ProblemKind};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// For whoever has the link.
    Open(ShareUse),
    /// For callers who are known.
    Known(KnownRoute),
}

/// `GET`, `HEAD` or `POST /v1/s/{token}`. `Debug` hides the token.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareUse {
    /// As it stands in the link.
    pub token: String,
    /// How the link is used.
    pub by: Method,
}

/// What a known caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownRoute {
    /// `GET /v1/links/{collection}/{path+}`
    Link(Place),
    /// `POST /v1/links`
    Links,
    /// `DELETE /v1/s/{token}`, with the share's id in its place
    RevokeShare {
        /// The share's grant id.
        id: String,
    },
    /// `GET /v1/documents/{collection}`
    List {
        /// As it was named.
        collection: String,
    },
    /// `GET /v1/documents/{collection}/{path+}`
    Metadata(Place),
    /// `GET /v1/audit`
    Audit,
}

/// A document as a route names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The collection, as it was named.
    pub collection: String,
    /// The path below it.
    pub path: String,
}

impl Route {
    /// Finds a request's route.
    ///
    /// # Errors
    /// `not-found`.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        request.route(|method, path| Self::find(request, method, path)).ok_or_else(|| {
            let detail = "there is no such route; this function answers /v1/links, /v1/s, /v1/documents and /v1/audit";
            Problem::new(ProblemKind::NotFound, detail)
        })
    }

    fn find(request: &Request, method: &Method, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/v1/")?;
        let (name, rest) = rest
            .split_once('/')
            .map_or((rest, None), |(name, rest)| (name, Some(rest)));
        let variable = |name, text: &str| {
            let is_one = !text.is_empty() && !text.contains('/');
            is_one.then(|| request.variable(name, text))
        };
        let place = |rest: &str| {
            let (collection, path) = rest.split_once('/')?;
            Some(Place {
                collection: variable("collection", collection)?,
                path: (!path.is_empty()).then(|| request.variable("path", path))?,
            })
        };
        let known = match (name, method, rest) {
            ("s", &Method::GET | &Method::HEAD | &Method::POST, Some(token)) => {
                let token = variable("token", token)?;
                let by = method.clone();
                return Some(Self::Open(ShareUse { token, by }));
            }
            ("s", &Method::DELETE, Some(id)) => KnownRoute::RevokeShare {
                id: variable("token", id)?,
            },
            ("links", &Method::GET, Some(rest)) => KnownRoute::Link(place(rest)?),
            ("links", &Method::POST, None) => KnownRoute::Links,
            ("documents", &Method::GET, Some(rest)) => match place(rest) {
                Some(place) => KnownRoute::Metadata(place),
                None => KnownRoute::List {
                    collection: variable("collection", rest)?,
                },
            },
            ("audit", &Method::GET, None) => KnownRoute::Audit,
            _ => return None,
        };
        Some(Self::Known(known))
    }
}

impl KnownRoute {
    /// What records call it.
    pub fn activity(&self) -> Activity {
        match self {
            Self::Link(_) | Self::Links => Activity::Share,
            Self::RevokeShare { .. } => Activity::Unshare,
            Self::List { .. } => Activity::List,
            Self::Metadata(_) => Activity::Preview,
            Self::Audit => Activity::ReadAudit,
        }
    }
}

impl fmt::Debug for ShareUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareUse")
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route(method: &str, path: &str) -> Option<Route> {
        let event = json!({
            "rawPath": path,
            "requestContext": {"http": {"method": method}, "stage": "$default"},
        });
        Route::of(&Request::read(&event.to_string()).unwrap()).ok()
    }

    fn place(collection: &str, path: &str) -> Place {
        Place {
            collection: collection.to_owned(),
            path: path.to_owned(),
        }
    }

    #[test]
    fn each_route_is_found() {
        let known = |route| Some(Route::Known(route));
        let token = || "BwcHBwcHBwcHBwcHBwcHBw".to_owned();
        for (method, path, expected) in [
            (
                "GET",
                "/v1/links/reviews/a%20b/c%2Bd",
                known(KnownRoute::Link(place("reviews", "a b/c+d"))),
            ),
            ("POST", "/v1/links", known(KnownRoute::Links)),
            (
                "HEAD",
                "/v1/s/BwcHBwcHBwcHBwcHBwcHBw",
                Some(Route::Open(ShareUse {
                    token: token(),
                    by: Method::HEAD,
                })),
            ),
            (
                "DELETE",
                "/v1/s/BwcHBwcHBwcHBwcHBwcHBw",
                known(KnownRoute::RevokeShare { id: token() }),
            ),
            (
                "GET",
                "/v1/documents/bols",
                known(KnownRoute::List {
                    collection: "bols".to_owned(),
                }),
            ),
            (
                "GET",
                "/v1/documents/bols/PRT-2025-0042",
                known(KnownRoute::Metadata(place("bols", "PRT-2025-0042"))),
            ),
            ("GET", "/v1/audit", known(KnownRoute::Audit)),
            ("GET", "/v1/links", None),
            ("GET", "/v1/links/reviews", None),
            ("GET", "/v1/links/reviews/", None),
            ("GET", "/v1/links//x", None),
            ("GET", "/v1/s/", None),
            ("GET", "/v1/s/a/b", None),
            ("PUT", "/v1/s/a", None),
            ("GET", "/v1/audit/", None),
            ("GET", "/v2/audit", None),
        ] {
            assert_eq!(route(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_route_does_not_show_its_token() {
        let route = route("POST", "/v1/s/BwcHBwcHBwcHBwcHBwcHBw").unwrap();
        assert_eq!(format!("{route:?}"), "Open(ShareUse { by: POST, .. })");
    }
}
