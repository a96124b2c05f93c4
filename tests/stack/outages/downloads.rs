//! Every call that signed-download makes of S3 fails, before and after taking effect: each is answered as ever, or with a
//! clear error that hands out nothing; nothing is handed out without its record; no use is lost or given twice; and when
//! S3 is back, the same request gets what it would have got.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures::{StreamExt as _, stream};

use super::branch::Branch;
use super::calls::{Call, Failure, Kind, Way, few_at_once, named};
use super::run::Run;
use super::scenes::Stock;

/// Every kind of call that there is: one that a new version makes besides shows here.
const KINDS: [&str; 15] = [
    "GetObject artifacts:_casefile/by-owner/",
    "GetObject artifacts:_casefile/by-time/",
    "GetObject artifacts:_casefile/shares/",
    "GetObject artifacts:tara/",
    "GetObject audit:audit/",
    "GetObjectTagging artifacts:bols/",
    "GetObjectTagging artifacts:ecg-reports/",
    "HeadObject artifacts:bols/",
    "HeadObject artifacts:ecg-reports/",
    "HeadObject artifacts:tara/",
    "HeadObject artifacts:training-logs/",
    "ListObjectsV2 artifacts:",
    "ListObjectsV2 audit:",
    "PutObject artifacts:_casefile/shares/",
    "PutObject audit:audit/",
];
/// Those that are made when a failure passes, to find out whether a write took effect.
const MENDING: [&str; 3] = [
    "GetObject artifacts:_casefile/shares/",
    "HeadObject artifacts:_casefile/shares/",
    "HeadObject audit:audit/",
];

async fn runs(stock: &Stock) -> Vec<Run> {
    let runs = stream::iter(&stock.scenes).map(|scene| Run::of(stock, scene));
    runs.buffered(4).collect().await
}

/// The failures of the runs, those together that find the same state: a scene that leaves nothing behind is played again
/// on the same one.
fn together(runs: &[Run], ways: fn(&Kind) -> Vec<Way>) -> Vec<(&Run, Vec<Failure>)> {
    let mut all = Vec::new();
    for run in runs {
        let failures = Failure::each(&run.calls, ways);
        let size = if run.scene.is_change { 1 } else { 12 };
        all.extend(failures.chunks(size).map(|chunk| (run, chunk.to_vec())));
    }
    all
}

/// Calls that are made only because another one failed, each once: what they were made for, and how that failed.
#[derive(Default)]
struct Mending(Mutex<Vec<(String, Failure, Call)>>);

impl Mending {
    fn note(&self, run: &Run, failure: &Failure, called: Vec<Call>) {
        let mut noted = self.0.lock().unwrap();
        for call in run.beyond(failure, called) {
            let is_same = |(name, other, noted): &(String, Failure, Call)| {
                name == run.scene.name && other.call.kind == failure.call.kind && *noted == call
            };
            if !noted.iter().any(is_same) {
                noted.push((run.scene.name.to_owned(), failure.clone(), call));
            }
        }
    }

    /// They fail, too.
    async fn fails(self, stock: &Stock, runs: &[Run]) -> BTreeSet<Kind> {
        let noted = self.0.into_inner().unwrap();
        let cases = noted.iter().flat_map(|(name, first, call)| {
            let run = runs.iter().find(|run| run.scene.name == name).unwrap();
            let second = Failure::each([call], Way::lasting);
            second.into_iter().map(move |second| (run, first, second))
        });
        few_at_once(cases.map(|(run, first, second)| async move {
            let branch = stock.open().await;
            run.fails(&branch, &[first, &second]).await;
            branch.close().await;
        }))
        .await;
        noted.into_iter().map(|(_, _, call)| call.kind.coarse()).collect()
    }
}

/// Plays each case on the state that it needs.
async fn play(
    stock: &Stock,
    cases: Vec<(&Run, Vec<Failure>)>,
    mending: &Mending,
    case: impl AsyncFn(&Run, &Branch, &Failure) -> Vec<Call>,
) {
    let case = &case;
    few_at_once(cases.into_iter().map(|(run, failures)| async move {
        let branch = stock.open().await;
        for failure in &failures {
            mending.note(run, failure, case(run, &branch, failure).await);
        }
        branch.close().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_the_caller_knows_and_nothing_leaves_without_its_record() {
    let stock = &Stock::fill().await;
    let runs = runs(stock).await;
    let mending = Mending::default();
    let fails = async |run: &Run, branch: &Branch, failure: &Failure| run.fails(branch, &[failure]).await;
    play(stock, together(&runs, Way::lasting), &mending, fails).await;
    let calls = runs.iter().flat_map(|run| &run.calls);
    let mut kinds: BTreeSet<_> = calls.map(|call| call.kind.clone().coarse()).collect();
    kinds.extend(mending.fails(stock, &runs).await);
    assert_eq!(named(&kinds), KINDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_passes_is_mended_on_the_way_also_where_that_fails_in_its_turn() {
    let stock = &Stock::fill().await;
    let runs = runs(stock).await;
    let mending = Mending::default();
    let mended = async |run: &Run, branch: &Branch, failure: &Failure| run.is_mended(branch, failure).await;
    play(stock, together(&runs, Way::passing), &mending, mended).await;
    assert_eq!(named(&mending.fails(stock, &runs).await), MENDING);
}
