//! The model, asked as the SDK asks, and as nobody should.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config};
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, StopReason, SystemContentBlock,
};
use aws_smithy_types::{Document, Number};
use serde_json::json;

use super::*;
use crate::client::call;
use crate::lambda::Server;
use crate::service::testing::{authorization, aws, door, refusal};

const MODEL: &str = "casefile.stand-in-v1:0";

struct Running {
    bedrock: Bedrock,
    client: Client,
    server: Server,
}

impl Running {
    async fn start() -> Self {
        let bedrock = Bedrock::default();
        let server = Server::start(door().await, router(bedrock.clone()));
        let (aws, region, credentials) = aws();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .http_client(aws.http_client())
            .retry_config(RetryConfig::disabled())
            .endpoint_url(format!("http://{}", server.address()))
            .build();
        Self {
            bedrock,
            client: Client::from_conf(config),
            server,
        }
    }

    fn ask(&self, text: &str) -> ConverseFluentBuilder {
        let request = self.client.converse().model_id(MODEL);
        request.messages(message(ConversationRole::User, text))
    }

    /// The status and body of the answer to a body of one's own.
    async fn raw(&self, target: &str, authorization: &str, body: &str) -> (u16, String) {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", authorization),
        ];
        let body = body.to_owned();
        let answer = call(self.server.address(), http::Method::POST, target, &headers, body);
        let answer = answer.await.unwrap();
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        (answer.status().as_u16(), body)
    }
}

fn message(role: ConversationRole, text: &str) -> Message {
    let message = Message::builder().role(role);
    message
        .content(ContentBlock::Text(text.to_owned()))
        .build()
        .unwrap()
}

/// What the model says.
async fn said(request: ConverseFluentBuilder) -> String {
    let answer = request.send().await.unwrap();
    let message = answer.output.unwrap().as_message().unwrap().clone();
    message.content[0].as_text().unwrap().clone()
}

fn reasoning(budget: u64) -> Document {
    let thinking = HashMap::from([
        ("type".to_owned(), Document::String("enabled".to_owned())),
        (
            "budget_tokens".to_owned(),
            Document::Number(Number::PosInt(budget)),
        ),
    ]);
    Document::Object(HashMap::from([(
        "thinking".to_owned(),
        Document::Object(thinking),
    )]))
}

fn inference(max_tokens: i32, temperature: Option<f32>) -> InferenceConfiguration {
    let inference = InferenceConfiguration::builder().max_tokens(max_tokens);
    inference.set_temperature(temperature).build()
}

#[tokio::test]
async fn answers_come_as_they_were_lined_up_and_then_as_the_script_says() {
    let running = Running::start().await;
    assert!(
        said(running.ask("hello"))
            .await
            .contains("No model runs on this machine")
    );
    running
        .bedrock
        .answer_with(|asked| Answer::text(format!("<{}>", asked.text())));
    running
        .bedrock
        .line_up([Answer::stopped("cut", "max_tokens"), Answer::text("two")]);
    let first = running.ask("1").send().await.unwrap();
    assert_eq!(first.stop_reason(), &StopReason::MaxTokens);
    let usage = first.usage().unwrap();
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (3, 4));
    assert_eq!(said(running.ask("2")).await, "two");
    assert_eq!(said(running.ask("3")).await, "<3>");
    let asked = running.bedrock.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.model == MODEL));
    assert_eq!(
        asked[3].request["messages"][0]["content"],
        json!([{ "text": "3" }])
    );
}

#[tokio::test]
async fn failures_and_delays_are_as_they_were_ordered() {
    let running = Running::start().await;
    let throttled = Answer::failure(429, "ThrottlingException", "Too many requests");
    let late = Answer::text("late").after(Duration::from_millis(200));
    running.bedrock.line_up([throttled, late]);
    let refused = running.ask("a").send().await;
    assert!(
        refused
            .as_ref()
            .unwrap_err()
            .as_service_error()
            .unwrap()
            .is_throttling_exception()
    );
    assert_eq!(refusal(refused), (429, "ThrottlingException".to_owned()));
    let begun = Instant::now();
    assert_eq!(said(running.ask("b")).await, "late");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn requests_that_keep_the_rules_are_answered() {
    let running = Running::start().await;
    let request = running
        .ask("a")
        .system(SystemContentBlock::Text("be brief".to_owned()));
    said(request.inference_config(inference(1024, Some(0.2)))).await;
    let thinking = running.ask("a").additional_model_request_fields(reasoning(1024));
    said(thinking.inference_config(inference(2048, None))).await;
    let again = running
        .ask("a")
        .messages(message(ConversationRole::Assistant, "b"));
    said(again.messages(message(ConversationRole::User, "c"))).await;
}

#[tokio::test]
async fn what_bedrock_would_refuse_is_refused_and_not_remembered() {
    let running = Running::start().await;
    let ask = || running.ask("a");
    let think = |budget| ask().additional_model_request_fields(reasoning(budget));
    for request in [
        running.client.converse().model_id(MODEL),
        running.ask(" "),
        ask().messages(message(ConversationRole::User, "again")),
        running
            .client
            .converse()
            .model_id(MODEL)
            .messages(message(ConversationRole::Assistant, "a")),
        ask().inference_config(inference(0, None)),
        ask().inference_config(inference(10, Some(1.5))),
        think(1023).inference_config(inference(4096, None)),
        think(4096).inference_config(inference(4096, None)),
        think(1024),
        think(1024).inference_config(inference(4096, Some(0.5))),
        ask().model_id("a b"),
    ] {
        let shown = format!("{request:?}");
        let refused = refusal(request.send().await);
        assert_eq!(refused, (400, "ValidationException".to_owned()), "{shown}");
    }
    assert_eq!(running.bedrock.asked(), []);
}

#[tokio::test]
async fn requests_are_parsed_strictly() {
    let running = Running::start().await;
    let (path, signed) = ("/model/m/converse", authorization("bedrock"));
    let good = r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#;
    assert_eq!(running.raw(path, &signed, good).await.0, 200);
    for (path, authorization, body, status) in [
        (path, signed.as_str(), "", 400),
        (path, &signed, "[", 400),
        (path, &signed, r#"{"prompt":"a"}"#, 400),
        (
            path,
            &signed,
            r#"{"messages":[{"role":"system","content":[]}]}"#,
            400,
        ),
        (
            path,
            &signed,
            r#"{"messages":[{"role":"user","content":[{"text":"a","image":{}}]}]}"#,
            400,
        ),
        (
            path,
            &signed,
            r#"{"messages":[{"role":"user","content":[{"text":1}]}]}"#,
            400,
        ),
        (path, "Bearer x", good, 403),
        ("/model/m/invoke", &signed, good, 404),
        ("/model/%FF/converse", &signed, good, 400),
    ] {
        let got = running.raw(path, authorization, body).await;
        assert_eq!(got.0, status, "{path} {body}: {}", got.1);
    }
    assert_eq!(running.bedrock.asked().len(), 1);
}
