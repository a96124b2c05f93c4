//! API Gateway on this machine: an HTTP API whose routes call functions, with payload format 2.0.
//!
//! What is the same as in AWS:
//! - Routes: a literal segment wins over `{parameter}`, that over `{greedy+}`, that over `$default`; a method wins
//!   over `ANY`. What no route takes is 404 `{"message":"Not Found"}`.
//! - Events: names of headers in lower case, several values joined by commas, cookies apart, path and parameters
//!   decoded, the query as it came, and bodies that are not text in base64.
//! - Answers: as given, or inferred where the function returns something without a `statusCode`.
//! - Limits: 10 MB a request (413), Lambda's 6 MB an event (413), 30 seconds (503). A function that fails is 500.
//!
//! What is not: the caller's identity is not proved. A route with a JWT authorizer takes the claims of the bearer
//! token without looking at its signature or its times, and without a token the caller has the claims that
//! [`GatewayConfig`] gives. There are no stages, throttling rates, CORS or access logs. A function that is throttled
//! is 503.
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
