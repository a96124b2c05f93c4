//! Where a file goes on this machine: whole, or not at all.

use std::fs;
use std::io::{self, IsTerminal as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use casefile::time::Clock;
use jiff::{SignedDuration, Timestamp};
use tempfile::NamedTempFile;

use super::name::safe;
use super::source::Expected;
use crate::failure::Failure;

/// What unfinished files are called: it begins and ends so.
const PART: (&str, &str) = (".casefile-get-", ".part");
/// An unfinished file that nobody has written to for so long is a dead run's.
const ABANDONED: SignedDuration = SignedDuration::from_hours(1);

/// A file that isn't complete yet. It is gone with this, unless it is kept.
#[derive(Debug)]
pub(super) struct Part {
    file: NamedTempFile,
    to: To,
}

#[derive(Debug)]
enum To {
    File { path: PathBuf, is_forced: bool },
    Output,
}

impl Part {
    /// Begins one, in the folder where it is going to lie; or, of standard output, among the temporary files, so that no
    /// byte comes out that hasn't been compared.
    ///
    /// # Errors
    /// `Refused` when a file is there already, or standard output is a terminal and the content no text.
    pub(super) fn begin(
        output: Option<&Path>,
        is_forced: bool,
        expected: &Expected,
        clock: Clock,
    ) -> Result<Self, Failure> {
        if output == Some(Path::new("-")) {
            if io::stdout().is_terminal() && !is_text(&expected.content_type) {
                let why = "it is no text, and standard output is a terminal: name a file by -o, or send it into another program";
                return Err(Failure::Refused(why.to_owned()));
            }
            let file = NamedTempFile::new().map_err(|error| unwritable(&std::env::temp_dir(), &error))?;
            let to = To::Output;
            return Ok(Self { file, to });
        }
        let path = target(output, expected);
        if path.exists() && !is_forced {
            return Err(there(&path));
        }
        let folder = folder_of(&path);
        sweep(folder, clock());
        let mut named = tempfile::Builder::new();
        let file = named.prefix(PART.0).suffix(PART.1).tempfile_in(folder);
        let file = file.map_err(|error| unwritable(folder, &error))?;
        let to = To::File { path, is_forced };
        Ok(Self { file, to })
    }

    /// # Errors
    /// When the disk is full, say.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| unwritable(self.file.path(), &error))
    }

    /// Puts it in its place: its path, or nothing where it went to standard output.
    ///
    /// # Errors
    /// `Refused` when a file has come to be there meanwhile.
    pub(super) fn keep(self) -> Result<Option<PathBuf>, Failure> {
        let Self { mut file, to } = self;
        let To::File { path, is_forced } = to else {
            let copied = file
                .rewind()
                .and_then(|()| io::copy(&mut file, &mut io::stdout().lock()));
            let copied = copied.and_then(|_| io::stdout().flush());
            return match copied {
                Ok(()) => Ok(None),
                Err(error) => Err(Failure::Failed(format!(
                    "standard output can't be written: {error}"
                ))),
            };
        };
        file.as_file()
            .sync_all()
            .map_err(|error| unwritable(&path, &error))?;
        let kept = if is_forced {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        };
        match kept {
            Ok(_) => Ok(Some(path)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(there(&path)),
            Err(error) => Err(unwritable(&path, &error.error)),
        }
    }
}

fn target(output: Option<&Path>, expected: &Expected) -> PathBuf {
    let name = safe(&expected.file_name);
    match output {
        None => PathBuf::from(name),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(path) => path.to_owned(),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn there(path: &Path) -> Failure {
    let path = path.display();
    Failure::Refused(format!(
        "{path} is there already, and is not overwritten: name another -o, or give --force"
    ))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{} can't be written: {error}", path.display()))
}

fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/") || content_type == "application/json"
}

/// Removes what dead runs have left: patients' data may be in it. What can't be removed stays.
fn sweep(folder: &Path, now: Timestamp) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        let name = file.file_name();
        let is_part = name
            .to_str()
            .is_some_and(|name| name.starts_with(PART.0) && name.ends_with(PART.1));
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let modified = modified.ok().and_then(|time| Timestamp::try_from(time).ok());
        if is_part && modified.is_some_and(|at| now.duration_since(at) > ABANDONED) {
            let _ = fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            file_name: "../report.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size: 1,
            sha256: None,
        }
    }

    fn late() -> Timestamp {
        Timestamp::MAX
    }

    #[test]
    fn a_file_is_there_only_when_it_is_kept_and_overwrites_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |is_forced| {
            Part::begin(Some(folder.path()), is_forced, &expected(), || {
                Timestamp::UNIX_EPOCH
            })
        };
        let mut part = begin(false).unwrap();
        part.write(b"half").unwrap();
        drop(part);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let (mut one, mut two) = (begin(false).unwrap(), begin(false).unwrap());
        one.write(b"one").unwrap();
        two.write(b"two").unwrap();
        let path = one.keep().unwrap().unwrap();
        assert_eq!(path, folder.path().join("report.pdf"));
        assert!(matches!(two.keep(), Err(Failure::Refused(why)) if why.contains("is there already")));
        assert!(matches!(begin(false), Err(Failure::Refused(_))));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let mut three = begin(true).unwrap();
        three.write(b"three").unwrap();
        three.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_dead_runs_have_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let dead = folder.path().join(".casefile-get-abc.part");
        fs::write(&dead, "half").unwrap();
        sweep(folder.path(), Timestamp::UNIX_EPOCH);
        assert!(dead.exists());
        let part = Part::begin(Some(&folder.path().join("x")), false, &expected(), late).unwrap();
        assert!(!dead.exists());
        drop(part);
    }
}
