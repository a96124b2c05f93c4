use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How the gateway presents itself, and who calls it.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The claims of a caller without a token.
    pub claims: Map<String, Value>,
    /// `requestContext.accountId`.
    pub account_id: String,
    /// `requestContext.apiId`.
    pub api_id: String,
    /// How long a function may take to answer.
    pub integration_timeout: Duration,
    /// The time of requests.
    pub clock: fn() -> Timestamp,
}

impl GatewayConfig {
    /// A caller `local` of tenant `local` in the group `office`, and API Gateway's 30 seconds.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        let claims = [
            ("sub", json!("local")),
            ("email", json!("local@localhost")),
            ("groups", json!(["office"])),
            ("tenant", json!("local")),
        ];
        Self {
            claims: claims
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            account_id: "000000000000".to_owned(),
            api_id: "local".to_owned(),
            integration_timeout: Duration::from_secs(30),
            clock,
        }
    }
}
