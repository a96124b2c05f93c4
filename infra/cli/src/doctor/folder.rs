//! Whether the folder takes files that exports go to while S3 is down.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use casefile::id::TimeId;
use futures::channel::oneshot;
use tokio::time::timeout;

use super::check::Check;
use super::fault::LIMIT;

const NAME: &str = "fallback folder";
const BODY: &[u8] = b"written by casefile doctor, which deletes it\n";

/// `id` is nobody else's, and names the file.
pub(super) async fn check(folder: Option<&str>, id: TimeId) -> Check {
    let Some(folder) = folder else {
        return Check::skipped(NAME, "FALLBACK_DIR");
    };
    let (sender, tried) = oneshot::channel();
    let path = Path::new(folder).to_owned();
    // A file system that is mounted and doesn't answer holds its thread for ever, and must not hold the program.
    std::thread::spawn(move || sender.send(try_write(&path, id)));
    match timeout(LIMIT, tried).await {
        Ok(Ok(Ok(()))) => Check::ok(NAME, format!("{folder} takes files")),
        Ok(Ok(Err(error))) => failed(folder, &error.to_string(), remedy(&error)),
        Ok(Err(_)) | Err(_) => failed(
            folder,
            "no answer in time",
            "look whether the file system that it is on is mounted, and answers",
        ),
    }
}

fn failed(folder: &str, why: &str, mend: &str) -> Check {
    Check::failed(NAME, format!("{folder}: {why}"), mend)
}

fn try_write(folder: &Path, id: TimeId) -> io::Result<()> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let path = folder.join(format!(".casefile-doctor-{id}"));
    let written = write(&path);
    let removed = match fs::remove_file(&path) {
        // It never was there: what kept it from being written says why.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    written.and(removed)
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(BODY)?;
    file.sync_all()
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "create the folder, mount what it is on, or correct FALLBACK_DIR",
        io::ErrorKind::NotADirectory => "set FALLBACK_DIR to a folder: there is a file",
        io::ErrorKind::PermissionDenied => "let the user of this process write there",
        io::ErrorKind::ReadOnlyFilesystem => "mount the file system for writing",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its file system",
        _ => "look at the file system that it is on",
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Outcome;
    use super::*;

    fn id() -> TimeId {
        TimeId::floor(jiff::Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn a_folder_that_takes_files_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let found = check(folder.path().to_str(), id()).await;
        assert_eq!(found.outcome, Outcome::Ok, "{found:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_no_folder_is_told_from_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let missing = folder.path().join("missing");
        for (path, mend) in [(file, "there is a file"), (missing, "create the folder")] {
            let found = check(path.to_str(), id()).await;
            assert_eq!(found.outcome, Outcome::Failed);
            assert!(found.mend.as_ref().unwrap().contains(mend), "{found:?}");
        }
        assert_eq!(check(None, id()).await.outcome, Outcome::Skipped);
    }
}
