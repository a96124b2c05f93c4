//! What is refused before anything is done, and how that is told.

use std::fs;

use super::Site;

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_plan_is_told_at_once() {
    let site = Site::start().await;
    fs::write(site.beside("bad.csv"), "file,colour\nx,red\n").unwrap();
    fs::write(site.beside("bad.csv.journal"), "").unwrap();
    let wrong = [
        "plan",
        "--collection",
        "reviews",
        "--from",
        "nowhere",
        "--out",
        "bad.csv",
    ];
    site.run(&wrong).await.assert_failed(
        2,
        &[
            "--collection reviews: a review is a session of many files",
            "--from nowhere can't be read",
            "bad.csv is there already",
            "bad.csv.journal is there already",
        ],
    );
    let wrong = [
        "plan",
        "--collection",
        "bols",
        "--from",
        "files",
        "--records",
        "bad.csv",
    ];
    site.run(&wrong)
        .await
        .assert_failed(2, &["bols knows no column colour"]);
    for (more, why) in [
        (["bols", "*.pdf"], "must have {YYYY} and {NNNN}"),
        (
            ["clinical", "{YYYY}.json"],
            "are for collections whose files have numbers",
        ),
        (["invoices", "*"], "there are reviews, bols, ecg-reports"),
    ] {
        let [collection, pattern] = more;
        let said = site.plan(collection, &["--name-pattern", pattern]).await;
        said.assert_failed(2, &[why]);
    }
    let mut command = site
        .command(&["plan", "--collection", "bols", "--from", "nowhere"])
        .await;
    command.env_remove("AWS_REGION").env_remove("S3_BUCKET_NAME");
    let said = super::Said::of(command.output().unwrap());
    said.assert_failed(
        2,
        &[
            "AWS_REGION is not set",
            "S3_BUCKET_NAME is not set",
            "--from nowhere",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_edited_or_is_for_another_bucket_is_refused() {
    let site = Site::with_bols().await;
    site.plan("bols", &[]).await;
    for command in ["apply", "verify"] {
        let mut other = site.command(&[command, "x.plan"]).await;
        other.env("S3_BUCKET_NAME", "elsewhere");
        let said = super::Said::of(other.output().unwrap());
        said.assert_failed(
            1,
            &["made with S3_BUCKET_NAME artifacts, and here that is elsewhere"],
        );
    }
    let edited = site.text("x.plan").replace("PRT-2025-0007", "PRT-2025-0008");
    fs::write(site.beside("y.plan"), edited).unwrap();
    for command in ["apply", "verify"] {
        let said = site.run(&[command, "y.plan"]).await;
        said.assert_failed(1, &["changed or cut short"]);
    }
    fs::write(site.beside("x.plan.journal"), "{\"journal_of\":\"x\"}\n").unwrap();
    site.run(&["apply", "x.plan"])
        .await
        .assert_failed(1, &["isn't the journal of this plan"]);
    site.run(&["apply", "none.plan"])
        .await
        .assert_failed(2, &["none.plan can't be read"]);
    assert!(site.keys("").await.is_empty() && site.trail().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn help_has_examples() {
    let site = Site::start().await;
    for (command, example) in [
        (
            "plan",
            "casefile migrate plan --collection bols --from /srv/bols --out bols.plan",
        ),
        ("apply", "casefile migrate apply bols.plan --limit-rate 10M"),
        ("verify", "casefile migrate verify bols.plan --strict --json"),
    ] {
        let said = site.run(&[command, "--help"]).await;
        assert!(said.code == 0 && said.out.contains(example), "{}", said.out);
    }
}
