use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::template::Route;

/// A route that API Gateway would not create.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    /// Paths start with `/`, have `{name}` only as a whole segment, and `{name+}` only as the last.
    #[error("{0:?} is not a route's path")]
    Path(String),
    /// A method is `ANY` or one of HTTP's.
    #[error("{0:?} is not a route's method")]
    Method(String),
    /// Two paths differ in nothing but what a variable is called, for whatever methods: API Gateway answers
    /// "conflicting variable on the same hierarchical level".
    #[error("{0:?} calls a variable otherwise than another route")]
    Variable(String),
    /// Two routes take the same requests.
    #[error("two routes are {0:?}")]
    Duplicate(String),
}

/// All routes of the API.
#[derive(Debug)]
pub(super) struct RouteTable(Vec<Entry>);

/// A route, ready to be compared with paths.
#[derive(Debug)]
pub(super) struct Entry {
    /// As in events: `POST /v1/reviews`.
    pub(super) key: String,
    pub(super) function: String,
    pub(super) authorized: bool,
    method: Option<Method>,
    path: Pattern,
}

#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    Default,
    Segments(Vec<Segment>),
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// The route that takes a request, and what its path says.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) route: &'a Entry,
    pub(super) parameters: BTreeMap<String, String>,
}

impl RouteTable {
    pub(super) fn new(routes: impl IntoIterator<Item = Route>) -> Result<Self, RouteError> {
        let mut entries: Vec<Entry> = Vec::new();
        for route in routes {
            let entry = Entry::new(route)?;
            if entries.iter().any(|other| other.takes_the_same_as(&entry)) {
                return Err(RouteError::Duplicate(entry.key));
            }
            if entries.iter().any(|other| other.path.renames(&entry.path)) {
                return Err(RouteError::Variable(entry.key));
            }
            entries.push(entry);
        }
        Ok(Self(entries))
    }

    /// The most specific route that takes this request; `path` is encoded, as it came.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Found<'_>> {
        let path = path.strip_prefix('/')?;
        let segments: Vec<&str> = path.split('/').collect();
        let candidates = self
            .0
            .iter()
            .filter(|entry| entry.method.as_ref().is_none_or(|own| own == method));
        let matching = candidates.filter_map(|route| {
            Some(Found {
                route,
                parameters: route.path.parameters(&segments)?,
            })
        });
        matching.min_by_key(|found| found.route.precedence())
    }
}

impl Entry {
    fn new(route: Route) -> Result<Self, RouteError> {
        let method = match route.method.as_str() {
            "ANY" => None,
            name => match Method::from_bytes(name.as_bytes()) {
                Ok(method) if name.bytes().all(|byte| byte.is_ascii_uppercase()) => Some(method),
                _ => return Err(RouteError::Method(route.method)),
            },
        };
        let path = Pattern::new(&route.path).ok_or_else(|| RouteError::Path(route.path.clone()))?;
        let key = match path {
            Pattern::Default => route.path,
            Pattern::Segments(_) => format!("{} {}", route.method, route.path),
        };
        Ok(Self {
            key,
            function: route.function,
            authorized: route.authorized,
            method,
            path,
        })
    }

    /// Lower is chosen first: segment by segment, then the method before `ANY`.
    fn precedence(&self) -> (Vec<u8>, bool) {
        let ranks = match &self.path {
            Pattern::Default => vec![u8::MAX],
            Pattern::Segments(segments) => segments.iter().map(Segment::rank).collect(),
        };
        (ranks, self.method.is_none())
    }

    /// Whether both take the same requests, whatever their parameters are called.
    fn takes_the_same_as(&self, other: &Self) -> bool {
        let paths = match (&self.path, &other.path) {
            (Pattern::Default, Pattern::Default) => true,
            (Pattern::Segments(own), Pattern::Segments(others)) => {
                let mut pairs = own.iter().zip(others);
                own.len() == others.len() && pairs.all(|(own, other)| own.takes_the_same_as(other))
            }
            _ => false,
        };
        paths && self.method == other.method
    }
}

impl Pattern {
    fn new(path: &str) -> Option<Self> {
        if path == "$default" {
            return Some(Self::Default);
        }
        let segments: Option<Vec<Segment>> = path.strip_prefix('/')?.split('/').map(Segment::new).collect();
        let segments = segments?;
        let greedy = segments
            .iter()
            .position(|segment| matches!(segment, Segment::Greedy(_)));
        (greedy.is_none_or(|position| position + 1 == segments.len())).then_some(Self::Segments(segments))
    }

    /// Whether both have a variable in the same place under two names, below the same segments.
    fn renames(&self, other: &Self) -> bool {
        let (Self::Segments(own), Self::Segments(others)) = (self, other) else {
            return false;
        };
        let mut pairs = own.iter().zip(others);
        let different = pairs.find(|(own, other)| own != other);
        different.is_some_and(|(own, other)| own.rank() == 1 && other.rank() == 1)
    }

    /// The parameters' values, if the path matches.
    fn parameters(&self, path: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let Self::Segments(segments) = self else {
            return Some(parameters);
        };
        let mut rest = path;
        for segment in segments {
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Literal(literal) if decoded(first) == *literal => {}
                Segment::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), decoded(first));
                }
                Segment::Greedy(name) if rest != [""] => {
                    parameters.insert(name.clone(), decoded(&rest.join("/")));
                    return Some(parameters);
                }
                _ => return None,
            }
            rest = others;
        }
        rest.is_empty().then_some(parameters)
    }
}

impl Segment {
    fn new(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{') else {
            return (!text.contains(['{', '}'])).then(|| Self::Literal(text.to_owned()));
        };
        let inner = inner.strip_suffix('}')?;
        let (name, greedy) = inner
            .strip_suffix('+')
            .map_or((inner, false), |name| (name, true));
        if name.is_empty() || name.contains(['{', '}', '+']) {
            return None;
        }
        Some(if greedy {
            Self::Greedy(name.to_owned())
        } else {
            Self::Parameter(name.to_owned())
        })
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
        }
    }

    fn takes_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(own), Self::Literal(other)) => own == other,
            _ => self.rank() == other.rank(),
        }
    }
}

/// A path without its percent-encoding; what is not UTF-8 then is replaced.
pub(super) fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(key: &str) -> Route {
        let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            function: key.to_owned(),
            authorized: false,
        }
    }

    fn table(keys: &[&str]) -> RouteTable {
        RouteTable::new(keys.iter().map(|key| route(key))).unwrap()
    }

    fn found(table: &RouteTable, method: &Method, path: &str) -> Option<String> {
        table.find(method, path).map(|found| found.route.key.clone())
    }

    /// The example of the Developer Guide, "Create routes for HTTP APIs", and more.
    #[test]
    fn the_most_specific_route_wins() {
        let table = table(&[
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /pets/dog/1",
            "ANY /{proxy+}",
            "$default",
        ]);
        for (method, path, expected) in [
            (Method::GET, "/pets/dog/1", "GET /pets/dog/1"),
            (Method::GET, "/pets/dog/2", "GET /pets/dog/{id}"),
            (Method::GET, "/pets/cat/1", "GET /pets/{proxy+}"),
            (Method::GET, "/pets/dog/1/x", "GET /pets/{proxy+}"),
            (Method::POST, "/pets/dog/1", "ANY /pets/dog/1"),
            (Method::POST, "/test/5", "ANY /{proxy+}"),
            (Method::GET, "/", "$default"),
        ] {
            assert_eq!(found(&table, &method, path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_no_route_takes_is_not_found() {
        let table = table(&["POST /v1/reviews", "GET /v1/links/{collection}/{path+}", "GET /"]);
        for path in [
            "/v1",
            "/v1/reviews/",
            "/v1/reviews/x",
            "/V1/reviews",
            "//v1/reviews",
            "*",
            "",
        ] {
            assert_eq!(found(&table, &Method::POST, path), None, "{path}");
        }
        assert_eq!(found(&table, &Method::GET, "/v1/reviews"), None);
        assert_eq!(found(&table, &Method::GET, "/v1/links/bols"), None);
        assert_eq!(found(&table, &Method::GET, "/v1/links/bols/"), None);
        assert_eq!(found(&table, &Method::GET, "/v1/links//x"), None);
        assert_eq!(found(&table, &Method::GET, "/").as_deref(), Some("GET /"));
    }

    #[test]
    fn parameters_are_decoded() {
        let table = table(&["GET /v1/links/{collection}/{path+}"]);
        let found = table
            .find(&Method::GET, "/v1/links/ecg%2Dreports/a%20b/%C3%A9+%2F")
            .unwrap();
        let expected = [("collection", "ecg-reports"), ("path", "a b/é+/")];
        assert_eq!(
            found.parameters,
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
    }

    #[test]
    fn a_path_that_api_gateway_does_not_allow_is_refused() {
        for path in [
            "",
            "v1",
            "/{a+}/b",
            "/{}",
            "/{+}",
            "/a{b}",
            "/{a",
            "/{a}b",
            "/$default/{",
        ] {
            let refused = RouteTable::new([route(&format!("GET {path}"))]).map(drop);
            assert_eq!(refused, Err(RouteError::Path(path.to_owned())));
        }
    }

    #[test]
    fn a_method_that_http_does_not_have_is_refused() {
        for method in ["get", "", "GE T"] {
            let route = Route {
                method: method.to_owned(),
                ..route("GET /")
            };
            assert_eq!(
                RouteTable::new([route]).map(drop),
                Err(RouteError::Method(method.to_owned()))
            );
        }
    }

    #[test]
    fn a_variable_has_one_name() {
        let refused = RouteTable::new([route("GET /s/{token}"), route("DELETE /s/{id}")]).map(drop);
        assert_eq!(refused, Err(RouteError::Variable("DELETE /s/{id}".to_owned())));
        table(&[
            "GET /s/{token}",
            "DELETE /s/{token}",
            "GET /{other}/x",
            "GET /{other}/{more+}",
        ]);
    }

    #[test]
    fn two_routes_that_take_the_same_requests_are_refused() {
        let refused = RouteTable::new([route("GET /a/{x}"), route("GET /a/{y}")]).map(drop);
        assert_eq!(refused, Err(RouteError::Duplicate("GET /a/{y}".to_owned())));
    }
}
