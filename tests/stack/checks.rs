//! Checks of what lies in a bucket: one reading for the digest, ranges for tables, and the very version that was asked
//! for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use casefile::bucket::{Bucket, NewObject};
use casefile::digest::Sha256;
use casefile::store_error::StoreError;
use futures::future::{join, join_all};
use post_process::check::{Checked, Expected, Flag, Kind, MAX_OPENED, Schema, Status, check};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::support::{BUCKET, Harness, client};

const PDF: &[u8] = include_bytes!("../fixtures/ecg/ECG_Report_20251028_143022.pdf");
const METRICS: &[u8] = include_bytes!("../fixtures/ecg/metrics_20251028_143022.json");
const TRAINING: &[u8] = include_bytes!("../fixtures/training/session.json");
const DOCX: &[u8] = include_bytes!("../fixtures/review/before.docx");
const TABLE: &[u8] = include_bytes!("../fixtures/clinical/encounter_maindata.parquet");

/// Puts an object where one may lie already, and gives its version.
async fn put(harness: &Harness, key: &str, content: &[u8]) -> String {
    let put = harness.client.put_object().bucket(BUCKET).key(key);
    let put = put.body(ByteStream::from(content.to_vec())).send().await;
    put.unwrap().version_id.unwrap()
}

fn expected(name: &str) -> Expected<'_> {
    Expected {
        sha256: None,
        size: None,
        schema: Schema::None,
        name,
    }
}

async fn checked(harness: &Harness, key: &str, content: &[u8], expected: &Expected<'_>) -> Checked {
    let version = put(harness, key, content).await;
    let checked = check(&harness.bucket(), key, Some(&version), expected)
        .await
        .unwrap();
    assert_eq!(
        (checked.size, checked.sha256),
        (content.len() as u64, Sha256::of(content))
    );
    checked
}

#[tokio::test]
async fn the_samples_are_verified() {
    let harness = Harness::start().await;
    for (name, content, schema, kind) in [
        ("report.pdf", PDF, Schema::None, Kind::Pdf),
        ("metrics.json", METRICS, Schema::EcgMetrics, Kind::Json),
        ("run.log", TRAINING, Schema::TrainingLog, Kind::Json),
        ("before.docx", DOCX, Schema::None, Kind::Docx),
        ("encounters.parquet", TABLE, Schema::None, Kind::Parquet),
        ("empty.txt", b"", Schema::None, Kind::Text),
    ] {
        let expected = Expected {
            sha256: Some(Sha256::of(content)),
            size: Some(content.len() as u64),
            schema,
            name,
        };
        let checked = checked(&harness, name, content, &expected).await;
        assert_eq!((checked.status, checked.kind), (Status::Verified, kind), "{name}");
    }
}

#[tokio::test]
async fn a_table_is_read_once_and_looked_at_by_its_footer() {
    let harness = Harness::start().await;
    // Rows that nobody looks at, so that the footer is only a small part of the file.
    let footer = u32::from_le_bytes(TABLE[TABLE.len() - 8..][..4].try_into().unwrap()) as usize + 8;
    let (rows, footer) = TABLE.split_at(TABLE.len() - footer);
    let table = [rows, &vec![0; 300_000], footer].concat();
    let requests = harness.s3.requests();
    let version = put(&harness, "table.parquet", &table).await;
    requests.record(true);
    let (bucket, expected) = (harness.bucket(), expected("table.parquet"));
    let checked = check(&bucket, "table.parquet", Some(&version), &expected).await;
    let facts = checked.unwrap().facts.parquet.unwrap();
    let operations: Vec<_> = requests
        .take()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    assert_eq!(operations, ["GetObject", "GetObject"]);
    assert!(
        facts.rows > 0 && facts.row_groups > 0 && facts.columns.len() > 1,
        "{facts:?}"
    );
}

#[tokio::test]
async fn that_very_version_is_checked() {
    let harness = Harness::start().await;
    let first = put(&harness, "a.pdf", PDF).await;
    let second = put(&harness, "a.pdf", b"not a PDF").await;
    let bucket = harness.bucket();
    let status = async |version: Option<&str>| {
        let checked = check(&bucket, "a.pdf", version, &expected("a.pdf")).await;
        checked.unwrap().status
    };
    assert_eq!(status(Some(&first)).await, Status::Verified);
    assert_eq!(status(Some(&second)).await, Status::Rejected);
    assert_eq!(status(None).await, Status::Rejected);
    let gone = check(&bucket, "b.pdf", None, &expected("b.pdf")).await;
    assert_eq!(gone.unwrap_err(), StoreError::NotFound);
}

#[tokio::test]
async fn other_content_than_announced_is_rejected_whatever_it_is() {
    let harness = Harness::start().await;
    let other = Expected {
        sha256: Some(Sha256::of(b"other")),
        ..expected("a.pdf")
    };
    let checked_by_hash = checked(&harness, "a.pdf", PDF, &other).await;
    assert_eq!(checked_by_hash.status, Status::Rejected);
    assert_eq!(
        checked_by_hash.reason.as_deref(),
        Some("its SHA-256 is not the recorded one")
    );
    let longer = Expected {
        size: Some(PDF.len() as u64 + 1),
        ..expected("a.pdf")
    };
    let checked_by_size = checked(&harness, "a.pdf", PDF, &longer).await;
    assert_eq!(
        checked_by_size.reason.as_deref(),
        Some("its size is not the recorded one")
    );
}

#[tokio::test]
async fn what_is_too_large_to_be_opened_is_hashed_all_the_same() {
    let harness = Harness::start().await;
    let size = usize::try_from(MAX_OPENED).unwrap() + 1;
    let mut large = PDF.to_vec();
    large.resize(size, b' ');
    let unopened = checked(&harness, "large.pdf", &large, &expected("large.pdf")).await;
    assert_eq!((unopened.status, unopened.kind), (Status::Unsupported, Kind::Pdf));
    large.truncate(size - 1);
    let opened = checked(&harness, "large.pdf", &large, &expected("large.pdf")).await;
    assert_eq!((opened.status, opened.facts.pages), (Status::Verified, Some(1)));
}

#[tokio::test]
async fn an_encrypted_table_is_flagged() {
    let harness = Harness::start().await;
    let content = b"PARE\0\0\0\0\0\0\0\0PARE";
    let checked = checked(&harness, "a.parquet", content, &expected("a.parquet")).await;
    assert_eq!(checked.flags, [Flag::Encrypted]);
}

#[tokio::test]
async fn a_range_is_read_whole_or_not_at_all() {
    let harness = Harness::start().await;
    put(&harness, "a", b"0123456789").await;
    let bucket = harness.bucket();
    assert_eq!(bucket.range("a", None, 2..5).await.unwrap(), "234");
    assert_eq!(bucket.range("a", None, 5..5).await.unwrap(), "");
    for range in [8..11, 10..12, 50..60] {
        let refused = bucket.range("a", None, range).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_stream_begins_with_what_a_head_would_have_said() {
    let harness = Harness::start().await;
    let bucket = harness.bucket();
    let object = NewObject {
        key: "a.txt".to_owned(),
        body: "0123456789".into(),
        sha256: Sha256::of(b"0123456789"),
        content_type: "text/plain",
        metadata: vec![("tenant", "acme".to_owned())],
    };
    bucket.create(&object).await.unwrap();
    let mut streamed = bucket.stream("a.txt", None).await.unwrap();
    assert_eq!(streamed.head, bucket.head("a.txt").await.unwrap());
    assert_eq!(streamed.head.checksum, Some(object.sha256));
    assert!(streamed.head.etag.is_some());
    let mut content = Vec::new();
    while let Some(piece) = streamed.next().await.unwrap() {
        content.extend_from_slice(&piece);
    }
    assert_eq!(content, object.body);
    assert_eq!(streamed.next().await.unwrap(), None);
}

/// An S3 that gives these answers, a connection each, and the request heads that it got.
async fn scripted(answers: &'static [&'static str]) -> (Bucket, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut lines = BufReader::new(&mut stream).lines();
            let mut head = String::new();
            while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                head.push_str(&line.to_ascii_lowercase());
                head.push('\n');
            }
            seen.lock().unwrap().push(head);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (Bucket::new(client(&endpoint), BUCKET.to_owned()), heads)
}

const BROKEN_OFF: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\netag: \"7\"\r\nx-amz-version-id: v1\r\n\r\n0123";

#[tokio::test]
async fn a_reading_that_breaks_off_is_taken_up_where_it_was() {
    let rest = "HTTP/1.1 206 OK\r\ncontent-length: 6\r\netag: \"7\"\r\nx-amz-version-id: v1\r\n\r\n456789";
    let answers: &'static [&'static str] = Box::leak(Box::new([BROKEN_OFF, rest]));
    let (bucket, heads) = scripted(answers).await;
    let checked = check(&bucket, "a.txt", None, &expected("a.txt")).await.unwrap();
    assert_eq!(checked.sha256, Sha256::of(b"0123456789"));
    assert_eq!(checked.status, Status::Verified);
    let heads = heads.lock().unwrap();
    for part in ["range: bytes=4-\n", "if-match: \"7\"\n", "versionid=v1"] {
        assert!(heads[1].contains(part), "{part}: {}", heads[1]);
    }
    assert!(
        heads[0].contains("x-amz-checksum-mode: enabled\n"),
        "{}",
        heads[0]
    );
}

#[tokio::test]
async fn a_reading_is_not_taken_up_with_other_content() {
    let replaced = "HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let answers: &'static [&'static str] = Box::leak(Box::new([BROKEN_OFF, replaced]));
    let (bucket, _) = scripted(answers).await;
    let refused = check(&bucket, "a.txt", None, &expected("a.txt")).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
}

/// An S3 that has objects of 32 MiB, keeps the last byte of each back until it is told to go on, and counts those that it
/// has sent up to there.
async fn holding(objects: usize) -> (Bucket, watch::Receiver<usize>, Arc<Semaphore>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sent, seen) = watch::channel(0);
    let (sent, go_on) = (Arc::new(sent), Arc::new(Semaphore::new(0)));
    let turn = Arc::clone(&go_on);
    tokio::spawn(async move {
        for _ in 0..objects {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (sent, turn) = (Arc::clone(&sent), Arc::clone(&turn));
            tokio::spawn(async move {
                let mut lines = BufReader::new(&mut stream).lines();
                while lines
                    .next_line()
                    .await
                    .unwrap()
                    .is_some_and(|line| !line.is_empty())
                {}
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {MAX_OPENED}\r\netag: \"7\"\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let body = vec![b'x'; usize::try_from(MAX_OPENED).unwrap() - 1];
                stream.write_all(&body).await.unwrap();
                sent.send_modify(|sent| *sent += 1);
                turn.acquire().await.unwrap().forget();
                stream.write_all(b"x").await.unwrap();
                stream.flush().await.unwrap();
            });
        }
    });
    (Bucket::new(client(&endpoint), BUCKET.to_owned()), seen, go_on)
}

#[tokio::test]
async fn what_is_kept_of_all_files_together_is_bounded() {
    const OBJECTS: usize = 5;
    let (bucket, mut sent, go_on) = holding(OBJECTS).await;
    let expected = expected("a.txt");
    let checks = join_all((0..OBJECTS).map(|_| check(&bucket, "a.txt", None, &expected)));
    let watching = async {
        // Three of 32 MiB have room; a fourth waits although its bytes are there.
        let full = sent.wait_for(|sent| *sent >= 3);
        tokio::time::timeout(Duration::from_mins(1), full)
            .await
            .unwrap()
            .unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(*sent.borrow(), 3);
        go_on.add_permits(OBJECTS);
    };
    let checks = tokio::time::timeout(Duration::from_mins(2), async { join(checks, watching).await.0 });
    for checked in checks.await.unwrap() {
        assert_eq!(checked.unwrap().status, Status::Verified);
    }
}

#[tokio::test]
async fn more_files_than_there_is_room_for_are_checked_one_after_another() {
    let harness = Harness::start().await;
    let mut large = PDF.to_vec();
    large.resize(20 * 1024 * 1024, b' ');
    put(&harness, "large.pdf", &large).await;
    put(&harness, "small.pdf", PDF).await;
    put(&harness, "a.parquet", TABLE).await;
    let bucket = harness.bucket();
    let keys = ["large.pdf", "small.pdf", "large.pdf", "a.parquet"].repeat(3);
    let checks = keys
        .iter()
        .map(async |key| check(&bucket, key, None, &expected(key)).await);
    for checked in join_all(checks).await {
        assert_eq!(checked.unwrap().status, Status::Verified);
    }
}

#[tokio::test]
async fn no_key_makes_a_list_unreadable() {
    let harness = Harness::start().await;
    let keys = [
        "l/a b",
        "l/a+b",
        "l/a%20b",
        "l/\u{1}",
        "l/\u{ffff}\u{fffe}",
        "l/é&<>",
    ];
    for key in keys {
        put(&harness, key, b"x").await;
    }
    let mut sorted = keys.map(str::to_owned);
    sorted.sort();
    let bucket = harness.bucket();
    assert_eq!(bucket.keys("l/").await.unwrap(), sorted);
    // One by one, each after the one before.
    let mut found: Vec<String> = Vec::new();
    while let Some(key) = bucket
        .page("l/", found.last().map(String::as_str), 1)
        .await
        .unwrap()
        .keys
        .pop()
    {
        found.push(key);
    }
    assert_eq!(found, sorted);
}
