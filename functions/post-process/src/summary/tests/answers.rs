//! What comes of Bedrock's answers.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::summary::Fault;
use crate::summary::{Reason, Tokens};

#[tokio::test]
async fn a_good_answer_becomes_a_summary() {
    let (summary, asked) = summarize([text(&good())]).await;
    let summary = summary.unwrap();
    assert_eq!(asked, 1);
    let written = serde_json::to_value(&summary).unwrap();
    assert_eq!(
        written,
        json!({
            "model": "anthropic.claude-sonnet-4-20250514-v1:0",
            "prompt_version": 1,
            "input_sha256": Session::sample().input().sha256(),
            "tokens": {"input": 100, "output": 20},
            "items_left_out": 0,
            "reviewed": good()["reviewed"],
            "risks": good()["risks"],
            "rejected": good()["rejected"],
        })
    );
    assert_eq!(serde_json::from_value::<Summary>(written).unwrap(), summary);
}

#[tokio::test]
async fn a_code_fence_is_no_reason_to_ask_again() {
    let (summary, asked) = summarize([text(&format!("```json\n{}\n```\n", good()))]).await;
    assert_eq!((summary.is_ok(), asked), (true, 1));
}

#[tokio::test]
async fn what_the_model_reasoned_is_not_part_of_its_answer() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "{\"reviewed\": \"no\"}", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
        {"text": good().to_string()},
    ]);
    let (summary, _) = summarize([converse(&content, "end_turn")]).await;
    assert_eq!(summary.unwrap().risks.len(), 2);
}

#[tokio::test]
async fn after_a_wrong_answer_the_model_is_asked_once_more_and_both_are_counted() {
    let (summary, asked) = summarize([text(&"Certainly! Here it is."), text(&good())]).await;
    assert_eq!(asked, 2);
    let tokens = Tokens {
        input: 200,
        output: 40,
    };
    assert_eq!(summary.unwrap().tokens, tokens);
}

#[tokio::test]
async fn ids_that_do_not_exist_are_refused_and_twice_is_enough() {
    let mut made_up = good();
    made_up["risks"][0]["feedback_ids"] = json!(["bg-1", "bg-2"]);
    let (summary, asked) = summarize([text(&made_up), text(&made_up), text(&good())]).await;
    assert_eq!(asked, 2);
    let tokens = Tokens {
        input: 200,
        output: 40,
    };
    let unavailable = Unavailable {
        reason: Reason::Wrong(Fault::UnknownId),
        tokens,
    };
    assert_eq!(summary, Err(unavailable));
}

#[tokio::test]
async fn an_open_risk_may_rest_on_rejected_feedback_beside_what_is_open() {
    let mut answer = good();
    answer["risks"][0]["feedback_ids"] = json!(["ip-2", "bg-1"]);
    assert!(summarize([text(&answer)]).await.0.is_ok());
    // The same id in two sections, and rejected in one of them.
    let mut session = Session::sample();
    session.rejected["Background"] = json!([{"id": "ip-1"}]);
    let input = session.input();
    assert!(input.has_open("ip-1") && input.has_rejected("ip-1"));
}

/// Both answers are `answer`: the fault of the second.
async fn fault(answer: Answer) -> Fault {
    let (summary, asked) = summarize([answer.clone(), answer]).await;
    assert_eq!(asked, 2);
    match summary.unwrap_err().reason {
        Reason::Wrong(fault) => fault,
        other => panic!("{other:?}"),
    }
}

async fn fault_of(change: impl FnOnce(&mut Value)) -> Fault {
    let mut answer = good();
    change(&mut answer);
    fault(text(&answer)).await
}

#[tokio::test]
async fn an_answer_has_to_fit_the_schema() {
    assert_eq!(fault_of(|a| a["html"] = json!("x")).await, Fault::Shape);
    assert_eq!(fault_of(|a| a["risks"] = json!("none")).await, Fault::Shape);
    assert_eq!(
        fault_of(|a| drop(a.as_object_mut().unwrap().remove("rejected"))).await,
        Fault::Shape
    );
    assert_eq!(
        fault_of(|a| a["risks"][0]["severity"] = json!(1)).await,
        Fault::Shape
    );
    assert_eq!(
        fault_of(|a| a["reviewed"] = json!("\u{200b} ")).await,
        Fault::Empty
    );
    assert_eq!(
        fault_of(|a| a["reviewed"] = json!("x".repeat(1501))).await,
        Fault::TooLong
    );
    assert_eq!(
        fault_of(|a| a["risks"][0]["why"] = json!("x".repeat(601))).await,
        Fault::TooLong
    );
    assert_eq!(
        fault_of(|a| a["risks"] = json!(vec![a["risks"][0].clone(); 4])).await,
        Fault::TooMany
    );
    assert_eq!(
        fault_of(|a| a["risks"][0]["feedback_ids"] = json!([])).await,
        Fault::Ids
    );
    assert_eq!(
        fault_of(|a| a["risks"][0]["feedback_ids"] = json!(["bg-1", "bg-1"])).await,
        Fault::Ids
    );
    assert_eq!(
        fault_of(|a| a["risks"][1]["feedback_ids"] = json!(["ip-2", "es-2"])).await,
        Fault::NotOpen
    );
    assert_eq!(
        fault_of(|a| a["rejected"][0]["feedback_ids"] = json!(["bg-1"])).await,
        Fault::NotRejected
    );
    assert_eq!(
        fault_of(|a| a["reviewed"] = json!("See https://x.example")).await,
        Fault::Markup
    );
    assert_eq!(fault(text(&"x".repeat(70_000))).await, Fault::TooLong);
    assert_eq!(fault(text(&format!("{} {}", good(), good()))).await, Fault::Shape);
    assert_eq!(fault(converse(&json!([]), "end_turn")).await, Fault::NoText);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_calls_a_tool_is_refused() {
    let cut = json!([{"text": "{\"reviewed\": \"A wri"}]);
    assert_eq!(fault(converse(&cut, "max_tokens")).await, Fault::CutOff);
    let call = json!([{"toolUse": {"toolUseId": "t1", "name": "send_mail", "input": {}}}]);
    assert_eq!(fault(converse(&call, "tool_use")).await, Fault::Tool);
    assert_eq!(fault(converse(&call, "end_turn")).await, Fault::Tool);
}

#[tokio::test]
async fn who_declines_is_not_asked_again() {
    for stop_reason in ["content_filtered", "guardrail_intervened", "refusal"] {
        let content = json!([{"text": "I can't help with that."}]);
        let (summary, asked) = summarize([converse(&content, stop_reason), text(&good())]).await;
        let unavailable = summary.unwrap_err();
        assert_eq!(unavailable.reason, Reason::Declined(stop_reason.to_owned()));
        assert_eq!((unavailable.tokens.output, asked), (20, 1));
    }
}

#[tokio::test]
async fn throttling_is_waited_for_three_times_and_no_longer() {
    let throttled = || Answer::json_error(429, "ThrottlingException");
    let (summary, asked) = summarize([throttled(), throttled(), throttled(), text(&good())]).await;
    assert_eq!(summary.unwrap_err().reason, Reason::Throttled);
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn a_request_that_bedrock_refuses_is_not_repeated() {
    for (status, code) in [
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (400, "ValidationException"),
    ] {
        let (summary, asked) = summarize([Answer::json_error(status, code), text(&good())]).await;
        let reason = summary.unwrap_err().reason;
        assert_eq!((&reason, asked), (&Reason::SetUp(code), 1));
        assert!(!reason.to_string().contains("told by the test"));
    }
}

#[tokio::test]
async fn a_slow_model_holds_nothing_up_and_what_it_cost_is_counted() {
    let slow = text(&good()).after(Duration::from_secs(30));
    let server = Server::start([text(&"no JSON"), slow]).await;
    let mut summarizer = summarizer(&server);
    summarizer.limit = Duration::from_millis(300);
    let unavailable = summarizer
        .summarize(&Session::sample().input())
        .await
        .unwrap_err();
    assert_eq!(unavailable.reason, Reason::TooSlow);
    assert_eq!(unavailable.tokens.input, 100);
}

#[tokio::test]
async fn an_answer_that_is_not_bedrock_s_is_a_failure() {
    let (summary, _) = summarize([Answer::ok("<html>")]).await;
    assert!(matches!(summary.unwrap_err().reason, Reason::Failed(_)));
}
