//! What the tool is told by its environment: the process's, a `.env` file where one is named, and the names that
//! applications from before Casefile have for the same things.

use std::fs;
use std::path::Path;

use casefile::config::Env;

use crate::failure::Failure;

/// Casefile's own name of a thing, and the others that are understood.
const NAMES: [(&str, &[&str]); 2] = [
    ("S3_BUCKET_NAME", &["AWS_STORAGE_BUCKET_NAME", "AWS_S3_BUCKET"]),
    ("AWS_REGION", &["AWS_S3_REGION_NAME", "AWS_S3_REGION"]),
];

/// How the names are explained to people: after the help of the tool.
pub const HELP: &str = "\
Variables come from the environment, and where they aren't set there from the file that --env-file names. Understood \
besides their own names: for S3_BUCKET_NAME also AWS_STORAGE_BUCKET_NAME and AWS_S3_BUCKET, for AWS_REGION also \
AWS_S3_REGION_NAME and AWS_S3_REGION. Whichever is set counts; where several are set and differ, nothing is done, and the \
error names them.";

/// Reads the process's environment and, where one is named, a `.env` file: of what both set, the process's counts.
///
/// # Errors
/// When the file can't be read. What it holds is never quoted: secrets may be in it.
pub fn read(env_file: Option<&Path>) -> Result<Env, Failure> {
    with_file(Env::from_process(), env_file).map(unified)
}

fn with_file(env: Env, file: Option<&Path>) -> Result<Env, Failure> {
    let Some(path) = file else {
        return Ok(env);
    };
    let failed = |why: String| Failure::Failed(format!("--env-file {}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(format!("can't be read: {error}")))?;
    let mut variables = Vec::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        variables.push(variable.map_err(|error| failed(wrong(&error, &text)))?);
    }
    Ok(env.with_defaults(variables))
}

/// Where the file is wrong, by the number of its line alone.
fn wrong(error: &dotenvy::Error, text: &str) -> String {
    let what = "is no NAME=value";
    let dotenvy::Error::LineParse(wrong, _) = error else {
        return format!("one of its lines {what}");
    };
    match text.lines().position(|line| line.trim() == wrong.trim()) {
        Some(at) => format!("line {} {what}", at + 1),
        None => format!("one of its lines {what}"),
    }
}

/// The same with Casefile's own names set to what any of the names say. Those that differ are an error of the environment:
/// a choice that nobody sees could send patients' data into another bucket.
fn unified(mut env: Env) -> Env {
    for (own, others) in NAMES {
        let named = [own].into_iter().chain(others.iter().copied());
        let set: Vec<_> = named.filter_map(|name| Some((name, env.text(name)?))).collect();
        let Some((first, value)) = set.first().cloned() else {
            continue;
        };
        if let Some((other, _)) = set.iter().find(|(_, other)| *other != value) {
            env.refuse(
                first,
                format!("and {other} are both set, and differ: set only one of them, or both to the same"),
            );
        }
        env = env.with_defaults([(own, value)]);
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let env = unified(Env::of(variables.iter().copied()));
        let bucket = env.text("S3_BUCKET_NAME");
        env.finish(Some(bucket)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_name_is_understood_and_two_that_differ_are_an_error_that_names_both() {
        for name in ["S3_BUCKET_NAME", "AWS_STORAGE_BUCKET_NAME", "AWS_S3_BUCKET"] {
            assert_eq!(bucket(&[(name, "files")]), Ok(Some("files".to_owned())), "{name}");
        }
        let same = [("S3_BUCKET_NAME", "files"), ("AWS_S3_BUCKET", "files")];
        assert_eq!(bucket(&same), Ok(Some("files".to_owned())));
        assert_eq!(bucket(&[("AWS_S3_BUCKET", "")]), Ok(None));
        for (one, other) in [
            ("S3_BUCKET_NAME", "AWS_S3_BUCKET"),
            ("AWS_STORAGE_BUCKET_NAME", "AWS_S3_BUCKET"),
        ] {
            let error = bucket(&[(one, "files"), (other, "others")]).unwrap_err();
            assert!(
                error.contains(&format!("{one} and {other} are both set")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_region_is_understood_by_its_older_names_too() {
        for name in ["AWS_REGION", "AWS_S3_REGION_NAME", "AWS_S3_REGION"] {
            let env = unified(Env::of([(name, "eu-west-1")]));
            assert_eq!(env.text("AWS_REGION").as_deref(), Some("eu-west-1"), "{name}");
        }
    }

    #[test]
    fn a_file_fills_in_what_is_not_set_and_a_wrong_line_is_told_by_its_number_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(
            &path,
            "# today's\nexport AWS_S3_BUCKET=\"files\"\nUSE_S3=true # yes\nA=file\n",
        )
        .unwrap();
        let env = with_file(Env::of([("A", "process")]), Some(&path)).unwrap();
        let texts = ["AWS_S3_BUCKET", "USE_S3", "A"].map(|name| env.text(name).unwrap());
        assert_eq!(texts, ["files", "true", "process"]);
        fs::write(&path, "A=1\nAWS_SECRET_ACCESS_KEY = 'hidden-secret\n").unwrap();
        let error = with_file(Env::default(), Some(&path)).unwrap_err().to_string();
        assert!(
            error.contains("line 2 is no NAME=value") && !error.contains("hidden"),
            "{error}"
        );
        assert!(with_file(Env::default(), Some(Path::new("/nowhere/.env"))).is_err());
    }
}
