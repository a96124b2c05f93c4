use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::headers;

/// A body as an event holds it, and whether that is base64.
///
/// Text stays text: `text/*`, JSON, XML and JavaScript that are not compressed and that are UTF-8. All else, forms
/// included, is base64.
pub(super) fn for_event(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    if is_text(headers)
        && let Ok(text) = std::str::from_utf8(body)
    {
        return (Some(text.to_owned()), false);
    }
    (Some(STANDARD.encode(body)), true)
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers::text(headers, "content-type").to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_text = media_type.starts_with("text/")
        || matches!(
            media_type,
            "application/json" | "application/javascript" | "application/xml"
        )
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml");
    is_text && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn encoded(content_type: Option<&'static str>, body: &'static [u8]) -> (Option<String>, bool) {
        let mut headers = HeaderMap::new();
        headers
            .extend(content_type.map(|value| (http::header::CONTENT_TYPE, HeaderValue::from_static(value))));
        for_event(&headers, &Bytes::from_static(body))
    }

    #[test]
    fn text_stays_text() {
        for content_type in [
            "text/plain",
            "text/csv; charset=utf-8",
            "application/json",
            "Application/JSON;charset=UTF-8",
            "application/problem+json",
            "image/svg+xml",
        ] {
            assert_eq!(
                encoded(Some(content_type), b"{}"),
                (Some("{}".to_owned()), false),
                "{content_type}"
            );
        }
    }

    #[test]
    fn everything_else_is_base64() {
        for content_type in [
            None,
            Some("application/octet-stream"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
        ] {
            assert_eq!(
                encoded(content_type, b"{}"),
                (Some("e30=".to_owned()), true),
                "{content_type:?}"
            );
        }
        assert_eq!(
            encoded(Some("text/plain"), b"\xff"),
            (Some("/w==".to_owned()), true)
        );
    }

    #[test]
    fn compressed_text_is_base64() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        assert!(for_event(&headers, &Bytes::from_static(b"{}")).1);
    }

    #[test]
    fn a_request_without_a_body_has_none_in_its_event() {
        assert_eq!(encoded(Some("application/json"), b""), (None, false));
    }
}
