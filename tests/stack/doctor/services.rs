//! What isn't S3: queues, topic, model and folder.

use casefile_local::bedrock::Answer;

use super::Ward;

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_a_topic_and_a_folder_that_are_not_there_are_named_with_what_to_set() {
    let ward = Ward::start().await;
    let other = |name: &str| format!("{}-of-another-stack", ward.variables[name]);
    let missing = ward.folder.path().join("missing").display().to_string();
    for (variable, value, check) in [
        (
            "ARRIVALS_QUEUE_URL",
            other("ARRIVALS_QUEUE_URL"),
            "arrivals queue",
        ),
        (
            "DEAD_LETTER_QUEUE_URL",
            other("DEAD_LETTER_QUEUE_URL"),
            "dead-letter queue",
        ),
        ("TOPIC_ARN", other("TOPIC_ARN"), "topic"),
        ("FALLBACK_DIR", missing, "fallback folder"),
    ] {
        let said = ward.examine(&[(variable, &value)]).await;
        assert_eq!(said.names("failed"), [check], "{}", said.out);
        assert_eq!(said.code, 1);
        assert!(said.of(check).contains(variable), "{}", said.of(check));
        assert!(said.names("not_checked").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_configured_is_left_out_and_named() {
    let ward = Ward::start().await;
    let optional = [
        "QUARANTINE_BUCKET_NAME",
        "ARRIVALS_QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "TOPIC_ARN",
        "BEDROCK_MODEL_ID",
        "FALLBACK_DIR",
    ];
    let said = ward.examine(&optional.map(|name| (name, ""))).await;
    assert_eq!(said.code, 0, "{}", said.out);
    let skipped = said.names("skipped");
    assert_eq!(skipped.len(), optional.len());
    for (check, variable) in skipped.iter().zip(optional) {
        assert!(said.of(check).contains(variable), "{}", said.of(check));
    }
    assert!(ward.stack.stack.bedrock().asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_not_be_asked_is_named_with_how_to_get_access() {
    let ward = Ward::start().await;
    let message = "You don't have access to the model with the specified model ID.";
    let refused = Answer::failure(403, "AccessDeniedException", message);
    ward.stack.stack.bedrock().line_up([refused]);
    let said = ward.examine(&[]).await;
    assert_eq!(said.names("failed"), ["Bedrock"], "{}", said.out);
    let told = said.of("Bedrock");
    assert!(
        told.contains("bedrock:InvokeModel") && told.contains("Model access"),
        "{told}"
    );
    let asked = ward.stack.stack.bedrock().asked();
    assert_eq!(asked[0].request["inferenceConfig"]["maxTokens"], 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_not_taken_for_one_that_is_set_up_wrong() {
    let ward = Ward::start().await;
    ward.stack.stack.sqs_outage().fail(100);
    ward.stack.stack.sns_outage().fail(100);
    let nobody = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:1");
    let said = ward.examine(&[nobody]).await;
    let services = ["arrivals queue", "dead-letter queue", "topic", "Bedrock"];
    assert_eq!(said.names("failed"), services, "{}", said.out);
    assert!(said.of("topic").contains("SNS is busy or out of order"));
    assert!(said.of("topic").contains("health.aws.amazon.com"));
    assert!(said.of("Bedrock").contains("Bedrock can't be reached"));
    assert!(said.of("Bedrock").contains(nobody.0));
}
