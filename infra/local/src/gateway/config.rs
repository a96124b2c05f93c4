use std::time::Duration;

use jiff::Timestamp;

/// How the gateway presents itself.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// `requestContext.accountId`.
    pub account_id: String,
    /// `requestContext.apiId`.
    pub api_id: String,
    /// How long a function may take to answer.
    pub integration_timeout: Duration,
    /// The time of requests, at which tokens must hold.
    pub clock: fn() -> Timestamp,
}

impl GatewayConfig {
    /// The API `local` of the account `000000000000`, with API Gateway's 30 seconds.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self {
            account_id: "000000000000".to_owned(),
            api_id: "local".to_owned(),
            integration_timeout: Duration::from_secs(30),
            clock,
        }
    }
}
