//! Reading a file once: what it holds, and what has to be known of its inside to tell where it goes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use casefile::collection::{Collection, ContentRule};
use casefile::digest::Hasher;
use casefile::json::{FieldError, JsonError, compact};
use casefile::training_log::TrainingLog;
use session_export::bols::{HEADER_WITHIN, check_header};
use session_export::files::{PARQUET, is_table};

use super::entry::Is;
use super::folder::{Stat, Unread};

const PIECE: usize = 64 * 1024;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// As it is stored: of a training run's log, without the blanks between its parts.
    pub(super) is: Is,
    /// Of a training run's log.
    pub(super) log: Option<TrainingLog>,
}

/// Reads a file that its collection takes by its name. In memory is a piece of it; of a training run's log, all.
///
/// # Errors
/// Why it isn't taken.
pub(super) fn read(collection: Collection, at: &Path, stat: Stat) -> Result<Content, String> {
    if stat.size == 0 {
        return Err("it is empty".to_owned());
    }
    if stat.size > collection.max_bytes() {
        let (name, most) = (collection.name(), collection.max_bytes());
        return Err(format!("it has {} bytes; {name} takes at most {most}", stat.size));
    }
    let name = at.file_name().unwrap_or_default().to_string_lossy();
    let is_log = is_log(collection, &name);
    let mut seen = Seen::default();
    let mut text = Vec::new();
    let mut hasher = Hasher::default();
    let mut size = 0;
    each_piece(at, |piece| {
        if !is_log {
            hasher.update(piece);
        }
        seen.take(piece);
        size += piece.len() as u64;
        if is_log && size <= collection.max_bytes() {
            text.extend_from_slice(piece);
        }
    })?;
    if size != stat.size || Stat::of(at)? != stat {
        return Err("it changed while it was read".to_owned());
    }
    seen.check(collection, &name.to_lowercase(), size)?;
    let mut log = None;
    if is_log {
        let (read, compacted) = self::log(&text)?;
        hasher.update(&compacted);
        size = compacted.len() as u64;
        log = Some(read);
    }
    let is = Is {
        size,
        modified_at: stat.modified_at,
        sha256: hasher.finish(),
    };
    Ok(Content { is, log })
}

/// Whether files of such a name are training runs' logs, which the API stores without the blanks between their parts.
pub(super) fn is_log(collection: Collection, name: &str) -> bool {
    let kind = collection.kind_of(name);
    kind.is_some_and(|kind| kind.content() == ContentRule::TrainingLog)
}

/// What is stored of a training run's log: at most `limit` bytes of it are read, and one more, which tells that there are
/// more.
///
/// # Errors
/// When it can't be read.
pub(super) fn compacted(at: &Path, limit: u64) -> Result<Vec<u8>, Unread> {
    let bytes = beginning(at, limit + 1, Vec::new())?;
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(compact(text)),
        Err(_) => Ok(bytes),
    }
}

/// So many bytes of a file, or all that there are, in the room that is given.
///
/// # Errors
/// When it can't be read.
pub(super) fn beginning(at: &Path, most: u64, mut room: Vec<u8>) -> Result<Vec<u8>, Unread> {
    File::open(at)?.take(most).read_to_end(&mut room)?;
    Ok(room)
}

/// Gives out a file piece by piece.
///
/// # Errors
/// When it can't be read.
pub(super) fn each_piece(at: &Path, mut take: impl FnMut(&[u8])) -> Result<(), Unread> {
    let mut file = File::open(at)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            read => take(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// How a file begins and ends.
#[derive(Debug, Default)]
struct Seen {
    begin: Vec<u8>,
    end: Vec<u8>,
}

impl Seen {
    fn take(&mut self, piece: &[u8]) {
        let room = HEADER_WITHIN.saturating_sub(self.begin.len());
        self.begin.extend(piece.iter().take(room));
        self.end
            .extend(piece.iter().skip(piece.len().saturating_sub(PARQUET.len())));
        let over = self.end.len().saturating_sub(PARQUET.len());
        self.end.drain(..over);
    }

    /// What the API demands of a file before it takes it.
    fn check(&self, collection: Collection, name: &str, size: u64) -> Result<(), String> {
        if collection == Collection::bols() && check_header(&self.begin).is_err() {
            return Err("it is no PDF".to_owned());
        }
        let begin = self.begin.get(..PARQUET.len()).unwrap_or_default();
        let is_table = is_table(size, begin, &self.end);
        if collection.is_replaced() && name.ends_with(".parquet") && !is_table {
            return Err(
                "it is no Parquet file, or isn't whole: it doesn't begin and end with PAR1".to_owned(),
            );
        }
        Ok(())
    }
}

/// A log, and what is stored of it. What is wrong names fields, not what they hold.
fn log(text: &[u8]) -> Result<(TrainingLog, Vec<u8>), String> {
    let text = std::str::from_utf8(text).map_err(|_| "it isn't UTF-8".to_owned())?;
    let log = TrainingLog::parse(text).map_err(|error: JsonError| format!("it is no JSON: {error}"))?;
    let log = log.map_err(|errors| {
        let told = |error: FieldError| format!("{} {}", error.pointer, error.detail);
        let errors: Vec<_> = errors.into_iter().map(told).collect();
        format!("it is no training log: {}", errors.join("; "))
    })?;
    Ok((log, compact(text)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use casefile::digest::Sha256;

    use super::*;

    fn read_file(collection: Collection, name: &str, content: &[u8]) -> Result<Content, String> {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join(name);
        fs::write(&at, content).unwrap();
        read(collection, &at, Stat::of(&at).unwrap())
    }

    #[test]
    fn a_file_is_known_by_its_digest_and_checked_as_the_api_checks_it() {
        let pdf = "junk before %PDF-1.7".to_owned() + &"x".repeat(100_000);
        let pdf = pdf.as_bytes();
        let read = read_file(Collection::bols(), "a.pdf", pdf).unwrap();
        assert_eq!(
            (read.is.sha256, read.is.size),
            (Sha256::of(pdf), pdf.len() as u64)
        );
        for (collection, name, content, why) in [
            (Collection::bols(), "a.pdf", "", "it is empty"),
            (Collection::bols(), "a.pdf", "<html>", "it is no PDF"),
            (Collection::clinical(), "a.PARQUET", "PAR1 and more", "PAR1"),
            (Collection::training_logs(), "a.log", "{}", "/session is required"),
            (Collection::training_logs(), "a.log", "loss: 1", "it is no JSON"),
        ] {
            let error = read_file(collection, name, content.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(read_file(Collection::clinical(), "a.parquet", b"PAR1xPAR1").is_ok());
        assert!(read_file(Collection::clinical(), "a.parquet", b"PAR1PAR1").is_err());
    }

    #[test]
    fn a_log_says_its_session_and_is_known_by_what_is_stored_of_it() {
        let sample = include_str!("../../../../tests/fixtures/training/session.json");
        let read = read_file(Collection::training_logs(), "x.log", sample.as_bytes()).unwrap();
        let session = read.log.unwrap().session_id;
        assert_eq!(session.as_str(), "abc12345-def6-4890-a1b2-c3d4e5f60718");
        let stored = compact(sample);
        assert!(stored.len() < sample.len());
        assert_eq!(
            (read.is.sha256, read.is.size),
            (Sha256::of(&stored), stored.len() as u64)
        );
    }

    #[test]
    fn no_more_is_read_into_memory_than_what_tells_that_there_is_more() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("x");
        fs::write(&at, "[1, 2, 3]").unwrap();
        assert_eq!(compacted(&at, 4).unwrap(), b"[1,2");
        assert_eq!(compacted(&at, 100).unwrap(), b"[1,2,3]");
        assert!(!compacted(&folder.path().join("gone"), 4).unwrap_err().may_pass);
    }
}
