use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{COOKIE, HeaderName};
use http::uri::Authority;

/// Headers that concern one connection, and the cookies, which events hold apart.
const LEFT_OUT: [&str; 9] = [
    "connection",
    "content-length",
    "cookie",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of an event: what the client sent, and what API Gateway adds.
pub(super) fn for_event(
    headers: &HeaderMap,
    length: usize,
    peer: SocketAddr,
    port: u16,
    trace: &str,
) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = headers
        .keys()
        .filter(|name| !LEFT_OUT.contains(&name.as_str()))
        .map(|name| (name.as_str().to_owned(), all(headers, name, ",")))
        .collect();
    let forwarded = joined
        .get("x-forwarded-for")
        .map(|others| format!("{others}, "))
        .unwrap_or_default();
    joined.insert("content-length".to_owned(), length.to_string());
    joined.insert("x-amzn-trace-id".to_owned(), trace.to_owned());
    joined.insert("x-forwarded-for".to_owned(), format!("{forwarded}{}", peer.ip()));
    joined.insert("x-forwarded-port".to_owned(), port.to_string());
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined
}

/// The cookies, each as `name=value`.
pub(super) fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let all = all(headers, &COOKIE, ";");
    let cookies: Vec<String> = all
        .split(';')
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect();
    (!cookies.is_empty()).then_some(cookies)
}

/// The host that the client asked, without its port.
pub(super) fn domain_name(headers: &HeaderMap) -> String {
    let host = text(headers, "host");
    host.parse::<Authority>()
        .map_or(host, |authority| authority.host().to_owned())
}

/// A header's first value; empty without one.
pub(super) fn text(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

fn all(headers: &HeaderMap, name: &HeaderName, separator: &str) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(separator)
}
