//! session-export with a folder to fall back to, in this very process: for failures, and for a clock that stands still.

use std::path::{Path, PathBuf};

use casefile::caller::Origin;
use casefile::config::Env;
use casefile::http::Request;
use casefile::id::{Entropy, system_entropy};
use casefile::link::Asking;
use casefile::time::Clock;
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use session_export::config::Config;
use session_export::handler::SessionExport;
use session_export::replay::ReplayOptions;
use session_export::replay::report::ReplayReport;
use signed_download::documents;
use tempfile::TempDir;

use crate::support::{AUDIT_BUCKET, BUCKET, Harness, caller, links, noon};

pub(super) struct Counter {
    pub(super) harness: Harness,
    pub(super) function: SessionExport,
    dir: TempDir,
}

/// An answer to an HTTP request.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u64,
    pub(super) retry_after: Option<String>,
    pub(super) body: Value,
}

impl Counter {
    pub(super) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With variables of its own; an empty one is none.
    pub(super) async fn open_with(variables: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let harness = Harness::start().await;
        Self {
            function: function(&harness, dir.path(), variables, noon, system_entropy),
            harness,
            dir,
        }
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Another process of the same function, at another time.
    pub(super) fn at(&self, clock: Clock) -> SessionExport {
        self.with(&[], clock)
    }

    /// The same with variables of its own.
    pub(super) fn with(&self, variables: &[(&str, &str)], clock: Clock) -> SessionExport {
        function(&self.harness, self.dir(), variables, clock, system_entropy)
    }

    /// A process that makes up the same name for every folder.
    pub(super) fn unlucky(&self) -> SessionExport {
        let entropy: Entropy = |bytes| {
            if bytes.len() == 4 {
                bytes.fill(7);
                Ok(())
            } else {
                system_entropy(bytes)
            }
        };
        function(&self.harness, self.dir(), &[], noon, entropy)
    }

    /// `POST` of JSON by office staff.
    pub(super) async fn post(&self, target: &str, request: &Value) -> Answered {
        self.post_as("dana", "office", target, request).await
    }

    pub(super) async fn post_as(&self, user: &str, group: &str, target: &str, request: &Value) -> Answered {
        post(&self.function, user, group, target, request).await
    }

    /// A command.
    pub(super) async fn command(&self, command: &Value) -> Result<Value, String> {
        let answer = self.function.handle(event(command)).await;
        let answer = answer.map_err(|failure| failure.error_message)?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    pub(super) async fn replay(&self) -> ReplayReport {
        replay(&self.function).await
    }

    /// What the tenant's list of a collection shows.
    pub(super) async fn list(&self, collection: &str) -> Vec<Value> {
        let origin = Origin::default();
        let event = json!({"rawQueryString": "", "requestContext": {"http": {"method": "GET"}}});
        let request = Request::read(&event.to_string()).unwrap();
        let (links, caller) = (
            links(self.harness.client.clone(), noon),
            caller("dana", &["office"], "acme"),
        );
        let asking = Asking {
            caller: &caller,
            origin: &origin,
            base_url: None,
            kept_at: None,
        };
        let list = Box::pin(documents::list(&links, &asking, &request, collection));
        let response = serde_json::to_value(list.await.unwrap()).unwrap();
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        body["documents"].as_array().unwrap().clone()
    }

    /// The entries of the folder that aren't half-written, without the notes beside them.
    pub(super) fn entries(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        entries
            .filter(|path| path.is_dir() && !name(path).starts_with("writing_"))
            .collect()
    }
}

pub(super) async fn replay(function: &SessionExport) -> ReplayReport {
    Box::pin(function.replay(ReplayOptions::default(), |_, _| ()))
        .await
        .unwrap()
}

pub(super) async fn post(
    function: &SessionExport,
    user: &str,
    group: &str,
    target: &str,
    request: &Value,
) -> Answered {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // The tenant goes with the user: kim@globex is another one's.
    let tenant = user.split_once('@').map_or("acme", |(_, tenant)| tenant);
    let claims = json!({"sub": user, "groups": format!("[{group}]"), "tenant": tenant});
    let answer = function
        .handle(event(&json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "body": request.to_string(),
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": "POST", "path": path, "sourceIp": "203.0.113.7", "userAgent": "tests"},
                "authorizer": {"jwt": {"claims": claims}},
            },
        })))
        .await
        .unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let body = answer["body"].as_str().unwrap_or_default();
    Answered {
        status: answer["statusCode"].as_u64().unwrap(),
        retry_after: answer["headers"]["retry-after"].as_str().map(str::to_owned),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

fn event(payload: &Value) -> LambdaEvent<Box<RawValue>> {
    let mut context = Context::default();
    "8476a536-e9f4-11e8-9739-2dfe598c3fcd".clone_into(&mut context.request_id);
    LambdaEvent::new(RawValue::from_string(payload.to_string()).unwrap(), context)
}

fn function(
    harness: &Harness,
    dir: &Path,
    variables: &[(&str, &str)],
    clock: Clock,
    entropy: Entropy,
) -> SessionExport {
    let endpoint = harness.s3.endpoint();
    let dir = dir.to_str().unwrap();
    let set = [
        ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("AUDIT_BUCKET_NAME", AUDIT_BUCKET),
        ("PUBLIC_URL", "https://files.example.com"),
        ("FALLBACK_DIR", dir),
    ];
    let env = Env::of(set.into_iter().chain(variables.iter().copied()));
    SessionExport::new(Config::from_env(env).unwrap(), clock, entropy).unwrap()
}
