//! The log backwards: S3 lists forwards only, so that it is read by windows of time, the newest first. Arithmetic only.

use casefile::audit::{day_prefix, id_at, key};
use casefile::bucket::Page;
use casefile::id::TimeId;
use jiff::Timestamp;

/// Milliseconds, since 1970 where they are a time.
pub(super) type Millis = i64;

/// A day.
pub(super) const DAY: Millis = 24 * 60 * 60 * 1_000;
const HOUR: Millis = 60 * 60 * 1_000;
/// A window with fewer records than this is followed by a wider one: a LIST gives 1,000.
const FEW: usize = 250;

/// What is still to be read.
#[derive(Debug, Clone)]
pub(super) struct Backwards {
    /// The first millisecond.
    from: Millis,
    /// Every id from here on has been read.
    before: TimeId,
    /// How long the next window is.
    width: Millis,
}

/// A stretch of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Its first millisecond.
    low: Millis,
    /// Its length up to the last millisecond that holds ids before `before`.
    length: Millis,
    /// All its ids are lesser.
    before: TimeId,
}

impl Backwards {
    /// From just before an id down to a time.
    pub(super) fn new(from: Millis, before: TimeId) -> Self {
        Self {
            from,
            before,
            width: HOUR,
        }
    }

    /// All that is still to be read has lesser ids.
    pub(super) fn before(&self) -> TimeId {
        self.before
    }

    /// The next window; `None` when all is read. It never reaches over a day's end.
    pub(super) fn window(&self) -> Option<Window> {
        let at = self.before.time().as_millisecond();
        // Of the millisecond of a time's least id, nothing is left.
        let last = if self.before == TimeId::floor(time(at)) {
            at - 1
        } else {
            at
        };
        let day_start = last - last.rem_euclid(DAY);
        let low = (last + 1 - self.width).max(day_start).max(self.from);
        (last >= self.from).then_some(Window {
            low,
            length: last + 1 - low,
            before: self.before,
        })
    }

    /// A window held more than one LIST gives, the last of which is `last`: the next try is a shorter one.
    pub(super) fn narrow(&mut self, window: &Window, last: Option<TimeId>) {
        let listed = last.map_or(window.length, |last| last.time().as_millisecond() - window.low);
        self.width = (window.length / 2).min(listed).max(1);
    }

    /// A window with so many records is read.
    pub(super) fn pass(&mut self, window: &Window, found: usize) {
        self.before = TimeId::floor(time(window.low));
        if found == 0 {
            self.width = DAY;
        } else if found < FEW {
            self.width = (self.width * 4).min(DAY);
        }
    }
}

impl Window {
    /// What the keys of its day begin with.
    pub(super) fn prefix(&self) -> String {
        day_prefix(time(self.low))
    }

    /// All its keys come after this one.
    pub(super) fn after(&self) -> String {
        key(TimeId::floor(time(self.low)))
    }

    /// Whether it can't be narrowed.
    pub(super) fn is_least(&self) -> bool {
        self.length <= 1
    }

    /// Whether a LIST reached its end.
    pub(super) fn is_whole(&self, page: &Page) -> bool {
        let end = key(self.before);
        !page.is_cut || page.keys.last().is_none_or(|last| *last >= end)
    }

    /// The ids of its records in a LIST, and the keys that are no record's.
    pub(super) fn ids<'a>(&self, page: &'a Page) -> (Vec<TimeId>, Vec<&'a str>) {
        let (mut ids, mut strange) = (Vec::new(), Vec::new());
        for listed in &page.keys {
            match id_at(listed) {
                Some(id) if id < self.before => ids.push(id),
                Some(_) => {}
                None => strange.push(listed.as_str()),
            }
        }
        (ids, strange)
    }
}

/// The time of a millisecond. One that no calendar has is the last one.
pub(super) fn time(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const NOON: Millis = 1_763_121_600_000;

    /// An id of a millisecond; the rest tells apart ids of the same one.
    fn id(millis: Millis, rest: u64) -> TimeId {
        let floor = TimeId::floor(time(millis)).to_string();
        TimeId::parse(&format!("{}{rest:012x}", &floor[..24])).unwrap()
    }

    fn page(keys: &BTreeSet<String>, prefix: &str, after: &str, limit: usize) -> Page {
        let mut found = keys
            .iter()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after);
        Page {
            keys: found.by_ref().take(limit).cloned().collect(),
            is_cut: found.next().is_some(),
        }
    }

    /// Reads as the search does, from a list in memory; the ids, and how many LISTs it took.
    fn read(ids: &BTreeSet<TimeId>, mut rest: Backwards, limit: usize) -> (Vec<TimeId>, usize) {
        let keys: BTreeSet<_> = ids.iter().map(|id| key(*id)).collect();
        let (mut read, mut lists) = (Vec::new(), 0);
        while let Some(window) = rest.window() {
            let (mut found, mut after) = (Vec::new(), window.after());
            loop {
                let page = page(&keys, &window.prefix(), &after, limit);
                lists += 1;
                found.extend(window.ids(&page).0);
                if window.is_whole(&page) {
                    rest.pass(&window, found.len());
                    read.extend(found.into_iter().rev());
                    break;
                } else if !window.is_least() {
                    rest.narrow(&window, page.keys.last().and_then(|key| id_at(key)));
                    break;
                }
                after = page.keys.last().unwrap().clone();
            }
        }
        (read, lists)
    }

    #[test]
    fn an_empty_day_costs_one_list() {
        let ids = BTreeSet::from([id(NOON, 1)]);
        let from = NOON - 10 * DAY;
        let (read, lists) = read(&ids, Backwards::new(from, id(NOON + 1, 0)), 1_000);
        assert_eq!(read, [id(NOON, 1)]);
        assert!(lists <= 14, "{lists}");
    }

    #[test]
    fn a_busy_hour_is_read_by_shorter_windows() {
        let ids: BTreeSet<_> = (0..100_000).map(|n| id(NOON + n * 36, 1)).collect();
        let rest = Backwards::new(NOON, TimeId::floor(time(NOON + HOUR)));
        let (read, lists) = read(&ids, rest, 1_000);
        assert_eq!(read.len(), ids.len());
        assert!(lists < 250, "{lists}");
    }

    #[test]
    fn a_single_millisecond_may_hold_more_than_one_list() {
        let ids: BTreeSet<_> = (1..=25).map(|n| id(NOON, n)).collect();
        let (read, _) = read(&ids, Backwards::new(NOON - HOUR, id(NOON + 5, 0)), 10);
        assert!(read.iter().eq(ids.iter().rev()));
    }

    #[test]
    fn the_strange_keys_of_a_window_are_named() {
        let window = Backwards::new(0, id(NOON, 0)).window().unwrap();
        let listed = Page {
            keys: vec![
                key(id(NOON - 1, 1)),
                "audit/dt=2025-11-14/x".to_owned(),
                key(id(NOON, 0)),
            ],
            is_cut: true,
        };
        let strange = vec!["audit/dt=2025-11-14/x"];
        assert_eq!(window.ids(&listed), (vec![id(NOON - 1, 1)], strange));
        assert!(window.is_whole(&listed));
    }

    proptest! {
        #[test]
        fn every_record_of_the_time_is_read_once_and_newest_first(
            records in prop::collection::btree_set((0..3 * DAY, 1..4_u64), 0..120),
            from in 0..3 * DAY,
            before in (0..3 * DAY, 0..4_u64),
            limit in 1..40_usize,
            unit in prop::sample::select(vec![1, 1_000, 100_000]),
        ) {
            // The finer the unit, the more records share an hour, a second, a millisecond.
            let at = |millis: Millis| NOON + millis / unit;
            let ids: BTreeSet<_> = records.iter().map(|(millis, rest)| id(at(*millis), *rest)).collect();
            let (from, before) = (at(from), id(at(before.0), before.1));
            let (read, _) = read(&ids, Backwards::new(from, before), limit);
            let start = TimeId::floor(time(from));
            let wanted: Vec<_> = ids.iter().rev().filter(|id| **id > start && **id < before).copied().collect();
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn windows_meet_without_a_gap_and_stay_within_a_day(
            from in 0..3 * DAY, length in 0..3 * DAY, found in prop::collection::vec(0..1_000_usize, 1..20),
        ) {
            let mut rest = Backwards::new(NOON + from, TimeId::floor(time(NOON + from + length)));
            for found in found {
                let Some(window) = rest.window() else { break };
                let last = window.low + window.length - 1;
                prop_assert_eq!(window.low / DAY, last / DAY);
                prop_assert_eq!(last + 1, rest.before().time().as_millisecond());
                prop_assert!(window.low >= NOON + from);
                rest.pass(&window, found);
            }
        }
    }
}
