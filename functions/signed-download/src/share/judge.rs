//! What a share link's state, the time and the caller's address say about its use. Pure.

use std::net::IpAddr;

use aws_lambda_events::http::Method;
use casefile::id::TimeId;
use casefile::link::share::{Share, Use};
use jiff::{SignedDuration, Timestamp};

use super::state::Change;

/// A reserved use without a record may be a call that is still under way for this long; no call lives half as long.
const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// Why a share link isn't redeemed: for the audit record, never for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    UnknownLink,
    Revoked,
    Expired,
    WrongNetwork,
    UsedUp,
    NotFound,
    NotVerified,
}

impl Refused {
    /// As records spell it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::UnknownLink => "unknown_link",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::WrongNetwork => "wrong_network",
            Self::UsedUp => "used_up",
            Self::NotFound => "not_found",
            Self::NotVerified => "not_verified",
        }
    }
}

/// What a look at a share link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    Usable,
    Refused(Refused),
    /// It looks used up, but for these nobody knows whether they ever led to anything.
    Doubtful(Vec<TimeId>),
}

/// Looks at a share link.
pub(super) fn look(share: &Share, now: Timestamp, source_ip: Option<IpAddr>) -> Look {
    if share.revoked.is_some() {
        return Look::Refused(Refused::Revoked);
    }
    if now >= share.expires_at {
        return Look::Refused(Refused::Expired);
    }
    // An IPv4 address may come in IPv6's clothes: ::ffff:192.0.2.1.
    let source_ip = source_ip.map(|ip| ip.to_canonical());
    let is_inside = share
        .network
        .is_none_or(|network| source_ip.is_some_and(|ip| network.contains(&ip)));
    if !is_inside {
        return Look::Refused(Refused::WrongNetwork);
    }
    if share.left() != Some(0) {
        return Look::Usable;
    }
    let doubtful = doubtful(share, now);
    if doubtful.is_empty() {
        Look::Refused(Refused::UsedUp)
    } else {
        Look::Doubtful(doubtful)
    }
}

fn doubtful(share: &Share, now: Timestamp) -> Vec<TimeId> {
    let is_old = |used: &&Use| now.duration_since(used.record.time()) > UNDER_WAY;
    let unsettled = share.used.iter().filter(|used| !used.is_settled);
    unsettled.filter(is_old).map(|used| used.record).collect()
}

/// Reserves a use, if there is one.
pub(super) fn reserve(share: &Share, id: TimeId, now: Timestamp, source_ip: Option<IpAddr>) -> Change<Look> {
    // A try whose answer was lost has reserved it already.
    if share.has(id) {
        return Change::Keep(Look::Usable);
    }
    match look(share, now, source_ip) {
        Look::Usable => {
            let mut share = share.clone();
            share.used.push(Use {
                record: id,
                is_settled: false,
            });
            Change::Write(Box::new(share), Look::Usable)
        }
        look => Change::Keep(look),
    }
}

/// Gives a use back.
pub(super) fn give_back(share: &Share, id: TimeId) -> Change<()> {
    without(share, &[id])
}

/// What became of a use that was reserved a while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its record is there: it counts.
    Recorded,
    /// Its function ended before the record was written, and nothing was handed out.
    Abandoned,
}

/// Settles uses whose fate is known.
pub(super) fn settle(share: &Share, fates: &[(TimeId, Fate)]) -> Change<()> {
    let ids = |fate: Fate| -> Vec<TimeId> {
        let of_fate = fates.iter().filter(|(_, other)| *other == fate);
        of_fate.map(|(id, _)| *id).collect()
    };
    let recorded = ids(Fate::Recorded);
    let mut settled = share.clone();
    for used in &mut settled.used {
        used.is_settled |= recorded.contains(&used.record);
    }
    match without(&settled, &ids(Fate::Abandoned)) {
        Change::Keep(()) if settled != *share => Change::Write(Box::new(settled), ()),
        change => change,
    }
}

fn without(share: &Share, ids: &[TimeId]) -> Change<()> {
    let mut rest = share.clone();
    rest.used.retain(|used| !ids.contains(&used.record));
    if rest == *share {
        Change::Keep(())
    } else {
        Change::Write(Box::new(rest), ())
    }
}

/// What a request to a share link's address gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Whether it could be used, and nothing else.
    Look,
    /// A page whose button uses it.
    Page,
    /// A use, answered with this status.
    Use(u16),
}

/// A preview, as mail and chat programs fetch it, comes by HEAD, or by GET as a browser would; only the button POSTs.
pub(super) fn manner(by: &Method, accept: Option<&str>, is_limited: bool) -> Manner {
    let is_browser = accept.is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"));
    match *by {
        Method::HEAD => Manner::Look,
        Method::POST => Manner::Use(303),
        _ if is_limited && is_browser => Manner::Page,
        _ => Manner::Use(302),
    }
}
