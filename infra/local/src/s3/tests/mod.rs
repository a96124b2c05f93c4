//! What the functions rely on beyond what the storage contract of `tests/` holds every S3 to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use casefile::client::S3Client;
use casefile::config::Env;
use jiff::Timestamp;
use tempfile::TempDir;

use super::{S3Config, S3Server, SessionCredentials};

mod configuration;
mod hidden;
mod locks;
mod presigned;

const BUCKET: &str = "bucket";
const DAY: Duration = Duration::from_hours(24);

/// A server with one bucket that keeps versions, and a client with credentials as a function's.
struct Running {
    server: S3Server,
    client: S3Client,
    _folder: TempDir,
}

impl Running {
    async fn start(change: impl FnOnce(&mut S3Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = S3Config::new(folder.path(), clock);
        config.buckets.push(BUCKET.to_owned());
        config.sessions.push(SessionCredentials {
            access_key: "session".to_owned(),
            secret_key: "session-secret".to_owned(),
            session_token: "session-token+/=".to_owned(),
        });
        change(&mut config);
        let server = S3Server::start(config).await.unwrap();
        let mut env = Env::of([
            ("AWS_ENDPOINT_URL_S3", server.endpoint()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "session".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "session-secret".to_owned()),
            ("AWS_SESSION_TOKEN", "session-token+/=".to_owned()),
        ]);
        let settings = env.s3();
        Self {
            client: env.finish(settings).unwrap().client(),
            server,
            _folder: folder,
        }
    }

    /// Stores a text and returns its version.
    async fn put(&self, key: &str, body: &str) -> String {
        let request = self.client.put_object().bucket(BUCKET).key(key);
        let body = body.as_bytes().to_vec().into();
        request.body(body).send().await.unwrap().version_id.unwrap()
    }
}

/// Days that have gone by for [`clock`], in all tests at once: none puts it back.
static DAYS: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    let day = i64::try_from(DAY.as_secs()).unwrap();
    Timestamp::from_second(1_763_130_310 + day * DAYS.load(Ordering::Relaxed)).unwrap()
}

/// The status and code of a refused request.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}
