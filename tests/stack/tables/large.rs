//! Large tables, which come in ranges.

use std::fs;

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};

use super::{Bytes, Lab};

const TABLE: &str = "signals";
const MIB: usize = 1024 * 1024;

/// 41 MiB and a bit, no two ranges of which are alike.
fn large() -> Bytes {
    let block = |number: u64| Sha256::of(&number.to_be_bytes()).to_string();
    let blocks = (0..).map(block).take(41 * MIB / 64).collect::<String>();
    Bytes::from(blocks + "the end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_comes_in_ranges_of_the_version_that_was_looked_at() {
    let lab = Lab::start().await;
    let content = large();
    lab.put(TABLE, content.clone()).await;
    lab.watch();
    let rule = FaultRule::on("GetObject");
    let mut pause = lab.harness.s3.faults().pause(rule, When::Before);
    let replace = async {
        // All six are under way at once.
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(pause.arrived().await.unwrap());
        }
        lab.put(TABLE, "another".into()).await;
        drop(held);
        drop(pause);
    };
    let (got, ()) = tokio::join!(lab.get(TABLE), replace);
    assert!(got == content);
    assert_eq!(lab.asked("GetObject"), 6);
    assert_eq!(lab.get(TABLE).await, b"another");
    lab.assert_only_copies_of(&[TABLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_one_range_of_which_fails_is_not_kept() {
    let lab = Lab::start().await;
    lab.put(TABLE, "old".into()).await;
    lab.get(TABLE).await;
    lab.put(TABLE, large()).await;
    let rule = FaultRule::on("GetObject").skip(3);
    let fault = Fault::error(503, "SlowDown");
    let fault = lab.harness.s3.faults().inject(rule, When::Before, fault);
    let kept = lab.run(&["get", TABLE]).await;
    assert_eq!(fs::read(kept.path()).unwrap(), b"old");
    assert!(kept.err.contains("GetObject: SlowDown"), "{}", kept.err);
    fault.remove();
    lab.assert_only_copies_of(&[TABLE]);
    // One that fails for a moment is asked for again.
    let rule = FaultRule::on("GetObject").skip(3).times(1);
    lab.harness.s3.faults().inject(rule, When::After, Fault::Cut);
    assert!(lab.get(TABLE).await == large());
}
