use aws_lambda_events::encodings::Body;
use casefile::link::share::{Revoked, Use};
use casefile::name::TenantId;
use jiff::{SignedDuration, Timestamp};

use super::judge::{Fate, Look, give_back, look, reserve, settle};
use super::state::Change;
use super::*;

fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn id(seconds: i64) -> TimeId {
    TimeId::floor(after(seconds))
}

/// A link with five uses, made at noon, for an hour.
fn share() -> Share {
    Share {
        grant_id: Sha256::of(b"token"),
        collection: "bols".to_owned(),
        path: "2025/PRT-2025-0042.pdf".to_owned(),
        key: "bols/2025/PRT-2025-0042.pdf".to_owned(),
        version_id: Some("v1".to_owned()),
        tenant: TenantId::parse("acme").unwrap(),
        owner: None,
        created_by: "dana".to_owned(),
        created_at: noon(),
        expires_at: after(3_600),
        disposition: Disposition::Attachment,
        uses: Some(5),
        network: None,
        revoked: None,
        used: Vec::new(),
        changes: 0,
    }
}

fn used(records: &[(i64, bool)]) -> Share {
    let used = records.iter().map(|&(seconds, is_settled)| Use {
        record: id(seconds),
        is_settled,
    });
    Share {
        used: used.collect(),
        ..share()
    }
}

fn from(network: &str) -> Share {
    Share {
        network: Some(network.parse().unwrap()),
        ..share()
    }
}

fn revoked(share: Share) -> Share {
    let revoked = Revoked {
        at: noon(),
        by: "dana".to_owned(),
    };
    Share {
        revoked: Some(revoked),
        ..share
    }
}

#[test]
fn a_link_is_usable_until_one_thing_speaks_against_it() {
    let settled = used(&[(0, true); 5]);
    let unlimited = Share {
        uses: None,
        ..settled.clone()
    };
    let refused = Look::Refused;
    let ip = Some("192.0.2.7");
    for (name, share, seconds, ip, expected) in [
        ("new", share(), 0, None, Look::Usable),
        ("its last moment", share(), 3_599, None, Look::Usable),
        ("its end", share(), 3_600, None, refused(Refused::Expired)),
        ("four of five", used(&[(0, false); 4]), 0, None, Look::Usable),
        ("five of five", settled.clone(), 0, None, refused(Refused::UsedUp)),
        (
            "more than five",
            used(&[(0, true); 6]),
            0,
            None,
            refused(Refused::UsedUp),
        ),
        ("no limit", unlimited, 0, None, Look::Usable),
        ("inside", from("192.0.2.0/24"), 0, ip, Look::Usable),
        (
            "inside, in IPv6's clothes",
            from("192.0.2.0/24"),
            0,
            Some("::ffff:192.0.2.7"),
            Look::Usable,
        ),
        (
            "inside, IPv6",
            from("2001:db8::/32"),
            0,
            Some("2001:db8::1"),
            Look::Usable,
        ),
        (
            "outside",
            from("198.51.100.0/24"),
            0,
            ip,
            refused(Refused::WrongNetwork),
        ),
        (
            "another family",
            from("2001:db8::/32"),
            0,
            ip,
            refused(Refused::WrongNetwork),
        ),
        (
            "from nowhere",
            from("0.0.0.0/0"),
            0,
            None,
            refused(Refused::WrongNetwork),
        ),
        (
            "revoked and expired",
            revoked(share()),
            3_600,
            None,
            refused(Refused::Revoked),
        ),
        (
            "expired and outside",
            from("10.0.0.0/8"),
            3_600,
            ip,
            refused(Refused::Expired),
        ),
    ] {
        let ip = ip.map(|ip| ip.parse().unwrap());
        assert_eq!(look(&share, after(seconds), ip), expected, "{name}");
    }
}

#[test]
fn uses_without_a_settled_record_are_doubted_after_a_minute() {
    let share = used(&[(0, true), (0, false), (30, false), (31, true), (40, false)]);
    let seen = |seconds| look(&share, after(seconds), None);
    assert_eq!(seen(60), Look::Refused(Refused::UsedUp));
    assert_eq!(seen(61), Look::Doubtful(vec![id(0)]));
    assert_eq!(seen(101), Look::Doubtful(vec![id(0), id(30), id(40)]));
    assert_eq!(look(&used(&[(0, false); 4]), after(600), None), Look::Usable);
}

#[test]
fn a_use_is_reserved_once() {
    let Change::Write(reserved, Look::Usable) = reserve(&share(), id(1), after(1), None) else {
        panic!("a new link can't be used");
    };
    assert_eq!(*reserved, used(&[(1, false)]));
    assert_eq!(
        reserve(&reserved, id(1), after(2), None),
        Change::Keep(Look::Usable)
    );
    let mut last = used(&[(0, false); 5]);
    assert_eq!(
        reserve(&last, id(1), after(1), None),
        Change::Keep(Look::Refused(Refused::UsedUp))
    );
    last.used[4].record = id(1);
    assert_eq!(reserve(&last, id(1), after(1), None), Change::Keep(Look::Usable));
}

#[test]
fn a_use_is_given_back_once() {
    let Change::Write(share, ()) = give_back(&used(&[(0, false), (1, false)]), id(1)) else {
        panic!("nothing is given back");
    };
    assert_eq!(*share, used(&[(0, false)]));
    assert_eq!(give_back(&share, id(1)), Change::Keep(()));
}

#[test]
fn what_is_known_of_uses_is_settled() {
    let share = used(&[(0, false), (1, false), (2, false)]);
    let fates = [
        (id(0), Fate::Abandoned),
        (id(1), Fate::Recorded),
        (id(9), Fate::Recorded),
    ];
    let Change::Write(settled, ()) = settle(&share, &fates) else {
        panic!("nothing is settled");
    };
    assert_eq!(*settled, used(&[(1, true), (2, false)]));
    assert_eq!(settle(&settled, &fates), Change::Keep(()));
    assert_eq!(
        settle(&settled, &[(id(2), Fate::Recorded)]),
        Change::Write(Box::new(used(&[(1, true), (2, true)])), ())
    );
}

#[test]
fn only_a_browser_s_first_look_at_a_limited_link_gets_the_page() {
    let browser = Some("Text/HTML,application/xhtml+xml,*/*;q=0.8");
    for (by, accept, is_limited, expected) in [
        (Method::GET, browser, true, Manner::Page),
        (Method::GET, browser, false, Manner::Use(302)),
        (Method::GET, Some("*/*"), true, Manner::Use(302)),
        (Method::GET, None, true, Manner::Use(302)),
        (Method::POST, browser, true, Manner::Use(303)),
        (Method::POST, browser, false, Manner::Use(303)),
        (Method::HEAD, browser, true, Manner::Look),
        (Method::HEAD, None, false, Manner::Look),
    ] {
        assert_eq!(
            manner(&by, accept, is_limited),
            expected,
            "{by} {accept:?} {is_limited}"
        );
    }
}

fn page_of(share: &Share) -> (Response, String) {
    let mut response = page::page(share);
    let Some(Body::Text(html)) = response.body.take() else {
        panic!("the page has no text");
    };
    (response, html)
}

#[test]
fn the_page_says_what_its_button_does_and_nothing_of_the_file() {
    let (response, html) = page_of(&used(&[(0, false), (1, true)]));
    assert_eq!(response.status_code, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        assert_eq!(response.headers[name], value, "{name}");
    }
    let policy = response.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("form-action"));
    for text in [
        "<html lang=\"en\">",
        "width=device-width",
        "prefers-color-scheme: dark",
        "<form method=\"post\">",
        ">Download the file</button>",
        "<dd>3</dd>",
        "<time datetime=\"2025-11-14T13:00:00.000Z\">14 November 2025, 13:00 UTC</time>",
    ] {
        assert!(html.contains(text), "{text}");
    }
    for secret in ["PRT-2025-0042", "bols", "acme", "dana", "<script", "://", "{{"] {
        assert!(!html.contains(secret), "{secret}");
    }
    let (_, opened) = page_of(&Share {
        disposition: Disposition::Inline,
        ..share()
    });
    assert!(opened.contains(">Open the file</button>") && opened.contains("opens the file"));
}

#[test]
fn a_share_with_all_its_uses_is_small() {
    let share = Share {
        path: "p".repeat(1_024),
        key: "k".repeat(1_024),
        created_by: "ü".repeat(512),
        uses: Some(100),
        ..used(&[(0, false); 100])
    };
    let object = share.object().unwrap();
    assert!(object.body.len() as u64 * 4 < casefile::link::share::MAX_SHARE_BYTES);
    assert_eq!(serde_json::from_slice::<Share>(&object.body).unwrap(), share);
}
