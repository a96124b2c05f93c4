//! Two hundred bills of lading at once, whose function is killed at random: the numbers are unique, none is missing, and
//! every PDF says the number of its key.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{ROUTE, complete, content, keys, numbers_in, ordered, text};
use crate::files::{paths, post, versions_of};
use crate::support::{TestStack, office, without_events};

const BILLS: usize = 200;
/// So many callers at once, hence at most as many processes: enough for all to want the same number, and few enough for
/// two cores to end in time.
const AT_ONCE: usize = 24;
/// Kills keep step with bills: on a machine of any speed a process dies for so many of them.
const BILLS_PER_KILL: usize = 3;
const LEAST_KILLS: usize = (BILLS - AT_ONCE) / BILLS_PER_KILL;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_whose_processes_are_killed_at_random_get_each_a_number_and_leave_no_gap() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let started = Instant::now();
    let (killed, kills) = watch::channel(0);
    let (begun, begins) = watch::channel(0);
    let failures = AtomicUsize::new(0);
    let calls = stream::iter(0..BILLS).map(|bill| {
        let (stack, dana, failures, begun, mut kills) = (&stack, &dana, &failures, &begun, kills.clone());
        async move {
            let is_due = |kills: &usize| kills * BILLS_PER_KILL + AT_ONCE > bill;
            kills.wait_for(is_due).await.unwrap();
            begun.send_modify(|begun| *begun += 1);
            until_stored(stack, dana, &ordered(&format!("PO-{bill:03}")), failures).await
        }
    });
    let calls = calls.buffer_unordered(AT_ONCE).collect::<Vec<Value>>();
    let answers = tokio::select! {
        answers = calls => answers,
        () = kill_at_random(&stack, begins, &killed) => panic!("it never ends"),
    };
    let (kills, failures) = (*kills.borrow(), failures.into_inner());
    println!(
        "{BILLS} bills of lading, {AT_ONCE} at once, {kills} kills, {failures} failed calls: {:?}",
        started.elapsed()
    );
    assert!(kills >= LEAST_KILLS && LEAST_KILLS >= 40, "{kills} kills");
    // A process that isn't at work when it dies fails nobody's call.
    assert!(failures >= LEAST_KILLS / 2, "only {failures} calls failed");

    let of_call: BTreeMap<_, _> = answers
        .iter()
        .map(|answer| (text_of(answer, "key"), answer))
        .collect();
    let expected: Vec<_> = (1..=BILLS)
        .map(|count| format!("bols/2025/PRT-2025-{count:04}.pdf"))
        .collect();
    assert_eq!(
        of_call.keys().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert_eq!(keys(&stack).await, expected);
    let there = versions_of(&stack, "bols/").await;
    assert_eq!(there.len(), BILLS, "one version of each: {there:?}");
    for version in &there {
        assert_eq!(of_call[&version.key]["version_id"], version.id);
    }
    every_pdf_says_the_number_of_its_key(&stack, &expected).await;

    let shown = complete(&stack, "PRT-2025").await;
    assert_eq!(shown["next"], "PRT-2025-0201", "{shown}");
    each_is_listed_once(&stack, &dana, &of_call).await;
    println!("and checked: {:?}", started.elapsed());
}

/// Posts it until it is stored, the very same request each time.
async fn until_stored(stack: &TestStack, dana: &str, request: &Value, failures: &AtomicUsize) -> Value {
    let request = request.to_string();
    for _ in 0..100 {
        let (status, answer) = post(stack, dana, ROUTE, &request).await;
        if status == 201 {
            let number = text_of(&answer, "number");
            assert_eq!(answer["key"], format!("bols/2025/{number}.pdf"));
            return answer;
        }
        assert!(status >= 500, "{status}: {answer}");
        failures.fetch_add(1, Ordering::Relaxed);
    }
    panic!("it is never stored: {request}");
}

/// Kills a random process of the function at random moments, one for every few bills that have begun.
async fn kill_at_random(
    stack: &TestStack,
    mut begins: watch::Receiver<usize>,
    killed: &watch::Sender<usize>,
) {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    loop {
        let kills = *killed.borrow();
        let is_due = |begun: &usize| *begun >= kills * BILLS_PER_KILL;
        if begins.wait_for(is_due).await.is_err() {
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_millis(chance.below(300))).await;
        let processes = processes(stack);
        let any = chance.below(u64::try_from(processes.len().max(1)).unwrap());
        let Some(process) = processes.get(usize::try_from(any).unwrap()) else {
            continue;
        };
        let kill = Command::new("kill").arg("-KILL").arg(process).output().unwrap();
        // It may have been killed before, and not be gone yet.
        if kill.status.success() {
            killed.send_modify(|kills| *kills += 1);
        }
    }
}

/// The ids of the function's processes. Stacks of other tests have their own: S3's address tells them apart.
fn processes(stack: &TestStack) -> Vec<String> {
    let function = format!("AWS_LAMBDA_FUNCTION_NAME={}", stack.function());
    let s3 = format!("AWS_ENDPOINT_URL_S3={}", stack.stack.s3.endpoint());
    let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let is_own = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let has = |variable: &str| {
            environment
                .split(|byte| *byte == 0)
                .any(|other| other == variable.as_bytes())
        };
        has(&function) && has(&s3)
    };
    let own = all.filter(is_own);
    own.map(|process| process.file_name().unwrap().to_str().unwrap().to_owned())
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

async fn every_pdf_says_the_number_of_its_key(stack: &TestStack, keys: &[String]) {
    let read = stream::iter(keys).map(|key| async move {
        let pdf = content(stack, key).await;
        let text = tokio::task::spawn_blocking(move || text(&pdf)).await.unwrap();
        let number = key
            .strip_prefix("bols/2025/")
            .unwrap()
            .strip_suffix(".pdf")
            .unwrap();
        assert_eq!(numbers_in(&text), [number].into(), "{key}: {text}");
    });
    read.buffer_unordered(4).collect::<()>().await;
}

async fn each_is_listed_once(stack: &TestStack, dana: &str, of_call: &BTreeMap<String, &Value>) {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = stack
            .get(&format!("/v1/documents/bols?limit=30{cursor}"), dana)
            .await;
        assert_eq!(status, 200, "{page}");
        let page_of = page["documents"].as_array().unwrap();
        for (path, entry) in paths(page_of).into_iter().zip(page_of) {
            let twice = found.insert(format!("bols/{path}"), entry["sha256"].clone());
            assert_eq!(twice, None, "{path} is listed twice");
        }
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let expected: BTreeMap<_, _> = of_call
        .iter()
        .map(|(key, answer)| (key.clone(), answer["sha256"].clone()))
        .collect();
    assert_eq!(json!(found), json!(expected));
}

fn text_of(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap().to_owned()
}
