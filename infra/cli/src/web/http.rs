//! Plain requests, by the HTTP client that S3's go by.

use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::{Request, Response};
use tokio::time::timeout;

/// How long an answer may take beside what its bytes take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 64_000;

/// How long it may take to send or get so many bytes.
pub(crate) fn time_for(bytes: u64) -> Duration {
    PATIENCE + Duration::from_secs(bytes / SLOWEST)
}

/// Why there is no answer. Says nothing of the address, which may be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nobody can be reached.
    #[error("no connection")]
    Connection,
    /// It took too long.
    #[error("no answer in time")]
    Time,
    /// The request can't be sent as it is.
    #[error("the request can't be built")]
    Request,
}

impl From<ConnectorError> for NoAnswer {
    fn from(error: ConnectorError) -> Self {
        if error.is_timeout() {
            Self::Time
        } else {
            Self::Connection
        }
    }
}

/// What sends requests.
#[derive(Debug, Clone)]
pub(crate) struct Http(SharedHttpConnector);

impl Http {
    pub(crate) fn new(connector: SharedHttpConnector) -> Self {
        Self(connector)
    }

    /// The beginning of an answer, which must be there in that time.
    pub(crate) async fn send(
        &self,
        request: Request<SdkBody>,
        time: Duration,
    ) -> Result<Response<SdkBody>, NoAnswer> {
        let request = request.try_into().map_err(|_| NoAnswer::Request)?;
        let answer = timeout(time, self.0.call(request))
            .await
            .map_err(|_| NoAnswer::Time)?;
        answer?.try_into_http1x().map_err(|_| NoAnswer::Connection)
    }
}
