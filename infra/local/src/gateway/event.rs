use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;

use super::body;
use super::config::GatewayConfig;
use super::headers;
use super::routes::{Found, decoded};

/// An event of payload format 2.0, with the fields and the order of the Developer Guide's example.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    version: &'static str,
    route_key: String,
    raw_path: String,
    raw_query_string: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<Vec<String>>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<String, String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    account_id: String,
    api_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer>,
    domain_name: String,
    domain_prefix: String,
    http: Http,
    request_id: String,
    route_key: String,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Debug, Serialize)]
struct Authorizer {
    jwt: Jwt,
}

#[derive(Debug, Serialize)]
struct Jwt {
    claims: BTreeMap<String, String>,
    /// The scopes that the route asks for; routes of this template ask for none.
    scopes: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    path: String,
    protocol: String,
    source_ip: String,
    user_agent: String,
}

/// A request that found its route.
pub(super) struct Request<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) found: Found<'a>,
    pub(super) claims: Option<BTreeMap<String, String>>,
    pub(super) peer: SocketAddr,
    pub(super) port: u16,
    pub(super) id: String,
    pub(super) trace: String,
}

impl Event {
    pub(super) fn new(request: Request<'_>, config: &GatewayConfig, now: Timestamp) -> Self {
        let Request {
            parts,
            body,
            found,
            claims,
            peer,
            port,
            id,
            trace,
        } = request;
        let (text, is_base64_encoded) = body::for_event(&parts.headers, body);
        let path = decoded(parts.uri.path());
        let query = parts.uri.query().unwrap_or_default();
        let domain_name = headers::domain_name(&parts.headers);
        let domain_prefix = domain_name.split('.').next().unwrap_or_default().to_owned();
        Self {
            version: "2.0",
            route_key: found.route.key.clone(),
            raw_path: path.clone(),
            raw_query_string: query.to_owned(),
            cookies: headers::cookies(&parts.headers),
            headers: headers::for_event(&parts.headers, body.len(), peer, port, &trace),
            query_string_parameters: query_parameters(query),
            request_context: RequestContext {
                account_id: config.account_id.clone(),
                api_id: config.api_id.clone(),
                authorizer: claims.map(|claims| Authorizer {
                    jwt: Jwt { claims, scopes: None },
                }),
                domain_name,
                domain_prefix,
                http: http(parts, path, peer),
                request_id: id,
                route_key: found.route.key.clone(),
                stage: "$default",
                time: now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                time_epoch: now.as_millisecond(),
            },
            body: text,
            path_parameters: found.parameters,
            is_base64_encoded,
        }
    }
}

fn http(parts: &Parts, path: String, peer: SocketAddr) -> Http {
    Http {
        method: parts.method.to_string(),
        path,
        protocol: format!("{:?}", parts.version),
        source_ip: peer.ip().to_string(),
        user_agent: headers::text(&parts.headers, "user-agent"),
    }
}

/// Decoded, with several values of one name joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(name.as_ref()) {
            Some(values) => {
                values.push(',');
                values.push_str(&value);
            }
            None => {
                parameters.insert(name.into_owned(), value.into_owned());
            }
        }
    }
    parameters
}
