//! `plan`: walk → read → place → look → what can't have its number → what collides → the plan.

use casefile::bol::{BolNumber, Numbers};
use casefile::bucket::Bucket;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, stream};

use super::collide::collide;
use super::entry::{Action, Entry, Is, To};
use super::folder::{Found, Kind};
use super::look::look;
use super::place::Rules;
use super::read::{Content, read};
use super::records::{Row, Rows};
use super::series::{AllSeries, Spans};
use crate::failure::Failure;

/// Files that are read at once. A training log is in memory meanwhile.
const AT_ONCE: usize = 4;
/// Files whose places are looked at together.
const TOGETHER: usize = 1_000;

/// What a plan is made of.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) entries: Vec<Entry>,
    /// The last numbers that are to be taken out of their series.
    pub(super) taken: Vec<BolNumber>,
}

/// Makes the entries of a plan. `done` hears of each file that was read.
///
/// # Errors
/// When storage fails.
pub(super) async fn make(
    bucket: &Bucket,
    numbers: Option<&Numbers<'_>>,
    rules: &Rules,
    found: Vec<Found>,
    mut rows: Rows,
    done: impl Fn(u64),
) -> Result<Made, Failure> {
    let mut entries = Vec::with_capacity(found.len());
    let has_records = !rows.is_empty();
    let mut without_row = Vec::new();
    let mut found = found.into_iter().peekable();
    while found.peek().is_some() {
        let some = found.by_ref().take(TOGETHER);
        let with_rows = some.map(|found| {
            let row = rows.remove(&found.file);
            without_row.push(row.is_none() && has_records);
            (row.unwrap_or_default(), found)
        });
        let read = stream::iter(with_rows.collect::<Vec<_>>())
            .map(|(row, found)| async {
                let entry = entry(rules, found, row).await;
                done(entry.size());
                entry
            })
            .buffered(AT_ONCE);
        let mut read: Vec<_> = read.collect().await;
        look(bucket, rules, &mut read).await?;
        entries.extend(read);
    }
    entries.extend(rows.into_left().map(missing));
    let taken = match numbers {
        Some(numbers) => refuse_numbers(numbers, &mut entries).await?,
        None => Vec::new(),
    };
    collide(&mut entries);
    for (entry, _) in entries.iter_mut().zip(without_row).filter(|(_, none)| *none) {
        entry.reason += "; the records have no row for it";
    }
    Ok(Made { entries, taken })
}

/// A file as it is to be stored, if its collection takes it.
async fn entry(rules: &Rules, found: Found, row: Row) -> Entry {
    let file = found.file.clone();
    match placed(rules, found, &row).await {
        Ok((is, to)) => Entry {
            is: Some(is),
            to: Some(to),
            ..Entry::new(file, Action::Upload, "")
        },
        Err(why) => {
            let is_numbered = rules.collection.number_format().is_some();
            let number = rules.number(&file, &row).ok().filter(|_| is_numbered);
            Entry {
                number,
                ..Entry::new(file, Action::Rejected, why)
            }
        }
    }
}

/// What the records name and the folder doesn't have: perhaps its name is wrong there, and a file goes without its row.
fn missing((file, row): (String, Row)) -> Entry {
    let why = "the records name it, and it isn't in the folder";
    Entry {
        number: row.number,
        ..Entry::new(file, Action::Conflict, why)
    }
}

async fn placed(rules: &Rules, found: Found, row: &Row) -> Result<(Is, To), String> {
    let stat = match found.kind {
        Kind::File(stat) => stat,
        Kind::Other(why) => return Err(why),
    };
    rules.accept(&found.file)?;
    let collection = rules.collection;
    // Milliseconds, or seconds for a large one, in which others are read, too.
    let content = tokio::task::spawn_blocking(move || read(collection, &found.at, stat)).await;
    let content: Content = content.map_err(|_| "it can't be read".to_owned())??;
    let to = rules.place(&found.file, &content, row)?;
    Ok((content.is, to))
}

/// Refuses numbers that can't be moved in; the last ones of all that can be taken out of their series.
async fn refuse_numbers(numbers: &Numbers<'_>, entries: &mut [Entry]) -> Result<Vec<BolNumber>, StoreError> {
    let spans: Spans = entries.iter().filter_map(Entry::number).collect();
    let all = AllSeries::read(numbers, &spans).await?;
    // What is stored already has its number.
    for entry in entries.iter_mut().filter(|entry| entry.action == Action::Upload) {
        if let Some((action, reason)) = entry.number().and_then(|number| all.refuse(number)) {
            entry.ends(action, reason);
        }
    }
    let clear = spans.all().into_iter().map(|span| &span.highest);
    Ok(clear
        .filter(|highest| all.is_clear(highest.series()))
        .cloned()
        .collect())
}
