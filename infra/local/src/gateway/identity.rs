use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The caller's claims as an event holds them: every value is text.
///
/// They come from the bearer token, whose signature is not checked, or are `default` where there is no token.
pub(super) fn claims(
    headers: &HeaderMap,
    default: &Map<String, Value>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Ok(as_text(default));
    };
    let token = header.to_str().ok().map(token);
    token
        .and_then(payload)
        .map(|claims| as_text(&claims))
        .ok_or(Refusal::Unauthorized)
}

/// The token, which API Gateway takes with or without `Bearer`.
fn token(header: &str) -> &str {
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    }
}

/// The claims of a token of three parts (RFC 7519).
fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn as_text(claims: &Map<String, Value>) -> BTreeMap<String, String> {
    claims
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// As API Gateway writes them: `[office admin]` for a list, `map[a:1]` for an object.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
            let entries: Vec<String> = sorted
                .iter()
                .map(|(name, value)| format!("{name}:{}", text(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(header: Option<&str>) -> Result<BTreeMap<String, String>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.extend(header.map(|value| (AUTHORIZATION, value.parse().unwrap())));
        let Value::Object(default) = json!({ "sub": "local", "groups": ["office"] }) else {
            panic!()
        };
        claims(&headers, &default)
    }

    fn unsigned(claims: &Value) -> String {
        format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_caller_without_a_token_has_the_default_claims() {
        let claims = of(None).unwrap();
        assert_eq!(claims["sub"], "local");
        assert_eq!(claims["groups"], "[office]");
    }

    #[test]
    fn a_token_is_believed_and_its_claims_become_text() {
        let claims = json!({
            "sub": "dana", "exp": 1_763_130_310, "email_verified": true,
            "groups": ["office", "auditor"], "address": { "b": [1, 2], "a": null },
        });
        let given = of(Some(&format!("Bearer {}", unsigned(&claims)))).unwrap();
        assert_eq!(given, of(Some(&unsigned(&claims))).unwrap());
        let expected = [
            ("sub", "dana"),
            ("exp", "1763130310"),
            ("email_verified", "true"),
            ("groups", "[office auditor]"),
            ("address", "map[a:<nil> b:[1 2]]"),
        ];
        assert_eq!(
            given,
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer x.y",
            "Bearer a.b.c.d",
            "Basic bG9jYWw6",
            "Bearer e30.W10.",
        ] {
            assert_eq!(of(Some(header)), Err(Refusal::Unauthorized), "{header}");
        }
    }
}
