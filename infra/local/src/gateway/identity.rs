use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::token;

/// The caller's claims as an event holds them: every value is text.
///
/// They come from the bearer token, which must be this stack's and hold at `now`.
pub(super) fn claims(headers: &HeaderMap, now: Timestamp) -> Result<BTreeMap<String, String>, Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return Err(Refusal::Unauthorized);
    };
    let claims = header.to_str().ok().map(bearer);
    claims
        .and_then(|token| token::verified(token, now))
        .map(|claims| as_text(&claims))
        .ok_or(Refusal::Unauthorized)
}

/// The token, which API Gateway takes with or without `Bearer`.
fn bearer(header: &str) -> &str {
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    }
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
    use crate::lambda::testing::clock;
    use crate::token::{AUDIENCE, Claims, ISSUER, issue, sign};

    fn of(given: &[&str]) -> Result<BTreeMap<String, String>, Refusal> {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        claims(&headers, clock())
    }

    #[test]
    fn a_tokens_claims_become_text() {
        let now = clock().as_second();
        let token = sign(&json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "dana", "iat": now, "exp": now + 1, "email_verified": true,
            "groups": ["office", "auditor"], "address": { "b": [1, 2], "a": null },
        }));
        let expected = [
            ("iss", ISSUER),
            ("aud", AUDIENCE),
            ("sub", "dana"),
            ("iat", "1763130310"),
            ("exp", "1763130311"),
            ("email_verified", "true"),
            ("groups", "[office auditor]"),
            ("address", "map[a:<nil> b:[1 2]]"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for header in [&format!("Bearer {token}"), &format!("bearer  {token}"), &token] {
            assert_eq!(of(&[header]), Ok(expected.clone().into()), "{header}");
        }
    }

    #[test]
    fn a_caller_without_a_token_of_this_stack_is_refused() {
        let token = issue(&Claims::new("dana"), clock());
        let basic = format!("Basic {token}");
        let twice = [token.as_str(), token.as_str()];
        for given in [
            &[][..],
            &twice,
            &[&basic],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer x.y"],
            &["Bearer a.b.c.d"],
            &["Bearer e30.W10."],
        ] {
            assert_eq!(of(given), Err(Refusal::Unauthorized), "{given:?}");
        }
    }
}
