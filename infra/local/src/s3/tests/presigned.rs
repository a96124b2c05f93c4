//! Presigned URLs as links are: for one version, with names for what is downloaded, and one parameter more.

use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;
use hyper::{Method, Response};

use super::*;
use crate::client::call;

pub(super) fn lasting(seconds: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap()
}

/// A link's URL: what the request says, and the grant that it belongs to.
async fn link(request: GetObjectFluentBuilder) -> String {
    let request = request.customize().mutate_request(|request| {
        let uri = format!("{}&x-grant-id=grant-1", request.uri());
        request.set_uri(uri).unwrap();
    });
    request.presigned(lasting(60)).await.unwrap().uri().to_owned()
}

async fn ask(s3: &Running, method: Method, url: &str) -> Response<Bytes> {
    let target = url.strip_prefix(&s3.server.endpoint()).unwrap();
    call(s3.server.address(), method, target, &[], "").await.unwrap()
}

async fn get(s3: &Running, url: &str) -> Response<Bytes> {
    ask(s3, Method::GET, url).await
}

/// A link to the first of two versions, under a name of its own.
async fn named_link(s3: &Running) -> String {
    let version = s3.put("a", "first").await;
    s3.put("a", "second").await;
    let request = s3.client.get_object().bucket(BUCKET).key("a").version_id(version);
    let request = request.response_content_type("application/pdf");
    link(request.response_content_disposition(
        "attachment; filename=\"Uber_50 _.pdf\"; filename*=UTF-8''%C3%9Cber%2050%20%25.pdf",
    ))
    .await
}

#[tokio::test]
async fn a_link_gives_one_version_under_the_name_that_it_says() {
    let s3 = Running::start(|_| {}).await;
    let url = named_link(&s3).await;
    assert!(url.contains("x-grant-id=grant-1"), "{url}");
    assert!(url.contains("X-Amz-Security-Token="), "{url}");
    let answer = get(&s3, &url).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, &b"first"[..])
    );
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"Uber_50 _.pdf\"; filename*=UTF-8''%C3%9Cber%2050%20%25.pdf"
    );
}

#[tokio::test]
async fn a_part_of_a_link_can_be_asked_for() {
    let s3 = Running::start(|_| {}).await;
    let url = named_link(&s3).await;
    let target = url.strip_prefix(&s3.server.endpoint()).unwrap();
    let range = [("range", "bytes=1-2")];
    let answer = call(s3.server.address(), Method::GET, target, &range, "")
        .await
        .unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (206, &b"ir"[..]));
}

/// Each parameter counts, known to S3 or not, and so does that there are no more of them.
#[tokio::test]
async fn a_link_that_was_changed_in_any_parameter_is_refused() {
    let s3 = Running::start(|_| {}).await;
    let url = named_link(&s3).await;
    let (path, query) = url.split_once('?').unwrap();
    let parameters: Vec<&str> = query.split('&').collect();
    let names: Vec<&str> = parameters
        .iter()
        .map(|parameter| parameter.split('=').next().unwrap())
        .collect();
    for name in [
        "versionId",
        "response-content-disposition",
        "response-content-type",
        "x-grant-id",
        "X-Amz-Security-Token",
        "X-Amz-Expires",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for place in 0..parameters.len() {
        let without = [&parameters[..place], &parameters[place + 1..]].concat();
        let mut other = parameters.clone();
        // Not its last character, which may carry bits that mean nothing.
        let (name, value) = other[place].split_once('=').unwrap();
        let value = value.strip_prefix('1').map_or(format!("1{value}"), str::to_owned);
        let changed = format!("{name}={value}");
        other[place] = &changed;
        for tampered in [&without, &other] {
            let answer = get(&s3, &format!("{path}?{}", tampered.join("&"))).await;
            let status = answer.status().as_u16();
            assert!((400..=403).contains(&status), "{tampered:?}: {status}");
            if !name.starts_with("X-Amz-") || name == "X-Amz-Security-Token" {
                assert_eq!(status, 403, "{tampered:?}");
            }
        }
    }
    for more in [
        "&x-grant-id=grant-2",
        "&x=",
        "&response-cache-control=no-store",
        "&partNumber=1",
    ] {
        assert_eq!(get(&s3, &format!("{url}{more}")).await.status(), 403, "{more}");
    }
    assert_eq!(get(&s3, &url).await.status(), 200);
}

#[tokio::test]
async fn a_link_is_for_one_method() {
    let s3 = Running::start(|_| {}).await;
    let url = named_link(&s3).await;
    for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::POST] {
        let answer = ask(&s3, method.clone(), &url).await;
        assert_eq!(answer.status(), 403, "{method}");
    }
    let request = s3.client.head_object().bucket(BUCKET).key("a");
    let head = request.presigned(lasting(60)).await.unwrap();
    let answer = ask(&s3, Method::HEAD, head.uri()).await;
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
    assert_eq!(get(&s3, head.uri()).await.status(), 403);
}

#[tokio::test]
async fn a_link_leads_to_keys_of_any_characters() {
    let s3 = Running::start(|_| {}).await;
    for key in [
        "a+b c",
        "a&b=c?d",
        "50 %.pdf",
        "%41",
        "a#b",
        "tara/ü 🙂/x;y,z:@$!*'()~",
        "a//b/./c/",
    ] {
        let version = s3.put(key, key).await;
        let request = s3.client.get_object().bucket(BUCKET).key(key).version_id(version);
        let answer = get(&s3, &link(request).await).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (200, key.as_bytes()),
            "{key}"
        );
    }
}

/// A name beyond ASCII goes into `filename*` (RFC 6266).
#[tokio::test]
async fn a_name_that_fits_no_header_is_refused() {
    let s3 = Running::start(|_| {}).await;
    s3.put("a", "x").await;
    for name in [
        "attachment; filename=\"日本.pdf\"",
        "attachment; filename=\"a\r\nx: y\"",
    ] {
        let request = s3.client.get_object().bucket(BUCKET).key("a");
        let url = link(request.response_content_disposition(name)).await;
        let answer = get(&s3, &url).await;
        assert_eq!(answer.status(), 400, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_version_is_copied_to_where_nothing_is_and_nowhere_else() {
    let s3 = Running::start(|_| {}).await;
    let key = "in box/ü +&=%#.pdf";
    let version = s3.put(key, "first").await;
    s3.put(key, "second").await;
    let encoded = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
    let source = format!("{BUCKET}/{encoded}?versionId={version}");
    let copy = async || {
        let request = s3
            .client
            .copy_object()
            .bucket(BUCKET)
            .key("copy")
            .copy_source(&source);
        request.if_none_match("*").send().await
    };
    assert_eq!(
        copy().await.unwrap().copy_source_version_id(),
        Some(version.as_str())
    );
    assert_eq!(refusal(copy().await), (412, "PreconditionFailed".to_owned()));
    let copied = s3
        .client
        .get_object()
        .bucket(BUCKET)
        .key("copy")
        .send()
        .await
        .unwrap();
    assert_eq!(copied.body.collect().await.unwrap().to_vec(), b"first");
}
