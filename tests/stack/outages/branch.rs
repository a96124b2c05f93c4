//! signed-download in this very process, on an S3 whose state is the same for each case.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::client::S3Client;
use casefile::digest::Sha256;
use casefile::link::share::{MAX_SHARE_BYTES, Share};
use casefile::name::TenantId;
use casefile_local::s3::{S3Config, S3Server};
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use signed_download::handler::SignedDownload;
use tempfile::TempDir;

use super::calls::{Call, calls, hasty};
use crate::support::{AUDIT_BUCKET, BUCKET, client, links};

/// The function and its S3.
pub(super) struct Branch {
    pub(super) s3: S3Server,
    pub(super) client: S3Client,
    function: SignedDownload,
    folder: TempDir,
}

/// What is asked of the function.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: &'static str,
    pub(super) accept: &'static str,
    pub(super) body: Option<Value>,
    pub(super) claims: Value,
}

/// What it says.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: i64,
    pub(super) location: Option<String>,
    pub(super) body: String,
    pub(super) has_retry_after: bool,
}

pub(super) fn of_office(tenant: &str) -> Value {
    json!({"sub": "dana", "groups": "[office]", "tenant": tenant})
}

impl Visit {
    /// By staff of the tenant that everything is of.
    pub(super) fn to(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: "",
            accept: "*/*",
            body: None,
            claims: of_office("acme"),
        }
    }

    pub(super) fn by(self, claims: Value) -> Self {
        Self { claims, ..self }
    }

    pub(super) fn with(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    fn event(&self) -> LambdaEvent<Box<RawValue>> {
        let mut event = json!({
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": {"accept": self.accept, "content-type": "application/json"},
            "requestContext": {
                "http": {"method": self.method, "sourceIp": "192.0.2.7", "userAgent": "test"},
                "stage": "$default",
                "domainName": "api.example.com",
            },
            "isBase64Encoded": false,
        });
        if !self.claims.is_null() {
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": self.claims, "scopes": null}});
        }
        if let Some(body) = &self.body {
            event["body"] = json!(body.to_string());
        }
        let mut context = Context::default();
        "request-1".clone_into(&mut context.request_id);
        LambdaEvent::new(RawValue::from_string(event.to_string()).unwrap(), context)
    }
}

impl Branch {
    /// On the data of a folder, which nobody else has.
    pub(super) async fn open(folder: TempDir) -> Self {
        let mut config = S3Config::new(folder.path(), Timestamp::now);
        config.buckets = vec![BUCKET.to_owned(), AUDIT_BUCKET.to_owned()];
        ACCESS_KEY.clone_into(&mut config.access_key);
        SECRET_KEY.clone_into(&mut config.secret_key);
        REGION.clone_into(&mut config.region);
        let s3 = S3Server::start(config).await.unwrap();
        let client = hasty(&client(&s3.endpoint()));
        let tenant = TenantId::parse("default").unwrap();
        Self {
            function: SignedDownload::with(links(client.clone(), Timestamp::now), tenant),
            client,
            s3,
            folder,
        }
    }

    /// Gives the data back.
    pub(super) async fn close(self) -> TempDir {
        self.s3.stop().await;
        self.folder
    }

    pub(super) async fn ask(&self, visit: &Visit) -> Answer {
        let response = self.function.handle(visit.event()).await.unwrap();
        let header = |name: &str| {
            let value = response.headers.get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let body = response.body.map(|body| body.to_vec()).unwrap_or_default();
        Answer {
            status: response.status_code,
            location: header("location"),
            has_retry_after: header("retry-after").is_some(),
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Asks, and watches what is asked of S3 for it.
    pub(super) async fn watch(&self, visit: &Visit) -> (Answer, Vec<Call>) {
        let requests = self.s3.requests();
        requests.record(true);
        let answer = self.ask(visit).await;
        requests.record(false);
        (answer, calls(&requests.take()))
    }

    fn files(&self) -> Bucket {
        Bucket::new(self.client.clone(), BUCKET.to_owned())
    }

    /// The records of the audit log, as files: what else asks S3 isn't counted.
    pub(super) fn recorded(&self) -> BTreeSet<PathBuf> {
        let entries = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path())
        };
        let log = self.folder.path().join(AUDIT_BUCKET).join("objects/audit");
        entries(log).flat_map(entries).collect()
    }

    /// What the log has beside what it had.
    pub(super) fn records_since(&self, before: &BTreeSet<PathBuf>) -> Vec<Record> {
        let now = self.recorded();
        let new = now.difference(before).map(|path| fs::read(path).unwrap());
        new.map(|record| serde_json::from_slice(&record).unwrap())
            .collect()
    }

    pub(super) async fn share(&self, grant_id: &str) -> Share {
        let key = Share::key(Sha256::from_hex(grant_id).unwrap());
        let state = self.files().read(&key, MAX_SHARE_BYTES).await.unwrap();
        serde_json::from_slice(&state).unwrap()
    }
}

impl Answer {
    /// The ids of the grants that it hands out.
    pub(super) fn grants(&self) -> Vec<String> {
        let mut grants = Vec::new();
        if let Some(location) = &self.location {
            let (_, rest) = location.split_once("x-grant-id=").unwrap();
            grants.extend(rest.split('&').next().map(str::to_owned));
        }
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let links = body["links"].as_array().into_iter().flatten();
        let links = links.map(|item| &item["link"]).chain([&body]);
        grants.extend(links.filter_map(|link| link["grant_id"].as_str().map(str::to_owned)));
        grants
    }

    /// Whether there is anything in it that opens a document.
    pub(super) fn opens_something(&self) -> bool {
        let opens = |text: &str| self.body.contains(text);
        self.location.is_some() || opens("X-Amz-") || opens("/v1/s/") || !self.grants().is_empty()
    }

    /// Without what each answer has of its own.
    pub(super) fn outline(&self) -> Value {
        let mut body: Value = serde_json::from_str(&self.body).unwrap_or(json!(self.body));
        anonymise(&mut body);
        let address = self.location.as_deref().map(without_query);
        json!({"status": self.status, "location": address, "body": body})
    }
}

fn without_query(url: &str) -> &str {
    let (address, _) = url.split_once('?').unwrap();
    let (_, path) = address.split_once("://").unwrap();
    path.split_once('/').unwrap().1
}

fn anonymise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for own in ["url", "grant_id", "expires_at", "instance"] {
                fields.remove(own);
            }
            fields.values_mut().for_each(anonymise);
        }
        Value::Array(items) => items.iter_mut().for_each(anonymise),
        _ => {}
    }
}
