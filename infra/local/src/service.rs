//! What the stand-ins of AWS's services have in common.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// How much a stand-in remembers of what was asked of it; what is older is forgotten.
const REMEMBERED: usize = 10_000;

/// Whether a request says that it is signed for `service`: `AWS4-HMAC-SHA256 Credential={key}/{day}/{region}/{service}/
/// aws4_request, SignedHeaders=…, Signature=…` (AWS Signature Version 4). The signature itself isn't looked at; but a
/// web page, which can send forms to any port of this machine, can't send this header.
pub(crate) fn is_signed_for(headers: &HeaderMap, service: &str) -> bool {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(parts) = header.and_then(|header| header.strip_prefix("AWS4-HMAC-SHA256 ")) else {
        return false;
    };
    let part = |name: &str| {
        let mut parts = parts.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let scope: Vec<_> = part("Credential").unwrap_or_default().rsplit('/').collect();
    let scoped = matches!(scope.as_slice(), ["aws4_request", named, region, day, key, ..]
        if *named == service && !region.is_empty() && day.len() == 8 && !key.is_empty());
    scoped && part("SignedHeaders").is_some() && part("Signature").is_some_and(|text| text.len() == 64)
}

/// Failures on demand, of one service. Clones share them.
///
/// Each is an answer with status 500, which SDKs take for passing and ask again: a call fails altogether when all its
/// attempts do (three, with the SDK's standard rules).
#[derive(Debug, Clone, Default)]
pub struct Outage(Arc<Coming>);

#[derive(Debug, Default)]
struct Coming {
    before: AtomicU32,
    after: AtomicU32,
}

impl Outage {
    /// The next `requests` fail, and nothing is done.
    pub fn fail(&self, requests: u32) {
        self.0.before.store(requests, Ordering::SeqCst);
    }

    /// The next `requests` are done, and fail nevertheless.
    pub fn fail_after_effect(&self, requests: u32) {
        self.0.after.store(requests, Ordering::SeqCst);
    }

    pub(crate) fn strikes(&self) -> bool {
        take_one(&self.0.before)
    }

    pub(crate) fn strikes_after_effect(&self) -> bool {
        take_one(&self.0.after)
    }
}

fn take_one(coming: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    coming
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

/// The last things that happened, oldest first.
#[derive(Debug)]
pub(crate) struct Memory<T>(Mutex<VecDeque<T>>);

impl<T: Clone> Memory<T> {
    pub(crate) fn push(&self, item: T) {
        let mut items = self.lock();
        if items.len() >= REMEMBERED {
            items.pop_front();
        }
        items.push_back(item);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What the stand-ins' tests share.
#[cfg(test)]
pub(crate) mod testing {
    use std::net::{Ipv4Addr, SocketAddr};

    use aws_sdk_s3::config::{Credentials, Region};
    use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
    use casefile::client::AwsSettings;
    use casefile::config::Env;
    use jiff::Timestamp;

    use bytes::Bytes;
    use http::Response;

    use crate::client::call;
    use crate::lambda::Listener;

    /// 2025-11-14T14:25:10Z.
    pub(crate) fn clock() -> Timestamp {
        Timestamp::from_second(1_763_130_310).unwrap()
    }

    pub(crate) async fn door() -> Listener {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Listener::bind(any).await.unwrap()
    }

    /// What the SDK's clients are built from.
    pub(crate) fn aws() -> (AwsSettings, Region, Credentials) {
        let mut env = Env::of([
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]);
        let aws = AwsSettings::read(&mut env).unwrap();
        (aws.clone(), aws.region(), aws.credentials())
    }

    /// The `authorization` of a request that the SDK has signed for a service.
    pub(crate) fn authorization(service: &str) -> String {
        let signature = "0".repeat(64);
        format!(
            "AWS4-HMAC-SHA256 Credential=key/20251114/us-east-1/{service}/aws4_request, SignedHeaders=host, \
             Signature={signature}"
        )
    }

    /// The answer to a POST of a body of one's own, with one's own `headers` in the place of the `usual` ones of the same
    /// name; an empty one leaves it out.
    pub(crate) async fn raw(
        address: SocketAddr,
        usual: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Bytes> {
        let is_replaced = |name: &str| headers.iter().any(|(other, _)| *other == name);
        let usual = usual.iter().filter(|(name, _)| !is_replaced(name));
        let own = headers.iter().filter(|(_, value)| !value.is_empty());
        let all: Vec<_> = usual.chain(own).copied().collect();
        call(address, http::Method::POST, "/", &all, body.to_owned())
            .await
            .unwrap()
    }

    /// The status and code of a refused request.
    pub(crate) fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
        result: Result<T, SdkError<E>>,
    ) -> (u16, String) {
        let error = result.unwrap_err();
        let status = error.raw_response().unwrap().status().as_u16();
        (status, error.code().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_for_which_service_it_is_signed() {
        let signature = "0".repeat(64);
        let end = format!("SignedHeaders=host, Signature={signature}");
        let scope = "AWS4-HMAC-SHA256 Credential=key/20251114/us-east-1/sqs/aws4_request";
        for (header, expected) in [
            (format!("{scope}, {end}"), true),
            (format!("{scope},{}", end.replace(' ', "")), true),
            (format!("{}, {end}", scope.replace("sqs", "sns")), false),
            (format!("{}, {end}", scope.replace("key", "")), false),
            (format!("{scope}, SignedHeaders=host, Signature=0"), false),
            (scope.to_owned(), false),
            ("Bearer x".to_owned(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(is_signed_for(&headers, "sqs"), expected, "{header}");
        }
        assert!(!is_signed_for(&HeaderMap::new(), "sqs"));
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let memory = Memory::default();
        (0..=REMEMBERED).for_each(|n| memory.push(n));
        let all = memory.all();
        assert_eq!((all.len(), all[0]), (REMEMBERED, 1));
    }
}
