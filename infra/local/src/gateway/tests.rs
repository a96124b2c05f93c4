use std::net::SocketAddr;
use std::time::Duration;

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use hyper::{Method, Response};
use serde_json::{Value, json};

use super::config::GatewayConfig;
use super::event::{Event, Request};
use super::routes::RouteTable;
use super::{Gateway, identity};
use crate::client::{call, post_json};
use crate::lambda::testing::{clock, echo, http, lambda};
use crate::lambda::{Lambda, Server};
use crate::sample::caller;
use crate::template::Route;
use crate::token::{Claims, issue};

fn token() -> String {
    issue(&caller(), clock())
}

fn route(key: &str, authorized: bool) -> Route {
    let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        function: "echo".to_owned(),
        authorized,
    }
}

/// The event that a request becomes.
fn event(request: http::request::Builder, body: &'static str, route: Route) -> Value {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let table = RouteTable::new([route]).unwrap();
    let found = table.find(&parts.method, parts.uri.path()).unwrap();
    let config = GatewayConfig::new(clock);
    let claims = found
        .route
        .authorized
        .then(|| identity::claims(&parts.headers, clock()).unwrap());
    let request = Request {
        parts: &parts,
        body: &Bytes::from_static(body.as_bytes()),
        found,
        claims,
        peer: SocketAddr::from(([127, 0, 0, 1], 50_000)),
        port: 3000,
        id: "JKJaXmPLvHcESHA=".to_owned(),
        trace: "Root=1-5e6722a7-cc56000000000000000000".to_owned(),
    };
    serde_json::to_value(Event::new(request, &config, clock())).unwrap()
}

/// The example of the Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs", as it is here.
#[test]
fn an_event_has_the_documented_form() {
    let request = http::Request::post("/my/path?parameter1=value1&parameter1=value2&parameter2=value")
        .header("Host", "id.execute-api.localhost:3000")
        .header("Header1", "value1")
        .header("Header2", "value1")
        .header("Header2", "value2")
        .header("Cookie", "cookie1=a; cookie2=b")
        .header("Cookie", "cookie3=c")
        .header("Content-Type", "text/plain")
        .header("User-Agent", "agent")
        .header("X-Forwarded-For", "192.0.2.1")
        .header("Authorization", token())
        .header("Connection", "keep-alive");
    let expected = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1=a", "cookie2=b", "cookie3=c"],
        "headers": {
            "authorization": token(),
            "content-length": "17",
            "content-type": "text/plain",
            "header1": "value1",
            "header2": "value1,value2",
            "host": "id.execute-api.localhost:3000",
            "user-agent": "agent",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56000000000000000000",
            "x-forwarded-for": "192.0.2.1, 127.0.0.1",
            "x-forwarded-port": "3000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": { "parameter1": "value1,value2", "parameter2": "value" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "authorizer": {
                "jwt": {
                    "claims": {
                        "aud": "casefile-local", "email": "local@localhost", "exp": "1763159110",
                        "groups": "[office]", "iat": "1763130310", "iss": "https://casefile.localhost",
                        "sub": "local", "tenant": "local",
                    },
                    "scopes": null,
                },
            },
            "domainName": "id.execute-api.localhost",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "14/Nov/2025:14:25:10 +0000",
            "timeEpoch": 1_763_130_310_000_i64,
        },
        "body": "Hello from Lambda",
        "isBase64Encoded": false,
    });
    assert_eq!(
        event(request, "Hello from Lambda", route("$default", true)),
        expected
    );
}

#[test]
fn an_event_without_anything_is_short() {
    let event = event(http::Request::get("/"), "", route("GET /", false));
    let absent = ["cookies", "queryStringParameters", "pathParameters", "body"];
    assert!(absent.iter().all(|name| event.get(name).is_none()), "{event}");
    assert_eq!(event["rawQueryString"], "");
    assert!(event["requestContext"].get("authorizer").is_none());
}

/// As API Gateway does: <https://github.com/middleapi/standard-server/pull/93> has captures.
#[test]
fn the_path_is_decoded_and_the_query_is_not() {
    let request = http::Request::get("/a%20b/c%2Fd%C3%A9?q=a%20b+c&q=%26&empty");
    let event = event(request, "", route("GET /{x}/{y+}", false));
    assert_eq!(event["rawPath"], "/a b/c/dé");
    assert_eq!(event["rawQueryString"], "q=a%20b+c&q=%26&empty");
    assert_eq!(
        event["queryStringParameters"],
        json!({ "q": "a b c,&", "empty": "" })
    );
    assert_eq!(event["pathParameters"], json!({ "x": "a b", "y": "c/dé" }));
}

#[test]
fn functions_can_read_the_event() {
    let request = http::Request::post("/v1/links/bols/1?a=b")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", token()))
        .header("cookie", "a=b");
    let event = event(request, "{}", route("POST /v1/links/{collection}/{path+}", true));
    let read: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
    assert_eq!(
        read.route_key.as_deref(),
        Some("POST /v1/links/{collection}/{path+}")
    );
    assert_eq!(read.path_parameters["collection"], "bols");
    assert!(read.is_base64_encoded, "there is no content type");
    let claims = read.request_context.authorizer.unwrap().jwt.unwrap().claims;
    assert_eq!(claims["groups"], "[office]");
}

async fn served(lambda: &Lambda, change: impl FnOnce(&mut GatewayConfig)) -> Server {
    let mut config = GatewayConfig::new(clock);
    change(&mut config);
    let routes = [
        route("POST /open", false),
        route("POST /guarded", true),
        route("HEAD /head", false),
    ];
    Gateway::new(config, routes, lambda.clone())
        .unwrap()
        .serve(([127, 0, 0, 1], 0).into())
        .await
        .unwrap()
}

/// Posts a command to the echo function: status, head and body of the answer.
async fn post(server: &Server, command: &Value) -> (String, String, String) {
    let head = "POST /open HTTP/1.1\r\ncontent-type: application/json";
    let (head, body) = http(server.address(), head, command.to_string().as_bytes()).await;
    (head[9..12].to_owned(), head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_request_reaches_its_function_and_the_answer_comes_back() {
    let lambda = lambda(echo(|_| {}));
    let server = served(&lambda, |_| {}).await;
    let answer = json!({ "statusCode": 201, "headers": { "X-A": "b" }, "body": "made", "cookies": ["c=d"] });
    let (status, head, body) = post(&server, &json!({ "do": "answer", "answer": answer })).await;
    assert_eq!((status.as_str(), body.as_str()), ("201", "made"));
    assert!(
        head.contains("x-a: b") && head.contains("set-cookie: c=d"),
        "{head}"
    );
    assert!(head.contains("apigw-requestid: "), "{head}");
    server.shutdown().await;
}

#[tokio::test]
async fn failures_look_like_api_gateways() {
    let lambda = lambda(echo(|_| {}));
    let server = served(&lambda, |config| {
        config.integration_timeout = Duration::from_millis(500);
    })
    .await;
    let warm = post(&server, &json!({ "do": "answer", "answer": "warm" })).await;
    assert_eq!((warm.0.as_str(), warm.2.as_str()), ("200", "warm"));

    let error = |message: &str| json!({ "message": message }).to_string();
    let (status, _, body) = post(&server, &json!({ "do": "fail" })).await;
    assert_eq!((status.as_str(), body), ("500", error("Internal Server Error")));
    let (status, _, body) = post(&server, &json!({ "do": "answer", "answer": { "statusCode": 1 } })).await;
    assert_eq!((status.as_str(), body), ("500", error("Internal Server Error")));
    let (status, _, body) = post(&server, &json!({ "do": "sleep", "ms": 5000 })).await;
    assert_eq!((status.as_str(), body), ("503", error("Service Unavailable")));

    let (head, body) = http(server.address(), "GET /open HTTP/1.1", b"").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(String::from_utf8(body).unwrap(), error("Not Found"));
}

#[tokio::test]
async fn a_guarded_route_is_for_callers_with_a_token_and_an_open_one_looks_at_none() {
    let lambda = lambda(echo(|_| {}));
    let server = served(&lambda, |_| {}).await;
    let ask = async |path: &str, token: &str| {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str())];
        let headers = if token == "Bearer " { &[][..] } else { &headers };
        call(server.address(), Method::POST, path, headers, "")
            .await
            .unwrap()
    };
    let expired = Claims {
        expires_in: Duration::ZERO,
        ..caller()
    };
    for token in ["", "x", &issue(&expired, clock())] {
        let refused = ask("/guarded", token).await;
        assert_eq!(refused.status(), 401, "{token}");
        assert_eq!(refused.headers()["www-authenticate"], "Bearer");
        assert_eq!(refused.body(), r#"{"message":"Unauthorized"}"#);
    }
    let authorizer = |answer: &Response<Bytes>| {
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        answer["event"]["requestContext"].get("authorizer").cloned()
    };
    let known = authorizer(&ask("/guarded", &token()).await).unwrap();
    assert_eq!(known["jwt"]["claims"]["sub"], "local");
    for token in ["", "x", &token()] {
        assert_eq!(authorizer(&ask("/open", token).await), None, "{token}");
    }
}

/// As links lead to where a file is.
#[tokio::test]
async fn a_redirect_is_passed_on_and_an_answer_to_head_has_no_body() {
    let lambda = lambda(echo(|_| {}));
    let server = served(&lambda, |_| {}).await;
    let location = "http://127.0.0.1:9/b/a%20b?versionId=1&x=%2B";
    for status in [302, 303] {
        let answer = json!({ "statusCode": status, "headers": { "location": location }, "body": "" });
        let command = json!({ "do": "answer", "answer": answer }).to_string();
        let answer = post_json(server.address(), "/open", command, None).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["location"], location);
    }
    let head = "HEAD /head HTTP/1.1\r\ncontent-type: application/json";
    let answer = json!({ "statusCode": 303, "headers": { "location": location }, "body": "unseen" });
    let command = json!({ "do": "answer", "answer": answer }).to_string();
    let (head, body) = http(server.address(), head, command.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    assert!(head.contains(&format!("location: {location}")), "{head}");
    assert_eq!(body, b"");
    // No route of its own: HEAD is not GET.
    let (head, body) = http(server.address(), "HEAD /open HTTP/1.1", b"").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(body, b"");
}

#[tokio::test]
async fn requests_are_limited_by_the_gateway_and_by_lambda() {
    let lambda = lambda(echo(|_| {}));
    let server = served(&lambda, |_| {}).await;
    let head = "POST /open HTTP/1.1\r\ncontent-type: text/plain";
    for (length, status) in [
        (10 * 1024 * 1024 + 1, "413"),
        (6_291_456, "413"),
        (4_000_000, "200"),
    ] {
        let (head, body) = http(server.address(), head, &vec![b'x'; length]).await;
        assert_eq!(&head[9..12], status, "{length}");
        if status == "413" {
            assert_eq!(
                body,
                json!({ "message": "Request Entity Too Large" })
                    .to_string()
                    .as_bytes()
            );
        }
    }
}

#[tokio::test]
async fn a_gateway_listens_on_this_machine_only() {
    let gateway = Gateway::new(GatewayConfig::new(clock), [], lambda(echo(|_| {}))).unwrap();
    let refused = gateway.serve(([0, 0, 0, 0], 0).into()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
