//! A last look before files are sent: whatever was rejected, deleted or declared void since the plan stays so.

use casefile::bol::Numbers;
use casefile::bucket::{Bucket, Shown};
use casefile::store_error::StoreError;
use futures::future::try_join;

use super::entry::Entry;
use super::look::HIDDEN;
use super::series::{AllSeries, Spans};
use super::there::there;

/// How many files are looked at together, shortly before they are sent.
pub(super) const TOGETHER: usize = 1_000;

/// What lies in a file's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing.
    Free,
    /// Something, perhaps the very same.
    Taken,
    /// It isn't to be stored any more: why.
    Closed(String),
    /// Nobody knows.
    Unknown(String),
}

/// A file of the plan, by its place there, and what lies in its way.
pub(super) type Next = (usize, Entry, Way);

/// Looks what lies in the way of these files: a list for hundreds of them, and a request for each series of numbers.
pub(super) async fn scout(
    bucket: &Bucket,
    numbers: Option<&Numbers<'_>>,
    entries: Vec<(usize, Entry)>,
) -> Vec<Next> {
    let keys = entries
        .iter()
        .filter_map(|(_, entry)| Some(entry.to.as_ref()?.key.as_str()));
    let seen = try_join(there(bucket, keys), series(numbers, &entries)).await;
    let way = |entry: &Entry| {
        let (there, series) = match &seen {
            Ok(seen) => seen,
            Err(error) => return Way::Unknown(error.to_string()),
        };
        if let Some((_, why)) = entry.number().and_then(|number| series.refuse(number)) {
            return Way::Closed(why);
        }
        match entry.to.as_ref().and_then(|to| there.get(&to.key)) {
            None => Way::Free,
            Some(Shown::There) => Way::Taken,
            Some(Shown::Hidden) => Way::Closed(HIDDEN.to_owned()),
        }
    };
    entries
        .into_iter()
        .map(|(at, entry)| {
            let way = way(&entry);
            (at, entry, way)
        })
        .collect()
}

async fn series(numbers: Option<&Numbers<'_>>, entries: &[(usize, Entry)]) -> Result<AllSeries, StoreError> {
    let Some(numbers) = numbers else {
        return Ok(AllSeries::default());
    };
    let spans: Spans = entries.iter().filter_map(|(_, entry)| entry.number()).collect();
    AllSeries::read(numbers, &spans).await
}
