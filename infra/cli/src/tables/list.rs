//! `casefile tables list`.

use casefile::bucket::Bucket;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::fetch::{Fetcher, Source};
use super::name::{TableName, Wanted};
use super::remote::{self, Found};
use super::shelf::Local;
use super::show::{self, Row, State};
use super::{Done, left_out};
use crate::failure::Failure;

/// Tables that are looked at at once.
const LOOKS_AT_ONCE: usize = 8;

/// Lists what S3 has; the copies when it can't be reached, or isn't to be asked.
pub(super) async fn list(fetcher: &Fetcher, is_json: bool) -> Result<Done, Failure> {
    let bucket = match &fetcher.source {
        Source::Copies => return copies(fetcher, is_json).await,
        Source::S3 { bucket, .. } => bucket,
    };
    match listed(fetcher, bucket, is_json).await {
        Ok(done) => Ok(done),
        Err(Unlisted::Store(error @ StoreError::Unavailable(_))) => {
            if fetcher.copies()?.is_empty() {
                return Err(Failure::Failed(error.to_string()));
            }
            let mut done = copies(fetcher, is_json).await?;
            done.notes.push(format!("{error}; these are the copies"));
            Ok(done)
        }
        Err(Unlisted::Store(error)) => Err(Failure::Failed(fetcher.explained(&error))),
        Err(Unlisted::Failure(failure)) => Err(failure),
    }
}

enum Unlisted {
    Store(StoreError),
    Failure(Failure),
}

async fn listed(fetcher: &Fetcher, bucket: &Bucket, is_json: bool) -> Result<Done, Unlisted> {
    let names = remote::names(bucket).await.map_err(Unlisted::Store)?;
    let judged = fetcher.judge_others(bucket, &names.tables).await;
    let mut notes = left_out(&names.left_out);
    notes.extend(judged);
    let looks = names.tables.into_iter().map(|table| look(fetcher, bucket, table));
    let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    let (mut rows, mut denied) = (Vec::new(), None);
    for looked in looked {
        match looked {
            Looked::Row(row) => rows.push(row),
            Looked::Hidden(note) => notes.extend(note),
            Looked::Denied(note, error) => {
                notes.push(note);
                denied = Some(error);
            }
        }
    }
    match denied {
        Some(error) if rows.is_empty() => return Err(Unlisted::Store(error)),
        Some(error) => notes.push(fetcher.explained(&error)),
        None => (),
    }
    let out = show::list(&rows, fetcher.place(true), is_json);
    Ok(Done { out, notes, code: 0 })
}

/// A table's row; or none, and why.
enum Looked {
    Row(Row),
    Hidden(Option<String>),
    /// S3 refuses this one: the others are listed all the same.
    Denied(String, StoreError),
}

async fn look(fetcher: &Fetcher, bucket: &Bucket, table: TableName) -> Result<Looked, Unlisted> {
    let wanted = Wanted::newest(table);
    let head = match remote::look(bucket, &wanted).await {
        Ok(Found::Table(head)) => head,
        // Since the list was made.
        Ok(Found::Nothing) => return Ok(Looked::Hidden(None)),
        Ok(Found::Withheld(head, why)) => {
            let noted = fetcher.withhold(&wanted, &head, why);
            return Ok(Looked::Hidden(Some(format!(
                "{wanted} is left out: it {why}{noted}"
            ))));
        }
        Err(error @ StoreError::Unavailable(_)) => return Err(Unlisted::Store(error)),
        Err(error) => return Ok(Looked::Denied(format!("{wanted} is left out: {error}"), error)),
    };
    let local = fetcher.local(&wanted).await.map_err(Unlisted::Failure)?;
    Ok(Looked::Row(Row {
        size: head.size,
        stored_at: head.last_modified,
        state: State::of(&local, &head),
        version_id: head.version_id,
        path: fetcher.shelf.path(&wanted),
        table: wanted.table,
    }))
}

async fn copies(fetcher: &Fetcher, is_json: bool) -> Result<Done, Failure> {
    let mut rows = Vec::new();
    for (wanted, record) in fetcher.copies()? {
        let state = match fetcher.local(&wanted).await? {
            Local::Copy(_) => State::Kept,
            Local::Withheld(..) => State::Withheld,
            Local::Missing => State::Missing,
            Local::Unknown => State::Damaged,
        };
        rows.push(Row {
            size: record.size,
            stored_at: record.stored_at,
            state,
            version_id: record.version_id,
            path: fetcher.shelf.path(&wanted),
            table: wanted.table,
        });
    }
    Ok(Done {
        out: show::list(&rows, fetcher.place(false), is_json),
        ..Done::default()
    })
}
