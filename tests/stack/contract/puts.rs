//! PUTs on a condition ([`Bucket::create`], [`Bucket::replace`]), whose first try is signed and sent past the SDK.

use std::time::{Duration, Instant};

use aws_sdk_s3::config::timeout::TimeoutConfig;
use casefile::bucket::{Bucket, NewObject, Replaced};
use casefile::digest::Sha256;
use casefile::store_error::StoreError;
use casefile_local::s3::{Fault, FaultHandle, FaultRule, When};

use super::signed_urls::KEYS;
use super::target::{
    ACCESS_KEY, SECRET_KEY, SESSION_ACCESS_KEY, SESSION_SECRET_KEY, SESSION_TOKEN, Target, embedded,
    on_each_s3,
};
use crate::outages::calls::{TRIES, hasty};
use crate::support::{BUCKET, Harness};

fn object(key: &str, body: &str) -> NewObject {
    NewObject {
        key: key.to_owned(),
        body: body.to_owned().into(),
        sha256: Sha256::of(body.as_bytes()),
        content_type: "text/plain",
        metadata: vec![
            ("name", "=?UTF-8?B?w7w=?= a  b".to_owned()),
            ("sign", "a&b=c;d,e".to_owned()),
        ],
    }
}

/// A bucket as the functions reach it, but in less time.
fn bucket(s3: &Target, access_key: &str, secret_key: &str, token: Option<&str>) -> Bucket {
    Bucket::new(
        hasty(&s3.client_as(access_key, secret_key, token)),
        s3.bucket.clone(),
    )
}

/// So that the next PUT succeeds only if each of its tries, also the first, is signed as S3 wants it: what isn't is
/// refused before, and doesn't count.
fn demand_each_try(s3: &Target) -> Option<FaultHandle> {
    let embedded = s3.embedded.as_ref()?;
    let rule = FaultRule::on("PutObject").times(TRIES - 1);
    Some(
        embedded
            .server
            .faults()
            .inject(rule, When::Before, Fault::slow_down()),
    )
}

#[tokio::test]
async fn odd_keys_are_put_with_their_metadata_and_only_where_they_may_be() {
    on_each_s3(async |s3| {
        let bucket = bucket(s3, ACCESS_KEY, SECRET_KEY, None);
        for key in KEYS {
            let first = object(key, "first");
            let _slow = demand_each_try(s3);
            let created = bucket.create(&first).await.unwrap();
            assert!(created.is_new, "{key}");
            assert!(!bucket.create(&first).await.unwrap().is_new, "{key}");
            let other = bucket.create(&object(key, "other")).await;
            assert_eq!(other, Err(StoreError::AlreadyExists), "{key}");
            let there = s3.get(key).await;
            assert_eq!(there.version_id, created.version_id, "{key}");
            assert_eq!(there.content_type.as_deref(), Some("text/plain"), "{key}");
            for (name, value) in first.metadata {
                assert_eq!(there.metadata.as_ref().unwrap()[name], value, "{key}");
            }
            let etag = there.e_tag.unwrap();
            let second = object(key, "second");
            let _slow = demand_each_try(s3);
            let replaced = bucket.replace(&second, &etag).await.unwrap();
            assert!(replaced.is_now(), "{key}");
            assert_eq!(
                bucket.replace(&object(key, "third"), &etag).await,
                Ok(Replaced::Changed)
            );
            assert_eq!(s3.text(key).await, "second");
        }
        let mut damaged = object("damaged", "x");
        damaged.sha256 = Sha256::of(b"y");
        let refused = bucket.create(&damaged).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_role_s_session_token_goes_with_them() {
    let s3 = embedded().await;
    let own = bucket(&s3, SESSION_ACCESS_KEY, SESSION_SECRET_KEY, Some(SESSION_TOKEN));
    let _slow = demand_each_try(&s3);
    assert!(own.create(&object("a b+c%/ü//x", "x")).await.unwrap().is_new);
    let foreign = bucket(&s3, SESSION_ACCESS_KEY, SESSION_SECRET_KEY, Some("another"));
    let refused = foreign.create(&object("b", "x")).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(s3.keys("").await, ["a b+c%/ü//x"]);
}

/// What S3 was asked to put.
fn puts(harness: &Harness) -> usize {
    let asked = harness.s3.requests().take();
    asked
        .iter()
        .filter(|request| request.operation == "PutObject")
        .count()
}

#[tokio::test]
async fn what_fails_is_tried_as_often_as_the_client_says_and_told_by_what_it_means() {
    let harness = Harness::start().await;
    harness.s3.requests().record(true);
    let bucket = Bucket::new(hasty(&harness.client), BUCKET.to_owned());
    let slow_down = Fault::slow_down;
    for (case, fault, when, times, is_new, tries) in [
        ("busy", slow_down(), When::Before, 1, Some(true), 2),
        ("cut", Fault::Cut, When::Before, 1, Some(true), 2),
        ("half", Fault::HalfBody, When::Before, 2, Some(true), 3),
        ("lost", Fault::Cut, When::After, 1, Some(false), 2),
        ("late", slow_down(), When::After, 1, Some(false), 2),
        ("down", slow_down(), When::Before, TRIES, None, TRIES),
        ("gone", Fault::Cut, When::Before, TRIES, None, TRIES),
        (
            "odd",
            Fault::error(200, "InternalError"),
            When::Before,
            1,
            Some(true),
            2,
        ),
        // The SDK is asked what a refusal means.
        (
            "denied",
            Fault::error(403, "AccessDenied"),
            When::Before,
            2,
            None,
            2,
        ),
    ] {
        let rule = FaultRule::on("PutObject").times(times);
        let injected = harness.s3.faults().inject(rule, when, fault);
        let created = bucket.create(&object(case, "x")).await;
        drop(injected);
        assert_eq!(
            created.as_ref().ok().map(|created| created.is_new),
            is_new,
            "{case}: {created:?}"
        );
        match (case, created) {
            ("denied", Err(StoreError::Refused(cause))) => {
                assert!(
                    cause.to_string().starts_with("PutObject: AccessDenied"),
                    "{cause}"
                );
            }
            ("down" | "gone", Err(StoreError::Unavailable(_))) | (_, Ok(_)) => {}
            (case, other) => panic!("{case}: {other:?}"),
        }
        assert_eq!(puts(&harness), tries, "{case}");
    }
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_given_up() {
    let harness = Harness::start().await;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(300));
    let impatient = hasty(&harness.client).with(|config| config.timeout_config(timeouts.build()));
    let bucket = Bucket::new(impatient, BUCKET.to_owned());
    let rule = FaultRule::on("PutObject").times(1);
    let _slow = harness
        .s3
        .faults()
        .inject(rule, When::Before, Fault::Delay(Duration::from_secs(20)));
    let began = Instant::now();
    assert!(bucket.create(&object("a", "x")).await.unwrap().is_new);
    // The functions' own time is six seconds.
    assert!(began.elapsed() < Duration::from_secs(5));
}
