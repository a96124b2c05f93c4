//! `casefile tables`: a clinical registry's tables as files for analysts. S3 first, then the copy, then a clear error.
//!
//! What is handed out is checked: a download against the digest that S3 has, a copy against the record of its download,
//! and against S3's verdict on its version, which the record keeps.

mod arguments;
mod download;
mod fetch;
mod folder;
mod list;
mod name;
mod progress;
mod remote;
mod shelf;
mod show;
mod sync;
mod withheld;

pub use arguments::Arguments;

use casefile::bucket::Bucket;
use casefile::config::{Env, bucket_name};
use casefile::id::Entropy;
use casefile::time::{Clock, rfc3339};
use serde_json::{Value, json};

use self::arguments::{Choice, Command};
use self::download::Limits;
use self::fetch::{Fetcher, Had, Source, Way, age};
use self::folder::folder;
use self::list::list;
use self::name::Wanted;
use self::progress::Progress;
use self::shelf::Shelf;
use self::sync::sync;
pub use crate::done::Done;
use crate::failure::Failure;
use crate::tree::printable;

/// Does what the arguments say. It ends with 0 when all was done, with 1 when some can't be as things are, and with 2 when all
/// failed.
///
/// # Errors
/// [`Failure`], in words for the person.
pub async fn run(arguments: &Arguments, env: Env, clock: Clock, entropy: Entropy) -> Result<Done, Failure> {
    let fetcher = fetcher(arguments, env, clock, entropy)?;
    match &arguments.command {
        Command::List { json, .. } => list(&fetcher, *json).await,
        Command::Get {
            table, version, json, ..
        } => {
            let (table, version) = (table.clone(), version.clone());
            get(&fetcher, &Wanted { table, version }, *json).await
        }
        Command::Sync { tables, json, .. } => sync(&fetcher, tables, *json).await,
    }
}

fn fetcher(arguments: &Arguments, mut env: Env, clock: Clock, entropy: Entropy) -> Result<Fetcher, Failure> {
    let Choice { offline, force_s3 } = match &arguments.command {
        Command::List { offline, .. } => Choice {
            offline: *offline,
            force_s3: false,
        },
        Command::Get { choice, .. } | Command::Sync { choice, .. } => *choice,
    };
    let bucket = match &arguments.bucket {
        Some(bucket) => Some(bucket.clone()),
        None => env.required("S3_BUCKET_NAME", bucket_name),
    };
    let folder = folder(arguments.to.as_deref(), &mut env, bucket.as_deref());
    let settings = if offline { Some(None) } else { env.s3().map(Some) };
    let ((bucket, folder), settings) = env
        .finish(bucket.zip(folder).zip(settings))
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let source = match settings {
        None => Source::Copies,
        Some(settings) => Source::S3 {
            bucket: Bucket::new(settings.client(), bucket.clone()),
            is_forced: force_s3,
        },
    };
    let shelf = Shelf::new(folder, bucket, clock, entropy);
    shelf.sweep();
    Ok(Fetcher {
        source,
        shelf,
        progress: Progress::default(),
    })
}

async fn get(fetcher: &Fetcher, wanted: &Wanted, is_json: bool) -> Result<Done, Failure> {
    let had = fetcher.fetch(wanted, Limits::shared_by(1)).await?;
    let path = had.path.display().to_string();
    let note = match &had.way {
        Way::Kept(why) => Some(format!("{why}; {path} is the copy, {}", age(&had.record))),
        Way::Fresh | Way::Downloaded | Way::Copy => None,
    };
    Ok(Done {
        out: if is_json {
            format!("{:#}\n", as_json(wanted, &had))
        } else {
            format!("{path}\n")
        },
        notes: note.into_iter().collect(),
        code: 0,
    })
}

fn as_json(wanted: &Wanted, had: &Had) -> Value {
    let from = match had.way {
        Way::Fresh | Way::Copy => "copy",
        Way::Kept(_) => "copy_in_outage",
        Way::Downloaded => "s3",
    };
    let record = &had.record;
    json!({
        "table": wanted.table.as_str(),
        "path": had.path.display().to_string(),
        "from": from,
        "version_id": record.version_id,
        "size": record.size,
        "sha256": record.sha256,
        "stored_at": record.stored_at.map(rfc3339),
        "checked_at": rfc3339(record.checked_at),
    })
}

/// That these keys aren't among the tables.
fn left_out(keys: &[String]) -> Vec<String> {
    let note = |key: &String| format!("{} is left out: it can't be a table's file", printable(key));
    keys.iter().map(note).collect()
}
