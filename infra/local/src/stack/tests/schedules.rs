//! Functions that are called by the clock.

use super::*;

fn template(input: &str, state: &str) -> String {
    format!(
        "
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: echo_function}}}}
    Properties:
      Timeout: 20
      Events:
        Tick:
          Type: ScheduleV2
          Properties: {{ScheduleExpression: rate(5 minutes), Input: '{input}', State: {state}}}
"
    )
}

const OFTEN: Duration = Duration::from_millis(30);

async fn often(data: &TempDir, template: &str) -> Running {
    start_with(data, template, |config| config.schedules = Some(OFTEN)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_called_again_and_again_with_its_input() {
    let data = tempfile::tempdir().unwrap();
    let running = often(&data, &template(r#"{"do": "print"}"#, "ENABLED")).await;
    // Two lines a call.
    running.printed(6).await;
    assert_eq!(running.stack.undelivered(), [""; 0]);
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_fail_end_nothing() {
    let data = tempfile::tempdir().unwrap();
    let running = start_with(&data, &template(r#"{"do": "fail"}"#, "ENABLED"), |config| {
        config.schedules = Some(OFTEN);
    })
    .await;
    let dropped = async {
        loop {
            let lines = running.lines.lock().unwrap().clone();
            if lines
                .iter()
                .filter(|line| line.text.contains("is dropped"))
                .count()
                >= 2
            {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), dropped).await.unwrap();
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_take_long_do_not_pile_up() {
    let data = tempfile::tempdir().unwrap();
    let running = often(&data, &template(r#"{"do": "sleep", "ms": 600}"#, "ENABLED")).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(running.stack.lambda.processes("casefile-local-Echo"), 1);
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_or_not_due_calls_nobody() {
    let data = tempfile::tempdir().unwrap();
    let off = often(&data, &template(r#"{"do": "print"}"#, "DISABLED")).await;
    let other = tempfile::tempdir().unwrap();
    let later = start(&other, &template(r#"{"do": "print"}"#, "ENABLED")).await;
    sleep(10 * OFTEN).await;
    for running in [off, later] {
        assert_eq!(running.stack.lambda.processes("casefile-local-Echo"), 0);
        running.stack.stop().await;
    }
}
