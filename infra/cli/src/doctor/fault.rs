//! Why a call didn't do what it should, in words for a person.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use casefile::set_up::SetUpFault;
use futures::future::{BoxFuture, FutureExt as _};

/// For one call with all its attempts, and so for a check.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
const LATE: &str = "no answer in time";

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// There was no answer: why.
    Unreachable(&'static str),
    /// It was answered, and not done.
    Refused {
        operation: &'static str,
        status: u16,
        code: String,
    },
}

/// A service that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    S3,
    Sqs,
    Sns,
    Bedrock,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Sqs => "SQS",
            Self::Sns => "SNS",
            Self::Bedrock => "Bedrock",
        }
    }

    fn endpoint_variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::Bedrock => "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        }
    }
}

/// What a call gives within [`LIMIT`]. Boxed, for the SDK's futures are large.
///
/// # Errors
/// [`Fault`].
pub(super) fn ask<'a, T, E: ProvideErrorMetadata>(
    operation: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
) -> BoxFuture<'a, Result<T, Fault>> {
    async move {
        match tokio::time::timeout(LIMIT, call).await {
            Ok(answer) => answer.map_err(|error| Fault::of(operation, &error)),
            Err(_) => Err(Fault::Unreachable(LATE)),
        }
    }
    .boxed()
}

impl Fault {
    fn of<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code().map(str::to_owned);
                Self::Refused {
                    operation,
                    status,
                    code: code.unwrap_or_else(|| format!("status {status}")),
                }
            }
            SdkError::TimeoutError(_) => Self::Unreachable(LATE),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Unreachable("no connection in time")
            }
            SdkError::DispatchFailure(_) => Self::Unreachable("no connection"),
            SdkError::ResponseError(_) => Self::Unreachable("the answer can't be read"),
            _ => Self::Unreachable("the request can't be built"),
        }
    }

    /// An answer that didn't come in whole.
    pub(super) fn cut_off() -> Self {
        Self::Unreachable("the answer broke off")
    }

    /// Nobody is there, or too busy, or out of order: not a matter of how it is set up.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, code, .. } => {
                *status >= 500 && *status != 501 || *status == 429 || code == "SlowDown"
            }
        }
    }

    /// What S3 says is wrong with the set-up, if it has spoken.
    pub(super) fn set_up(&self) -> Option<SetUpFault> {
        match self {
            Self::Refused { code, .. } if !self.is_outage() => Some(SetUpFault::of(code)),
            _ => None,
        }
    }

    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Unreachable(_) => None,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable(_) => None,
        }
    }

    /// What happened.
    pub(super) fn detail(&self, service: Service) -> String {
        let name = service.name();
        match self {
            Self::Unreachable(why) => format!("{name} can't be reached: {why}"),
            Self::Refused { operation, code, .. } if self.is_outage() => {
                format!("{name} is busy or out of order: it answers {code} to {operation}")
            }
            Self::Refused { operation, code, .. } => format!("{name} answers {code} to {operation}"),
        }
    }

    /// How to mend it, unless it is the set-up that has to be mended.
    pub(super) fn mend_outage(&self, service: Service) -> Option<String> {
        match self {
            Self::Unreachable(_) => Some(format!(
                "look whether this machine's network lets it reach {}, and at AWS_REGION, AWS_CA_BUNDLE and {}",
                service.name(),
                service.endpoint_variable(),
            )),
            Self::Refused { .. } if self.is_outage() => Some(format!(
                "wait some minutes and ask again; https://health.aws.amazon.com says whether {} has a disruption",
                service.name(),
            )),
            Self::Refused { .. } => None,
        }
    }

    /// How to mend it when S3 says so: what the set-up's advice is, with the right that was needed.
    pub(super) fn mend_s3(&self, right: &str) -> String {
        if let Some(mend) = self.mend_outage(Service::S3) {
            return mend;
        }
        let fault = self.set_up().unwrap_or(SetUpFault::Other);
        match fault {
            SetUpFault::AccessDenied => format!("{}; the right is {right}", fault.advice()),
            _ => fault.advice().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Fault {
        Fault::Refused {
            operation: "PutObject",
            status,
            code: code.to_owned(),
        }
    }

    #[test]
    fn an_outage_is_told_from_a_wrong_set_up() {
        for (fault, is_outage) in [
            (Fault::Unreachable("no connection"), true),
            (refused(503, "SlowDown"), true),
            (refused(500, "InternalError"), true),
            (refused(501, "NotImplemented"), false),
            (refused(403, "AccessDenied"), false),
        ] {
            assert_eq!(fault.is_outage(), is_outage, "{fault:?}");
            assert_eq!(fault.set_up().is_none(), is_outage, "{fault:?}");
            assert_eq!(fault.mend_outage(Service::S3).is_some(), is_outage, "{fault:?}");
        }
    }

    #[test]
    fn who_is_denied_is_told_which_right_it_takes() {
        let right = "s3:PutObject on arn:aws:s3:::files/_casefile/doctor/*";
        let mend = refused(403, "AccessDenied").mend_s3(right);
        assert!(mend.ends_with(right), "{mend}");
        let mend = refused(400, "KMS.DisabledException").mend_s3(right);
        assert_eq!(mend, SetUpFault::EncryptionKey.advice());
    }
}
