//! Where a file goes on this machine: whole, or not at all.

use std::fs::{self, File};
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
pub(super) enum Part {
    File {
        file: NamedTempFile,
        path: PathBuf,
        is_forced: bool,
    },
    /// A file without a name, which is gone however the program ends.
    Output(File),
}

/// That the file can go there, before anything of it comes.
///
/// # Errors
/// `Refused` when there is no such folder; `Failed` when standard output is to have two things.
pub(super) fn check(output: Option<&Path>, is_json: bool) -> Result<(), Failure> {
    let Some(output) = output else {
        return Ok(());
    };
    if output == Path::new("-") {
        let why = "--json and -o - both go to standard output: leave out one";
        return if is_json {
            Err(Failure::Failed(why.to_owned()))
        } else {
            Ok(())
        };
    }
    let is_folder = output.to_string_lossy().ends_with('/');
    let folder = if is_folder { output } else { folder_of(output) };
    if folder.is_dir() {
        return Ok(());
    }
    let folder = folder.display();
    Err(Failure::Refused(format!(
        "-o: there is no folder {folder}: make it first"
    )))
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
            let file = tempfile::tempfile().map_err(|error| unwritable(&std::env::temp_dir(), &error))?;
            return Ok(Self::Output(file));
        }
        let path = target(output, expected);
        replaceable(&path, is_forced)?;
        let folder = folder_of(&path);
        sweep(folder, clock());
        let mut named = tempfile::Builder::new();
        let file = named.prefix(PART.0).suffix(PART.1).tempfile_in(folder);
        let file = file.map_err(|error| unwritable(folder, &error))?;
        Ok(Self::File {
            file,
            path,
            is_forced,
        })
    }

    /// # Errors
    /// When the disk is full, say.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File { file, .. } => {
                let written = file.write_all(bytes);
                written.map_err(|error| unwritable(file.path(), &error))
            }
            Self::Output(file) => {
                let written = file.write_all(bytes);
                written.map_err(|error| unwritable(&std::env::temp_dir(), &error))
            }
        }
    }

    /// Puts it in its place: its path, or nothing where it went to standard output.
    ///
    /// # Errors
    /// `Refused` when a file has come to be there meanwhile.
    pub(super) fn keep(self) -> Result<Option<PathBuf>, Failure> {
        let (file, path, is_forced) = match self {
            Self::File {
                file,
                path,
                is_forced,
            } => (file, path, is_forced),
            Self::Output(file) => {
                let copied = copy_out(file);
                let failed = |error| Failure::Failed(format!("standard output can't be written: {error}"));
                return copied.map(|()| None).map_err(failed);
            }
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

fn copy_out(mut file: File) -> io::Result<()> {
    file.rewind()?;
    io::copy(&mut file, &mut io::stdout().lock())?;
    io::stdout().flush()
}

/// # Errors
/// `Refused` when something is there that is to stay: also by force nothing is replaced but a file as such, no link and no
/// device.
fn replaceable(path: &Path, is_forced: bool) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) if !is_forced => Err(there(path)),
        Ok(found) if !found.is_file() => {
            let path = path.display();
            Err(Failure::Refused(format!(
                "{path} is no regular file, and is not replaced: name another -o"
            )))
        }
        _ => Ok(()),
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

    #[cfg(unix)]
    #[test]
    fn force_replaces_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "mine").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replaceable(&file, true).unwrap();
        for path in [&link, Path::new("/dev/null"), folder.path()] {
            assert!(
                matches!(replaceable(path, true), Err(Failure::Refused(why)) if why.contains("no regular file")),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn where_nothing_can_go_is_told_before_anything_comes() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| check(Some(&folder.path().join(name)), true);
        assert!(of("x").is_ok() && of("").is_ok() && check(None, true).is_ok());
        for name in ["none/x", "none/"] {
            assert!(matches!(of(name), Err(Failure::Refused(why)) if why.contains("there is no folder")));
        }
        assert!(check(Some(Path::new("-")), true).is_err() && check(Some(Path::new("-")), false).is_ok());
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
