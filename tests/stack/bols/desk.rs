//! Staff who store bills of lading in this very process: for failures, and for a clock that stands still.

use std::time::Duration;

use casefile::caller::{Caller, Origin};
use casefile::digest::Sha256;
use casefile::http::Request;
use casefile::id::TimeId;
use casefile::link::{Asking, Links};
use casefile::problem::Problem;
use casefile::time::Clock;
use serde_json::{Value, json};
use session_export::bols::{BolAnswer, issue};
use session_export::uploads;
use signed_download::documents;
use tokio::time::Instant;

use crate::support::{BUCKET, Harness, caller, links, noon};

/// How long a number is waited for, as in the function.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Desk {
    links: Links,
    caller: Caller,
}

impl Desk {
    /// Staff of a tenant, at a time.
    pub(super) fn at(harness: &Harness, clock: Clock) -> Self {
        Self {
            links: links(harness.client.clone(), clock),
            caller: caller("dana", &["office"], "acme"),
        }
    }

    /// A customer of theirs.
    pub(super) fn customer(harness: &Harness, customer: &str) -> Self {
        Self {
            caller: caller(customer, &["customer"], "acme"),
            ..Self::at(harness, noon)
        }
    }

    pub(super) async fn issue(&self, request: &Value) -> Result<BolAnswer, Problem> {
        self.issue_within(PATIENCE, request).await
    }

    /// The same with other patience.
    pub(super) async fn issue_within(
        &self,
        patience: Duration,
        request: &Value,
    ) -> Result<BolAnswer, Problem> {
        let origin = Origin::default();
        let (asking, until) = (self.asking(&origin), Instant::now() + patience);
        Box::pin(issue(&self.links, &asking, &request.to_string(), &[], until)).await
    }

    /// What the list of bills of lading shows.
    pub(super) async fn list(&self) -> Vec<Value> {
        let origin = Origin::default();
        let event = json!({"rawQueryString": "", "requestContext": {"http": {"method": "GET"}}});
        let request = Request::read(&event.to_string()).unwrap();
        let asking = self.asking(&origin);
        let list = Box::pin(documents::list(&self.links, &asking, &request, "bols"));
        let response = serde_json::to_value(list.await.unwrap()).unwrap();
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        body["documents"].as_array().unwrap().clone()
    }

    /// An upload of this caller's, as its grant would have let it come: its id.
    pub(super) async fn upload(&self, harness: &Harness, content: &[u8]) -> String {
        let id = TimeId::floor(noon());
        let key = uploads::key(id, &self.caller.inbox());
        let put = harness.client.put_object().bucket(BUCKET).key(key);
        let put = put.checksum_sha256(Sha256::of(content).to_base64());
        put.body(content.to_vec().into()).send().await.unwrap();
        id.to_string()
    }

    fn asking<'a>(&'a self, origin: &'a Origin) -> Asking<'a> {
        Asking {
            caller: &self.caller,
            origin,
            base_url: None,
            kept_at: None,
        }
    }
}
