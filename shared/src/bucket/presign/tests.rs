use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_sdk_s3::presigning::PresigningConfig;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256 as Sha2};

use super::super::sign::ESCAPED_IN_KEYS;
use super::*;
use crate::client::S3Settings;
use crate::config::Env;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "session-token+/=";
const KEYS: [&str; 7] = [
    "ecg-reports/2025/10/28/x.pdf",
    "a b+c%/ü//x",
    "../x",
    "?#&=",
    "/leading//./and/trailing/",
    "~tilde*star(paren)!'\"<>",
    "key",
];

/// A bucket without an endpoint of its own: at AWS.
fn settings(region: &str, token: Option<&str>) -> S3Settings {
    let mut variables = vec![
        ("AWS_REGION", region),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    variables.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
    let mut env = Env::of(variables);
    let settings = env.s3();
    env.finish(settings).unwrap()
}

fn bucket(settings: &S3Settings, name: &str) -> Bucket {
    Bucket::new(settings.clone().client(), name.to_owned())
}

fn now() -> Timestamp {
    "2025-11-14T14:25:10Z".parse().unwrap()
}

fn read(key: &str) -> SignedRead<'_> {
    SignedRead {
        key,
        version_id: Some("v+1/="),
        content_disposition: "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%BC.pdf",
        content_type: "application/pdf",
        now: now(),
        expires_in: Duration::from_mins(15),
        grant_id: "019a83b3-5d0c-7f20-b1a4-3c5e7f9b1d24",
    }
}

fn write(key: &str) -> SignedWrite<'_> {
    SignedWrite {
        key,
        size: 5,
        sha256: Sha256::of(b"hello"),
        content_type: "text/plain",
        now: now(),
        expires_in: Duration::from_hours(1),
        grant_id: "019a83b3-5d0c-7f20-b1a4-3c5e7f9b1d24",
    }
}

/// Scheme, host, path and query as they stand.
fn parts(url: &str) -> (&str, &str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, rest) = rest.split_at(rest.find('/').unwrap());
    let (path, query) = rest.split_once('?').unwrap();
    (scheme, host, path, query)
}

/// The same as the SDK's own way gives them.
async fn sdk_url(bucket: &Bucket, key: &str) -> String {
    let config = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let get = bucket.client.get_object().bucket(&bucket.name).key(key);
    get.presigned(config).await.unwrap().uri().to_owned()
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64, "longer keys aren't needed here");
    let padded = |pad: u8| -> Vec<u8> {
        let key = key.iter().copied().chain(std::iter::repeat(0));
        key.take(64).map(|byte| byte ^ pad).collect()
    };
    let inner = Sha2::new().chain_update(padded(0x36)).chain_update(text);
    let outer = Sha2::new()
        .chain_update(padded(0x5c))
        .chain_update(inner.finalize());
    outer.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The signature that S3 computes for a request as it arrives. Source: S3 API reference, *Authenticating requests: using
/// query parameters (AWS Signature Version 4)*.
fn signature(method: &str, url: &str, headers: &[(String, String)], region: &str) -> String {
    let (_, host, path, query) = parts(url);
    // Read as a server reads them, and written anew.
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let parameters: BTreeMap<_, _> = query
        .split('&')
        .map(|parameter| parameter.split_once('=').unwrap())
        .map(|(name, value)| (escaped(&decoded(name)), escaped(&decoded(value))))
        .collect();
    assert_eq!(parameters.len(), query.split('&').count(), "one is there twice");
    let path: String = utf8_percent_encode(&decoded(path), ESCAPED_IN_KEYS).collect();
    let mut headers: BTreeMap<_, _> = headers.iter().cloned().collect();
    headers.insert("host".to_owned(), host.to_owned());
    let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    assert_eq!(parameters["X-Amz-SignedHeaders"], escaped(&names));
    let query: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let lines = headers.iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "{name}:{value}").unwrap();
        text
    });
    let request = format!(
        "{method}\n{path}\n{}\n{lines}\n{names}\nUNSIGNED-PAYLOAD",
        query.join("&")
    );
    let scope = format!("20251114/{region}/s3/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n20251114T142510Z\n{scope}\n{}",
        hex(&Sha2::digest(request))
    );
    let key = ["20251114", region, "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            hmac(&key, part.as_bytes()).to_vec()
        });
    hex(&hmac(&key, text.as_bytes()))
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let (.., query) = parts(url);
    let mut parameters = query
        .split('&')
        .map(|parameter| parameter.split_once('=').unwrap());
    let (_, value) = parameters.find(|(found, _)| *found == name)?;
    Some(percent_decode_str(value).decode_utf8().unwrap().into_owned())
}

/// What signatures are compared with must be right itself. Source: RFC 4231, test case 2.
#[test]
fn the_hmac_of_these_tests_is_the_standard_s() {
    let digest = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(
        hex(&digest),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[tokio::test]
async fn urls_of_aws_have_the_sdk_s_address_and_a_signature_that_s3_computes_too() {
    for region in ["eu-central-1", "us-east-1"] {
        for token in [None, Some(TOKEN)] {
            let settings = settings(region, token);
            for name in ["a-b", "a.b"] {
                let bucket = bucket(&settings, name);
                for key in KEYS {
                    let what = format!("{region} {token:?} {name} {key}");
                    let sdk = sdk_url(&bucket, key).await;
                    let got = bucket.presign_read(&read(key)).await.unwrap();
                    let put = bucket.presign_write(&write(key)).await.unwrap();
                    for (method, url, headers) in [
                        ("GET", got.expose(), &[][..]),
                        ("PUT", put.url.expose(), &put.headers),
                    ] {
                        let (own, theirs) = (parts(url), parts(&sdk));
                        assert_eq!((own.0, own.1, own.2), (theirs.0, theirs.1, theirs.2), "{what}");
                        let expected = signature(method, url, headers, region);
                        assert_eq!(
                            parameter(url, "X-Amz-Signature"),
                            Some(expected),
                            "{method} {what}"
                        );
                        assert_eq!(parameter(url, "X-Amz-Security-Token").as_deref(), token, "{what}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_bucket_whose_name_fits_into_a_certificate_has_a_host_of_its_own() {
    let settings = settings("eu-central-1", None);
    for (name, address) in [
        ("a-b", "https://a-b.s3.eu-central-1.amazonaws.com/x"),
        ("a.b", "https://s3.eu-central-1.amazonaws.com/a.b/x"),
    ] {
        let url = bucket(&settings, name).presign_read(&read("x")).await.unwrap();
        assert_eq!(url.expose().split('?').next(), Some(address));
    }
}

#[tokio::test]
async fn what_a_url_says_is_what_was_asked_for() {
    let settings = settings("eu-central-1", None);
    let bucket = bucket(&settings, "a-b");
    let asked = read("x");
    let url = bucket.presign_read(&asked).await.unwrap();
    for (name, value) in [
        ("response-content-disposition", asked.content_disposition),
        ("response-content-type", asked.content_type),
        ("versionId", "v+1/="),
        ("x-grant-id", asked.grant_id),
        ("X-Amz-Date", "20251114T142510Z"),
        ("X-Amz-Expires", "900"),
        ("X-Amz-SignedHeaders", "host"),
    ] {
        assert_eq!(parameter(url.expose(), name).as_deref(), Some(value), "{name}");
    }
    let newest = SignedRead {
        version_id: None,
        ..asked
    };
    let url = bucket.presign_read(&newest).await.unwrap();
    assert_eq!(parameter(url.expose(), "versionId"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_key_comes_back_from_its_path(key in "\\PC{1,60}") {
        let settings = settings("eu-central-1", None);
        let bucket = bucket(&settings, "a-b");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let url = runtime.block_on(bucket.presign_read(&read(&key))).unwrap();
        let (_, host, path, _) = parts(url.expose());
        prop_assert_eq!(host, "a-b.s3.eu-central-1.amazonaws.com");
        let decoded = percent_decode_str(path.strip_prefix('/').unwrap()).decode_utf8().unwrap();
        prop_assert_eq!(decoded.as_ref(), key.as_str());
        let expected = signature("GET", url.expose(), &[], "eu-central-1");
        prop_assert_eq!(parameter(url.expose(), "X-Amz-Signature"), Some(expected));
    }
}

#[test]
fn a_signed_url_is_not_shown() {
    let url = SignedUrl::new("https://s3/x?X-Amz-Signature=abc".to_owned());
    assert!(!format!("{url:?}").contains("abc"));
    assert!(url.expose().ends_with("abc"));
}
