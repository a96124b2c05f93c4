//! `apply`: what it stores is what an export through the API would have stored.

use std::fs;

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile_local::sample::workspace;
use serde_json::json;

use super::{BOLS, Said, Site, pdf};
use crate::files::{DEMOGRAPHICS, LOG, REPORT};

#[tokio::test(flavor = "multi_thread")]
async fn bills_of_lading_keep_their_numbers_and_nobody_else_gets_them() {
    let site = Site::with_bols().await;
    let applied = site.moved("bols", &["--owner", "Queen City Castings"]).await;
    assert_eq!(
        (&applied["stored"], &applied["next_numbers"]),
        (&json!(3), &json!(["PRT-2025-0043"]))
    );
    let head = site.harness.bucket().head(BOLS[0]).await.unwrap();
    let content = pdf("0007");
    assert_eq!(head.checksum, Some(Sha256::of(&content)));
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(head.metadata["tenant"], "acme");
    assert_eq!(head.metadata["owner"], "Queen%20City%20Castings");
    assert!(head.metadata.contains_key("uploaded-at"));
    assert_eq!(head.metadata.len(), 3);
    assert_eq!(
        site.keys("_casefile/by-owner/acme/Queen%20City%20Castings/bols/")
            .await
            .len(),
        3
    );
    let row = site.mapping().swap_remove(0);
    let expected = [
        "PRT-2025-0007.pdf".to_owned(),
        "PRT-2025-0007".to_owned(),
        BOLS[0].to_owned(),
        head.version_id.unwrap(),
        Sha256::of(&content).to_string(),
        content.len().to_string(),
    ];
    assert_eq!(row, expected);
    let recorded = |what: &str| (what.to_owned(), "Success".to_owned());
    assert_eq!(site.trail().await, [recorded("Migrate"), recorded("Set Counter")]);
    site.assert_bols_moved("moved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_more_nothing_is_done_but_recorded() {
    let site = Site::with_bols().await;
    site.moved("bols", &[]).await;
    let (before, mapping) = (site.keys("").await, site.mapping());
    let again = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!(again.code, 0);
    let shown = again.json();
    assert_eq!((&shown["stored"], &shown["before"]), (&json!(0), &json!(3)));
    assert_eq!(
        (site.keys("").await, site.mapping()),
        (before.clone(), mapping.clone())
    );
    // Without its journal, it finds everything there.
    fs::remove_file(site.beside("x.plan.journal")).unwrap();
    let shown = site.run(&["apply", "x.plan", "--json"]).await.json();
    assert_eq!((&shown["stored"], &shown["there"]), (&json!(0), &json!(3)));
    assert_eq!((site.keys("").await, site.mapping()), (before, mapping.clone()));
    // And so does another plan.
    let shown = site.moved("bols", &[]).await;
    assert_eq!(site.entries()["PRT-2025-0007.pdf"].0, "skip-identical");
    assert_eq!((&shown["stored"], site.mapping()), (&json!(0), mapping));
    let runs = site
        .trail()
        .await
        .into_iter()
        .filter(|(what, _)| what == "Migrate");
    assert_eq!(runs.count(), 4);
    site.assert_bols_moved("again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twin_of_a_file_is_in_the_mapping_with_the_same_version() {
    let site = Site::with_bols().await;
    site.write("twins/PRT-2025-0007.pdf", pdf("0007"));
    site.moved("bols", &[]).await;
    let rows = site.mapping();
    let of = |file: &str| rows.iter().find(|row| row[0] == file).unwrap()[1..].to_vec();
    assert_eq!(rows.len(), 4);
    assert_eq!(of("twins/PRT-2025-0007.pdf"), of("PRT-2025-0007.pdf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_logs_and_tables_are_listed_as_if_they_had_been_exported() {
    let site = Site::start().await;
    site.write("old/ärztlicher report.pdf", REPORT);
    let csv = "file,patient_name,report_date,owner\nold/ärztlicher report.pdf,José Álvarez,2023-03-04,c-17\n";
    fs::write(site.beside("ecg.csv"), csv).unwrap();
    site.moved("ecg-reports", &["--records", "ecg.csv"]).await;
    let path = "2023/03/04/ärztlicher report.pdf";
    assert_eq!(site.list(Collection::ecg_reports()).await, [path]);
    let head = site
        .harness
        .bucket()
        .head(&format!("ecg-reports/{path}"))
        .await
        .unwrap();
    assert_eq!(head.metadata["patient_name"], "=?UTF-8?B?Sm9zw6kgw4FsdmFyZXo=?=");
    assert_eq!(head.metadata["owner"], "c-17");

    fs::remove_dir_all(site.at("")).unwrap();
    site.write("run 1.log", LOG);
    site.moved("training-logs", &[]).await;
    let id = "abc12345-def6-4890-a1b2-c3d4e5f60718";
    assert_eq!(
        site.list(Collection::training_logs()).await,
        [format!("2024/03/{id}.log")]
    );
    let head = site
        .harness
        .bucket()
        .head(&format!("training-logs/2024/03/{id}.log"))
        .await
        .unwrap();
    assert_eq!(head.metadata["session-id"], id);

    fs::remove_dir_all(site.at("")).unwrap();
    site.write("labs.parquet", DEMOGRAPHICS);
    site.moved("clinical", &[]).await;
    assert_eq!(site.list(Collection::clinical()).await, ["parquet/labs.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_date_keeps_its_place_whatever_its_time_becomes() {
    let site = Site::start().await;
    site.write("report.pdf", REPORT);
    site.moved("ecg-reports", &[]).await;
    let keys = site.keys("ecg-reports/").await;
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24 * 365 * 40);
    fs::File::options()
        .write(true)
        .open(site.at("report.pdf"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    let again = site.moved("ecg-reports", &[]).await;
    assert_eq!(
        (&again["stored"], site.keys("ecg-reports/").await),
        (&json!(0), keys)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_collection_needs_nothing_but_its_block() {
    let block = "\n[[collection]]\nname = \"invoices\"\nprefix = \"files/invoices/\"\npath = \"{YYYY}/{file_name}\"\n\
                 max_bytes = 1_000\ninbox = false\nlink = { kind = \"direct\", minutes = 15 }\n\
                 accept = [{ ends_with = \".csv\", content_type = \"text/csv\" }]\n";
    let site = Site::start().await;
    let shipped = fs::read_to_string(workspace().join("infra/collections.toml")).unwrap();
    let table = casefile::collection::file::parse(&(shipped + block)).unwrap();
    let told = site.beside("collections.json");
    fs::write(&told, casefile::collection::as_json(&table).unwrap()).unwrap();
    site.write("2024/Rechnung März.csv", "a,b\n");
    for arguments in [
        &[
            "plan",
            "--collection",
            "invoices",
            "--from",
            "files",
            "--out",
            "x.plan",
        ][..],
        &["apply", "x.plan"],
        &["verify", "x.plan", "--strict"],
    ] {
        let mut command = site.command(arguments).await;
        command.env("COLLECTIONS_FILE", &told);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let said = Said::of(output.await.unwrap());
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
    assert_eq!(
        site.keys("files/").await,
        ["files/invoices/2024/Rechnung März.csv"]
    );
}
