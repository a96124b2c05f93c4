use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::name::TenantId;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// An entry of one file of so many bytes.
fn packed(subject: &str, request: &str, bytes: usize) -> Packed {
    let content = Bytes::from(vec![b'x'; bytes]);
    let entry = json!({
        "entry_version": 1, "kept_at": "2025-11-14T12:00:00Z", "reason": "outage", "collection": "clinical",
        "task": {"kind": "file"},
        "caller": {"user_id": "dana", "groups": ["office"], "tenant": TenantId::parse("acme").unwrap(), "customer": "",
                   "request_id": "1"},
        "request_sha256": Sha256::of(request.as_bytes()), "envelope": [], "folder": "snapshots", "size": bytes,
        "files": [{"path": "a.json", "size": bytes, "sha256": Sha256::of(&content), "content_type": "application/json"}],
        "zip": {"file_name": "a.zip", "size": 0, "sha256": Sha256::of(b"")},
    });
    let digest = |text: &str| Sha256::of(text.as_bytes());
    Packed {
        name: EntryName::new(Collection::clinical(), digest(subject), digest(request)),
        size: bytes as u64,
        is_alone: true,
        record: Bytes::from(entry.to_string()),
        entry: serde_json::from_value(entry).unwrap(),
        contents: vec![content],
        zip: Bytes::new(),
        request: Bytes::from(request.to_owned()),
    }
}

fn id() -> TimeId {
    TimeId::new(
        "2025-11-14T12:00:00Z".parse().unwrap(),
        casefile::id::system_entropy,
    )
    .unwrap()
}

fn local(max_bytes: u64) -> (TempDir, LocalStore) {
    let dir = TempDir::new().unwrap();
    let local = LocalStore::new(dir.path().to_owned(), max_bytes);
    (dir, local)
}

#[test]
fn an_entry_is_read_back_as_it_was_kept_and_nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 100), id()).unwrap();
    assert_eq!(local.request(&name).unwrap(), b"r");
    assert_eq!(local.file(&name, "snapshots", "a.json").unwrap().len(), 100);
    assert_eq!(local.entry(&name).unwrap().folder, "snapshots");
    for (path, mode) in [
        ("", 0o700),
        ("bucket/snapshots", 0o700),
        ("entry.json", 0o600),
        ("bucket/snapshots/a.json", 0o600),
    ] {
        let found = fs::metadata(local.path(&name).join(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
    assert_eq!(EntryName::parse(&name.to_string()), Some(name));
}

#[test]
fn no_path_leads_out_of_an_entry() {
    let (dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 1), id()).unwrap();
    fs::write(dir.path().join("secret"), b"x").unwrap();
    for (folder, place) in [
        ("..", "../secret"),
        ("snapshots", "../../../secret"),
        ("/etc", "hosts"),
        ("snapshots", "/etc/hosts"),
    ] {
        let error = local.file(&name, folder, place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{folder} {place}");
    }
}

#[test]
fn the_same_request_is_kept_once_and_another_of_the_same_subject_is_refused() {
    let (_dir, local) = local(1_000);
    let keep = |packed: Packed| local.keep(packed, id());
    let first = keep(packed("s", "r", 10)).unwrap();
    // Another version of this program needs other room for it, and gets the ZIP that was kept.
    let again = keep(packed("s", "r", 11)).unwrap();
    assert_eq!((&first.name, again.entry.size), (&again.name, 10));
    assert_eq!(again.zip, Some(Bytes::new()));
    assert!(matches!(keep(packed("s", "other", 10)), Err(NotKept::Other)));
    let revision = Packed {
        is_alone: false,
        ..packed("s", "other", 10)
    };
    keep(revision).unwrap();
    keep(packed("another", "other", 10)).unwrap();
    let listing = local.list().unwrap();
    assert_eq!(
        (listing.entries.len(), listing.unfinished, listing.size),
        (3, 0, 30)
    );
}

#[test]
fn twins_at_the_same_moment_are_kept_once() {
    let (_dir, local) = local(100_000);
    let local = &local;
    let names: Vec<_> = std::thread::scope(|scope| {
        // None is as long as another.
        let twins: Vec<_> = (1..17)
            .map(|size| scope.spawn(move || local.keep(packed("s", "r", size), id())))
            .collect();
        let names = twins.into_iter().map(|twin| twin.join().unwrap().unwrap().name);
        names.collect()
    });
    assert!(names.iter().all(|name| *name == names[0]));
    let listing = local.list().unwrap();
    assert_eq!((listing.entries.len(), listing.unfinished), (1, 0));
}

#[test]
fn a_damaged_entry_gives_way_to_the_same_request() {
    for (file, content) in [
        ("request.json", Some(&b"{}"[..])),
        ("entry.json", Some(b"{")),
        ("entry.json", None),
    ] {
        let (_dir, local) = local(1_000);
        let first = local.keep(packed("s", "r", 10), id()).unwrap();
        let path = local.path(&first.name).join(file);
        match content {
            Some(content) => fs::write(path, content).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        local.keep(packed("s", "r", 20), id()).unwrap();
        assert_eq!(local.request(&first.name).unwrap(), b"r");
        assert_eq!(local.list().unwrap().size, 20);
    }
}

#[test]
fn a_note_outlives_its_entry_only_until_the_next_one() {
    let (_dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 10), id()).unwrap();
    local.mark_sent(&name, &json!({}), id()).unwrap();
    // An operator has removed the entry, and not the note.
    fs::remove_dir_all(local.path(&name)).unwrap();
    local.keep(packed("s", "r", 10), id()).unwrap();
    assert!(!local.list().unwrap().entries[0].is_sent);
    // And what isn't there can't be noted.
    fs::remove_dir_all(local.path(&name)).unwrap();
    local.mark_sent(&name, &json!({}), id()).unwrap();
    assert!(!local.is_sent(&name));
}

#[test]
fn a_refusal_is_remembered_until_it_is_sent_on() {
    let (_dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 10), id()).unwrap();
    let refusal = Refusal {
        at: "2025-11-14T12:00:00Z".parse().unwrap(),
        detail: "other content".to_owned(),
    };
    local.mark_refused(&name, &refusal, id()).unwrap();
    assert_eq!(local.refusal(&name), Some(refusal));
    local.mark_sent(&name, &json!({}), id()).unwrap();
    assert_eq!(local.refusal(&name), None);
}

#[test]
fn the_oldest_that_were_sent_on_make_room_and_nothing_else_does() {
    let (_dir, local) = local(100);
    let keep = |subject: &str| {
        local
            .keep(packed(subject, subject, 40), id())
            .map(|kept| kept.name)
    };
    let (first, second) = (keep("1").unwrap(), keep("2").unwrap());
    assert!(matches!(keep("3"), Err(NotKept::Full)));
    for (name, seconds) in [(&second, 2), (&first, 1)] {
        local.mark_sent(name, &json!({}), id()).unwrap();
        let mark = File::options().write(true).open(local.sent_note(name)).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        mark.set_modified(time).unwrap();
    }
    keep("3").unwrap();
    let left: Vec<_> = local
        .list()
        .unwrap()
        .entries
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert!(!left.contains(&first) && left.contains(&second), "{left:?}");
    assert!(!local.sent_note(&first).exists());
    // What fits nowhere lets nothing go.
    assert!(matches!(
        local.keep(packed("4", "4", 101), id()),
        Err(NotKept::Full)
    ));
    assert!(
        local
            .list()
            .unwrap()
            .entries
            .iter()
            .any(|entry| entry.name == second)
    );
}

#[test]
fn what_was_sent_on_and_comes_again_is_in_s3() {
    let (_dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 10), id()).unwrap();
    local.mark_sent(&name, &json!({"at": "now"}), id()).unwrap();
    local.keep(packed("s", "r", 10), id()).unwrap();
    assert!(local.is_sent(&name));
}

#[test]
fn what_is_half_written_is_known_by_its_name_and_counts() {
    let (dir, local) = local(100);
    fs::create_dir(dir.path().join("writing_90_x")).unwrap();
    fs::create_dir(dir.path().join("going_x")).unwrap();
    fs::write(dir.path().join("notes.txt"), b"somebody's own").unwrap();
    let listing = local.list().unwrap();
    assert_eq!(
        (listing.entries.len(), listing.unfinished, listing.size),
        (0, 1, 90)
    );
    assert!(matches!(
        local.keep(packed("s", "r", 20), id()),
        Err(NotKept::Full)
    ));
    // What was about to be removed is.
    assert!(!dir.path().join("going_x").exists());
}

#[test]
fn an_entry_is_one_replay_s_at_a_time() {
    let (_dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 10), id()).unwrap();
    let lock = local.lock(&name).unwrap().unwrap();
    assert!(local.lock(&name).unwrap().is_none());
    drop(lock);
    assert!(local.lock(&name).unwrap().is_some());
}

#[test]
fn an_entry_whose_size_was_not_noted_any_more_is_complete() {
    let (dir, local) = local(1_000);
    let Kept { name, .. } = local.keep(packed("s", "r", 10), id()).unwrap();
    fs::remove_file(dir.path().join(format!("{name}.10.size"))).unwrap();
    let listing = local.list().unwrap();
    assert_eq!((listing.entries.len(), listing.size), (1, 0));
    assert_eq!(local.keep(packed("s", "r", 10), id()).unwrap().name, name);
}

#[test]
fn what_fails_halfway_leaves_nothing() {
    let (dir, local) = local(1_000);
    let mut packed = packed("s", "r", 10);
    // No file system takes that.
    packed.entry.folder = "x".repeat(300);
    assert!(matches!(local.keep(packed, id()), Err(NotKept::Io(_))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_does_not_exist_is_not_made() {
    let (dir, _) = local(1);
    let local = LocalStore::new(dir.path().join("not-mounted"), 1_000);
    assert!(matches!(
        local.keep(packed("s", "r", 10), id()),
        Err(NotKept::Io(_))
    ));
    assert!(!dir.path().join("not-mounted").exists());
}
