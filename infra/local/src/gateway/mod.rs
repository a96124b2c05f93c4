//! API Gateway on this machine: an HTTP API whose routes call functions, with payload format 2.0.
//!
//! What is the same as in AWS:
//! - Routes: a literal segment wins over `{parameter}`, that over `{greedy+}`, that over `$default`; a method wins
//!   over `ANY`. What no route takes is 404 `{"message":"Not Found"}`.
//! - Events: names of headers in lower case, several values joined by commas, cookies apart, path and parameters
//!   decoded, the query as it came, and bodies that are not text in base64.
//! - Answers: as given, or inferred where the function returns something without a `statusCode`.
//! - Callers: a route with a JWT authorizer takes whoever brings a token whose signature, issuer, audience and times
//!   hold, and nobody else (401 `{"message":"Unauthorized"}`). A route without one looks at no token.
//! - Limits: 10 MB a request (413), Lambda's 6 MB an event (413), 30 seconds (503). A function that fails is 500.
//!
//! What is not: tokens are this stack's own, signed as [`crate::token`] says and not by an issuer's RSA key. There are
//! no scopes, stages, throttling rates, CORS or access logs. A function that is throttled is 503.
//!
//! Sources: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs", "Create routes
//! for HTTP APIs", "Control access to HTTP APIs with JWT authorizers", "Quotas for configuring and running an HTTP
//! API".

mod answer;
mod body;
mod config;
mod event;
mod handler;
mod headers;
mod identity;
mod refusal;
mod routes;

#[cfg(test)]
mod tests;

pub use config::GatewayConfig;
pub use handler::Gateway;
pub use routes::RouteError;
