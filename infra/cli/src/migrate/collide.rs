//! Files of one plan that are in each other's way: what S3 would refuse, somebody has to decide before.

use std::collections::BTreeMap;

use super::entry::{Action, Entry, Is, To};

/// Files that are named as being in the way.
const MAX_NAMED: usize = 3;

/// Two files can't lie at one key, nor can one session have two logs. The first of the same content does for all; of
/// others, somebody has to decide. A file that isn't to be stored is in nobody's way, and does for nobody.
pub(super) fn collide(entries: &mut [Entry]) {
    // Those of one note have the path of the first, wherever they would lie alone.
    for places in groups(entries, |to| (!to.note.is_empty()).then(|| to.note.join("\0"))) {
        settle(entries, &places);
    }
    for places in groups(entries, |to| Some(to.key.clone())) {
        settle(entries, &places);
    }
}

/// The places of files that have something in common.
fn groups(entries: &[Entry], common: impl Fn(&To) -> Option<String>) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some((to, _)) = entry.wanted()
            && let Some(common) = common(to)
        {
            groups.entry(common).or_default().push(at);
        }
    }
    groups.into_values().filter(|places| places.len() > 1).collect()
}

fn settle(entries: &mut [Entry], places: &[usize]) {
    let stored = places.iter().find(|at| entries.get(**at).is_some_and(is_stored));
    let at = stored.or(places.first());
    let Some((at, first)) = at.and_then(|at| Some((at, entries.get(*at)?.clone()))) else {
        return;
    };
    let others = || places.iter().filter_map(|at| entries.get(*at));
    let why = others().find_map(|entry| in_the_way(&first, entry));
    let names: Vec<_> = others().map(|entry| entry.file.clone()).collect();
    for other in places {
        let Some(entry) = entries.get_mut(*other) else {
            continue;
        };
        match why {
            // What is stored already lies where it does.
            Some(_) if is_stored(entry) => {}
            Some(why) => {
                let others = names.iter().filter(|name| **name != entry.file);
                let others: Vec<_> = others.take(MAX_NAMED).cloned().collect();
                entry.ends(Action::Conflict, format!("{why}: {}", others.join(", ")));
            }
            None if other == at || is_stored(entry) => {}
            None => {
                let same = format!("{} has the same content, and goes there", first.file);
                entry.ends(Action::SkipIdentical, same);
                entry.to.clone_from(&first.to);
                entry.same_as = first.same_as.or(Some(*at)).filter(|_| !is_stored(&first));
                entry.version_id.clone_from(&first.version_id);
            }
        }
    }
}

/// In S3, not only in the plan.
fn is_stored(entry: &Entry) -> bool {
    entry.action == Action::SkipIdentical && entry.same_as.is_none()
}

/// Why two files can't become one.
fn in_the_way(first: &Entry, other: &Entry) -> Option<&'static str> {
    let ((a, Is { sha256: one, .. }), (b, Is { sha256: two, .. })) = first.wanted().zip(other.wanted())?;
    if one != two {
        let is_session = a.day.is_some() && a.note == b.note;
        return Some(if is_session {
            "the session has another log"
        } else {
            "it would lie where this would, with other content"
        });
    }
    let is_same = a.owner == b.owner && a.metadata == b.metadata;
    (!is_same).then_some("it would lie where this would, with another owner or other metadata")
}

#[cfg(test)]
mod tests {
    use casefile::digest::Sha256;
    use casefile::name::Owner;
    use jiff::Timestamp;

    use super::*;

    const UPLOAD: Action = Action::Upload;
    const SAME: Action = Action::SkipIdentical;
    const CONFLICT: Action = Action::Conflict;

    fn upload(file: &str, key: &str, content: &str) -> Entry {
        Entry {
            is: Some(Is {
                size: 1,
                modified_at: Timestamp::UNIX_EPOCH,
                sha256: Sha256::of(content.as_bytes()),
            }),
            to: Some(To {
                key: key.to_owned(),
                path: key.to_owned(),
                number: None,
                owner: None,
                metadata: BTreeMap::new(),
                note: Vec::new(),
                day: None,
            }),
            ..Entry::new(file.to_owned(), UPLOAD, "nothing is there")
        }
    }

    fn noted(file: &str, key: &str, content: &str, note: &str) -> Entry {
        let mut entry = upload(file, key, content);
        entry.to.as_mut().unwrap().note = vec![note.to_owned()];
        entry
    }

    fn actions(entries: &mut [Entry]) -> Vec<Action> {
        collide(entries);
        entries.iter().map(|entry| entry.action).collect()
    }

    #[test]
    fn one_key_has_one_file() {
        let mut entries = [
            upload("a", "1", "x"),
            upload("b", "1", "x"),
            upload("c", "2", "x"),
            upload("d", "2", "y"),
            upload("e", "3", "x"),
        ];
        assert_eq!(actions(&mut entries), [UPLOAD, SAME, CONFLICT, CONFLICT, UPLOAD]);
        assert_eq!(entries[1].reason, "a has the same content, and goes there");
        assert_eq!(entries[1].same_as, Some(0));
        assert!(entries[2].reason.ends_with("with other content: d"));
    }

    #[test]
    fn a_file_that_is_refused_does_for_nobody() {
        let mut entries = [
            upload("a", "1", "x"),
            upload("b", "1", "x"),
            upload("c", "1", "x"),
        ];
        entries[0].ends(CONFLICT, "it is void");
        assert_eq!(actions(&mut entries), [CONFLICT, UPLOAD, SAME]);
        assert_eq!(entries[2].same_as, Some(1));
    }

    #[test]
    fn the_same_content_of_another_owner_is_not_the_same() {
        let mut entries = [upload("a", "1", "x"), upload("b", "1", "x")];
        entries[1].to.as_mut().unwrap().owner = Owner::parse("c-17").ok();
        assert_eq!(actions(&mut entries), [CONFLICT, CONFLICT]);
        assert!(entries[0].reason.contains("another owner"));
    }

    #[test]
    fn what_s3_has_already_stays_and_does_for_others() {
        let mut entries = [
            upload("a", "1", "x"),
            noted("b", "1", "x", "n"),
            noted("c", "2", "x", "n"),
        ];
        for stored in [0, 1] {
            entries[stored].ends(SAME, "the same content is there");
            entries[stored].version_id = Some("v".to_owned());
        }
        assert_eq!(actions(&mut entries), [SAME; 3]);
        assert_eq!(
            (entries[2].same_as, entries[2].version_id.as_deref()),
            (None, Some("v"))
        );
        assert_eq!(entries[2].to.as_ref().unwrap().key, "1");
    }

    #[test]
    fn what_finds_its_path_by_one_note_goes_to_one_place() {
        let mut entries = [
            noted("a", "2024/1", "x", "n"),
            noted("b", "2025/1", "x", "n"),
            noted("c", "2025/1", "y", "m"),
            noted("d", "2024/1", "z", "o"),
        ];
        // b goes where a does, which leaves 2025/1 to c; d is in the way of both.
        assert_eq!(actions(&mut entries), [CONFLICT, CONFLICT, UPLOAD, CONFLICT]);
        let mut logs = [noted("a", "2024/1", "x", "n"), noted("b", "2025/1", "y", "n")];
        for log in &mut logs {
            log.to.as_mut().unwrap().day = Some(jiff::civil::date(2024, 1, 1));
        }
        assert_eq!(actions(&mut logs), [CONFLICT, CONFLICT]);
        assert_eq!(logs[0].reason, "the session has another log: b");
    }
}
