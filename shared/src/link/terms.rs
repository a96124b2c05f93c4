//! How long a link lives, and what made it shorter than asked.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::collection::{Collection, LinkKind};
use crate::problem::{Problem, ProblemKind};

/// No link lives shorter, in seconds: it has to be followed.
pub const MIN_SECONDS: u64 = 60;
/// The longest direct link, in seconds: it can't outlive the credentials that sign it.
pub const MAX_DIRECT_SECONDS: u64 = 15 * 60;
/// The longest share link, in seconds.
pub const MAX_SHARE_SECONDS: u64 = 7 * 24 * 60 * 60;
/// A share link of a collection that has direct ones, in seconds, where nothing else is asked for.
const DEFAULT_SHARE_SECONDS: u64 = 24 * 60 * 60;
/// A URL ends this long before the credentials that signed it, in seconds.
const CREDENTIALS_MARGIN: u64 = 120;
/// Lambda has new credentials by then.
const RETRY_AFTER: u32 = 30;

/// How long a link lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The kind of link.
    pub kind: LinkKind,
    /// Until when, to the second.
    pub expires_at: Timestamp,
    /// For how many seconds.
    pub expires_in: u64,
    /// What made it shorter than asked.
    pub clamped_by: Option<ClampedBy>,
}

/// What made a link shorter than asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClampedBy {
    /// The collection's own limit.
    Collection,
    /// The end of the credentials that sign.
    Credentials,
    /// The longest link of its kind.
    Maximum,
}

impl ClampedBy {
    /// As answers and records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Credentials => "credentials",
            Self::Maximum => "maximum",
        }
    }
}

impl Terms {
    /// The terms of a link that was asked for so many seconds.
    ///
    /// # Errors
    /// `unavailable` when the credentials end too soon for any link.
    pub fn new(
        collection: Collection,
        kind: LinkKind,
        asked: Option<u64>,
        now: Timestamp,
        credentials_end: Option<Timestamp>,
    ) -> Result<Self, Problem> {
        let maximum = match kind {
            LinkKind::Direct => MAX_DIRECT_SECONDS,
            LinkKind::Share => MAX_SHARE_SECONDS,
        };
        let own = (kind == collection.link_kind()).then(|| collection.link_life().as_secs());
        let default = own.unwrap_or(match kind {
            LinkKind::Direct => MAX_DIRECT_SECONDS,
            LinkKind::Share => DEFAULT_SHARE_SECONDS,
        });
        // Only a direct link is signed with them.
        let credentials = match kind {
            LinkKind::Direct => credentials_end.map(|end| left(now, end)),
            LinkKind::Share => None,
        };
        let limits = [
            (own, ClampedBy::Collection),
            (credentials, ClampedBy::Credentials),
            (Some(maximum), ClampedBy::Maximum),
        ];
        let mut expires_in = asked.unwrap_or(default).max(MIN_SECONDS);
        let mut clamped_by = None;
        for (limit, by) in limits {
            if let Some(limit) = limit.filter(|limit| *limit < expires_in) {
                expires_in = limit;
                clamped_by = Some(by);
            }
        }
        if expires_in < MIN_SECONDS {
            let detail = "the credentials that sign links end too soon for one; repeat the request";
            return Err(Problem {
                retry_after: Some(RETRY_AFTER),
                ..Problem::new(ProblemKind::Unavailable, detail)
            });
        }
        Ok(Self {
            kind,
            expires_at: after(now, expires_in),
            expires_in,
            clamped_by,
        })
    }
}

/// A signature's time has whole seconds, so the link ends that much earlier than its request was made plus its life.
fn after(now: Timestamp, seconds: u64) -> Timestamp {
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let life = SignedDuration::try_from(Duration::from_secs(seconds)).unwrap_or_default();
    whole.checked_add(life).unwrap_or(whole)
}

fn left(now: Timestamp, end: Timestamp) -> u64 {
    let seconds = u64::try_from(end.as_second() - now.as_second()).unwrap_or(0);
    seconds.saturating_sub(CREDENTIALS_MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClampedBy::{Credentials, Maximum};
    use LinkKind::{Direct, Share};

    fn terms(
        collection: Collection,
        kind: LinkKind,
        asked: Option<u64>,
        credentials: Option<i64>,
    ) -> (u64, Option<ClampedBy>) {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let end = credentials.map(|seconds| Timestamp::from_second(1_000_000 + seconds).unwrap());
        let terms = Terms::new(collection, kind, asked, now, end).unwrap();
        assert_eq!(
            terms.expires_at.as_second(),
            1_000_000 + i64::try_from(terms.expires_in).unwrap()
        );
        (terms.expires_in, terms.clamped_by)
    }

    #[test]
    fn the_least_limit_counts_and_is_named() {
        let (bols, reviews) = (Collection::bols(), Collection::reviews());
        for (collection, kind, asked, credentials, expected) in [
            (reviews, Direct, None, None, (900, None)),
            (reviews, Direct, Some(60), None, (60, None)),
            (
                reviews,
                Direct,
                Some(901),
                None,
                (900, Some(ClampedBy::Collection)),
            ),
            (reviews, Direct, Some(600), Some(500), (380, Some(Credentials))),
            (reviews, Direct, None, Some(500), (380, Some(Credentials))),
            (reviews, Direct, Some(300), Some(500), (300, None)),
            (reviews, Direct, Some(9_000), Some(500), (380, Some(Credentials))),
            (reviews, Share, None, Some(500), (86_400, None)),
            (reviews, Share, Some(700_000), None, (604_800, Some(Maximum))),
            (bols, Share, None, None, (86_400, None)),
            (
                bols,
                Share,
                Some(86_401),
                None,
                (86_400, Some(ClampedBy::Collection)),
            ),
            (bols, Direct, Some(1_000), None, (900, Some(Maximum))),
        ] {
            assert_eq!(
                terms(collection, kind, asked, credentials),
                expected,
                "{collection:?} {kind:?} {asked:?} {credentials:?}"
            );
        }
    }

    #[test]
    fn no_link_lives_shorter_than_a_minute() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let end = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).ok();
        let terms = |seconds: i64| Terms::new(Collection::reviews(), Direct, None, now, end(seconds));
        assert_eq!(terms(180).unwrap().expires_in, 60);
        for seconds in [179, 120, 0, -5] {
            let problem = terms(seconds).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::Unavailable);
            assert!(problem.retry_after.is_some());
        }
    }
}
