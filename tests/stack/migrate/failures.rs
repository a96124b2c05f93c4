//! Every write fails, before and after taking effect: the operator knows, and another run mends it.

use casefile_local::s3::{Fault, FaultRule, When};

use super::{BOLS, Site};
use crate::support::{AUDIT_BUCKET, BUCKET};

const SERIES: &str = "_casefile/bols/";

/// A write: its bucket, how its key begins, and whether nothing at all is stored without it.
type Write = (&'static str, &'static str, bool);

const WRITES: [Write; 5] = [
    (AUDIT_BUCKET, "audit/", true),
    (BUCKET, SERIES, true),
    (BUCKET, "_casefile/by-time/", false),
    (BUCKET, "_casefile/by-owner/", false),
    (BUCKET, BOLS[1], false),
];

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_the_operator_knows_and_another_run_mends_it() {
    let ways = [
        (When::Before, Fault::error(503, "ServiceUnavailable")),
        (When::After, Fault::error(503, "ServiceUnavailable")),
        (When::Before, Fault::Cut),
        (When::After, Fault::Cut),
    ];
    let cases = WRITES
        .iter()
        .flat_map(|write| ways.iter().map(move |way| (*write, way.clone())));
    crate::outages::calls::few_at_once(cases.map(|(write, (when, fault))| fails(write, when, fault))).await;
}

async fn fails((bucket, prefix, is_first): Write, when: When, fault: Fault) {
    let case = format!("{bucket}/{prefix} {when:?} {fault:?}");
    let site = Site::with_bols().await;
    site.plan("bols", &["--owner", "c-17"]).await;
    let rule = FaultRule::on("PutObject").bucket(bucket).prefix(prefix).times(3);
    let fault = site.harness.s3.faults().inject(rule, when, fault);
    let failed = site.run(&["apply", "x.plan", "--transfers", "1"]).await;
    assert!(fault.matched() > 0, "{case}");
    fault.remove();
    let stored = site.keys("bols/").await.len();
    if is_first && failed.code != 0 {
        assert_eq!((failed.code, stored), (2, 0), "{case}: {}", failed.err);
    }
    // A try after one that took effect finds it there, and a series is tried until its change is.
    if when == When::Before && prefix != SERIES {
        assert_eq!(failed.code, 2, "{case}: {}{}", failed.out, failed.err);
    }
    let again = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{case}: {}", again.out);
    site.assert_bols_moved(&case).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_of_each_kind_is_mended_on_the_way() {
    for fault in [
        Fault::slow_down(),
        Fault::error(409, "ConditionalRequestConflict"),
        Fault::Cut,
    ] {
        let site = Site::with_bols().await;
        site.plan("bols", &[]).await;
        let rule = FaultRule::on("PutObject").prefix("bols/").times(1);
        site.harness.s3.faults().inject(rule, When::Before, fault.clone());
        let applied = site.run(&["apply", "x.plan"]).await;
        assert_eq!(applied.code, 0, "{fault:?}: {}{}", applied.out, applied.err);
        site.assert_bols_moved(&format!("{fault:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_refuses_is_told_with_what_to_do() {
    let site = Site::with_bols().await;
    site.plan("bols", &[]).await;
    let rule = FaultRule::on("PutObject").prefix("bols/");
    let fault = Fault::error(403, "AccessDenied");
    site.harness.s3.faults().inject(rule, When::Before, fault);
    let refused = site.run(&["apply", "x.plan", "--json"]).await;
    let shown = refused.json();
    assert_eq!((refused.code, shown["failed"].as_array().unwrap().len()), (2, 3));
    assert!(
        shown["failed"][0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("S3 refuses: ")
    );
}
