//! What a caller proves with who they are.

use std::fmt;
use std::fs;
use std::path::Path;

use casefile::config::Env;

/// A bearer token. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

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
