//! The program is killed at every write, before and after it takes effect; applied again, all is as if it hadn't been.

use std::process::Stdio;

use casefile_local::s3::{FaultRule, When};

use super::Site;
use crate::support::AUDIT_BUCKET;

/// The audit records of the run and of the series, the series, and for each of three files the entries of two lists and
/// itself.
const WRITES: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_write_and_applied_again_each_file_is_stored_once() {
    let cases = (0..WRITES).flat_map(|write| [When::Before, When::After].map(|when| (write, when)));
    crate::outages::calls::few_at_once(cases.map(|(write, when)| killed_at(write, when))).await;
}

async fn killed_at(write: usize, when: When) {
    let case = format!("write {write} {when:?}");
    let site = Site::with_bols().await;
    let planned = site.plan("bols", &["--owner", "c-17"]).await;
    assert_eq!(planned.code, 0, "{case}: {}", planned.err);
    let rule = FaultRule::on("PutObject").skip(write).times(1);
    let mut point = site.harness.s3.faults().pause(rule, when);
    // One after the other, so that the journal has something of the earlier ones.
    let mut command = site.command(&["apply", "x.plan", "--transfers", "1"]).await;
    let mut run = command.stdout(Stdio::null()).spawn().unwrap();
    let held = point.arrived().await.unwrap();
    run.kill().unwrap();
    let ended = tokio::task::spawn_blocking(move || run.wait().unwrap());
    assert_eq!(ended.await.unwrap().code(), None, "{case}: it outlived the kill");
    held.release();
    drop(point);

    let again = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{case}: {}", again.out);
    site.assert_bols_moved(&case).await;
    let audit = crate::files::versions(&site.harness.client, AUDIT_BUCKET, "audit/").await;
    assert!(audit.len() >= 2, "{case}");
}
