use super::super::testing::{echo, http, lambda};

#[tokio::test]
async fn the_invoke_api_answers_as_lambdas() {
    let lambda = lambda(echo(|_| {}));
    let server = lambda.serve_invoke_api(([127, 0, 0, 1], 0).into()).await.unwrap();
    let post = async |name: &str, kind: &str, body: &[u8]| {
        let head = format!(
            "POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nx-amz-invocation-type: {kind}"
        );
        let (head, body) = http(server.address(), &head, body).await;
        (head[9..12].to_owned(), head, String::from_utf8(body).unwrap())
    };

    let (status, head, body) = post("echo", "RequestResponse", br#"{"do":"answer","answer":[1]}"#).await;
    assert_eq!((status.as_str(), body.as_str()), ("200", "[1]"));
    assert!(!head.contains("x-amz-function-error"), "{head}");

    let (status, head, body) = post("echo", "RequestResponse", br#"{"do":"fail"}"#).await;
    assert_eq!(status, "200");
    assert!(head.contains("x-amz-function-error: Unhandled"), "{head}");
    assert!(
        body.contains(r#""errorMessage":"it was asked to fail""#),
        "{body}"
    );

    for (name, kind, body, status, error) in [
        (
            "echo",
            "RequestResponse",
            &b"{"[..],
            "400",
            "InvalidRequestContentException",
        ),
        ("echo", "Later", b"{}", "400", "InvalidParameterValueException"),
        (
            "nobody",
            "RequestResponse",
            b"{}",
            "404",
            "ResourceNotFoundException",
        ),
        ("nobody", "Event", b"{}", "404", "ResourceNotFoundException"),
        (
            "echo",
            "Event",
            &vec![b'1'; 1_048_577],
            "413",
            "RequestTooLargeException",
        ),
    ] {
        let (given, head, _) = post(name, kind, body).await;
        assert_eq!(given, status, "{head}");
        assert!(head.contains(error), "{head}");
    }
    assert_eq!(post("echo", "Event", b"").await.0, "202");
    assert_eq!(post("echo", "DryRun", b"").await.0, "204");
    server.shutdown().await;
}
