//! How many requests a migration takes: what lies at the keys is told by lists, not by a look at each.

use std::collections::BTreeMap;

use casefile_local::s3::RequestRecord;

use super::{BOLS, Site, pdf};

const FILES: usize = 300;

fn counted(requests: &[RequestRecord]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let end = request.key.find('/').map_or(0, |at| at + 1);
        let system = if request.key.starts_with("_casefile/by-time/") {
            "list entry"
        } else {
            &request.key[..end]
        };
        *counts.entry((request.operation.as_str(), system)).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_takes_a_write_of_its_own_one_of_its_list_entry_and_one_look_to_verify() {
    let site = Site::start().await;
    for number in 1..=FILES {
        site.write(&format!("PRT-2025-{number:04}.pdf"), pdf(&number.to_string()));
    }
    // Between and after them, what has nothing to do with them.
    for at in 0..20 {
        site.put(&format!("bols/2025/PRT-2025-0017.pdf{at}"), b"x", &[])
            .await;
    }
    let requests = site.harness.s3.requests();
    requests.record(true);
    let run = async |arguments: &[&str]| {
        requests.take();
        let said = site.run(arguments).await;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        requests.take()
    };
    let planned = run(&[
        "plan",
        "--collection",
        "bols",
        "--from",
        "files",
        "--out",
        "x.plan",
    ])
    .await;
    // The lists, and the series.
    assert!(planned.len() <= 6, "{:?}", counted(&planned));
    let applied = run(&["apply", "x.plan"]).await;
    let counts = counted(&applied);
    assert_eq!(counts[&("PutObject", "bols/")], FILES);
    assert_eq!(counts[&("PutObject", "list entry")], FILES);
    assert!(applied.len() <= 2 * FILES + 15, "{counts:?}");
    let verified = run(&["verify", "x.plan"]).await;
    let counts = counted(&verified);
    assert_eq!(counts[&("HeadObject", "bols/")], FILES);
    assert!(verified.len() <= FILES + 2, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_much_lies_between_each_file_s_place_is_seen() {
    let site = Site::with_bols().await;
    let own = [("tenant", "acme")];
    // More than one page of others, and more than one of versions of one key.
    for at in 10..90 {
        site.put(&format!("bols/2025/PRT-2025-0007.pdf{at}"), b"x", &own)
            .await;
    }
    for at in 0..40 {
        site.put(BOLS[1], &pdf(&at.to_string()), &own).await;
    }
    site.delete(BOLS[1]).await;
    site.put(BOLS[2], &pdf("0042"), &own).await;
    site.plan("bols", &[]).await;
    let entries = site.entries();
    for (number, action) in [
        ("0007", "upload"),
        ("0041", "conflict"),
        ("0042", "skip-identical"),
    ] {
        assert_eq!(entries[&format!("PRT-2025-{number}.pdf")].0, action, "{number}");
    }
}
