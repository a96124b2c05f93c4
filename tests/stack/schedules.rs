//! What the deployed stack calls by the clock: session-export sends on what it kept.

use std::time::Duration;

use casefile_local::sample::workspace;
use casefile_local::stack::load_template;
use tokio::time::{sleep, timeout};

use crate::support::TestStack;

const OFTEN: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn session_export_is_called_by_the_clock_as_the_template_says() {
    let often = TestStack::start_with(|config| config.schedules = Some(OFTEN)).await;
    let called = async {
        while often.stack.lambda.processes(often.function()) == 0 {
            sleep(OFTEN).await;
        }
    };
    timeout(Duration::from_secs(30), called).await.unwrap();
    often.stack.stop().await;
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
