//! Where the copies lie.

use std::path::{Path, PathBuf};

use casefile::config::Env;

/// The folder that the person names, else the environment's, else one for each bucket among the caches of the user
/// (XDG base directory specification, version 0.8). Absolute, and UTF-8.
pub(super) fn folder(named: Option<&str>, env: &mut Env, bucket: Option<&str>) -> Option<PathBuf> {
    if let Some(named) = named {
        return absolute(named).map_err(|error| env.refuse("--to", error)).ok();
    }
    if env.text("CASEFILE_TABLES_DIR").is_some() {
        return env.optional("CASEFILE_TABLES_DIR", absolute);
    }
    // A relative one is to be ignored, says the specification.
    let caches = env
        .text("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        env.text("HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let Some(caches) = caches.or_else(|| Some(home()?.join(".cache"))) else {
        env.refuse("HOME", "is not set: set it, or CASEFILE_TABLES_DIR, or give --to");
        return None;
    };
    Some(caches.join("casefile").join("tables").join(bucket?))
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = std::path::absolute(Path::new(text)).map_err(|error| format!("is no folder: {error}"))?;
    // It is printed for other programs.
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err("lies in a folder whose name isn't UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(named: Option<&str>, variables: &[(&str, &str)]) -> Result<String, String> {
        let mut env = Env::of(variables.iter().copied());
        let folder = folder(named, &mut env, Some("artifacts"));
        let folder = env.finish(folder).map_err(|error| error.to_string())?;
        Ok(folder.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_named_goes_before_the_environment_and_that_before_the_caches() {
        let all = [
            ("CASEFILE_TABLES_DIR", "/own"),
            ("XDG_CACHE_HOME", "/caches"),
            ("HOME", "/home/ana"),
        ];
        assert_eq!(of(Some("/named"), &all).unwrap(), "/named");
        assert_eq!(of(None, &all).unwrap(), "/own");
        assert_eq!(of(None, &all[1..]).unwrap(), "/caches/casefile/tables/artifacts");
        assert_eq!(
            of(None, &all[2..]).unwrap(),
            "/home/ana/.cache/casefile/tables/artifacts"
        );
        let relative = [("XDG_CACHE_HOME", "caches"), ("HOME", "/home/ana")];
        assert_eq!(
            of(None, &relative).unwrap(),
            "/home/ana/.cache/casefile/tables/artifacts"
        );
        assert!(of(None, &[]).unwrap_err().contains("HOME is not set"));
    }

    #[test]
    fn a_relative_folder_becomes_an_absolute_path() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(of(Some("."), &[]).unwrap(), here.to_str().unwrap());
        assert_eq!(
            of(Some("data"), &[]).unwrap(),
            here.join("data").to_str().unwrap()
        );
        assert!(of(Some(""), &[]).unwrap_err().contains("--to"));
    }
}
