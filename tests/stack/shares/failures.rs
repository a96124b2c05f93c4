//! Writes fail, before and after taking effect, and functions die: no use is lost, and none is given twice.

use std::pin::pin;

use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::{Either, join_all, select};

use super::desk::*;

#[tokio::test(flavor = "multi_thread")]
async fn without_an_audit_record_nothing_leaves_and_the_use_is_given_back() {
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ] {
        let desk = Desk::start().await;
        let limited = desk.make("uses=1").await;
        let unlimited = desk.make("").await;
        let injected = desk
            .s3
            .faults()
            .inject(FaultRule::on("PutObject").bucket(AUDIT), when, fault.clone());
        let calls = [
            limited.call("GET"),
            limited.call("POST"),
            unlimited.call("GET"),
            limited.revoke(),
        ];
        for call in &calls[..3] {
            let answer = desk.ask(call).await;
            assert_eq!(
                (answer.status, answer.location.as_deref()),
                (503, None),
                "{when:?} {fault:?}"
            );
            assert!(answer.retry_after && !answer.body.contains("X-Amz"));
        }
        assert_eq!(desk.uses(&limited).await, 0, "{when:?} {fault:?}");
        injected.remove();
        assert_eq!(
            desk.ask(&limited.call("GET")).await.status,
            302,
            "{when:?} {fault:?}"
        );
        assert_eq!(desk.ask(&limited.call("GET")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_can_not_be_recorded_is_no_answer() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    desk.ask(&made.call("GET")).await;
    let rule = FaultRule::on("PutObject").bucket(AUDIT);
    desk.s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    let unknown = Call::to("GET", "/v1/s/not-a-token".to_owned());
    let foreign = made.revoke().by(of_office("other"));
    for call in [made.call("GET"), made.call("HEAD"), unknown, foreign] {
        assert_eq!(desk.ask(&call).await.status, 503, "{} {}", call.method, call.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_costs_no_use_and_gives_none() {
    for bucket in [FILES, AUDIT] {
        for fault in [
            Fault::error(500, "InternalError"),
            Fault::Cut,
            Fault::error(409, "ConditionalRequestConflict"),
        ] {
            let desk = Desk::start().await;
            let made = desk.make("uses=2").await;
            let rule = FaultRule::on("PutObject").bucket(bucket).times(1);
            desk.s3.faults().inject(rule, When::After, fault.clone());
            assert_eq!(
                desk.ask(&made.call("GET")).await.status,
                302,
                "{bucket} {fault:?}"
            );
            assert_eq!(desk.uses(&made).await, 1, "{bucket} {fault:?}");
            assert_eq!(desk.reasons("Download").await, [None], "{bucket} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_use_can_be_reserved_none_is_recorded() {
    for (when, fault) in [
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::Before, Fault::error(412, "PreconditionFailed")),
    ] {
        let desk = Desk::start().await;
        let made = desk.make("uses=1").await;
        let injected = desk
            .s3
            .faults()
            .inject(FaultRule::on("PutObject").bucket(FILES), when, fault.clone());
        let answer = desk.ask(&made.call("GET")).await;
        assert!(
            matches!(answer.status, 500 | 503) && answer.location.is_none(),
            "{answer:?}"
        );
        injected.remove();
        assert_eq!(desk.reasons("Download").await, Vec::<Option<String>>::new());
        assert_eq!(desk.uses(&made).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_whose_function_died_comes_back_after_a_minute() {
    let desk = Desk::start().await;
    let made = desk.make("uses=2").await;
    desk.ask(&made.call("GET")).await;
    let mut point = desk
        .s3
        .faults()
        .pause(FaultRule::on("PutObject").bucket(AUDIT), When::Before);
    let call = made.call("GET");
    let held = {
        let dying = pin!(desk.ask(&call));
        let Either::Left((held, _)) = select(pin!(point.arrived()), dying).await else {
            panic!("the record was not awaited");
        };
        held.unwrap()
    };
    drop(point);
    assert_eq!(desk.uses(&made).await, 2);
    assert_eq!(
        desk.ask(&made.call("GET")).await.status,
        404,
        "it may still be under way"
    );
    let later = desk.other(in_a_minute);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 302);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 404);
    drop(held);
    let share = desk.share(&made).await;
    let settled: Vec<_> = share.used.iter().map(|used| used.is_settled).collect();
    assert_eq!(
        settled,
        [true, false],
        "the first one was found to count, and the last one is new"
    );
    let mut reasons = desk.reasons("Download").await;
    reasons.sort();
    assert_eq!(
        reasons,
        [
            None,
            None,
            Some("abandoned".to_owned()),
            Some("used_up".to_owned()),
            Some("used_up".to_owned())
        ]
    );
    // What is settled is never looked at again.
    desk.s3.requests().record(true);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 404);
    let operations: Vec<_> = desk
        .s3
        .requests()
        .take()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    assert_eq!(operations, ["GetObject", "PutObject"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_wakes_after_its_use_was_taken_back_hands_out_nothing() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    let mut point = desk
        .s3
        .faults()
        .pause(FaultRule::on("PutObject").bucket(AUDIT).times(1), When::Before);
    let call = made.call("GET");
    let later = desk.other(in_a_minute);
    let meanwhile = async {
        let held = point.arrived().await.unwrap();
        assert_eq!(ask(&later, &made.call("GET")).await.status, 302);
        held.release();
    };
    let (answer, ()) = tokio::join!(desk.ask(&call), meanwhile);
    assert_eq!((answer.status, answer.location), (503, None));
    assert_eq!(desk.uses(&made).await, 1, "the other one's use isn't given back");
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_settle_a_link_without_giving_more_than_it_has() {
    let desk = Desk::start().await;
    let made = desk.make("uses=3").await;
    for _ in 0..2 {
        assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    }
    // Neither the record nor the way back works: the use stays reserved.
    let refused = || Fault::error(403, "AccessDenied");
    let faults = desk.s3.faults();
    let no_record = faults.inject(FaultRule::on("PutObject").bucket(AUDIT), When::Before, refused());
    let no_way_back = FaultRule::on("PutObject").bucket(FILES).skip(1);
    let no_way_back = faults.inject(no_way_back, When::Before, refused());
    assert_eq!(desk.ask(&made.call("GET")).await.status, 503);
    no_record.remove();
    no_way_back.remove();
    assert_eq!(desk.uses(&made).await, 3);
    let functions: Vec<_> = (0..24).map(|_| desk.other(in_a_minute)).collect();
    let calls = functions.into_iter().map(|function| {
        let call = made.call("GET");
        async move { ask(&function, &call).await.status }
    });
    let mut statuses: Vec<_> = join_all(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 302);
    assert_eq!(statuses[1..], [404; 23]);
    assert_eq!(desk.uses(&made).await, 3);
}
