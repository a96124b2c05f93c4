//! `casefile tables get`, while S3 answers.

use std::fs;

use super::{BUCKET, Bytes, Lab, OTHER, Sha256, TABLE, key, nowhere, sample};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_get_downloads_and_the_second_finds_the_copy_fresh() {
    let lab = Lab::with_samples().await;
    lab.watch();
    let first = lab.run(&["get", TABLE]).await;
    assert_eq!(first.path(), lab.copy(TABLE));
    assert_eq!(first.err, "");
    assert_eq!(fs::read(first.path()).unwrap(), sample(TABLE));
    assert_eq!(lab.asked("GetObject"), 1);
    let again = lab.run(&["get", TABLE]).await;
    assert_eq!((again.code, again.out, again.err), (0, first.out, String::new()));
    assert_eq!(lab.asked("GetObject"), 0);
    lab.run(&["get", TABLE, "--force-s3"]).await.path();
    assert_eq!(lab.asked("GetObject"), 1);
    lab.assert_only_copies_of(&[TABLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_table_is_downloaded_again_and_its_old_version_lies_beside_it() {
    let lab = Lab::start().await;
    let old = lab.put(TABLE, "old".into()).await;
    assert_eq!(lab.get(TABLE).await, b"old");
    lab.put(TABLE, "new".into()).await;
    assert_eq!(lab.get(TABLE).await, b"new");
    lab.watch();
    for downloads in [1, 0] {
        let said = lab.run(&["get", TABLE, "--version", &old]).await;
        assert_eq!(fs::read(said.path()).unwrap(), b"old");
        assert_eq!(
            said.path(),
            lab.folder.path().join(format!("{TABLE}@{old}.parquet"))
        );
        assert_eq!(lab.asked("GetObject"), downloads);
    }
    assert_eq!(fs::read(lab.copy(TABLE)).unwrap(), b"new");
    lab.delete(TABLE).await;
    let hidden = lab.run(&["get", TABLE, "--version", &old]).await;
    assert_eq!(fs::read(hidden.path()).unwrap(), b"old");
    let offline = lab.run(&["get", TABLE, "--version", &old, "--offline"]).await;
    assert_eq!(offline.path(), hidden.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_as_another_version_is_not_downloaded_again() {
    let lab = Lab::start().await;
    for downloads in [1, 0] {
        lab.put(TABLE, "same".into()).await;
        lab.watch();
        assert_eq!(lab.get(TABLE).await, b"same");
        assert_eq!(lab.asked("GetObject"), downloads);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_tampered_with_is_never_handed_out() {
    let lab = Lab::with_samples().await;
    let good = lab.get(TABLE).await;
    let mut changed = good.clone();
    changed[100] ^= 1;
    for bad in [
        &changed[..],
        &good[..good.len() / 2],
        b"",
        &[&good[..], b"x"].concat(),
    ] {
        fs::write(lab.copy(TABLE), bad).unwrap();
        let offline = lab.run(&["get", TABLE, "--offline"]).await;
        offline.assert_failed(1, &["no good copy", "without --offline it is downloaded"]);
        lab.watch();
        assert!(lab.get(TABLE).await == good);
        assert_eq!(lab.asked("GetObject"), 1);
    }
    // The very same content, of another time: nothing is downloaded.
    fs::write(lab.copy(TABLE), &good).unwrap();
    assert!(lab.get(TABLE).await == good);
    assert_eq!(lab.asked("GetObject"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_s3_a_copy_s_size_and_time_do_not_vouch_for_it() {
    let lab = Lab::with_samples().await;
    let mut changed = lab.get(TABLE).await;
    changed[100] ^= 1;
    let time = fs::metadata(lab.copy(TABLE)).unwrap().modified().unwrap();
    fs::write(lab.copy(TABLE), &changed).unwrap();
    let file = fs::File::options().append(true).open(lab.copy(TABLE)).unwrap();
    file.set_modified(time).unwrap();
    let offline = lab.run(&["get", TABLE, "--offline"]).await;
    offline.assert_failed(1, &["no good copy"]);
    let down = nowhere();
    let down = lab
        .run_with(&["get", TABLE], &[("AWS_ENDPOINT_URL_S3", down.as_str())])
        .await;
    down.assert_failed(2, &["S3 is unavailable", "no good copy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ended_before_its_record_costs_no_second_download() {
    let lab = Lab::with_samples().await;
    let good = lab.get(TABLE).await;
    let record = lab.folder.path().join(format!(".{TABLE}.parquet.json"));
    for left in [None, Some(""), Some("{\"size\": 1}")] {
        match left {
            None => fs::remove_file(&record).unwrap(),
            Some(text) => fs::write(&record, text).unwrap(),
        }
        lab.watch();
        assert!(lab.get(TABLE).await == good);
        assert_eq!(lab.asked("GetObject"), 0, "{left:?}");
        assert_eq!(
            lab.run(&["get", TABLE, "--offline"]).await.path(),
            lab.copy(TABLE)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_s3_says_is_not_kept() {
    let lab = Lab::with_samples().await;
    let good = lab.get(TABLE).await;
    let put = lab.harness.client.put_object().bucket(BUCKET).key(key(TABLE));
    let put = put
        .metadata("sha256", "0".repeat(64))
        .body(b"other".to_vec().into());
    put.send().await.unwrap();
    let refused = lab.run(&["get", TABLE]).await;
    refused.assert_failed(2, &["isn't what S3 has", &"0".repeat(64)]);
    assert!(fs::read(lab.copy(TABLE)).unwrap() == good);
    lab.assert_only_copies_of(&[TABLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_digest_is_had_all_the_same() {
    let lab = Lab::start().await;
    let put = lab.harness.client.put_object().bucket(BUCKET).key(key(TABLE));
    put.body(sample(TABLE).into()).send().await.unwrap();
    for downloads in [1, 0] {
        lab.watch();
        assert_eq!(lab.get(TABLE).await, sample(TABLE));
        assert_eq!(lab.asked("GetObject"), downloads);
    }
    lab.put(OTHER, Bytes::new()).await;
    assert!(lab.get(OTHER).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_during_a_download_does_not_mix_with_it() {
    let lab = Lab::start().await;
    lab.put(TABLE, "the old one".into()).await;
    let rule = casefile_local::s3::FaultRule::on("GetObject");
    let mut pause = lab
        .harness
        .s3
        .faults()
        .pause(rule, casefile_local::s3::When::Before);
    let replace = async {
        let held = pause.arrived().await.unwrap();
        lab.put(TABLE, "the new one".into()).await;
        drop(held);
        drop(pause);
    };
    let (got, ()) = tokio::join!(lab.get(TABLE), replace);
    assert_eq!(got, b"the old one");
    assert_eq!(lab.get(TABLE).await, b"the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_lie_where_the_analyst_says_else_among_the_caches() {
    let lab = Lab::with_samples().await;
    let home = tempfile::tempdir().unwrap();
    let (home_text, unset) = (home.path().to_str().unwrap(), ("CASEFILE_TABLES_DIR", ""));
    let by_home = lab.run_with(&["get", TABLE], &[unset, ("HOME", home_text)]).await;
    let below = |folder: &str| {
        let folder = home.path().join(folder).join("casefile/tables").join(BUCKET);
        folder.join(format!("{TABLE}.parquet"))
    };
    assert_eq!(by_home.path(), below(".cache"));
    let caches = home.path().join("caches");
    let variables = [unset, ("XDG_CACHE_HOME", caches.to_str().unwrap())];
    assert_eq!(
        lab.run_with(&["get", TABLE], &variables).await.path(),
        below("caches")
    );
    let named = home.path().join("named");
    let named = lab.run(&["get", TABLE, "--to", named.to_str().unwrap()]).await;
    assert_eq!(
        named.path(),
        home.path().join("named").join(format!("{TABLE}.parquet"))
    );
    let nowhere = lab.run_with(&["get", TABLE], &[unset]).await;
    nowhere.assert_failed(2, &["HOME", "CASEFILE_TABLES_DIR", "--to"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_learns_what_a_table_s_file_is_and_where_it_came_from() {
    let lab = Lab::with_samples().await;
    for from in ["s3", "copy"] {
        let said = lab.run(&["get", TABLE, "--json"]).await.json();
        assert_eq!(
            (said["table"].as_str(), said["from"].as_str()),
            (Some(TABLE), Some(from)),
            "{said}"
        );
        let content = fs::read(said["path"].as_str().unwrap()).unwrap();
        assert_eq!(said["sha256"], Sha256::of(&content).to_string());
        assert_eq!(said["size"], content.len());
    }
}
