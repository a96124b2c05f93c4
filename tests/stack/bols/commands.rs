//! `store_bol`, by Lambda's Invoke API.

use casefile_local::client::call;
use hyper::Method;
use serde_json::{Value, json};

use super::{finished, issued, keys, list, record};
use crate::links::follow;
use crate::support::{TestStack, office, pointers, without_events};

/// Invokes the function: what it answers, or the kind of its failure and the problem.
async fn invoked(stack: &TestStack, event: &Value) -> Result<Value, (String, Value)> {
    let target = format!("/2015-03-31/functions/{}/invocations", stack.function());
    let address = stack.stack.invoke_api();
    let answer = call(address, Method::POST, &target, &[], event.to_string())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    if !answer.headers().contains_key("x-amz-function-error") {
        return Ok(body);
    }
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Err((
        text("errorType"),
        serde_json::from_str(&text("errorMessage")).unwrap(),
    ))
}

fn command(request: Value, tenant: &str) -> Value {
    let mut command = request;
    command["command"] = json!("store_bol");
    command["tenant"] = json!(tenant);
    command
}

fn fields(answer: &Value) -> Vec<&String> {
    answer.as_object().unwrap().keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_stores_a_bill_of_lading_and_answers_as_the_route_does() {
    let stack = TestStack::start_with(without_events).await;
    let answer = invoked(&stack, &command(record(), "acme")).await.unwrap();
    assert_eq!(
        (&answer["status"], &answer["number"]),
        (&json!("stored"), &json!("PRT-2025-0001"))
    );
    // For its tenant it is the same request by either door.
    let dana = office("acme");
    let by_route = issued(&stack, &dana, &record()).await;
    assert_eq!(fields(&answer), fields(&by_route));
    assert_eq!(fields(&answer["link"]), fields(&by_route["link"]));
    assert_eq!(answer["version_id"], by_route["version_id"]);
    let redirect = follow(answer["link"]["url"].as_str().unwrap()).await;
    assert_eq!(redirect.status(), 302);
    assert_eq!(list(&stack, &dana).await.len(), 1);

    let finished = finished::inline(&finished::pdf("x"));
    let answer = invoked(&stack, &command(finished.clone(), "acme")).await.unwrap();
    assert_eq!(answer["number"], "PRT-2025-0002");
    assert_eq!(issued(&stack, &dana, &finished).await["number"], "PRT-2025-0002");
    let theirs = invoked(&stack, &command(record(), "globex")).await.unwrap();
    assert_eq!(theirs["number"], "PRT-2025-0003");

    let mut wrong = command(record(), "acme");
    wrong["carrier"]["scac"] = json!("x1");
    wrong["collection"] = json!("bols");
    let (kind, problem) = invoked(&stack, &wrong).await.unwrap_err();
    assert_eq!(kind, "invalid-request");
    assert_eq!(pointers(&problem), ["/carrier/scac", "/collection"]);
    let (kind, problem) = invoked(&stack, &command(record(), "a b")).await.unwrap_err();
    assert_eq!(
        (kind.as_str(), pointers(&problem)),
        ("invalid-request", vec!["/tenant"])
    );
    let mut taken = command(finished::inline(&finished::pdf("y")), "acme");
    taken["number"] = json!("PRT-2025-0001");
    assert_eq!(invoked(&stack, &taken).await.unwrap_err().0, "conflict");
    assert_eq!(keys(&stack).await.len(), 3);
}
