//! post-process's work on an S3 of its own, and what it leaves there.

use std::collections::BTreeMap;
use std::path::Path;

use casefile::bucket::Bucket;
use casefile::client::S3Client;
use casefile::config::Env;
use casefile::id::system_entropy;
use casefile::time::Clock;
use casefile_local::s3::{ObjectEvent, S3Config, S3Server, event_record};
use futures::future::join_all;
use jiff::Timestamp;
use post_process::arrival::{Incoming, ObjectArrived};
use post_process::config::Config;
use post_process::failure::Failure;
use post_process::settle::Settling;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};

use crate::outages::calls::hasty;
use crate::support::{BUCKET, client};

pub(super) const QUARANTINE: &str = "quarantine";

pub(super) fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

/// The work, its S3, and the events of that.
pub(super) struct Yard {
    pub(super) s3: S3Server,
    pub(super) client: S3Client,
    pub(super) settling: Settling,
    events: UnboundedReceiver<ObjectEvent>,
}

/// A small source of chance, the same for the same seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Below `limit`.
    pub(super) fn roll(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

impl Yard {
    /// On the data of `folder`, at noon.
    pub(super) async fn open(folder: &Path) -> Self {
        Self::open_with(folder, noon, &[]).await
    }

    /// The same with a clock of its own for the work, and with more in the function's environment.
    pub(super) async fn open_with(folder: &Path, clock: Clock, more: &[(String, String)]) -> Self {
        let mut config = S3Config::new(folder, noon);
        config.buckets = vec![BUCKET.to_owned(), QUARANTINE.to_owned()];
        ACCESS_KEY.clone_into(&mut config.access_key);
        SECRET_KEY.clone_into(&mut config.secret_key);
        REGION.clone_into(&mut config.region);
        let s3 = S3Server::start(config).await.unwrap();
        let client = client(&s3.endpoint());
        Self {
            settling: settling(&client, environment(&s3.endpoint(), more), clock),
            client,
            events: s3.events(),
            s3,
        }
    }

    pub(super) fn bucket(&self) -> Bucket {
        Bucket::new(self.client.clone(), BUCKET.to_owned())
    }

    pub(super) fn quarantine(&self) -> Bucket {
        Bucket::new(self.client.clone(), QUARANTINE.to_owned())
    }

    /// Stores an object; gives its version's id.
    pub(super) async fn put(&self, key: &str, body: &[u8], metadata: &[(&str, &str)]) -> String {
        let mut put = self.client.put_object().bucket(BUCKET).key(key);
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        let put = put.body(body.to_vec().into()).send().await.unwrap();
        put.version_id.unwrap()
    }

    /// The creations since the last time.
    pub(super) fn arrivals(&mut self) -> Vec<ObjectArrived> {
        let mut arrivals = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if event.bucket == BUCKET && event.name.is_included_in("s3:ObjectCreated:*") {
                arrivals.push(arrived(&event));
            }
        }
        arrivals
    }

    /// Works on everything that arrives until nothing more does.
    pub(super) async fn settle_all(&mut self) {
        let mut arrivals = self.arrivals();
        while !arrivals.is_empty() {
            for arrived in arrivals {
                self.settling.settle(&arrived).await.unwrap();
            }
            arrivals = self.arrivals();
        }
    }

    /// The same in any order, some of it twice or at the same time.
    pub(super) async fn settle_somehow(&mut self, arrivals: Vec<ObjectArrived>, dice: &mut Dice) {
        let mut waiting = Vec::new();
        let mut new = arrivals;
        loop {
            for arrived in new {
                for _ in 0..=dice.roll(2) {
                    waiting.push(arrived.clone());
                }
            }
            if waiting.is_empty() {
                return;
            }
            let mut taken = Vec::new();
            for _ in 0..=dice.roll(3) {
                if !waiting.is_empty() {
                    taken.push(waiting.swap_remove(dice.roll(waiting.len())));
                }
            }
            let settled = join_all(taken.iter().map(|arrived| self.settling.settle(arrived))).await;
            for (arrived, outcome) in taken.into_iter().zip(settled) {
                match outcome {
                    Ok(()) => {}
                    // As a queue would.
                    Err(Failure::Transient(_)) => waiting.push(arrived),
                    Err(failure) => panic!("{}: {failure}", arrived.key),
                }
            }
            new = self.arrivals();
        }
    }

    /// The rows of the index, by the keys of what they describe.
    pub(super) async fn rows(&self) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        for key in self.bucket().keys("index/").await.unwrap() {
            let body = self.bucket().read(&key, 1 << 20).await.unwrap();
            let row: Value = serde_json::from_slice(&body).unwrap();
            let name = format!(
                "{} {}",
                row["kind"].as_str().unwrap(),
                row["key"].as_str().unwrap()
            );
            assert!(rows.insert(name, row).is_none(), "two rows about one thing");
        }
        rows
    }

    pub(super) async fn row(&self, kind: &str, key: &str) -> Value {
        let mut rows = self.rows().await;
        rows.remove(&format!("{kind} {key}"))
            .unwrap_or_else(|| panic!("{key} has no row"))
    }

    pub(super) async fn tags(&self, key: &str) -> BTreeMap<String, String> {
        self.bucket().tags(key, None).await.unwrap()
    }

    /// Everything that a reader, an auditor or Athena can see, without what differs from run to run.
    pub(super) async fn state(&self) -> Value {
        let mut rows = self.rows().await;
        for row in rows.values_mut() {
            row.as_object_mut().unwrap().remove("version_id");
        }
        let mut seen = BTreeMap::new();
        for key in self.bucket().keys("").await.unwrap() {
            seen.insert(key.clone(), self.tags(&key).await);
        }
        let mut held = Vec::new();
        for key in self.quarantine().keys("records/").await.unwrap() {
            let record = self.quarantine().read(&key, 1 << 20).await.unwrap();
            let mut record: Value = serde_json::from_slice(&record).unwrap();
            record.as_object_mut().unwrap().remove("version_id");
            held.push(record.to_string());
        }
        held.sort();
        let contents = self.quarantine().keys("content/").await.unwrap().len();
        json!({ "rows": rows, "seen": seen, "held": held, "contents": contents })
    }
}

/// The work of one process, which doesn't wait long before it tries a call again.
fn settling(client: &S3Client, environment: Env, clock: Clock) -> Settling {
    let config = Config::from_env(environment).unwrap();
    let bucket = |name: &str| Bucket::new(hasty(client), name.to_owned());
    Settling::on(bucket(BUCKET), bucket(QUARANTINE), config, clock, system_entropy)
}

/// The function's environment.
fn environment(endpoint: &str, more: &[(String, String)]) -> Env {
    let own = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("QUARANTINE_BUCKET_NAME", QUARANTINE),
        ("DEFAULT_TENANT", "acme"),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Env::of(own.into_iter().chain(more.iter().cloned()))
}

/// An event as post-process reads it.
fn arrived(event: &ObjectEvent) -> ObjectArrived {
    let body = json!({ "Records": [event_record(event)] }).to_string();
    match Incoming::read(&body).unwrap() {
        Incoming::Objects(mut objects) => objects.remove(0).unwrap(),
        Incoming::Test => panic!("a test event"),
    }
}
