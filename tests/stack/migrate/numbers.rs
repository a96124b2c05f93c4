//! Numbers that others have given out: nobody gets them again, whether their files could be moved in or not.

use std::fs;

use serde_json::{Value, json};

use super::{Site, pdf};

const OLD: &str = "_casefile/bols/OLD-2019.json";

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_rejected_and_of_missing_files_are_nobody_else_s_either() {
    let site = Site::with_bols().await;
    site.write("PRT-2025-0050.pdf", "<html>");
    let rejected = site.plan("bols", &["--json"]).await;
    assert_eq!(rejected.json()["highest_numbers"], json!(["PRT-2025-0050"]));
    fs::write(
        site.beside("bols.csv"),
        "file,number\ngone.pdf,PRT-2025-0060\nolder.pdf,PRT-2023-0007\n",
    )
    .unwrap();
    let planned = site.plan("bols", &["--records", "bols.csv"]).await;
    assert_eq!(planned.code, 1);
    assert!(
        planned
            .out
            .contains("apply takes PRT-2025 up to PRT-2025-0060 out of the numbers"),
        "{}",
        planned.out
    );
    // Perhaps a file goes by another name there, and without its row here.
    let refused = site.run(&["apply", "x.plan", "--json"]).await;
    refused.assert_failed(1, &["2 in conflict: gone.pdf, older.pdf"]);
    let applied = site.run(&["apply", "x.plan", "--skip-conflicts", "--json"]).await;
    let shown = applied.json();
    assert_eq!((applied.code, &shown["stored"]), (0, &json!(3)));
    assert_eq!((&shown["left_out"], &shown["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(shown["next_numbers"], json!(["PRT-2023-0008", "PRT-2025-0061"]));
    for (more, code) in [(None, 0), (Some("--strict"), 1)] {
        let arguments: Vec<_> = ["verify", "x.plan"].into_iter().chain(more).collect();
        assert_eq!(site.run(&arguments).await.code, code, "{more:?}");
    }
    assert_eq!(site.next_number().await, "PRT-2025-0061");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twin_of_a_file_that_is_refused_is_refused_as_well() {
    let site = Site::with_bols().await;
    site.write("twins/PRT-2025-0007.pdf", pdf("0007"));
    site.void(7).await;
    site.plan("bols", &[]).await;
    let entries = site.entries();
    for file in ["PRT-2025-0007.pdf", "twins/PRT-2025-0007.pdf"] {
        let (action, reason, _) = &entries[file];
        assert_eq!(action, "conflict", "{file}");
        assert!(reason.contains("declared void"), "{file}: {reason}");
    }
    let applied = site.run(&["apply", "x.plan", "--skip-conflicts"]).await;
    assert_eq!((applied.code, site.mapping().len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_system_s_series_is_spelled_as_it_comes_or_refused() {
    let site = Site::start().await;
    site.write("a.pdf", pdf("a"));
    site.write("b.pdf", pdf("b"));
    let odd = "file,number\na.pdf,OLD-2019-007\nb.pdf,OLD-2019-0042\n";
    fs::write(site.beside("bols.csv"), odd).unwrap();
    let planned = site.plan("bols", &["--records", "bols.csv", "--json"]).await;
    assert_eq!(
        (planned.code, &planned.json()["highest_numbers"]),
        (1, &json!([]))
    );
    for file in ["a.pdf", "b.pdf"] {
        let (action, reason, _) = &site.entries()[file];
        assert_eq!(action, "conflict");
        assert!(
            reason.contains("OLD-2019 is spelled in two ways, as in OLD-2019-007 and in OLD-2019-0042"),
            "{reason}"
        );
    }
    let applied = site.run(&["apply", "x.plan", "--skip-conflicts"]).await;
    assert_eq!(
        (applied.code, site.keys(OLD).await.len()),
        (0, 0),
        "{}",
        applied.err
    );

    fs::write(site.beside("bols.csv"), odd.replace("0042", "042")).unwrap();
    let applied = site.moved("bols", &["--records", "bols.csv"]).await;
    assert_eq!(applied["next_numbers"], json!(["OLD-2019-043"]));
    let state = site.harness.bucket().read(OLD, 10_000).await.unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    assert_eq!((&state["width"], &state["next"]), (&json!(3), &json!(43)));
    // What comes later is spelled alike.
    site.write("c.pdf", pdf("c"));
    site.write("d.pdf", pdf("d"));
    let later =
        "file,number\na.pdf,OLD-2019-007\nb.pdf,OLD-2019-042\nc.pdf,OLD-2019-050\nd.pdf,OLD-2019-0051\n";
    fs::write(site.beside("bols.csv"), later).unwrap();
    site.plan("bols", &["--records", "bols.csv"]).await;
    let actions: Vec<_> = site.entries().into_values().map(|(action, ..)| action).collect();
    assert_eq!(
        actions,
        ["skip-identical", "skip-identical", "upload", "rejected"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_system_s_series_is_begun_only_when_its_width_is_proven_also_by_what_is_stored() {
    let site = Site::start().await;
    site.write("a.pdf", pdf("a"));
    let plan = async |number: &str| {
        fs::write(
            site.beside("bols.csv"),
            format!("file,number\na.pdf,OLD-2019-{number}\n"),
        )
        .unwrap();
        site.plan("bols", &["--records", "bols.csv"]).await
    };
    plan("1042").await;
    let applied = site.run(&["apply", "x.plan", "--json"]).await.json();
    assert_eq!(
        (&applied["stored"], &applied["next_numbers"]),
        (&json!(1), &json!([]))
    );
    assert!(site.keys(OLD).await.is_empty());
    // Nothing that is stored is refused afterwards, or stored once more with more zeros.
    plan("01042").await;
    let (action, reason, _) = &site.entries()["a.pdf"];
    assert_eq!(action, "conflict");
    assert!(
        reason.contains("as in OLD-2019-1042 and in OLD-2019-01042"),
        "{reason}"
    );
    plan("007").await;
    let applied = site.run(&["apply", "x.plan", "--json"]).await.json();
    assert_eq!(applied["next_numbers"], json!(["OLD-2019-008"]));
    assert_eq!(plan("1042").await.code, 0);
    assert_eq!(site.entries()["a.pdf"].0, "skip-identical");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_can_be_read_in_two_ways_says_no_number() {
    let site = Site::start().await;
    site.write("BOL 17 of 2024 page 2.pdf", pdf("17"));
    site.write("BOL 18 of 2024.pdf", pdf("18"));
    site.write("BOL 20240019.pdf", pdf("19"));
    let planned = site
        .plan("bols", &["--name-pattern", "BOL*{NNNN}*{YYYY}*", "--json"])
        .await;
    assert_eq!(planned.json()["highest_numbers"], json!(["PRT-2024-0018"]));
    let reasons = site.entries();
    assert!(
        reasons["BOL 20240019.pdf"].1.contains("isn't like"),
        "{reasons:?}"
    );
    site.plan("bols", &["--name-pattern", "BOL*{NNNN}*of {YYYY}*"])
        .await;
    assert_eq!(site.entries()["BOL 17 of 2024 page 2.pdf"].0, "upload");
    site.write("BOL 17 18 of 2024.pdf", pdf("17 18"));
    site.plan("bols", &["--name-pattern", "BOL*{NNNN}*of {YYYY}*"])
        .await;
    let (action, reason, _) = &site.entries()["BOL 17 18 of 2024.pdf"];
    assert_eq!(action, "rejected");
    assert!(reason.contains("in more than one way"), "{reason}");
}
