//! Stacks and exports for tests, each on a folder of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use casefile::audit::AuditLog;
use casefile::bucket::Bucket;
use casefile::caller::{Caller, Origin};
use casefile::client::{S3Client, S3Settings};
use casefile::config::Env;
use casefile::id::system_entropy;
use casefile::key::BasePath;
use casefile::link::{Asking, Links};
use casefile::name::{FolderName, TenantId};
use casefile::permission::Permissions;
use casefile::problem::Problem;
use casefile::time::Clock;
use casefile::verify::{Verification, verify_session};
use casefile_local::Chaos;
use casefile_local::build::build;
use casefile_local::client::call;
use casefile_local::s3::{S3Config, S3Server};
use casefile_local::sample::{review_request, workspace};
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY, Stack, StackConfig, binaries, load_template};
use casefile_local::token::{Claims, issue};
use hyper::{Method, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use session_export::review::answer::ExportAnswer;
use session_export::review::readable::ReportTemplate;
use session_export::review::{Exported, ReviewExport};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The sample review under a session id.
pub(crate) fn sample(session_id: &str) -> Value {
    let mut request = review_request().unwrap();
    request["session"]["session_id"] = json!(session_id);
    request
}

/// The sample review under a session id, with an owner: so that every kind of write is among its own.
pub(crate) fn owned(session_id: &str) -> Value {
    let mut request = sample(session_id);
    request["owner"] = json!("c-17");
    request
}

/// A moment at which every in-process export happens.
pub(crate) fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

/// Two minutes later: whatever was at work at noon has ended.
pub(crate) fn two_past_noon() -> Timestamp {
    "2025-11-14T12:02:00Z".parse().unwrap()
}

/// How many writes an export of [`owned`] makes: claim, reservation, thirteen files, the entries of two lists, manifest,
/// and the audit record of its link.
pub(crate) const WRITES: usize = 19;

/// The tags of an object, at its upload, that links may lead to wherever it lies, and that post-process leaves alone.
pub(crate) const RELEASED: &str = "status=released";

/// The programs, built once for all tests.
pub(crate) async fn programs() -> &'static BTreeMap<String, PathBuf> {
    static PROGRAMS: OnceCell<BTreeMap<String, PathBuf>> = OnceCell::const_new();
    PROGRAMS
        .get_or_init(|| async {
            let mut names = binaries(&load_template(&workspace()).unwrap());
            names.insert("casefile-local".to_owned());
            build(&workspace(), &names).await.unwrap()
        })
        .await
}

/// The operator's tool, built once for all tests.
pub(crate) async fn operators_tool() -> &'static PathBuf {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    PROGRAM
        .get_or_init(|| async {
            let name = "casefile".to_owned();
            let mut built = build(&workspace(), &[name.clone()].into()).await.unwrap();
            built.remove(&name).unwrap()
        })
        .await
}

/// The whole stack, with the functions as processes.
pub(crate) struct TestStack {
    pub(crate) stack: Stack,
    log: Arc<Mutex<Vec<String>>>,
    _data: TempDir,
}

/// Lets S3's events come so late that a test is over before: it brings its own, or counts what others ask of S3.
pub(crate) fn without_events(config: &mut StackConfig) {
    config.chaos = Some(Chaos {
        seed: 1,
        longest: Duration::from_hours(1_000),
    });
}

/// Lets what S3 doesn't take be kept beside its buckets.
pub(crate) fn with_fallback(config: &mut StackConfig) {
    config.fallback = Some(config.data.join("_fallback"));
}

impl TestStack {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(set: impl FnOnce(&mut StackConfig)) -> Self {
        let data = TempDir::new().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let sink =
            Arc::new(move |line: casefile_local::lambda::LogLine| lines.lock().unwrap().push(line.text));
        let mut config = StackConfig::new(workspace(), data.path().to_owned(), sink, Timestamp::now);
        // Most tests are about what S3 says.
        config.fallback = None;
        set(&mut config);
        let template = load_template(&workspace()).unwrap();
        let stack = Stack::start_built(&config, template, programs().await)
            .await
            .unwrap();
        Self {
            stack,
            log,
            _data: data,
        }
    }

    /// `POST /v1/reviews`, as office staff of a tenant: status and body.
    pub(crate) async fn export(&self, request: &Value) -> (u16, Value) {
        self.post(request.to_string()).await
    }

    pub(crate) async fn post(&self, body: String) -> (u16, Value) {
        let response = self
            .call(Method::POST, "/v1/reviews", Some(&office("acme")), body)
            .await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    /// A request to the gateway, with a token or without. A body is JSON.
    pub(crate) async fn call(
        &self,
        method: Method,
        target: &str,
        token: Option<&str>,
        body: String,
    ) -> Response<Bytes> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        call(self.stack.gateway(), method, target, &headers, body)
            .await
            .unwrap()
    }

    /// `GET` of JSON, with a token: status and body.
    pub(crate) async fn get(&self, target: &str, token: &str) -> (u16, Value) {
        let response = self.call(Method::GET, target, Some(token), String::new()).await;
        let body = serde_json::from_slice(response.body());
        (response.status().as_u16(), body.unwrap_or(Value::Null))
    }

    pub(crate) async fn verify(&self, answer: &Value) -> Verification {
        let (bucket, base) = self.stack.artifacts().unwrap();
        verify_session(&bucket, &base, &folder(answer)).await.unwrap()
    }

    /// The export's deployed name.
    pub(crate) fn function(&self) -> &str {
        self.stack.function("session-export").unwrap()
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.stack.artifacts().unwrap().0
    }

    /// Everything that the functions have printed so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

/// Where a problem says that something is wrong.
pub(crate) fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect()
}

/// A token of office staff of a tenant.
pub(crate) fn office(tenant: &str) -> String {
    token("dana", &["office"], tenant, None)
}

pub(crate) fn token(user: &str, groups: &[&str], tenant: &str, customer: Option<&str>) -> String {
    let mut claims = Claims::new(user);
    claims.groups = groups.iter().map(|group| (*group).to_owned()).collect();
    claims.tenant = Some(tenant.to_owned());
    claims.customer = customer.map(str::to_owned);
    issue(&claims, Timestamp::now())
}

/// A token of a device, which delivers into its collection.
pub(crate) fn device(tenant: &str, collection: &str) -> String {
    let mut claims = Claims::new("camera-3");
    claims.groups = vec!["device".to_owned()];
    claims.tenant = Some(tenant.to_owned());
    claims.collection = Some(collection.to_owned());
    issue(&claims, Timestamp::now())
}

pub(crate) fn folder(answer: &Value) -> FolderName {
    FolderName::parse(answer["folder_name"].as_str().unwrap()).unwrap()
}

/// An answer without what is each call's own.
pub(crate) fn same(mut answer: Value) -> Value {
    let fields = answer.as_object_mut().unwrap();
    fields.remove("duration_ms").unwrap();
    fields.remove("link").unwrap();
    answer
}

/// S3 alone, with the export in this very process: for failures, and for a clock that stands still.
pub(crate) struct Harness {
    pub(crate) s3: S3Server,
    pub(crate) client: S3Client,
    pub(crate) export: ReviewExport,
    _data: TempDir,
}

pub(crate) const BUCKET: &str = "artifacts";
pub(crate) const AUDIT_BUCKET: &str = "audit";

impl Harness {
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut config = S3Config::new(data.path(), Timestamp::now);
        config.buckets = vec![BUCKET.to_owned(), AUDIT_BUCKET.to_owned()];
        ACCESS_KEY.clone_into(&mut config.access_key);
        SECRET_KEY.clone_into(&mut config.secret_key);
        REGION.clone_into(&mut config.region);
        let s3 = S3Server::start(config).await.unwrap();
        let client = client(&s3.endpoint());
        let export = exporter(client.clone(), "session-export/1", noon);
        Self {
            s3,
            client,
            export,
            _data: data,
        }
    }

    /// Another version of the export, on the same S3, at the given time.
    pub(crate) fn other_version(&self, clock: Clock) -> ReviewExport {
        exporter(self.client.clone(), "session-export/2", clock)
    }

    /// The same export below another base path.
    pub(crate) fn below(&self, base: BasePath) -> ReviewExport {
        let template = ReportTemplate::new(None).unwrap();
        let links = Links {
            base,
            ..links(self.client.clone(), noon)
        };
        ReviewExport::new(links, template, "session-export/1".to_owned())
    }

    /// The same export with a clock of its own.
    pub(crate) fn at(&self, clock: Clock) -> ReviewExport {
        exporter(self.client.clone(), "session-export/1", clock)
    }

    pub(crate) async fn store(&self, request: &Value) -> Result<ExportAnswer, Problem> {
        store(&self.export, request).await
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::new(self.client.clone(), BUCKET.to_owned())
    }

    pub(crate) async fn verify(&self, folder: &str) -> Verification {
        verify_session(
            &self.bucket(),
            &BasePath::default(),
            &FolderName::parse(folder).unwrap(),
        )
        .await
        .unwrap()
    }

    /// Folders that a reader sees: those with a manifest. Each must hold.
    pub(crate) async fn visible_folders(&self) -> Vec<String> {
        let keys = self.bucket().keys("tara/").await.unwrap();
        let manifests = keys.iter().filter_map(|key| key.strip_suffix("/manifest.json"));
        let folders: Vec<_> = manifests
            .map(|key| key.trim_start_matches("tara/").to_owned())
            .collect();
        for folder in &folders {
            assert!(self.verify(folder).await.holds(), "{folder}");
        }
        folders
    }
}

pub(crate) async fn store(export: &ReviewExport, request: &Value) -> Result<ExportAnswer, Problem> {
    match export_as(export, &caller("dana", &["office"], "acme"), request).await? {
        Exported::Stored(answer) => Ok(*answer),
        other => panic!("an export to S3 answered with {other:?}"),
    }
}

pub(crate) async fn export_as(
    export: &ReviewExport,
    caller: &Caller,
    request: &Value,
) -> Result<Exported, Problem> {
    let origin = Origin::default();
    let asking = Asking {
        caller,
        origin: &origin,
        base_url: None,
        kept_at: None,
    };
    export.export(&asking, &request.to_string(), &[]).await
}

pub(crate) fn caller(user: &str, groups: &[&str], tenant: &str) -> Caller {
    Caller {
        user_id: user.to_owned(),
        email: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        tenant: TenantId::parse(tenant).unwrap(),
        customer: user.to_owned(),
        collection: None,
    }
}

/// What is needed to hand out links, on the two buckets of a [`Harness`].
pub(crate) fn links(client: S3Client, clock: Clock) -> Links {
    let audit = Bucket::new(client.clone(), AUDIT_BUCKET.to_owned());
    let bucket = Bucket::new(client, BUCKET.to_owned());
    Links {
        bucket,
        base: BasePath::default(),
        audit: AuditLog::new(audit, clock, system_entropy),
        permissions: Permissions::shipped().unwrap(),
        credentials_end: None,
        public_url: Some("https://files.example.com".to_owned()),
    }
}

fn exporter(client: S3Client, generator: &str, clock: Clock) -> ReviewExport {
    let template = ReportTemplate::new(None).unwrap();
    ReviewExport::new(links(client, clock), template, generator.to_owned())
}

/// The functions' own client.
pub(crate) fn client(endpoint: &str) -> S3Client {
    settings(endpoint).client()
}

pub(crate) fn settings(endpoint: &str) -> S3Settings {
    let mut env = Env::of([
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ]);
    let settings = env.s3();
    env.finish(settings).unwrap()
}
