//! The reading of the log.

use bytes::Bytes;
use casefile::audit::{Record, id_at, key};
use casefile::bucket::Bucket;
use casefile::id::TimeId;
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::value::RawValue;

use super::cursor::Cursor;
use super::question::Question;
use super::window::{Backwards, Window};

/// Records read at once: enough to hide S3's latency, few enough for one thread.
const AT_ONCE: usize = 32;
/// The fewest that are read for the rest of a page, of which some may not fit the question.
const LEAST_BATCH: usize = 16;
/// What one call does at most; counted at the ends of windows, of which each holds up to 1,000 records.
const MAX_LISTS: usize = 40;
const MAX_READS: usize = 2_000;
/// The most keys of a LIST.
const MAX_KEYS: i32 = 1_000;
/// A record that shows 200 paths of the greatest length is below this size.
const MAX_RECORD_BYTES: u64 = 512 * 1024;
/// An answer of Lambda has at most 6 MB, in which each quote of a record counts twice.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// A page of records.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Newest first, as they are stored.
    pub(super) records: Vec<Box<RawValue>>,
    /// How to go on, when there may be more.
    pub(super) next_cursor: Option<Cursor>,
}

/// The reading of a page.
#[derive(Debug)]
pub(super) struct Search<'a> {
    bucket: &'a Bucket,
    tenant: &'a str,
    question: &'a Question,
    rest: Backwards,
    shown: Vec<(TimeId, Box<RawValue>)>,
    bytes: usize,
    lists: usize,
    reads: usize,
}

impl<'a> Search<'a> {
    /// The reading of a page for a tenant's auditor.
    pub(super) fn new(bucket: &'a Bucket, tenant: &'a str, question: &'a Question) -> Self {
        Self {
            bucket,
            tenant,
            question,
            rest: Backwards::new(question.from, question.before()),
            shown: Vec::new(),
            bytes: 0,
            lists: 0,
            reads: 0,
        }
    }

    /// Reads the page: only the days asked for, and no further than the page needs. After 40 LISTs or 2,000 records
    /// that it doesn't show, the page is short, and its cursor is a time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub(super) async fn page(mut self) -> Result<Page, StoreError> {
        while let Some(window) = self.rest.window() {
            if self.lists >= MAX_LISTS || self.reads >= MAX_READS {
                let before = self.rest.before();
                return Ok(self.into_page(Some(before)));
            }
            let Some(ids) = self.ids(&window).await? else {
                continue;
            };
            let has_rest = self.read(&ids).await?;
            self.rest.pass(&window, ids.len());
            if self.is_full() {
                let has_more = has_rest || self.rest.window().is_some();
                let last = self.shown.last().map(|(id, _)| *id);
                return Ok(self.into_page(last.filter(|_| has_more)));
            }
        }
        Ok(self.into_page(None))
    }

    /// The ids of a window's records, oldest first; `None` when there are more than a LIST gives, and the next window
    /// is to be a shorter one.
    async fn ids(&mut self, window: &Window) -> Result<Option<Vec<TimeId>>, StoreError> {
        let (prefix, mut after) = (window.prefix(), window.after());
        let mut ids = Vec::new();
        loop {
            let page = self.bucket.page(&prefix, Some(&after), MAX_KEYS).await?;
            self.lists += 1;
            let (found, strange) = window.ids(&page);
            for key in strange {
                damaged(key, "its key is no record's");
            }
            ids.extend(found);
            if window.is_whole(&page) {
                return Ok(Some(ids));
            }
            let last = page.keys.last().cloned().unwrap_or_default();
            if !window.is_least() {
                self.rest.narrow(window, id_at(&last));
                return Ok(None);
            }
            after = last;
        }
    }

    /// Reads a window's records, newest first, until the page is full; whether some are left.
    async fn read(&mut self, ids: &[TimeId]) -> Result<bool, StoreError> {
        let newest: Vec<_> = ids.iter().rev().copied().collect();
        let mut rest = newest.as_slice();
        while !self.is_full() && !rest.is_empty() {
            let size = (self.question.limit - self.shown.len()).max(LEAST_BATCH);
            let (batch, others) = rest.split_at(size.min(rest.len()));
            let search = &*self;
            let found: Vec<_> = stream::iter(batch)
                .map(|id| search.record(*id))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            self.reads += batch.len();
            if self.show(found.into_iter().flatten()) {
                return Ok(true);
            }
            rest = others;
        }
        Ok(!rest.is_empty())
    }

    /// Puts records onto the page while there is room; whether some found none.
    fn show(&mut self, found: impl Iterator<Item = (TimeId, Box<RawValue>)>) -> bool {
        for (id, record) in found {
            if self.is_full() {
                return true;
            }
            self.bytes += record.get().len();
            self.shown.push((id, record));
        }
        false
    }

    fn is_full(&self) -> bool {
        self.shown.len() >= self.question.limit || self.bytes >= MAX_PAGE_BYTES
    }

    /// A record, if it is the tenant's and fits the question.
    async fn record(&self, id: TimeId) -> Result<Option<(TimeId, Box<RawValue>)>, StoreError> {
        let key = key(id);
        let body = match self.bucket.read(&key, MAX_RECORD_BYTES).await {
            Ok(body) => body,
            Err(StoreError::NotFound | StoreError::TooLarge { .. }) => {
                damaged(&key, "it is gone or too large");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Some((record, text)) = parse(&body) else {
            damaged(&key, "it can't be read");
            return Ok(None);
        };
        let is_shown = self.question.filter.shows(self.tenant, &record);
        Ok(is_shown.then_some((id, text)))
    }

    fn into_page(self, before: Option<TimeId>) -> Page {
        let from = self.question.from;
        Page {
            records: self.shown.into_iter().map(|(_, record)| record).collect(),
            next_cursor: before.map(|before| Cursor { before, from }),
        }
    }
}

fn parse(body: &Bytes) -> Option<(Record, Box<RawValue>)> {
    let record = serde_json::from_slice(body).ok()?;
    Some((record, serde_json::from_slice(body).ok()?))
}

fn damaged(key: &str, why: &str) {
    tracing::warn!(storage.key = key, why, "a record of the audit log is skipped");
}
