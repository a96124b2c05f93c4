//! Files that are sent as they are read, and slowly where they should be.

use std::time::{Duration, Instant};

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::json;

use super::{BOLS, Site, pdf};

/// Larger than what is read at once.
fn large(size: usize) -> Vec<u8> {
    let mut content = pdf("large");
    content.extend((0..size).map(|at| (at % 251).to_le_bytes()[0]));
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_stored_in_one_piece_with_its_checksum() {
    let site = Site::start().await;
    let content = large(3_000_000);
    site.write("PRT-2025-0007.pdf", &content);
    let applied = site.moved("bols", &[]).await;
    assert_eq!(
        (&applied["stored"], &applied["bytes"]),
        (&json!(1), &json!(content.len()))
    );
    let head = site.harness.bucket().head(BOLS[0]).await.unwrap();
    assert_eq!(
        (head.checksum, head.metadata["tenant"].as_str()),
        (Some(Sha256::of(&content)), "acme")
    );
    assert_eq!(
        site.harness.bucket().hash(BOLS[0]).await.unwrap().sha256,
        Sha256::of(&content)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_that_breaks_off_is_sent_again_from_the_beginning() {
    for (when, fault) in [
        (When::Before, Fault::HalfBody),
        (When::Before, Fault::slow_down()),
        (When::After, Fault::Cut),
    ] {
        let site = Site::start().await;
        let content = large(1_000_000);
        site.write("PRT-2025-0007.pdf", &content);
        site.plan("bols", &[]).await;
        let rule = FaultRule::on("PutObject").prefix("bols/").times(1);
        site.harness.s3.faults().inject(rule, when, fault.clone());
        let applied = site.run(&["apply", "x.plan", "--json"]).await;
        assert_eq!(applied.code, 0, "{fault:?} {}{}", applied.out, applied.err);
        assert_eq!(
            site.harness.bucket().hash(BOLS[0]).await.unwrap().sha256,
            Sha256::of(&content)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_between_its_entries_and_itself_is_in_conflict() {
    for bytes in [2_000, 1_000_000] {
        for to in [Some(bytes), Some(bytes - 1), Some(bytes + 1), None] {
            changes_before_it_is_sent(bytes, to).await;
        }
    }
}

/// From one size to another, which may be the same, or to nothing.
async fn changes_before_it_is_sent(bytes: usize, to: Option<usize>) {
    let case = format!("{bytes} to {to:?}");
    let name = "PRT-2025-0007.pdf";
    let site = Site::start().await;
    site.write(name, large(bytes));
    site.plan("bols", &[]).await;
    let rule = FaultRule::on("PutObject").prefix("_casefile/by-time/");
    let mut point = site.harness.s3.faults().pause(rule, When::Before);
    let change = async {
        let held = point.arrived().await.unwrap();
        std::fs::remove_file(site.at(name)).unwrap();
        if let Some(to) = to {
            let mut other = large(to);
            other[1_000] ^= 1;
            site.write(name, other);
        }
        drop(held);
        drop(point);
    };
    let (applied, ()) = futures::join!(site.run(&["apply", "x.plan", "--json"]), change);
    assert_eq!(applied.code, 1, "{case}: {}", applied.out);
    let reason = applied.json()["conflicts"][0]["reason"]
        .as_str()
        .unwrap()
        .to_owned();
    let expected = if to.is_some() {
        "it changed since the plan was made"
    } else {
        "it can't be read"
    };
    assert!(reason.starts_with(expected), "{case}: {reason}");
    assert!(site.keys("bols/").await.is_empty(), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_sent_in_a_second_than_may_be() {
    let site = Site::start().await;
    for number in 1..=4 {
        site.write(&format!("PRT-2025-000{number}.pdf"), large(50_000));
    }
    site.write("PRT-2025-0005.pdf", large(300_000));
    site.plan("bols", &[]).await;
    let start = Instant::now();
    let applied = site
        .run(&["apply", "x.plan", "--limit-rate", "250K", "--json"])
        .await;
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(
        start.elapsed() > Duration::from_millis(1_900),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(site.keys("bols/").await.len(), 5);
}

/// In KB, what a process has in memory of its own.
fn own_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_transfers_of_small_and_of_large_files_fit_into_little_memory() {
    for size in [50_000, 1_000_000] {
        let site = Site::start().await;
        for number in 1..=70 {
            site.write(&format!("PRT-2025-00{number:02}.pdf"), large(size + number));
        }
        site.plan("bols", &[]).await;
        let rule = FaultRule::on("PutObject").prefix("bols/");
        let mut point = site.harness.s3.faults().pause(rule, When::Before);
        let mut command = site.command(&["apply", "x.plan"]).await;
        let mut run = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        let mut held = Vec::new();
        for _ in 0..64 {
            held.push(point.arrived().await.unwrap());
        }
        let memory = own_memory(run.id());
        drop(point);
        drop(held);
        let ended = tokio::task::spawn_blocking(move || run.wait().unwrap());
        assert_eq!(ended.await.unwrap().code(), Some(0));
        assert!(memory < 32_000, "{size}: {memory} KB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_more_than_its_collection_takes_is_rejected() {
    let site = Site::start().await;
    site.write("PRT-2025-0007.pdf", "");
    let file = std::fs::File::options()
        .write(true)
        .open(site.at("PRT-2025-0007.pdf"))
        .unwrap();
    file.set_len(52_428_801).unwrap();
    assert_eq!(site.plan("bols", &[]).await.code, 1);
    let (action, reason, _) = &site.entries()["PRT-2025-0007.pdf"];
    assert_eq!(
        (action.as_str(), reason.as_str()),
        ("rejected", "it has 52428801 bytes; bols takes at most 52428800")
    );
}
