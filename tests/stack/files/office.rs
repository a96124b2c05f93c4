//! Staff who store and read files in this very process: for failures, and for a clock that stands still.

use std::sync::atomic::{AtomicI64, Ordering};

use casefile::caller::{Caller, Origin};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::http::Request;
use casefile::id::TimeId;
use casefile::link::{Asking, Links};
use casefile::problem::Problem;
use casefile::time::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_export::files::{self, FileAnswer, Filed};
use session_export::uploads;
use signed_download::documents;

use crate::support::{BUCKET, Harness, caller, links, noon};

/// Before [`noon`].
pub(super) fn morning() -> Timestamp {
    noon() - SignedDuration::from_hours(4)
}

/// A day after [`noon`], at another time of it.
pub(super) fn next_day() -> Timestamp {
    noon() + SignedDuration::from_hours(23)
}

/// A clock of which each look is a millisecond later: no two things happen at the same time.
pub(super) fn ticking() -> Timestamp {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    noon() + SignedDuration::from_millis(LOOKS.fetch_add(1, Ordering::Relaxed))
}

/// Staff of a tenant, at a time.
pub(super) struct Office {
    links: Links,
    caller: Caller,
}

impl Office {
    pub(super) fn at(harness: &Harness, tenant: &str, clock: Clock) -> Self {
        Self {
            links: links(harness.client.clone(), clock),
            caller: caller("dana", &["office"], tenant),
        }
    }

    /// A customer of the tenant on the same S3.
    pub(super) fn customer(harness: &Harness, tenant: &str, customer: &str) -> Self {
        Self {
            links: links(harness.client.clone(), noon),
            caller: caller(customer, &["customer"], tenant),
        }
    }

    pub(super) async fn give(&self, collection: Collection, request: &Value) -> Result<Filed, Problem> {
        let origin = Origin::default();
        let asking = self.asking(&origin);
        Box::pin(files::store(
            &self.links,
            &asking,
            collection,
            &request.to_string(),
            &[],
        ))
        .await
    }

    /// Stores a file that is taken.
    pub(super) async fn store(&self, collection: Collection, request: &Value) -> Result<FileAnswer, Problem> {
        match self.give(collection, request).await? {
            Filed::Stored(answer) => Ok(*answer),
            Filed::Skipped(skipped) => panic!("it was skipped: {}", skipped.reason),
            Filed::Kept(_) => panic!("it was kept"),
        }
    }

    pub(super) async fn log(&self, text: &str, revision: bool) -> Result<FileAnswer, Problem> {
        let origin = Origin::default();
        let asking = self.asking(&origin);
        Box::pin(files::training_log(&self.links, &asking, text, revision)).await
    }

    /// A collection's list.
    pub(super) async fn list(&self, collection: Collection) -> Vec<Value> {
        let origin = Origin::default();
        let event = json!({"rawQueryString": "", "requestContext": {"http": {"method": "GET"}}});
        let request = Request::read(&event.to_string()).unwrap();
        let asking = self.asking(&origin);
        let list = Box::pin(documents::list(&self.links, &asking, &request, collection.name()));
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
