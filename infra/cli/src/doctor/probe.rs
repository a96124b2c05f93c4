//! The first word with S3 about a bucket: whether it is there, where it is, what S3's clock says, and whether S3 knows who
//! asks.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use casefile::set_up::SetUpFault;
use casefile::time::Clock;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::fault::{Fault, ask};
use super::place::{Place, Role};

/// What S3 said.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) role: Role,
    pub(super) heard: Heard,
    pub(super) answer: Result<(), Fault>,
}

/// What S3 says beside any answer, also beside a refusal.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// S3's time, and this machine's when it was heard.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// Where the bucket is.
    pub(super) region: Option<String>,
}

/// Asks S3. An answer to HEAD says only a status, so that a refusal is asked for once more, with its code.
pub(super) async fn probe(place: &Place, clock: Clock) -> Probe {
    let listener = Listener {
        clock,
        heard: Arc::default(),
    };
    let head = place.client.head_bucket().bucket(&place.bucket);
    let head = head.customize().interceptor(listener.clone()).send();
    let answer = match ask("HeadBucket", head).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.is_outage() => Err(fault),
        Err(fault) => Err(coded(place, &listener).await.unwrap_or(fault)),
    };
    Probe {
        role: place.role,
        heard: listener.heard(),
        answer,
    }
}

async fn coded(place: &Place, listener: &Listener) -> Option<Fault> {
    let location = place.client.get_bucket_location().bucket(&place.bucket);
    let location = location.customize().interceptor(listener.clone()).send();
    ask("GetBucketLocation", location).await.err()
}

impl Probe {
    /// Why nothing else of this bucket can be checked. That S3 denies this one request is no reason: it may allow others.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        let fault = self.answer.as_ref().err()?;
        match fault.set_up() {
            None => Some("S3 can't be reached"),
            Some(SetUpFault::AccessDenied) => None,
            Some(SetUpFault::NoSuchBucket) => Some("there is no such bucket"),
            Some(SetUpFault::BadCredentials) => Some("S3 refuses the credentials"),
            Some(SetUpFault::WrongRegion) => Some("the bucket is in another region"),
            Some(SetUpFault::ClockSkew) => Some("this machine's clock is wrong"),
            Some(SetUpFault::EncryptionKey | SetUpFault::Other) => Some("S3 refuses the bucket"),
        }
    }

    /// What S3 says is wrong with the set-up.
    pub(super) fn set_up(&self) -> Option<SetUpFault> {
        self.answer.as_ref().err()?.set_up()
    }
}

/// Takes what interests from an answer's headers.
#[derive(Debug, Clone)]
struct Listener {
    clock: Clock,
    heard: Arc<Mutex<Heard>>,
}

impl Listener {
    fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "Listener"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(theirs) = headers.get("date").and_then(http_date) {
            heard.times = Some((theirs, (self.clock)()));
        }
        if let Some(region) = headers.get("x-amz-bucket-region") {
            heard.region = Some(region.to_owned());
        }
        Ok(())
    }
}

/// RFC 9110, section 5.6.7.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_s_date_is_read() {
        let time = http_date("Fri, 14 Nov 2025 14:25:10 GMT").unwrap();
        assert_eq!(time.to_string(), "2025-11-14T14:25:10Z");
        assert_eq!(http_date("noon"), None);
    }
}
