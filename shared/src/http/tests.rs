use serde_json::{Value, json};

use super::*;

fn request(change: &Value) -> Request {
    let mut event = json!({
        "version": "2.0",
        "rawPath": "/v1/reviews",
        "headers": {"content-type": "application/json; charset=utf-8"},
        "requestContext": {"http": {"method": "POST", "path": "/v1/reviews"}, "stage": "$default"},
        "body": "{}",
        "isBase64Encoded": false,
    });
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    Request::read(&event.to_string()).unwrap()
}

fn path(request: &Request) -> Option<String> {
    request.route(|_, path| path.strip_prefix("/v1/").map(str::to_owned))
}

#[test]
fn a_route_is_found_with_and_without_its_stage() {
    for (raw, stage, expected) in [
        ("/v1/reviews", "$default", Some("reviews")),
        ("/prod/v1/reviews", "prod", Some("reviews")),
        ("/v1/reviews", "v1", Some("reviews")),
        ("/", "$default", None),
        ("/prodv1/reviews", "prod", None),
    ] {
        let context = json!({"http": {"method": "POST"}, "stage": stage});
        let request = request(&json!({"rawPath": raw, "requestContext": context}));
        assert_eq!(path(&request).as_deref(), expected, "{raw} {stage}");
    }
}

#[test]
fn a_path_is_decoded_once() {
    let decoded = request(&json!({"rawPath": "/v1/a%20b+c", "pathParameters": {"path": "a%20b+c"}}));
    assert_eq!(path(&decoded).as_deref(), Some("a%20b+c"));
    assert_eq!(decoded.variable("path", "x"), "a%20b+c");
    let encoded = request(&json!({"rawPath": "/v1/a%20b%25+c"}));
    assert_eq!(path(&encoded).as_deref(), Some("a b%+c"));
    assert_eq!(encoded.variable("path", "a b%+c"), "a b%+c");
}

#[test]
fn the_base_of_links_is_the_request_s_own() {
    for (raw, stage, expected) in [
        ("/v1/links/x", "$default", "https://api.example.com"),
        ("/prod/v1/links/x", "prod", "https://api.example.com/prod"),
        ("/v1/links/x", "prod", "https://api.example.com"),
    ] {
        let context = json!({"http": {"method": "GET"}, "stage": stage, "domainName": "api.example.com"});
        let request = request(&json!({"rawPath": raw, "requestContext": context}));
        assert_eq!(request.base_url().as_deref(), Some(expected), "{raw}");
    }
    assert_eq!(request(&json!({})).base_url(), None);
}

#[test]
fn a_body_is_text_or_base64_of_text() {
    assert_eq!(request(&json!({})).json_body().unwrap(), "{}");
    let encoded = request(&json!({"body": "e30=", "isBase64Encoded": true}));
    assert_eq!(encoded.json_body().unwrap(), "{}");
    for body in ["e30", "/w=="] {
        let request = request(&json!({"body": body, "isBase64Encoded": true}));
        assert_eq!(
            request.json_body().unwrap_err().kind,
            ProblemKind::Malformed,
            "{body}"
        );
    }
}

#[test]
fn only_plain_json_is_taken() {
    for headers in [
        json!({"content-type": "text/plain"}),
        json!({"content-type": "application/json", "content-encoding": "gzip"}),
    ] {
        let problem = request(&json!({"headers": headers})).json_body().unwrap_err();
        assert_eq!(problem.kind, ProblemKind::UnsupportedMediaType, "{headers}");
    }
    assert!(request(&json!({"headers": {}})).json_body().is_ok());
    let other = request(&json!({"headers": {"content-type": "application/vnd.x+json"}}));
    assert!(other.json_body().is_ok());
}

#[test]
fn no_answer_is_kept_by_a_cache() {
    let url = SignedUrl::new("https://s3/x".to_owned());
    let problem = problem(&Problem::new(ProblemKind::NotFound, "x"), "id");
    for response in [
        json(200, &1).unwrap(),
        empty(204),
        redirect(302, &url).unwrap(),
        file("application/zip", "a.zip", b"x"),
        problem,
    ] {
        assert_eq!(response.headers.get(CACHE_CONTROL).unwrap(), "no-store");
    }
}
