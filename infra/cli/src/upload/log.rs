//! The upload log: a JSON array with an entry for each upload, which applications and people read.
//!
//! It appears whole or not at all: it is written under another name, synced and renamed. Several uploaders add to it in
//! turn, each to what is there by then. One that can't be read is left as it is.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use casefile::time::rfc3339;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use super::outcome::{Status, Told};
use super::queue::sweep;
use crate::failure::Failure;

/// What the log is called while it is written.
const HALF: &str = ".upload_log-";

#[derive(Serialize)]
struct Entry<'a> {
    local_path: &'a Path,
    uploaded_at: String,
    service: &'a str,
    result: Outcome<'a>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    status: Status,
    url: Option<&'a str>,
}

/// The log.
#[derive(Debug)]
pub(super) struct UploadLog {
    path: PathBuf,
}

impl UploadLog {
    /// Looks whether it can be added to, and removes what killed uploads have left beside it. A log that isn't there, or has
    /// no byte, is an empty one.
    ///
    /// # Errors
    /// When it is damaged, or its folder isn't there or can't be written to.
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<Self, Failure> {
        // So that a link to a log stays one.
        let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
        let path = path.map_err(|error| Failure::Failed(format!("--log: {error}")))?;
        let log = Self { path };
        let _folder = log.lock().map_err(|error| log.failed(&error))?;
        log.read()?;
        sweep(log.folder(), HALF, now);
        let try_out = NamedTempFile::with_prefix_in(HALF, log.folder());
        try_out.map_err(|error| log.failed(&error))?;
        Ok(log)
    }

    /// Adds entries.
    ///
    /// # Errors
    /// When they can't be written, or the log was damaged meanwhile.
    pub(super) fn add(&self, told: &[Told], service: &str, now: Timestamp) -> Result<(), Failure> {
        let failed = |error: io::Error| self.failed(&error);
        let folder = self.lock().map_err(failed)?;
        let mut entries = self.read()?;
        for told in told {
            let entry = Entry {
                local_path: &told.local_path,
                uploaded_at: rfc3339(now),
                service,
                result: Outcome {
                    status: told.status,
                    url: told.url.as_deref(),
                },
            };
            let entry = serde_json::value::to_raw_value(&entry).map_err(|error| failed(error.into()))?;
            entries.push(entry);
        }
        self.write(&entries).map_err(failed)?;
        folder.sync_all().map_err(failed)
    }

    /// Nobody else adds to a log of the folder as long as this lives.
    fn lock(&self) -> io::Result<File> {
        let folder = File::open(self.folder())?;
        folder.lock()?;
        Ok(folder)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn read(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        let text = match fs::read(&self.path) {
            Ok(text) if text.is_empty() => return Ok(Vec::new()),
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(&error)),
        };
        serde_json::from_slice(&text).map_err(|_| {
            Failure::Failed(format!(
                "the upload log {} is damaged: it is no JSON array; it is left as it is, and nothing goes on: mend it, move it \
                 away, or name another --log",
                self.path.display()
            ))
        })
    }

    fn write(&self, entries: &[Box<RawValue>]) -> io::Result<()> {
        let mut file = NamedTempFile::with_prefix_in(HALF, self.folder())?;
        let texts: Vec<_> = entries.iter().map(|entry| format!("  {}", entry.get())).collect();
        file.write_all(format!("[\n{}\n]\n", texts.join(",\n")).as_bytes())?;
        if let Ok(there) = fs::metadata(&self.path) {
            file.as_file().set_permissions(there.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::Failed(format!(
            "the upload log {} can't be written: {error}",
            self.path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn told(path: &str, url: Option<&str>) -> Told {
        Told {
            url: url.map(str::to_owned),
            ..Told::new(path.into(), "bols", Status::Stored, None)
        }
    }

    #[test]
    fn entries_are_added_to_what_others_have_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload_log.json");
        fs::write(&path, r#"[{"local_path": "old", "size": 1.50}]"#).unwrap();
        let now = "2025-11-14T12:00:00Z".parse().unwrap();
        for _ in 0..2 {
            let log = UploadLog::open(&path, NOW).unwrap();
            log.add(&[told("/a \"b\".pdf", Some("s3://artifacts/a"))], "s3", now)
                .unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#"{"local_path": "old", "size": 1.50}"#), "{text}");
        let all: Vec<Value> = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "local_path": "/a \"b\".pdf", "uploaded_at": "2025-11-14T12:00:00.000Z", "service": "s3",
            "result": {"status": "stored", "url": "s3://artifacts/a"},
        });
        assert_eq!((all.len(), &all[1], &all[2]), (3, &expected, &expected));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_log_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.json");
        for text in [" ", "{}", "[{\"local_path\": \"a\"}", "null"] {
            fs::write(&path, text).unwrap();
            let error = UploadLog::open(&path, NOW).unwrap_err().to_string();
            assert!(
                error.contains("is damaged") && error.contains("log.json"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(UploadLog::open(&folder.path().join("none/log.json"), NOW).is_err());
    }

    #[test]
    fn an_empty_file_is_an_empty_log_and_what_a_killed_upload_has_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, half) = (
            folder.path().join("log.json"),
            folder.path().join(".upload_log-half"),
        );
        fs::write(&path, "").unwrap();
        fs::write(&half, "[").unwrap();
        UploadLog::open(&path, NOW).unwrap();
        assert!(half.exists());
        let log = UploadLog::open(&path, Timestamp::MAX).unwrap();
        assert!(!half.exists());
        log.add(&[told("/a", None)], "s3", NOW).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let all: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn many_at_once_lose_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload_log.json");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let log = UploadLog::open(&path, NOW).unwrap();
                    for _ in 0..10 {
                        log.add(&[told("/a", None)], "s3", Timestamp::UNIX_EPOCH).unwrap();
                    }
                });
            }
        });
        let all: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(all.len(), 80);
    }
}
