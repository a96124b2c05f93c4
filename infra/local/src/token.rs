//! Tokens for callers of the local stack: JWTs (RFC 7519) that the stack signs itself, with HS256.
//!
//! Deployed, an identity provider signs them, with a key pair of its own; API Gateway takes no HS256. What the gateway
//! checks of a token is the same here and there: signature, issuer, audience, and the times.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Sha256;

mod caller;

pub use caller::Caller;

/// The key that signs this stack's tokens. Everybody may know it: it opens nothing but this machine's own copy. The
/// zeros fill a block of SHA-256 and change nothing (RFC 2104, 2).
pub const KEY: [u8; 64] = *b"casefile-local-token-key: opens just this machine's own copy\0\0\0\0";
/// `iss` of this stack's tokens.
pub const ISSUER: &str = "https://casefile.localhost";
/// `aud` of this stack's tokens.
pub const AUDIENCE: &str = "casefile-local";
/// How long a token lasts that nobody gave another time.
pub const LIFETIME: Duration = Duration::from_hours(8);

/// Whom a token is for, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: the user's id.
    pub sub: String,
    /// `email`.
    pub email: Option<String>,
    /// `groups`. API Gateway hands them on as one text, `[office auditor]`: a group's name has no blanks.
    pub groups: Vec<String>,
    /// `tenant`.
    pub tenant: Option<String>,
    /// `customer`: the owner that a customer stands for.
    pub customer: Option<String>,
    /// `collection`: where a device may upload.
    pub collection: Option<String>,
    /// From `iat` to `exp`.
    pub expires_in: Duration,
}

impl Claims {
    /// A user in no group and of no tenant, for eight hours.
    pub fn new(sub: impl Into<String>) -> Self {
        Self {
            sub: sub.into(),
            email: None,
            groups: Vec::new(),
            tenant: None,
            customer: None,
            collection: None,
            expires_in: LIFETIME,
        }
    }

    fn at(&self, now: Timestamp) -> Value {
        let issued = now.as_second();
        let lifetime = i64::try_from(self.expires_in.as_secs()).unwrap_or(i64::MAX);
        let mut all = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.sub,
            "groups": self.groups,
            "iat": issued,
            "exp": issued.saturating_add(lifetime),
        });
        let optional = [
            ("email", &self.email),
            ("tenant", &self.tenant),
            ("customer", &self.customer),
            ("collection", &self.collection),
        ];
        if let Some(all) = all.as_object_mut() {
            let given = optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.clone()?)));
            all.extend(given.map(|(name, value)| (name.to_owned(), value.into())));
        }
        all
    }
}

/// A token that the gateway takes from `now` on, until it expires.
pub fn issue(claims: &Claims, now: Timestamp) -> String {
    sign(&claims.at(now))
}

/// A token with just these claims, whatever they say: for those that [`issue`] would never make.
pub fn sign(claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = encode(mac(&signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The claims of a token that is this stack's and holds at `now`; nothing for any other.
///
/// The header's algorithm decides nothing but whether the token is refused (RFC 8725, 3.1): there is one way to check
/// a signature here. `exp` must be there and be later than `now`; `nbf` and `iat`, where they are, must not be.
pub(crate) fn verified(token: &str, now: Timestamp) -> Option<Map<String, Value>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(signed).verify_slice(&signature).ok()?;
    // `crit` names extensions that must be understood; none is here (RFC 7515, 4.1.11).
    let header = object(header).filter(|header| !header.contains_key("crit"))?;
    let claims = object(payload)?;
    let holds = header.get("alg")? == "HS256" && is_ours(&claims) && is_timely(&claims, now);
    holds.then_some(claims)
}

fn is_ours(claims: &Map<String, Value>) -> bool {
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|one| one == AUDIENCE),
        Some(one) => one == AUDIENCE,
        None => false,
    };
    audience && claims.get("iss").is_some_and(|issuer| issuer == ISSUER)
}

/// Times are seconds since 1970, and may have fractions (RFC 7519, 2: `NumericDate`).
fn is_timely(claims: &Map<String, Value>, now: Timestamp) -> bool {
    let now = now.as_duration().as_secs_f64();
    let begins = |name: &str| match claims.get(name) {
        None => true,
        Some(time) => time.as_f64().is_some_and(|time| time <= now),
    };
    let expires = claims.get("exp").and_then(Value::as_f64);
    expires.is_some_and(|time| now < time) && begins("nbf") && begins("iat")
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn mac(signed: &str) -> Hmac<Sha256> {
    Hmac::new(&KEY.into()).chain_update(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::testing::clock;

    /// A caller with everything that a caller may have.
    fn dana() -> Claims {
        Claims {
            email: Some("dana@example.com".to_owned()),
            groups: vec!["office".to_owned(), "auditor".to_owned()],
            tenant: Some("acme".to_owned()),
            customer: Some("c-1".to_owned()),
            collection: Some("bols".to_owned()),
            expires_in: Duration::from_mins(1),
            ..Claims::new("dana")
        }
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(clock().as_second() + seconds).unwrap()
    }

    /// Whether a token with one claim more, or another one, holds.
    fn holds_with(name: &str, value: Value) -> bool {
        let mut claims = dana().at(clock());
        claims[name] = value;
        verified(&sign(&claims), clock()).is_some()
    }

    #[test]
    fn a_token_says_who_for_whom_and_until_when() {
        let claims = verified(&issue(&dana(), clock()), clock()).unwrap();
        let expected = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "dana", "email": "dana@example.com",
            "groups": ["office", "auditor"], "tenant": "acme", "customer": "c-1", "collection": "bols",
            "iat": 1_763_130_310, "exp": 1_763_130_370,
        });
        assert_eq!(Value::Object(claims), expected);
        let least = verified(&issue(&Claims::new("dana"), clock()), clock()).unwrap();
        let names: Vec<_> = least.keys().map(String::as_str).collect();
        assert_eq!(names, ["iss", "aud", "sub", "groups", "iat", "exp"]);
    }

    #[test]
    fn a_token_holds_from_its_making_until_it_expires() {
        let token = issue(&dana(), clock());
        for (seconds, holds) in [(-1, false), (0, true), (59, true), (60, false), (3600, false)] {
            assert_eq!(verified(&token, after(seconds)).is_some(), holds, "{seconds}");
        }
        let now = clock().as_second();
        assert!(holds_with("nbf", json!(now)));
        assert!(!holds_with("nbf", json!(now + 1)));
        assert!(!holds_with("iat", json!(now + 1)));
        assert!(!holds_with("exp", json!(now)));
        assert!(holds_with(
            "exp",
            json!(clock().as_duration().as_secs_f64() + 0.5)
        ));
        for no_time in [json!("4102444800"), json!(null), json!(true)] {
            assert!(!holds_with("exp", no_time.clone()), "{no_time}");
            assert!(!holds_with("nbf", no_time.clone()), "{no_time}");
        }
    }

    #[test]
    fn a_token_is_for_this_stack() {
        assert!(holds_with("aud", json!(["other", AUDIENCE])));
        for other in [json!("other"), json!([]), json!(null)] {
            assert!(!holds_with("aud", other.clone()), "{other}");
            assert!(!holds_with("iss", other.clone()), "{other}");
        }
    }

    /// RFC 8725, "JSON Web Token Best Current Practices".
    #[test]
    fn another_algorithm_is_refused_whatever_the_signature() {
        let payload = encode(dana().at(clock()).to_string());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None","typ":"JWT"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            "[]",
        ] {
            let signed = format!("{}.{payload}", encode(header));
            let right = encode(mac(&signed).finalize().into_bytes());
            for signature in ["", &right] {
                assert!(
                    verified(&format!("{signed}.{signature}"), clock()).is_none(),
                    "{header}"
                );
            }
        }
    }

    #[test]
    fn a_token_that_was_changed_is_refused() {
        let token = issue(&dana(), clock());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let mut other = dana().at(clock());
        other["sub"] = json!("eve");
        let other = encode(other.to_string());
        let short = &signature[..signature.len() - 4];
        for changed in [
            format!("{header}.{other}.{signature}"),
            format!("{signed}."),
            format!("{signed}.{short}"),
            format!("{token}."),
            format!("{token}.{signature}"),
            format!(".{token}"),
            signed.to_owned(),
            header.to_owned(),
            format!("{token}="),
            String::new(),
        ] {
            assert!(verified(&changed, clock()).is_none(), "{changed}");
        }
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verified(&changed, clock()).is_none(), "{changed}");
        }
    }

    /// RFC 7515, A.1: what signs here is HMAC-SHA256 over `header.payload`, as any library would.
    #[test]
    fn a_token_is_signed_as_other_libraries_check_it() {
        let token = sign(&json!({ "sub": "dana" }));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(signed, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJkYW5hIn0");
        assert_eq!(signature, "oJ-fCfINoxzn0yLfMd9S1VrkiqKvtUHFAyvmT9C5HaY");
    }
}
