//! The numbers of bills of lading: unique and without gaps, whatever runs at once, sleeps, fails or crashes; and the
//! operator's tool for them.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use casefile::bol::{
    BolNumber, IssueError, Issued, Made, NumberFormat, Numbers, Outcome, REQUEST, Series, TakenFrom,
};
use casefile::bucket::{Bucket, NewObject, Source, Target};
use casefile::digest::Sha256;
use casefile::id::system_entropy;
use casefile::key::{BasePath, ObjectKey};
use casefile::store_error::StoreError;
use casefile::time::Clock;
use casefile_local::s3::{Fault, FaultRule, PausePoint, When};
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::links::records;
use crate::support::{AUDIT_BUCKET, BUCKET, Harness, noon, operators_tool};

/// Whoever took a number at noon can't use it any more.
fn three_past_noon() -> Timestamp {
    noon() + SignedDuration::from_secs(180)
}

/// Whoever took a number at noon has most likely finished.
fn soon() -> Timestamp {
    noon() + SignedDuration::from_secs(20)
}

/// Ten times as fast as the clock on the wall, so that within a test numbers are forgotten and taken over.
fn hurried() -> Timestamp {
    static START: OnceLock<Instant> = OnceLock::new();
    let passed = START.get_or_init(Instant::now).elapsed() * 10;
    noon() + SignedDuration::try_from(passed).unwrap()
}

/// A place that issues bills of lading.
#[derive(Clone)]
struct Office {
    bucket: Bucket,
    base: BasePath,
    format: NumberFormat,
    clock: Clock,
}

impl Office {
    fn of(harness: &Harness) -> Self {
        Self {
            bucket: harness.bucket(),
            base: BasePath::default(),
            format: NumberFormat::parse("PRT-{YYYY}-{NNNN}").unwrap(),
            clock: noon,
        }
    }

    fn at(&self, clock: Clock) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    fn numbers(&self) -> Numbers<'_> {
        Numbers {
            bucket: &self.bucket,
            base: &self.base,
            format: self.format.clone(),
            clock: self.clock,
            entropy: system_entropy,
            until: Instant::now() + Duration::from_secs(25),
        }
    }

    /// Issues the bill of lading of that name in a year. Its document says its number.
    async fn issue_in(&self, year: i16, name: &str) -> Result<Issued<()>, IssueError<Infallible>> {
        let series = self.format.series(year).unwrap();
        let make = |number: BolNumber| async move {
            let object = self.document(&number, name, &format!("{number} for {name}"));
            let written = self.bucket.create(&object).await;
            Ok(Made {
                written,
                document: (),
            })
        };
        self.numbers().issue(request(name), &series, make).await
    }

    async fn issue(&self, name: &str) -> String {
        self.issue_in(2025, name).await.unwrap().number.to_string()
    }

    fn document(&self, number: &BolNumber, name: &str, text: &str) -> NewObject {
        let body = Bytes::from(text.to_owned());
        NewObject {
            key: number.key(&self.base).unwrap(),
            sha256: Sha256::of(&body),
            body,
            content_type: "application/pdf",
            metadata: vec![(REQUEST, request(name).to_string())],
        }
    }

    async fn store_by_hand(&self, number: &str) {
        let number = BolNumber::parse(number).unwrap();
        let object = NewObject {
            metadata: Vec::new(),
            ..self.document(&number, "", &format!("{number} by hand"))
        };
        self.bucket.create(&object).await.unwrap();
    }

    async fn take(&self, name: &str) -> String {
        let taken = self.numbers().take(request(name), &prt(), &[]).await.unwrap();
        taken.number.to_string()
    }

    /// What is stored, as number and name; every document says the number of its key.
    async fn stored(&self) -> Vec<(String, String)> {
        let mut stored = Vec::new();
        for key in self.bucket.keys("bols/").await.unwrap() {
            let text = self.bucket.read(&key, 1_000).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            let (number, name) = text.split_once(" for ").unwrap_or((&text, "nobody"));
            let number = number.trim_end_matches(" by hand");
            let (year, _) = number.strip_prefix("PRT-").unwrap().split_once('-').unwrap();
            assert_eq!(key, format!("bols/{year}/{number}.pdf"));
            stored.push((number.to_owned(), name.to_owned()));
        }
        stored
    }

    async fn remembered(&self, name: &str) -> Option<String> {
        let number = self.numbers().remembered(request(name)).await.unwrap();
        number.map(|number| number.to_string())
    }

    async fn open(&self) -> Vec<u32> {
        let state = self.numbers().state(&prt()).await.unwrap().unwrap();
        state.open().iter().map(|open| open.number).collect()
    }
}

fn request(name: &str) -> Sha256 {
    Sha256::of(name.as_bytes())
}

fn prt() -> Series {
    Series::parse("PRT-2025").unwrap()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(number, name)| ((*number).to_owned(), (*name).to_owned()))
        .collect()
}

/// Numbers from a seed: xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Writes of documents, states and memories that fail now and then, before or after taking effect.
fn inject_failures(harness: &Harness) {
    for at in 0..40 {
        let prefix = ["_casefile/bols/PRT", "_casefile/bols/requests/", "bols/"][at % 3];
        let rule = FaultRule::on("PutObject").prefix(prefix).skip(at * 9).times(1);
        let (when, fault) = match at % 4 {
            0 => (When::Before, Fault::error(503, "SlowDown")),
            1 => (When::After, Fault::Cut),
            2 => (When::After, Fault::error(500, "InternalError")),
            _ => (When::Before, Fault::Cut),
        };
        harness.s3.faults().inject(rule, when, fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eighty_at_once_that_die_at_random_leave_no_gap_and_no_number_twice() {
    let harness = Harness::start().await;
    let office = Office::of(&harness).at(hurried);
    inject_failures(&harness);
    let started = Instant::now();
    let calls = (1..=80_u64).map(|seed| {
        let office = office.clone();
        tokio::spawn(async move {
            let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let name = format!("record {seed}");
            let mut lives = 0;
            loop {
                lives += 1;
                assert!(lives < 500, "{name} is never done");
                // Wherever it has come to by then, it ends: in a third of its lives soon. Whoever called it waits before
                // it calls again.
                let longest = [300, 6_000, 9_000][usize::try_from(chance.below(3)).unwrap()];
                let life = Duration::from_millis(chance.below(longest));
                if let Ok(Ok(issued)) = timeout(life, office.issue_in(2025, &name)).await {
                    return (name, issued.number.to_string(), lives);
                }
                tokio::time::sleep(Duration::from_millis(chance.below(800 * lives.min(6)))).await;
            }
        })
    });
    let mut deaths = 0;
    let mut issued = Vec::new();
    for call in join_all(calls).await {
        let (name, number, lives) = call.unwrap();
        deaths += lives - 1;
        issued.push((number, name));
    }
    println!("80 numbers, {deaths} deaths: {:?}", started.elapsed());
    assert!(deaths > 40, "{deaths}");
    harness.s3.faults().clear();
    issued.sort();
    assert_eq!(office.stored().await, issued);
    let numbers: Vec<_> = issued.iter().map(|(number, _)| number.clone()).collect();
    let expected: Vec<_> = (1..=80).map(|count| format!("PRT-2025-{count:04}")).collect();
    assert_eq!(numbers, expected);
    for (number, name) in &issued {
        let again = office.issue_in(2025, name).await.unwrap();
        assert_eq!(again.number.to_string(), *number);
        assert!(matches!(again.outcome, Outcome::Found(_)));
        assert_eq!(office.remembered(name).await.as_ref(), Some(number));
    }
    let memories = office.bucket.keys("_casefile/bols/requests/").await.unwrap();
    assert_eq!(memories.len(), 80);
    let state = office.numbers().state(&prt()).await.unwrap().unwrap();
    assert_eq!(state.next(), 81);
}

#[tokio::test]
async fn a_new_year_counts_from_one_and_numbers_grow_past_their_width() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    assert_eq!(office.issue("a").await, "PRT-2025-0001");
    let (numbers, series) = (office.numbers(), prt());
    let set = numbers.change(&series, |state| state.go_on_after(9_998, "olga", noon()));
    set.await.unwrap();
    assert_eq!(office.issue("b").await, "PRT-2025-9999");
    assert_eq!(office.issue("c").await, "PRT-2025-10000");
    let next = office.issue_in(2026, "d").await.unwrap();
    assert_eq!(next.number.to_string(), "PRT-2026-0001");
    assert_eq!(next.number.path(), "2026/PRT-2026-0001.pdf");
    // A repeat keeps its number, whatever the year.
    let again = office.issue_in(2026, "a").await.unwrap();
    assert_eq!(again.number.to_string(), "PRT-2025-0001");
    // A series keeps its width.
    let wide = Office {
        format: NumberFormat::parse("PRT-{YYYY}-{NNNNNN}").unwrap(),
        ..office.clone()
    };
    assert_eq!(wide.issue("e").await, "PRT-2025-10001");
    let next = wide.issue_in(2026, "f").await.unwrap();
    assert_eq!(next.number.to_string(), "PRT-2026-0002");
    let next = wide.issue_in(2027, "g").await.unwrap();
    assert_eq!(next.number.to_string(), "PRT-2027-000001");
}

#[tokio::test]
async fn twins_get_one_number_and_one_document() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let twins = join_all((0..6).map(|_| office.issue("a"))).await;
    assert_eq!(BTreeSet::from_iter(twins), ["PRT-2025-0001".to_owned()].into());
    assert_eq!(office.stored().await, pairs(&[("PRT-2025-0001", "a")]));
}

#[tokio::test]
async fn a_number_that_was_taken_and_never_used_is_found_and_used() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    assert_eq!(office.take("a").await, "PRT-2025-0001");
    assert_eq!(office.at(soon).issue("b").await, "PRT-2025-0002");
    let later = office.at(three_past_noon);
    assert_eq!(later.issue("c").await, "PRT-2025-0001");
    assert_eq!(later.issue("a").await, "PRT-2025-0003");
    assert_eq!(
        office.stored().await,
        pairs(&[
            ("PRT-2025-0001", "c"),
            ("PRT-2025-0002", "b"),
            ("PRT-2025-0003", "a")
        ])
    );
    // What b used is not open any more, for c looked; and c's own is, until somebody looks.
    assert_eq!(office.open().await, [1, 3]);
}

/// The first write below `prefix` waits.
fn hold(harness: &Harness, prefix: &str) -> PausePoint {
    let rule = FaultRule::on("PutObject").prefix(prefix).times(1);
    harness.s3.faults().pause(rule, When::Before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeper_whose_number_was_used_takes_another() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let later = office.at(three_past_noon);
    let mut point = hold(&harness, "bols/");
    let others = async {
        let held = point.arrived().await.unwrap();
        assert_eq!(later.issue("b").await, "PRT-2025-0001");
        held.release();
    };
    let (number, ()) = tokio::join!(office.issue("a"), others);
    assert_eq!(number, "PRT-2025-0002");
    assert_eq!(
        office.stored().await,
        pairs(&[("PRT-2025-0001", "b"), ("PRT-2025-0002", "a")])
    );
    assert_eq!(later.issue("a").await, "PRT-2025-0002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeper_who_wakes_first_keeps_its_number_and_is_remembered_by_who_took_it_over() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let later = office.at(three_past_noon);
    let mut point = hold(&harness, "bols/");
    // It dies as soon as its document is there.
    let mut memory = hold(&harness, "_casefile/bols/requests/");
    let sleeper = {
        let office = office.clone();
        tokio::spawn(async move { office.issue("a").await })
    };
    let held = point.arrived().await.unwrap();
    assert_eq!(later.take("b").await, "PRT-2025-0001");
    held.release();
    let held = memory.arrived().await.unwrap();
    sleeper.abort();
    drop(held);
    assert_eq!(later.issue("b").await, "PRT-2025-0002");
    assert_eq!(office.remembered("a").await.as_deref(), Some("PRT-2025-0001"));
    assert_eq!(later.issue("a").await, "PRT-2025-0001");
    assert_eq!(
        office.stored().await,
        pairs(&[("PRT-2025-0001", "a"), ("PRT-2025-0002", "b")])
    );
    assert_eq!(later.open().await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeper_whose_repeat_was_done_gives_the_repeat_s_answer() {
    for is_taken_over_only in [false, true] {
        let harness = Harness::start().await;
        let office = Office::of(&harness);
        let later = office.at(three_past_noon);
        let mut point = hold(&harness, "bols/");
        let others = async {
            let held = point.arrived().await.unwrap();
            if is_taken_over_only {
                assert_eq!(later.take("b").await, "PRT-2025-0001");
            } else {
                assert_eq!(later.issue("b").await, "PRT-2025-0001");
            }
            assert_eq!(later.issue("a").await, "PRT-2025-0002");
            held.release();
        };
        let (number, ()) = tokio::join!(office.issue("a"), others);
        assert_eq!(number, "PRT-2025-0002", "{is_taken_over_only}");
        let b = later.issue("b").await;
        let stored = office.stored().await;
        if is_taken_over_only {
            // The price of sleeping for minutes, which no function can: a second document. No number is missing.
            assert_eq!(b, "PRT-2025-0003");
            let all = [
                ("PRT-2025-0001", "a"),
                ("PRT-2025-0002", "a"),
                ("PRT-2025-0003", "b"),
            ];
            assert_eq!(stored, pairs(&all));
        } else {
            assert_eq!(b, "PRT-2025-0001");
            assert_eq!(stored, pairs(&[("PRT-2025-0001", "b"), ("PRT-2025-0002", "a")]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_died_after_its_document_is_told_to_remember_it() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let mut memory = hold(&harness, "_casefile/bols/requests/");
    let dying = {
        let office = office.clone();
        tokio::spawn(async move { office.issue("a").await })
    };
    let held = memory.arrived().await.unwrap();
    dying.abort();
    drop(held);
    drop(memory);
    assert_eq!(office.stored().await, pairs(&[("PRT-2025-0001", "a")]));
    let later = office.at(soon);
    assert_eq!(later.issue("b").await, "PRT-2025-0002");
    assert_eq!(later.open().await, [2]);
    assert_eq!(office.remembered("a").await.as_deref(), Some("PRT-2025-0001"));
    assert_eq!(later.issue("a").await, "PRT-2025-0001");
}

#[tokio::test]
async fn numbers_of_documents_that_are_there_already_are_passed_over() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    for number in ["PRT-2025-0001", "PRT-2025-0002", "PRT-2025-0004"] {
        office.store_by_hand(number).await;
    }
    assert_eq!(office.issue("a").await, "PRT-2025-0003");
    assert_eq!(office.issue("b").await, "PRT-2025-0005");
    // Also when whoever met one died before it could say so.
    assert_eq!(office.take("c").await, "PRT-2025-0006");
    office.store_by_hand("PRT-2025-0006").await;
    assert_eq!(office.issue("c").await, "PRT-2025-0007");
    assert_eq!(office.stored().await.len(), 7);
}

#[tokio::test]
async fn the_same_content_of_another_request_is_another_document() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let make = async |number: BolNumber, name: &str| {
        let written = office
            .bucket
            .create(&office.document(&number, name, "the same"))
            .await;
        let document = ();
        Ok::<_, Infallible>(Made { written, document })
    };
    let first = BolNumber::parse("PRT-2025-0001").unwrap();
    make(first, "a").await.unwrap().written.unwrap();
    let numbers = office.numbers();
    let series = prt();
    let issued = numbers.issue(request("b"), &series, |number| make(number, "b"));
    assert_eq!(issued.await.unwrap().number.to_string(), "PRT-2025-0002");
    assert_eq!(office.remembered("a").await.as_deref(), Some("PRT-2025-0001"));
}

#[tokio::test]
async fn an_upload_is_copied_to_its_number() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let body = Bytes::from_static(b"%PDF-1.7");
    let sha256 = Sha256::of(&body);
    let upload = NewObject {
        content_type: "application/pdf",
        ..NewObject::json("inbox/x".to_owned(), body)
    };
    let version_id = office.bucket.create(&upload).await.unwrap().version_id;
    let source = Source {
        key: upload.key.clone(),
        version_id,
        size: 8,
        sha256,
    };
    let numbers = office.numbers();
    for (name, number) in [
        ("a", "PRT-2025-0001"),
        ("b", "PRT-2025-0002"),
        ("a", "PRT-2025-0001"),
    ] {
        let copy = async |number: BolNumber| {
            let target = Target {
                key: number.key(&office.base).unwrap(),
                content_type: "application/pdf",
                metadata: vec![(REQUEST, request(name).to_string())],
            };
            let written = office.bucket.copy(&source, &target).await;
            let document = ();
            Ok::<_, Infallible>(Made { written, document })
        };
        let issued = numbers.issue(request(name), &prt(), copy).await.unwrap();
        assert_eq!(issued.number.to_string(), number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_fails_before_and_after_its_effect_and_a_repeat_gets_the_same_number() {
    for prefix in ["_casefile/bols/PRT", "bols/", "_casefile/bols/requests/"] {
        for (when, fault, is_lasting) in [
            (When::Before, Fault::error(503, "SlowDown"), true),
            (When::After, Fault::Cut, true),
            (When::After, Fault::error(500, "InternalError"), false),
            (
                When::Before,
                Fault::error(409, "ConditionalRequestConflict"),
                false,
            ),
            (When::After, Fault::error(412, "PreconditionFailed"), false),
            (When::Before, Fault::error(403, "AccessDenied"), true),
        ] {
            let harness = Harness::start().await;
            let office = Office::of(&harness);
            let case = format!("{prefix} {when:?} {fault:?}");
            let rule = FaultRule::on("PutObject").prefix(prefix);
            let rule = if is_lasting { rule } else { rule.times(1) };
            let injected = harness.s3.faults().inject(rule, when, fault);
            let patience = Duration::from_secs(if is_lasting { 2 } else { 30 });
            let first = timeout(patience, office.issue_in(2025, "a")).await;
            assert!(injected.matched() > 0, "{case}");
            if let Ok(Ok(issued)) = first {
                assert_eq!(issued.number.to_string(), "PRT-2025-0001", "{case}");
            } else {
                assert!(is_lasting, "{case}: {first:?}");
            }
            injected.remove();
            let later = office.at(soon);
            assert_eq!(later.issue("a").await, "PRT-2025-0001", "{case}");
            assert_eq!(later.issue("b").await, "PRT-2025-0002", "{case}");
            let all = [("PRT-2025-0001", "a"), ("PRT-2025-0002", "b")];
            assert_eq!(office.stored().await, pairs(&all), "{case}");
        }
    }
}

#[tokio::test]
async fn failures_of_reads_and_damaged_states_are_known_to_the_caller() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    office.issue("a").await;
    for (operation, name) in [("GetObject", "b"), ("HeadObject", "a")] {
        let rule = FaultRule::on(operation);
        let injected = harness
            .s3
            .faults()
            .inject(rule, When::Before, Fault::error(503, "SlowDown"));
        let error = office.issue_in(2025, name).await.unwrap_err();
        assert!(
            matches!(error, IssueError::Store(StoreError::Unavailable(_))),
            "{operation}"
        );
        injected.remove();
    }
    let key = ObjectKey::BolSeries(Series::parse("PRT-2026").unwrap()).path(&office.base);
    let damaged = NewObject::json(key, r#"{"next": 0}"#);
    office.bucket.create(&damaged).await.unwrap();
    let error = office.issue_in(2026, "b").await.unwrap_err();
    assert!(matches!(error, IssueError::Store(StoreError::Damaged(_))));
}

#[tokio::test]
async fn whoever_is_never_fast_enough_is_told_in_time() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    office.issue("a").await;
    let rule = FaultRule::on("PutObject").prefix("_casefile/bols/PRT");
    let lost = Fault::error(412, "PreconditionFailed");
    harness.s3.faults().inject(rule, When::Before, lost);
    let numbers = Numbers {
        until: Instant::now() + Duration::from_millis(300),
        ..office.numbers()
    };
    let started = Instant::now();
    let error = numbers.take(request("b"), &prt(), &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_repeat_says_where_its_number_comes_from() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let numbers = office.numbers();
    let mut from = Vec::new();
    for _ in 0..2 {
        from.push(numbers.take(request("a"), &prt(), &[]).await.unwrap().from);
    }
    office.issue("a").await;
    from.push(numbers.take(request("a"), &prt(), &[]).await.unwrap().from);
    assert_eq!(from, [TakenFrom::Now, TakenFrom::Before, TakenFrom::Memory]);
}

/// Runs `casefile bol counter`: its exit code, what it shows, and what it complains of.
pub(crate) async fn counter(harness: &Harness, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(operators_tool().await);
    command.args(["bol", "counter"]).args(arguments).env_clear();
    for (name, value) in [
        ("AWS_ENDPOINT_URL_S3", harness.s3.endpoint().as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("AUDIT_BUCKET_NAME", AUDIT_BUCKET),
        ("DEFAULT_TENANT", "house"),
        ("USER", "olga"),
    ] {
        command.env(name, value);
    }
    // On a thread of its own, for S3 is served by this process.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// What the audit log has: what was done, to which path, and how it ended.
async fn trail(harness: &Harness) -> Vec<(String, String, Option<String>)> {
    let bucket = Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned());
    let records = records(&bucket).await.into_iter();
    records
        .map(|record| {
            assert_eq!(record.actor.user.as_ref().unwrap().uid, "olga");
            assert_eq!(record.unmapped.tenant.as_deref(), Some("house"));
            let path = record.unmapped.path.unwrap();
            (record.activity_name, path, record.status_detail)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_goes_on_after_another_system_s_last_number() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    for _ in 0..2 {
        let set = counter(&harness, &["set", "PRT-2025-0042"]).await;
        assert_eq!(
            (set.0, set.1.as_str()),
            (0, "the next number is PRT-2025-0043\n"),
            "{}",
            set.2
        );
    }
    assert_eq!(office.issue("a").await, "PRT-2025-0043");
    office.store_by_hand("PRT-2025-0050").await;
    for (number, why) in [
        ("PRT-2025-0042", "only go forward"),
        ("PRT-2025-0049", "PRT-2025-0050 is stored"),
        ("PRT-2025-999999999", "leaves no number"),
        ("INV-2025-0050", "isn't written as PRT-{YYYY}-{NNNN}"),
        ("PRT-2025-50", "isn't written as"),
    ] {
        let (code, out, error) = counter(&harness, &["set", number]).await;
        assert_eq!((code, out.as_str()), (1, ""), "{number}: {error}");
        assert!(error.contains(why), "{number}: {error}");
    }
    let (code, out, _) = counter(&harness, &["set", "PRT-2025-0049", "--despite-stored", "--json"]).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &out["next"]), (0, &json!("PRT-2025-0050")));
    assert_eq!(office.issue("b").await, "PRT-2025-0051");

    let (code, out, _) = counter(&harness, &["get", "--series", "PRT-2025", "--check"]).await;
    assert_eq!(code, 0, "{out}");
    for line in [
        "the next number is PRT-2025-0052\n",
        "another system's: PRT-2025-0001 to PRT-2025-0042, says olga, ",
        "another system's: PRT-2025-0044 to PRT-2025-0049, says olga, ",
        "stored: 3\nno number is missing\n",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let reasons = trail(&harness).await.into_iter();
    let reasons: Vec<_> = reasons
        .map(|(what, path, reason)| {
            assert_eq!(what, "Set Counter");
            assert!(path.starts_with("2025/PRT-2025-"));
            reason
        })
        .collect();
    let [backward, stored, last] = ["backward", "stored", "last"].map(|reason| Some(reason.to_owned()));
    assert_eq!(reasons, [None, None, backward, stored, last, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_records_as_void_what_nobody_will_use() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    for name in ["a", "b"] {
        office.take(name).await;
    }
    office.issue("b").await;
    office.at(Timestamp::now).take("c").await;
    // Taken just now by c, for a's and b's time was over: only a's had no document.
    assert_eq!(office.open().await, [1]);
    assert_eq!(office.at(Timestamp::now).take("d").await, "PRT-2025-0003");
    let reason = ["--reason", "the customer withdrew"];
    for (number, why) in [
        ("PRT-2025-0001", "less than 15 minutes ago"),
        ("PRT-2025-0002", "it isn't open"),
        ("PRT-2025-0009", "it isn't open"),
        ("PRT-2025-001", "it isn't open"),
        ("PRT-2024-0001", "it isn't open"),
    ] {
        let (code, out, error) = counter(&harness, &[&["void", number], &reason[..]].concat()).await;
        assert_eq!((code, out.as_str()), (1, ""), "{number}: {error}");
        assert!(error.contains(why), "{number}: {error}");
    }
    let old = Office {
        format: NumberFormat::parse("OLD-{YYYY}-{NNN}").unwrap(),
        ..office.clone()
    };
    let series = old.format.series(2025).unwrap();
    for name in ["e", "f"] {
        old.numbers().take(request(name), &series, &[]).await.unwrap();
    }
    old.store_by_hand("OLD-2025-002").await;
    let (code, _, error) = counter(&harness, &[&["void", "OLD-2025-002"], &reason[..]].concat()).await;
    assert_eq!(code, 1);
    assert!(error.contains("its document is stored"), "{error}");
    for _ in 0..2 {
        let done = counter(&harness, &[&["void", "OLD-2025-001"], &reason[..]].concat()).await;
        assert_eq!(
            (done.0, done.1.as_str()),
            (0, "void: OLD-2025-001\n"),
            "{}",
            done.2
        );
    }
    let (code, out, _) = counter(&harness, &["get", "--series", "OLD-2025", "--check", "--json"]).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &out["next"]), (0, &json!("OLD-2025-003")));
    assert_eq!(out["void"][0]["reason"], "the customer withdrew");
    assert_eq!(out["void"][0]["by"], "olga");
    assert_eq!(out["open"][0]["is_stored"], true);
    // Its request comes back, and gets another one.
    let back = old.numbers().take(request("e"), &series, &[]).await.unwrap();
    assert_eq!(back.number.to_string(), "OLD-2025-003");
    let trail = trail(&harness).await;
    assert!(trail.iter().all(|(what, ..)| what == "Void Number"));
    let reasons: Vec<_> = trail.iter().map(|(_, _, reason)| reason.as_deref()).collect();
    let not_open = Some("not_open");
    let refused = [
        Some("young"),
        not_open,
        not_open,
        not_open,
        not_open,
        Some("stored"),
    ];
    assert_eq!(reasons, [&refused[..], &[None, None]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_shown_and_wrong_input_is_refused() {
    let harness = Harness::start().await;
    let office = Office::of(&harness);
    let (code, out, _) = counter(&harness, &["get", "--series", "PRT-2025", "--check"]).await;
    assert_eq!(code, 0, "{out}");
    assert!(
        out.starts_with("the next number is PRT-2025-0001\nopen: 0\n"),
        "{out}"
    );
    for name in ["a", "b", "c"] {
        office.issue(name).await;
        let later = office.at(soon);
        later.take("later").await;
    }
    let delete = harness.client.delete_object().bucket(BUCKET);
    delete.key("bols/2025/PRT-2025-0001.pdf").send().await.unwrap();
    let (code, out, _) = counter(&harness, &["get", "--series", "PRT-2025"]).await;
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = counter(&harness, &["get", "--series", "PRT-2025", "--check"]).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("MISSING: PRT-2025-0001\n"), "{out}");
    for arguments in [
        &["get", "--series", "PRT"][..],
        &["set", "42"],
        &["set", "PRT-2025-0000"],
        &["set"],
        &["void", "PRT-2025-0001"],
        &["void", "PRT-2025-0001", "--reason", " "],
        &["void", "../PRT-2025-0001", "--reason", "x"],
    ] {
        let (code, out, error) = counter(&harness, arguments).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {error}");
        assert!(
            error.contains("Usage") || error.contains("--help"),
            "{arguments:?}: {error}"
        );
    }
    assert_eq!(trail(&harness).await, []);
}
