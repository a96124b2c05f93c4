//! What the deployed stack calls by the clock: session-export sends on what it kept.

use std::time::Duration;

use casefile::verify::verify_session;
use casefile_local::s3::{Fault, FaultRule, When};
use casefile_local::sample::workspace;
use casefile_local::stack::load_template;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{TestStack, folder, sample, with_fallback};

const OFTEN: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_sent_on_by_the_clock_as_the_template_says() {
    let stack = TestStack::start_with(|config| {
        with_fallback(config);
        config.schedules = Some(OFTEN);
    })
    .await;
    let denied = Fault::error(403, "AccessDenied");
    let faults = stack.stack.s3.faults();
    let injected = faults.inject(FaultRule::any(), When::Before, denied);
    let (status, kept) = stack.export(&sample("x")).await;
    assert_eq!(
        (status, &kept["reason"]),
        (202, &json!("access_denied")),
        "{kept}"
    );
    injected.remove();
    let sent = async {
        let (bucket, base) = stack.stack.artifacts().unwrap();
        while verify_session(&bucket, &base, &folder(&kept)).await.is_err() {
            sleep(OFTEN).await;
        }
    };
    timeout(Duration::from_secs(30), sent).await.unwrap();
    assert!(stack.verify(&kept).await.holds());
    stack.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_before_its_time() {
    let stack = TestStack::start().await;
    sleep(10 * OFTEN).await;
    assert_eq!(stack.stack.lambda.processes(stack.function()), 0);
    stack.stack.stop().await;
}

#[test]
fn on_this_machine_everything_is_delivered_but_what_leaves_it() {
    let template = load_template(&workspace()).unwrap();
    assert_eq!(template.undelivered(), [""; 0]);
    let export = template.functions.iter();
    let mut export = export.filter(|function| function.binary == "session-export");
    let [schedule] = export.next().unwrap().schedules.as_slice() else {
        panic!("one schedule calls it");
    };
    assert_eq!(schedule.every, Duration::from_mins(5));
}
