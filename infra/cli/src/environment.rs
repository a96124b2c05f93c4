//! What the tool is told by its environment: the process's, a `.env` file where one is named, and the names that
//! applications from before Casefile have for the same things.

mod file;

use std::fs;
use std::path::Path;

use casefile::config::Env;

#[cfg(test)]
pub(crate) use self::file::is_read;
use crate::failure::Failure;

/// Casefile's own name of a thing, and the others that are understood: the first one that is set wins.
const NAMES: [(&str, &[&str]); 2] = [
    ("S3_BUCKET_NAME", &["AWS_STORAGE_BUCKET_NAME", "AWS_S3_BUCKET"]),
    ("AWS_REGION", &["AWS_S3_REGION_NAME", "AWS_S3_REGION"]),
];

/// How the names are explained to people: after the help of the tool.
pub const HELP: &str = "\
Variables come from the environment, and where they aren't set there from the file that --env-file names. Understood \
besides their own names: for S3_BUCKET_NAME also AWS_STORAGE_BUCKET_NAME and AWS_S3_BUCKET, for AWS_REGION also \
AWS_S3_REGION_NAME and AWS_S3_REGION. Where several are set, the first of them in this order wins; where they differ, a note \
on standard error says which one that is.";

/// What the tool is told, and what is odd about it.
#[derive(Debug, Default)]
pub struct Told {
    /// With Casefile's own names set.
    pub env: Env,
    /// Names that are set and differ: Casefile's own name of the thing, and a note for the person.
    pub notes: Vec<(&'static str, String)>,
}

/// Reads the process's environment and, where one is named, a `.env` file: of what both set, the process's counts.
///
/// # Errors
/// When the file can't be read. What it holds is never quoted: secrets may be in it.
pub fn read(env_file: Option<&Path>) -> Result<Told, Failure> {
    with_file(Env::from_process(), env_file).map(unified)
}

fn with_file(env: Env, file: Option<&Path>) -> Result<Env, Failure> {
    let Some(path) = file else {
        return Ok(env);
    };
    let failed = |why: String| Failure::Failed(format!("--env-file {}: {why}", path.display()));
    let text = fs::read(path).map_err(|error| failed(format!("can't be read: {error}")))?;
    let variables = file::parse(&String::from_utf8_lossy(&text)).map_err(failed)?;
    Ok(env.with_defaults(variables))
}

/// Casefile's own names set to what the first of their names says, and where names differ, which one that was: patients' data
/// goes into no bucket that nobody was told of.
fn unified(mut env: Env) -> Told {
    let mut notes = Vec::new();
    for (own, others) in NAMES {
        let named = [own].into_iter().chain(others.iter().copied());
        let set: Vec<_> = named.filter_map(|name| Some((name, env.text(name)?))).collect();
        let Some((first, value)) = set.first().cloned() else {
            continue;
        };
        for (other, _) in set.iter().filter(|(_, other)| *other != value) {
            let note =
                format!("{first} and {other} are both set, and differ: {first} is taken, which is {value}");
            notes.push((own, note));
        }
        env = env.with_defaults([(own, value)]);
    }
    Told { env, notes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, variables: &[(&str, &str)]) -> (Option<String>, Vec<String>) {
        let told = unified(Env::of(variables.iter().copied()));
        let notes = told.notes.into_iter().map(|(_, note)| note).collect();
        (told.env.text(name), notes)
    }

    #[test]
    fn every_name_is_understood() {
        for (own, others) in NAMES {
            for name in [own].iter().chain(others) {
                let expected = (Some("eu-files".to_owned()), vec![]);
                assert_eq!(of(own, &[(name, "eu-files")]), expected, "{name}");
            }
            let same = [(own, "eu-files"), (others[0], "eu-files")];
            assert_eq!(of(own, &same), (Some("eu-files".to_owned()), vec![]));
            assert_eq!(of(own, &[(others[0], "")]), (None, vec![]));
        }
    }

    #[test]
    fn of_several_names_the_first_in_the_help_wins_and_two_that_differ_are_told() {
        for (own, others) in NAMES {
            let order: Vec<_> = [own].iter().chain(others).copied().collect();
            let words: Vec<_> = HELP.split([' ', ',', ':', '.']).collect();
            let listed = order
                .iter()
                .map(|name| words.iter().position(|word| word == name));
            assert!(
                listed.clone().all(|at| at.is_some()) && listed.is_sorted(),
                "{own}"
            );
            for (first, later) in [(0, 1), (0, 2), (1, 2)].map(|(a, b)| (order[a], order[b])) {
                let (value, notes) = of(own, &[(later, "others"), (first, "files")]);
                assert_eq!(value.as_deref(), Some("files"));
                let expected =
                    format!("{first} and {later} are both set, and differ: {first} is taken, which is files");
                assert_eq!(notes, [expected]);
            }
        }
    }

    #[test]
    fn a_file_fills_in_what_is_not_set_and_a_wrong_line_is_told_by_its_number_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(
            &path,
            "export AWS_S3_BUCKET=\"files\"\nUSE_S3=true # yes\nDEFAULT_TENANT=file\n",
        )
        .unwrap();
        let env = with_file(Env::of([("DEFAULT_TENANT", "process")]), Some(&path)).unwrap();
        let texts = ["AWS_S3_BUCKET", "USE_S3", "DEFAULT_TENANT"].map(|name| env.text(name).unwrap());
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
