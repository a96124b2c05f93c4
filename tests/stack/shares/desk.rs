//! Both functions' links in this very process, on an S3 of their own, at noon.

use bytes::Bytes;
use casefile::audit::Record;
use casefile::bucket::NewObject;
use casefile::client::S3Client;
use casefile::config::Env;
use casefile::digest::Sha256;
use casefile::document::ownership;
use casefile::id::system_entropy;
use casefile::link::Links;
use casefile::link::settings::LinkSettings;
use casefile::link::share::{MAX_SHARE_BYTES, Share};
use casefile::name::{Owner, TenantId};
use casefile::time::Clock;
use casefile_local::client::call;
use casefile_local::s3::{S3Config, S3Server};
use futures::future::join_all;
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use signed_download::config::Config;
use signed_download::handler::SignedDownload;
use tempfile::TempDir;

pub(super) const FILES: &str = "files";
pub(super) const AUDIT: &str = "audit";
pub(super) const KEY: &str = "bols/2025/PRT-2025-0042.pdf";
pub(super) const BODY: &[u8] = b"%PDF-1.7 a bill of lading";
pub(super) const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

pub(super) fn in_a_minute() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(61)
}

pub(super) fn in_a_day() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24)
}

/// An S3 with one bill of lading of the tenant `acme`, and the function in this very process.
pub(super) struct Desk {
    pub(super) s3: S3Server,
    pub(super) client: S3Client,
    pub(super) function: SignedDownload,
    pub(super) links: Links,
    pub(super) _data: TempDir,
}

/// A link as its maker gets it.
pub(super) struct Made {
    pub(super) token: String,
    pub(super) grant_id: String,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: i64,
    pub(super) location: Option<String>,
    pub(super) body: String,
    pub(super) retry_after: bool,
}

/// A request as API Gateway hands it on.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: &'static str,
    pub(super) accept: &'static str,
    pub(super) ip: &'static str,
    pub(super) claims: Value,
}

pub(super) fn of_office(tenant: &str) -> Value {
    json!({"sub": "dana", "groups": "[office]", "tenant": tenant})
}

pub(super) fn of_customer(customer: &str) -> Value {
    json!({"sub": format!("user-of-{customer}"), "groups": "[customer]", "tenant": "acme", "customer": customer})
}

impl Call {
    pub(super) fn to(method: &'static str, path: String) -> Self {
        Self {
            method,
            path,
            query: "",
            accept: "*/*",
            ip: "192.0.2.7",
            claims: Value::Null,
        }
    }

    pub(super) fn by(self, claims: Value) -> Self {
        Self { claims, ..self }
    }

    pub(super) fn event(&self) -> LambdaEvent<Box<RawValue>> {
        let mut event = json!({
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": {"accept": self.accept},
            "requestContext": {
                "http": {"method": self.method, "sourceIp": self.ip, "userAgent": "test"},
                "stage": "$default",
                "domainName": "api.example.com",
            },
            "isBase64Encoded": false,
        });
        if !self.claims.is_null() {
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": self.claims, "scopes": null}});
        }
        let mut context = Context::default();
        "request-1".clone_into(&mut context.request_id);
        LambdaEvent::new(RawValue::from_string(event.to_string()).unwrap(), context)
    }
}

pub(super) fn settings(endpoint: &str) -> LinkSettings {
    let mut env = Env::of([
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "casefile"),
        ("AWS_SECRET_ACCESS_KEY", "casefile-local-secret"),
        ("S3_BUCKET_NAME", FILES),
        ("AUDIT_BUCKET_NAME", AUDIT),
    ]);
    let settings = LinkSettings::read(&mut env);
    env.finish(settings).unwrap()
}

pub(super) async fn ask(function: &SignedDownload, call: &Call) -> Answer {
    let response = function.handle(call.event()).await.unwrap();
    let text = |name: &str| {
        response
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(text("cache-control").as_deref(), Some("no-store"));
    Answer {
        status: response.status_code,
        location: text("location"),
        retry_after: text("retry-after").is_some(),
        body: response
            .body
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
            .unwrap_or_default(),
    }
}

impl Desk {
    pub(super) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut config = S3Config::new(data.path(), Timestamp::now);
        config.buckets = vec![FILES.to_owned(), AUDIT.to_owned()];
        let s3 = S3Server::start(config).await.unwrap();
        let desk = Self {
            client: settings(&s3.endpoint()).s3.client(),
            function: function(&s3, Timestamp::now),
            links: settings(&s3.endpoint())
                .links(Timestamp::now, system_entropy)
                .unwrap(),
            s3,
            _data: data,
        };
        let tenant = TenantId::parse("acme").unwrap();
        let object = NewObject {
            key: KEY.to_owned(),
            body: Bytes::from_static(BODY),
            sha256: Sha256::of(BODY),
            content_type: "application/pdf",
            metadata: ownership(&tenant, Owner::parse("c-17").ok().as_ref()),
        };
        desk.links.bucket.create(&object).await.unwrap();
        desk
    }

    /// The function as another process has it, with a clock of its own.
    pub(super) fn other(&self, clock: Clock) -> SignedDownload {
        function(&self.s3, clock)
    }

    pub(super) async fn ask(&self, call: &Call) -> Answer {
        ask(&self.function, call).await
    }

    pub(super) async fn made_by(&self, claims: Value, query: &'static str) -> Made {
        let mut call = Call::to("GET", "/v1/links/bols/PRT-2025-0042".to_owned()).by(claims);
        call.query = query;
        let answer = self.ask(&call).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let link: Value = serde_json::from_str(&answer.body).unwrap();
        let url = link["url"].as_str().unwrap();
        Made {
            token: url
                .strip_prefix("https://api.example.com/v1/s/")
                .unwrap()
                .to_owned(),
            grant_id: link["grant_id"].as_str().unwrap().to_owned(),
        }
    }

    pub(super) async fn make(&self, query: &'static str) -> Made {
        self.made_by(of_office("acme"), query).await
    }

    pub(super) async fn share(&self, made: &Made) -> Share {
        let key = Share::key(Sha256::from_hex(&made.grant_id).unwrap());
        let bytes = self.links.bucket.read(&key, MAX_SHARE_BYTES).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    pub(super) async fn uses(&self, made: &Made) -> usize {
        self.share(made).await.used.len()
    }

    /// The audit log's records of an activity, oldest first.
    pub(super) async fn records(&self, activity: &str) -> Vec<Record> {
        let log = self.links.audit.bucket();
        let keys = log.keys("audit/").await.unwrap();
        let all = join_all(keys.iter().map(|key| log.read(key, 100_000))).await;
        let all = all
            .into_iter()
            .map(|bytes| serde_json::from_slice::<Record>(&bytes.unwrap()).unwrap());
        all.filter(|record| record.activity_name == activity).collect()
    }

    /// `None` for each that succeeded.
    pub(super) async fn reasons(&self, activity: &str) -> Vec<Option<String>> {
        let records = self.records(activity).await;
        records.into_iter().map(|record| record.status_detail).collect()
    }

    /// Follows a redirect: status, headers and bytes.
    pub(super) async fn follow(&self, location: &str) -> hyper::Response<Bytes> {
        let target = location.strip_prefix(&self.s3.endpoint()).unwrap();
        call(self.s3.address(), Method::GET, target, &[], Bytes::new())
            .await
            .unwrap()
    }

    pub(super) async fn put(&self, body: &'static [u8], tenant: &str) {
        let put = self
            .client
            .put_object()
            .bucket(FILES)
            .key(KEY)
            .content_type("application/pdf");
        put.metadata("tenant", tenant)
            .body(body.to_vec().into())
            .send()
            .await
            .unwrap();
    }

    pub(super) async fn delete(&self) {
        self.client
            .delete_object()
            .bucket(FILES)
            .key(KEY)
            .send()
            .await
            .unwrap();
    }
}

pub(super) fn function(s3: &S3Server, clock: Clock) -> SignedDownload {
    let config = Config {
        links: settings(&s3.endpoint()),
    };
    SignedDownload::new(config, clock, system_entropy).unwrap()
}

impl Made {
    pub(super) fn call(&self, method: &'static str) -> Call {
        Call::to(method, format!("/v1/s/{}", self.token))
    }

    pub(super) fn revoke(&self) -> Call {
        Call::to("DELETE", format!("/v1/s/{}", self.grant_id))
    }

    pub(super) fn page(&self) -> Call {
        Call {
            accept: BROWSER,
            ..self.call("GET")
        }
    }
}

pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.to_owned())
}
