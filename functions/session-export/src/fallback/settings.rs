//! Where exports go that S3 doesn't take, from the environment.

use std::path::{Path, PathBuf};

use casefile::config::Env;

/// What the folder may hold where the deployment doesn't say: 10 GiB.
const MAX_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// The environment's part in the fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackSettings {
    /// `FALLBACK_DIR`: a folder that exists and outlives the function, such as a file system that it mounts.
    pub dir: PathBuf,
    /// `FALLBACK_MAX_BYTES`: what it may hold; 10 GiB where it isn't set.
    pub max_bytes: u64,
}

impl FallbackSettings {
    /// Reads the environment; what is wrong is noted there. The folder itself isn't looked at.
    pub fn read(env: &mut Env) -> Option<Self> {
        let max_bytes = env.optional("FALLBACK_MAX_BYTES", bytes);
        let dir = env.optional("FALLBACK_DIR", absolute)?;
        Some(Self {
            dir,
            max_bytes: max_bytes.unwrap_or(MAX_BYTES),
        })
    }
}

fn absolute(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if path.is_absolute() {
        Ok(path.to_owned())
    } else {
        Err("must be an absolute path, such as /mnt/fallback")
    }
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("must be a number of bytes, such as 10737418240"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_an_absolute_path_and_its_room_a_number() {
        let mut env = Env::of([("FALLBACK_DIR", "fallback"), ("FALLBACK_MAX_BYTES", "1 GB")]);
        assert_eq!(FallbackSettings::read(&mut env), None);
        let error = env.finish(None::<()>).unwrap_err().to_string();
        for part in [
            "FALLBACK_DIR must be an absolute",
            "FALLBACK_MAX_BYTES must be a number",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let mut env = Env::of([("FALLBACK_DIR", "/mnt/fallback")]);
        let settings = FallbackSettings::read(&mut env).unwrap();
        assert_eq!(settings.max_bytes, 10_737_418_240);
    }
}
