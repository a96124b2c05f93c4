//! What the commands show: for a person, or in JSON.

use std::fmt::Write as _;

use casefile::quarantine::{Held, Listing, Place, ReleaseError};
use casefile::status::Status;
use casefile::time::rfc3339;
use serde_json::{Value, json};

use crate::tree::{printable, thousands};

/// What stands where something isn't known.
const UNKNOWN: &str = "-";

/// Who was told of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    PostProcess,
    /// No queue is named.
    Nobody,
}

/// What is damaged is shown in any case: somebody has to look at it.
pub(super) fn list(Listing { held, damaged }: &Listing, all: bool, is_json: bool) -> String {
    let is_shown = |held: &&Held| all || !(held.is_gone || held.status == Some(Status::Released));
    let shown: Vec<_> = held.iter().filter(is_shown).collect();
    if is_json {
        return pretty(&json!({ "items": shown, "damaged": damaged }));
    }
    let mut out = String::new();
    for held in &shown {
        let _ = writeln!(
            out,
            "{}  {}  {:<8}  {} bytes\n    {}\n    {}",
            held.id,
            time(held),
            status(held),
            thousands(held.item.size),
            printable(&held.item.key),
            printable(&held.item.reason),
        );
    }
    for id in damaged {
        let _ = writeln!(out, "{id}  its record can't be read: look at records/{id}.json");
    }
    let _ = match (shown.len() + damaged.len(), held.len() - shown.len()) {
        (0, 0) => writeln!(out, "nothing is in the quarantine"),
        (shown, 0) => writeln!(out, "in the quarantine: {shown}"),
        (shown, rest) => writeln!(
            out,
            "in the quarantine: {shown}; released or gone: {rest} (--all)"
        ),
    };
    out
}

pub(super) fn one(held: &Held, place: &Result<Place, ReleaseError>, is_json: bool) -> String {
    if is_json {
        let mut value = json!(held);
        if let Value::Object(fields) = &mut value {
            fields.insert("place".to_owned(), json!(place_name(place)));
        }
        return pretty(&value);
    }
    let item = &held.item;
    let rows = [
        ("id", held.id.to_string()),
        ("key", printable(&item.key)),
        (
            "version",
            item.version_id.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        ),
        ("size", format!("{} bytes", thousands(item.size))),
        ("type", printable(&item.content_type)),
        ("sha256", item.sha256.to_string()),
        ("quarantined", time(held)),
        ("reason", printable(&item.reason)),
        ("status", status(held).to_owned()),
        ("its place", place_text(place).to_owned()),
    ];
    rows.iter().fold(String::new(), |mut out, (name, value)| {
        let _ = writeln!(out, "{name:<11}  {value}");
        out
    })
}

pub(super) fn released(held: &Held, told: Told, is_json: bool) -> String {
    let item = &held.item;
    if is_json {
        return pretty(&json!({
            "id": held.id,
            "key": item.key,
            "version_id": item.version_id,
            "status": Status::Released,
            "is_announced": told == Told::PostProcess,
        }));
    }
    let rest = match told {
        Told::PostProcess => "index and notices follow within minutes",
        Told::Nobody => {
            "index and notices follow only with the file's next event, for ARRIVALS_QUEUE_URL isn't set; to have them now, \
             set it and release the file again"
        }
    };
    let key = printable(&item.key);
    format!("released: {key}\nlinks lead to it from now on\n{rest}\n")
}

fn time(held: &Held) -> String {
    held.quarantined_at.map_or_else(|| UNKNOWN.to_owned(), rfc3339)
}

fn status(held: &Held) -> &'static str {
    match held.status {
        _ if held.is_gone => "gone",
        Some(status) => status.name(),
        None => UNKNOWN,
    }
}

fn place_name(place: &Result<Place, ReleaseError>) -> &'static str {
    match place {
        Ok(Place::Hidden { .. }) => "hidden",
        Ok(Place::Seen) => "seen",
        Err(ReleaseError::Replaced | ReleaseError::Overtaken) => "replaced",
        Err(ReleaseError::Full) => "no_room_for_tag",
        Err(ReleaseError::Gone | ReleaseError::Store(_)) => "gone",
    }
}

fn place_text(place: &Result<Place, ReleaseError>) -> &'static str {
    match place {
        Ok(Place::Hidden { .. }) => "it lies there, hidden under a delete marker",
        Ok(Place::Seen) => "it lies there, and can be seen",
        Err(ReleaseError::Replaced | ReleaseError::Overtaken) => {
            "a newer version lies there; it can't be released"
        }
        Err(ReleaseError::Full) => "ten tags of others leave no room for its status; it can't be released",
        Err(ReleaseError::Gone | ReleaseError::Store(_)) => "its version is gone; it can't be released",
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use casefile::digest::Sha256;
    use casefile::quarantine::{Item, ItemId};

    use super::*;

    fn held(key: &str, status: Option<Status>) -> Held {
        Held {
            id: ItemId::of(key, Some("v1")),
            status,
            is_gone: status.is_none(),
            quarantined_at: "2025-11-14T14:25:10Z".parse().ok(),
            item: Item {
                key: key.to_owned(),
                version_id: Some("v1".to_owned()),
                etag: "\"00\"".to_owned(),
                sha256: Sha256::of(key.as_bytes()),
                size: 1_234_567,
                content_type: "application/pdf".to_owned(),
                reason: "its name says PDF, and its content is none\u{1b}[2J".to_owned(),
            },
        }
    }

    fn three() -> Listing {
        let held = vec![
            held("ecg-reports/2025/11/14/report.pdf", Some(Status::Rejected)),
            held("ecg-reports/2025/11/13/report.pdf", Some(Status::Released)),
            held("ecg-reports/2025/11/12/report.pdf", None),
        ];
        let damaged = Vec::new();
        Listing { held, damaged }
    }

    fn one_of_three() -> Held {
        three().held.swap_remove(0)
    }

    #[test]
    fn a_list_shows_what_is_still_rejected() {
        insta::assert_snapshot!(list(&three(), false, false));
    }

    #[test]
    fn a_list_of_all_shows_the_rest_too() {
        insta::assert_snapshot!(list(&three(), true, false));
        let none = Listing {
            held: Vec::new(),
            damaged: Vec::new(),
        };
        assert_eq!(list(&none, true, false), "nothing is in the quarantine\n");
    }

    #[test]
    fn one_is_shown_with_its_reason_and_its_place() {
        let marker = "m".to_owned();
        let held = one_of_three();
        insta::assert_snapshot!(one(&held, &Ok(Place::Hidden { marker }), false));
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let shown: Value = serde_json::from_str(&list(&three(), true, true)).unwrap();
        let items = shown["items"].as_array().unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0]["status"], "rejected");
        assert_eq!(items[2]["status"], Value::Null);
        let held = one_of_three();
        let shown: Value = serde_json::from_str(&one(&held, &Err(ReleaseError::Replaced), true)).unwrap();
        assert_eq!(
            (&shown["place"], &shown["key"]),
            (&json!("replaced"), &json!(held.item.key))
        );
        assert_eq!(shown["id"], held.id.to_string());
        let released: Value = serde_json::from_str(&released(&held, Told::Nobody, true)).unwrap();
        assert_eq!(
            (&released["status"], &released["is_announced"]),
            (&json!("released"), &json!(false))
        );
    }

    #[test]
    fn what_is_damaged_is_among_what_is_listed() {
        let mut listing = three();
        listing.damaged = vec![ItemId::of("x", None)];
        let id = listing.damaged[0].to_string();
        let text = list(&listing, false, false);
        assert!(
            text.contains(&format!("{id}  its record can't be read")),
            "{text}"
        );
        assert!(
            text.contains("in the quarantine: 2; released or gone: 2"),
            "{text}"
        );
        let shown: Value = serde_json::from_str(&list(&listing, false, true)).unwrap();
        assert_eq!(shown["damaged"], json!([id]));
    }

    #[test]
    fn whoever_releases_is_told_whether_the_index_follows() {
        let held = one_of_three();
        let told = released(&held, Told::PostProcess, false);
        assert!(told.contains("index and notices follow within minutes"), "{told}");
        let untold = released(&held, Told::Nobody, false);
        assert!(untold.contains("ARRIVALS_QUEUE_URL isn't set"), "{untold}");
    }
}
