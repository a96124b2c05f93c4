//! `casefile upload`: files of this machine into a collection, through the API or straight to S3.
//!
//! Nothing is lost: each file ends in S3, in the API's keeping or in the queue, or the person knows why it doesn't. Nothing
//! is overwritten, so whatever was sent may be sent again.

mod api;
mod arguments;
mod body;
mod direct;
mod grant;
mod job;
mod log;
mod outcome;
mod queue;
mod send;
mod settings;
mod show;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use arguments::Arguments;

use casefile::config::Env;
use casefile::time::Clock;

use self::job::Wish;
use self::log::UploadLog;
use self::queue::{Queue, Turn, Waiting};
use self::send::{Sender, Work};
use self::settings::{Destination, Settings};
use self::show::Done;
use crate::failure::Failure;

/// Does what the arguments say; what it has to show, and what it ends with.
///
/// # Errors
/// [`Failure`], in words for the person, before anything is sent.
pub async fn run(arguments: &Arguments, env: Env, clock: Clock) -> Result<(String, u8), Failure> {
    let Settings { to, service, queue } = Settings::read(arguments, env, clock)?;
    let new = new(arguments)?;
    let log = UploadLog::open(&arguments.log, clock())?;
    let queue = Queue::new(queue);
    let mut waiting = waiting(&queue, &to)?;
    // What was tried in vain is tried last: it is in no other file's way.
    let (tried, fresh): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting.ours)
        .into_iter()
        .partition(Waiting::was_tried);
    let mut work: Vec<_> = fresh.into_iter().map(Work::Waiting).collect();
    work.extend(new);
    work.extend(tried.into_iter().map(Work::Waiting));
    let sender = Sender::new(&service, &to, &queue, &log, clock);
    let (files, unlogged) = sender.send(work, arguments.transfers).await;
    waiting.notes.extend(unlogged.iter().map(ToString::to_string));
    let done = Done {
        files: &files,
        left: waiting.left,
        notes: &waiting.notes,
    };
    // What waits for another place is no business of those who name files for this one.
    let is_waiting = waiting.left > 0 && arguments.queued;
    let code = if unlogged.is_some() {
        2
    } else {
        outcome::code(&files, is_waiting)
    };
    Ok((if arguments.json { done.json() } else { done.text() }, code))
}

/// The files that the person names, each once.
fn new(arguments: &Arguments) -> Result<Vec<Work>, Failure> {
    let metadata = metadata(arguments).map_err(Failure::Failed)?;
    let Some(collection) = arguments.collection.clone() else {
        return Ok(Vec::new());
    };
    if arguments.files.len() > 1 && (arguments.replaces.is_some() || metadata.contains_key("number")) {
        let why = "--replaces and --metadata number are about one file: name just one";
        return Err(Failure::Failed(why.to_owned()));
    }
    let wish = Wish {
        collection,
        metadata,
        owner: arguments.owner.as_ref().map(|owner| owner.as_str().to_owned()),
        replaces: arguments.replaces.clone(),
    };
    let mut files = Vec::new();
    for file in &arguments.files {
        if !files.contains(file) {
            files.push(file.clone());
        }
    }
    Ok(files
        .into_iter()
        .map(|file| Work::New(file, wish.clone()))
        .collect())
}

/// What is kept with the files, from the command line and the file. Nothing of the file is quoted but names.
fn metadata(arguments: &Arguments) -> Result<BTreeMap<String, String>, String> {
    let mut metadata = match &arguments.metadata_file {
        Some(path) => {
            read_metadata(path).map_err(|why| format!("--metadata-file {}: {why}", path.display()))?
        }
        None => BTreeMap::new(),
    };
    for (name, value) in &arguments.metadata {
        if metadata.insert(name.clone(), value.clone()).is_some() {
            return Err(format!("--metadata {name} is given more than once"));
        }
    }
    Ok(metadata)
}

fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, &'static str> {
    let text = fs::read(path).map_err(|_| "can't be read")?;
    let metadata: BTreeMap<String, String> = serde_json::from_slice(&text)
        .map_err(|_| "must be a JSON object of texts, such as {\"patient_name\": \"Jane Doe\"}")?;
    let are_names = metadata.keys().all(|name| arguments::is_name(name));
    are_names
        .then_some(metadata)
        .ok_or("has a name with something but letters, digits, '_' and '-'")
}

/// What lies in the queue.
#[derive(Debug, Default)]
struct InQueue {
    /// To be sent now.
    ours: Vec<Waiting>,
    /// How many aren't.
    left: usize,
    /// Why not.
    notes: Vec<String>,
    _turn: Option<Turn>,
}

/// What waits for this very place and caller; a token is for no other. While another one sends it on, it is left to that one.
fn waiting(queue: &Queue, to: &Destination) -> Result<InQueue, Failure> {
    if queue.waiting()?.is_empty() {
        return Ok(InQueue::default());
    }
    let turn = queue.turn()?;
    let all = queue.waiting()?;
    if turn.is_none() {
        let notes = vec!["another casefile upload is sending on what waits".to_owned()];
        let left = all.len();
        return Ok(InQueue {
            left,
            notes,
            ..InQueue::default()
        });
    }
    let is_ours = |waiting: &Waiting| waiting.entry.as_ref().is_none_or(|entry| entry.to.takes(to));
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_ours);
    let mut places = BTreeMap::<String, usize>::new();
    for entry in others.iter().filter_map(|waiting| waiting.entry.as_ref()) {
        let place = if entry.to.shown() == to.shown() {
            format!("another caller or tenant of {}", to.shown())
        } else {
            entry.to.shown()
        };
        *places.entry(place).or_default() += 1;
    }
    let told = |(place, count): (String, usize)| match count {
        1 => format!("1 waits for {place}"),
        count => format!("{count} wait for {place}"),
    };
    Ok(InQueue {
        ours,
        left: others.len(),
        notes: places.into_iter().map(told).collect(),
        _turn: turn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_from_a_file_too_and_nothing_of_it_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ecg.json");
        fs::write(&path, r#"{"patient_name": "Jane Doe"}"#).unwrap();
        assert_eq!(read_metadata(&path).unwrap()["patient_name"], "Jane Doe");
        for text in [
            r#"{"patient_name": 1, "hidden"#,
            r#"["hidden"]"#,
            r#"{"a b": "hidden"}"#,
        ] {
            fs::write(&path, text).unwrap();
            let error = read_metadata(&path).unwrap_err();
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
