use std::collections::HashMap;

use casefile::id::{EntropyError, system_entropy};
use tempfile::TempDir;

use super::*;

fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

/// Long after every file that a test makes.
fn far_later() -> Timestamp {
    "2200-01-01T00:00:00Z".parse().unwrap()
}

fn no_entropy(_: &mut [u8]) -> Result<(), EntropyError> {
    Err(EntropyError)
}

fn shelf(folder: &TempDir) -> Shelf {
    let folder = folder.path().join("tables");
    Shelf::new(folder, "artifacts".to_owned(), noon, system_entropy)
}

fn wanted() -> Wanted {
    Wanted::newest("labs".parse().unwrap())
}

fn head(content: &[u8], version_id: &str) -> Head {
    Head {
        size: content.len() as u64,
        checksum: Some(Sha256::of(content)),
        version_id: Some(version_id.to_owned()),
        etag: Some(format!("\"{}\"", Sha256::of(content))),
        content_type: None,
        last_modified: Some(noon()),
        is_archived: false,
        metadata: HashMap::new(),
    }
}

fn keep(shelf: &Shelf, content: &[u8], version_id: &str) -> Record {
    let mut part = shelf.begin().unwrap();
    part.write(content).unwrap();
    let kept = shelf.keep(part, &wanted(), &head(content, version_id), Sha256::of(content));
    kept.unwrap()
}

fn files(shelf: &Shelf) -> Vec<String> {
    let mut files = shelf.names().unwrap();
    files.sort();
    files
}

#[tokio::test]
async fn a_copy_is_found_again_and_nothing_else_is_left() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    assert_eq!(shelf.look(&wanted()).await.unwrap(), Local::Missing);
    let record = keep(&shelf, b"one", "v1");
    assert_eq!(shelf.look(&wanted()).await.unwrap(), Local::Copy(record.clone()));
    assert!(record.is_of(&head(b"one", "v1")));
    assert!(!record.is_of(&head(b"one", "v2")) && !record.is_of(&head(b"two", "v1")));
    assert_eq!(files(&shelf), [".labs.parquet.json", "labs.parquet"]);
    assert_eq!(shelf.records().unwrap(), [(wanted(), record)]);
}

#[tokio::test]
async fn a_copy_that_was_changed_or_cut_short_is_none() {
    for damage in [&b"onE"[..], b"on", b"", b"ones"] {
        let folder = TempDir::new().unwrap();
        let shelf = shelf(&folder);
        keep(&shelf, b"one", "v1");
        fs::write(shelf.path(&wanted()), damage).unwrap();
        touch(&shelf.path(&wanted()), 7);
        assert_eq!(shelf.look(&wanted()).await.unwrap(), Local::Unknown, "{damage:?}");
        assert_eq!(shelf.adopt(&wanted(), &head(b"one", "v1")).await.unwrap(), None);
    }
}

fn touch(path: &Path, seconds: i64) {
    let file = OpenOptions::new().append(true).open(path).unwrap();
    let time = Timestamp::from_second(seconds).unwrap();
    file.set_modified(time.into()).unwrap();
}

#[tokio::test]
async fn a_copy_of_another_time_but_the_same_content_is_good() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    let record = keep(&shelf, b"one", "v1");
    touch(&shelf.path(&wanted()), 7);
    let found = shelf.look(&wanted()).await.unwrap().copy().unwrap();
    assert_eq!(found.sha256, record.sha256);
    let found = shelf.confirm(&wanted(), found);
    assert_eq!(shelf.record(&wanted()), Some(found));
}

#[tokio::test]
async fn a_crash_between_a_copy_and_its_record_is_noticed() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    keep(&shelf, b"one", "v1");
    let old = fs::read(shelf.record_path(&wanted())).unwrap();
    keep(&shelf, b"two", "v2");
    fs::write(shelf.record_path(&wanted()), old).unwrap();
    touch(&shelf.path(&wanted()), 7);
    for _ in 0..2 {
        assert_eq!(shelf.look(&wanted()).await.unwrap(), Local::Unknown);
        assert_eq!(shelf.adopt(&wanted(), &head(b"one", "v1")).await.unwrap(), None);
        let adopted = shelf
            .adopt(&wanted(), &head(b"two", "v2"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(adopted.version_id.as_deref(), Some("v2"));
        // Or there was never one.
        let _ = fs::remove_file(shelf.record_path(&wanted()));
    }
}

#[tokio::test]
async fn a_record_counts_for_its_own_bucket_key_and_version() {
    let folder = TempDir::new().unwrap();
    let own = shelf(&folder);
    keep(&own, b"one", "v1");
    let other = Shelf {
        bucket: "other".to_owned(),
        ..shelf(&folder)
    };
    assert_eq!(other.look(&wanted()).await.unwrap(), Local::Unknown);
    assert!(other.records().unwrap().is_empty());
    for text in ["", "{", "[]", "{}"] {
        fs::write(own.record_path(&wanted()), text).unwrap();
        assert_eq!(own.look(&wanted()).await.unwrap(), Local::Unknown, "{text}");
    }
}

#[test]
fn an_unfinished_file_is_gone_with_its_run_and_a_dead_run_s_with_a_later_one() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    drop(shelf.begin().unwrap());
    assert!(files(&shelf).is_empty());
    let mut dead = shelf.begin().unwrap();
    dead.write(b"half").unwrap();
    std::mem::forget(dead);
    fs::write(shelf.folder.join("notes.part"), "a person's").unwrap();
    shelf.sweep();
    assert_eq!(files(&shelf).len(), 2, "it may be at work");
    let later = Shelf {
        clock: far_later,
        ..shelf
    };
    later.sweep();
    assert_eq!(files(&later), ["notes.part"]);
}

#[test]
fn what_can_not_be_written_is_an_error() {
    let folder = TempDir::new().unwrap();
    let blocked = Shelf {
        entropy: no_entropy,
        ..shelf(&folder)
    };
    assert!(blocked.begin().is_err());
    fs::write(folder.path().join("file"), "").unwrap();
    let blocked = Shelf {
        folder: folder.path().join("file"),
        ..shelf(&folder)
    };
    assert!(blocked.begin().is_err() && blocked.records().is_err());
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_its_user_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    keep(&shelf, b"one", "v1");
    let mode = fs::metadata(shelf.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[cfg(unix)]
#[test]
fn a_copy_is_its_user_s_alone_in_whichever_folder() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    fs::create_dir(shelf.folder()).unwrap();
    fs::set_permissions(shelf.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    // Also where one lies that all could read.
    fs::write(shelf.path(&wanted()), "old").unwrap();
    fs::set_permissions(shelf.path(&wanted()), fs::Permissions::from_mode(0o644)).unwrap();
    let part = shelf.begin().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&part.path), 0o600);
    keep(&shelf, b"one", "v1");
    assert_eq!(mode(&shelf.path(&wanted())), 0o600);
    assert_eq!(mode(&shelf.record_path(&wanted())), 0o600);
}

#[tokio::test]
async fn a_copy_is_withheld_for_its_own_version_and_until_it_is_confirmed() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    let withhold = |content, version_id| {
        let head = head(content, version_id);
        shelf
            .withhold(&wanted().table, &head, Withheld::Rejected)
            .unwrap();
    };
    withhold(b"one", "v1");
    assert_eq!(shelf.look(&wanted()).await.unwrap(), Local::Missing);
    keep(&shelf, b"one", "v1");
    withhold(b"one", "v2");
    withhold(b"two", "v1");
    assert!(shelf.look(&wanted()).await.unwrap().copy().is_some());
    withhold(b"one", "v1");
    for local in [shelf.look(&wanted()).await, shelf.look_into(&wanted()).await] {
        let local = local.unwrap();
        assert!(
            matches!(local, Local::Withheld(_, Withheld::Rejected)),
            "{local:?}"
        );
        assert_eq!(local.copy(), None);
    }
    let record = shelf.look(&wanted()).await.unwrap().record().unwrap();
    shelf.confirm(&wanted(), record);
    assert!(shelf.look(&wanted()).await.unwrap().copy().is_some());
    withhold(b"one", "v1");
    keep(&shelf, b"two", "v2");
    assert!(shelf.look(&wanted()).await.unwrap().copy().is_some());
}

#[tokio::test]
async fn a_copy_with_its_old_size_and_time_is_looked_into() {
    let folder = TempDir::new().unwrap();
    let shelf = shelf(&folder);
    let record = keep(&shelf, b"one", "v1");
    fs::write(shelf.path(&wanted()), "onE").unwrap();
    let file = OpenOptions::new()
        .append(true)
        .open(shelf.path(&wanted()))
        .unwrap();
    file.set_modified(record.modified_at.into()).unwrap();
    assert_eq!(shelf.look_into(&wanted()).await.unwrap(), Local::Unknown);
}
