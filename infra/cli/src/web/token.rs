//! What a caller proves with who they are.

use std::fmt;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use casefile::config::Env;
use casefile::digest::Sha256;
use serde_json::{Map, Value};

/// A bearer token. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

/// What says of a JWT whose it is (RFC 7519, section 4.1), the tenant by either of its names.
const WHOSE: [&str; 4] = ["iss", "sub", "tenant", "custom:tenant"];

impl Token {
    /// From the file that is named, else from `CASEFILE_TOKEN`. Never from the command line, which everybody on the machine
    /// can read.
    pub(crate) fn read(file: Option<&Path>, env: &mut Env) -> Option<Self> {
        let Some(path) = file else {
            return env.required("CASEFILE_TOKEN", Self::parse);
        };
        let text =
            fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()));
        let token = text.and_then(|text| Self::parse(&text).map_err(str::to_owned));
        token.map_err(|why| env.refuse("--token-file", why)).ok()
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token
            .then(|| Self(text.to_owned()))
            .ok_or("holds no token: one line of letters, digits and signs without blanks")
    }

    /// The token where there is one, and no word where there is none.
    pub(crate) fn glance(file: Option<&Path>, env: &Env) -> Option<Self> {
        let text = match file {
            Some(path) => fs::read_to_string(path).ok()?,
            None => env.text("CASEFILE_TOKEN")?,
        };
        Self::parse(&text).ok()
    }

    /// A digest that stays the same when a caller's token is renewed, and is another one for every other caller: of what a
    /// JWT says of its issuer, subject and tenant, which nobody has verified here. All tokens that are no JWT share one.
    pub(crate) fn caller(&self) -> Sha256 {
        let Some(claims) = self.claims() else {
            return Sha256::of_parts(["opaque"]);
        };
        let claims = WHOSE.map(|name| claims.get(name).map(Value::to_string).unwrap_or_default());
        Sha256::of_parts(claims.iter().map(String::as_str))
    }

    fn claims(&self) -> Option<Map<String, Value>> {
        let (_header, rest) = self.0.split_once('.')?;
        let (claims, _signature) = rest.split_once('.')?;
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_stays_the_same_when_the_token_is_renewed_and_another_tenant_is_another_one() {
        let caller = |claims: &str| Token(format!("e30.{}.c2ln", BASE64.encode(claims))).caller();
        let ana = caller(r#"{"iss": "i", "sub": "ana", "tenant": "acme", "exp": 1}"#);
        assert_eq!(
            ana,
            caller(r#"{"exp": 2, "tenant": "acme", "sub": "ana", "iss": "i"}"#)
        );
        for other in [
            r#"{"iss": "i", "sub": "ana", "tenant": "other"}"#,
            r#"{"iss": "i", "sub": "ana", "custom:tenant": "acme"}"#,
            r#"{"iss": "i", "sub": "ben", "tenant": "acme"}"#,
            r#"{"iss": "j", "sub": "ana", "tenant": "acme"}"#,
        ] {
            assert_ne!(ana, caller(other), "{other}");
        }
        let opaque = |text: &str| Token(text.to_owned()).caller();
        assert_eq!(opaque("hidden"), opaque("hidden.x"));
        assert_ne!(opaque("hidden"), ana);
    }

    #[test]
    fn a_token_comes_from_a_file_or_the_environment_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "hidden-a.b.c\n").unwrap();
        let mut env = Env::of([("CASEFILE_TOKEN", "hidden-x y")]);
        let token = Token::read(Some(&path), &mut env).unwrap();
        assert_eq!(token.header(), "Bearer hidden-a.b.c");
        assert_eq!(format!("{token:?}"), "Token(hidden)");
        assert_eq!(Token::read(None, &mut env), None);
        assert_eq!(Token::read(Some(Path::new("/nowhere")), &mut env), None);
        let error = env.finish(Some(())).unwrap_err().to_string();
        assert!(
            error.contains("CASEFILE_TOKEN holds no token") && !error.contains("hidden"),
            "{error}"
        );
        assert!(error.contains("--token-file /nowhere can't be read"), "{error}");
    }
}
