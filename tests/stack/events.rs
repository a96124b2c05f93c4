//! The recorded events, which `cargo lambda invoke` takes too, are the sample review.

use casefile_local::sample::{review_request, workspace};
use serde_json::{Value, json};

fn event(name: &str) -> Value {
    let path = workspace().join("tests/events").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_command_event_exports_the_sample_review() {
    let mut expected = review_request().unwrap();
    expected["command"] = json!("export_review");
    assert_eq!(event("export_review.json"), expected);
}

#[test]
fn the_list_s_event_asks_as_the_tenant_that_the_export_s_event_stores_for() {
    let authorizer = |name| event(name)["requestContext"]["authorizer"].clone();
    assert_eq!(authorizer("get_documents.json"), authorizer("post_reviews.json"));
}

#[test]
fn the_http_event_exports_the_sample_review() {
    let event = event("post_reviews.json");
    assert_eq!(event["version"], "2.0");
    let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, review_request().unwrap());
}
