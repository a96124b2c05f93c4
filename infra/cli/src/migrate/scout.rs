//! A last look before files are sent: whatever was rejected, deleted or declared void since the plan stays so.

use casefile::bol::Numbers;
use casefile::bucket::{Bucket, Shown};
use casefile::store_error::StoreError;
use futures::future::try_join;
use tokio::time::Instant;

use super::entry::Entry;
use super::look::HIDDEN;
use super::series::{AllSeries, Spans};
use super::there::{There, there};

/// How many files are looked at together, shortly before they are sent. What waits for longer than a minute then is looked
/// at again, alone.
pub(super) const TOGETHER: usize = 500;

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

/// A file of the plan, by its place there, and what lay in its way at that moment.
pub(super) type Next = (usize, Entry, Way, Instant);

/// Looks what lies in the way of these files: a list for hundreds of them, and a request for each series of numbers.
pub(super) async fn scout(
    bucket: &Bucket,
    numbers: Option<&Numbers<'_>>,
    entries: Vec<(usize, Entry)>,
) -> Vec<Next> {
    let at = Instant::now();
    let seen = Seen::look(bucket, numbers, entries.iter().map(|(_, entry)| entry)).await;
    let next = entries.into_iter().map(|(place, entry)| {
        let way = way(&seen, &entry);
        (place, entry, way, at)
    });
    next.collect()
}

/// The same for one file, whose turn has come late.
pub(super) async fn look_again(bucket: &Bucket, numbers: Option<&Numbers<'_>>, entry: &Entry) -> Way {
    way(&Seen::look(bucket, numbers, std::iter::once(entry)).await, entry)
}

struct Seen {
    there: There,
    series: AllSeries,
}

impl Seen {
    async fn look<'a>(
        bucket: &Bucket,
        numbers: Option<&Numbers<'_>>,
        entries: impl Iterator<Item = &'a Entry> + Clone,
    ) -> Result<Self, StoreError> {
        let keys = entries
            .clone()
            .filter_map(|entry| Some(entry.to.as_ref()?.key.as_str()));
        let spans: Spans = entries.filter_map(Entry::number).collect();
        let series = async {
            match numbers {
                Some(numbers) => AllSeries::again(numbers, &spans).await,
                None => Ok(AllSeries::default()),
            }
        };
        let (there, series) = try_join(there(bucket, keys), series).await?;
        Ok(Self { there, series })
    }
}

fn way(seen: &Result<Seen, StoreError>, entry: &Entry) -> Way {
    let Seen { there, series } = match seen {
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
}
