use std::time::Duration;

use super::*;

fn put(key: &str) -> Target {
    Target {
        operation: "PutObject".to_owned(),
        bucket: "files".to_owned(),
        key: key.to_owned(),
    }
}

#[test]
fn a_rule_includes_what_all_its_parts_include() {
    let rule = FaultRule::on("PutObject")
        .bucket("files")
        .prefix("tara/")
        .suffix(".json");
    assert!(rule.includes(&put("tara/manifest.json")));
    assert!(!rule.includes(&put("bols/manifest.json")));
    assert!(!rule.includes(&put("tara/manifest.txt")));
    assert!(!FaultRule::on("GetObject").includes(&put("a")));
    assert!(FaultRule::any().includes(&Target::default()));
}

#[test]
fn a_fault_applies_to_the_matches_after_those_skipped_and_no_more_than_its_times() {
    let faults = Faults::default();
    let handle = faults.inject(FaultRule::any().skip(1).times(2), When::Before, Fault::Cut);
    let cut: Vec<bool> = (0..5)
        .map(|_| !faults.plan(&put("a")).before.is_empty())
        .collect();
    assert_eq!(cut, [false, true, true, false, false]);
    assert_eq!(handle.matched(), 5);
}

#[test]
fn a_removed_fault_applies_no_more() {
    let faults = Faults::default();
    let handle = faults.inject(FaultRule::any(), When::After, Fault::Cut);
    assert_eq!(faults.plan(&put("a")).after.len(), 1);
    handle.remove();
    assert!(faults.plan(&put("a")).after.is_empty());
}

#[tokio::test]
async fn a_held_request_goes_on_when_it_is_released_or_its_pause_point_is_gone() {
    let faults = Faults::default();
    let mut pause = faults.pause(FaultRule::any(), When::Before);
    let plan = faults.plan(&put("a"));
    let target = put("a");
    let (ending, ()) = tokio::join!(undergo(&plan.before, &target), async {
        pause.arrived().await.unwrap().release();
    });
    assert_eq!(ending, None);
    drop(pause);
    assert_eq!(undergo(&plan.before, &target).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_lets_so_many_pass_in_any_second() {
    let throttle = Throttle::new(2);
    let mut passed = Vec::new();
    for _ in 0..8 {
        passed.push(throttle.takes());
        tokio::time::advance(Duration::from_millis(300)).await;
    }
    // At 0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8 and 2.1 seconds.
    assert_eq!(passed, [true, true, false, false, true, true, false, false]);
    assert!(!Throttle::new(0).takes());
}

#[tokio::test]
async fn a_throttle_counts_what_its_rule_includes_and_nothing_else() {
    let faults = Faults::default();
    let rule = FaultRule::any().prefix("tara/");
    faults.inject(rule, When::Before, Fault::throttle(1));
    let mut endings = Vec::new();
    for key in ["tara/a", "bols/a", "bols/b", "tara/b"] {
        let target = put(key);
        endings.push(undergo(&faults.plan(&target).before, &target).await);
    }
    let slow_down = Ending::Error {
        status: hyper::StatusCode::SERVICE_UNAVAILABLE,
        code: "SlowDown".to_owned(),
    };
    assert_eq!(endings, [None, None, None, Some(slow_down)]);
}
