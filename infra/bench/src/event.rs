use serde_json::{Value, json};

/// The caller's tenant.
pub(crate) const TENANT: &str = "bench";

/// A request as API Gateway sends it, payload format 2.0, from a caller of the office.
pub(crate) fn http_event(method: &str, route: &str, path: &str, body: Option<&str>) -> Vec<u8> {
    let event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "content-length": body.unwrap_or_default().len().to_string(),
            "content-type": "application/json",
            "host": "id.execute-api.us-east-1.amazonaws.com",
            "user-agent": "casefile-bench",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": context(method, route, path),
        "body": body,
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

fn context(method: &str, route: &str, path: &str) -> Value {
    let claims =
        json!({ "sub": "bench", "email": "bench@localhost", "groups": "[office]", "tenant": TENANT });
    json!({
        "accountId": "000000000000",
        "apiId": "id",
        "authorizer": { "jwt": { "claims": claims, "scopes": null } },
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "casefile-bench",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": route,
        "stage": "$default",
        "time": "14/Nov/2025:14:25:10 +0000",
        "timeEpoch": 1_763_130_310_000_i64,
    })
}
