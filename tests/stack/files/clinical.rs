//! Clinical tables and snapshots: each has one place, and a new version only from whoever names the one before it.

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile_local::client::call;
use casefile_local::s3::{FaultRule, When};
use futures::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use super::office::{Office, morning, ticking};
use super::{
    DEMOGRAPHICS, ENCOUNTERS, SNAPSHOT, downloaded, given, link, listed, paths, post, rows, settled, stored,
    uploaded, versions, versions_of,
};
use crate::links::split;
use crate::support::{BUCKET, Harness, TestStack, noon, office, pointers, two_past_noon, without_events};

const ROUTE: &str = "/v1/clinical";
const NAME: &str = "encounter_maindata.parquet";
const PATH: &str = "parquet/encounter_maindata.parquet";

/// A request that replaces what it names.
fn replacing(name: &str, content: &[u8], replaced: &Value) -> Value {
    let mut request = given(name, content);
    request["replaces"] = replaced.clone();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_lie_where_their_kind_belongs() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    for (name, content, path, content_type) in [
        (NAME, ENCOUNTERS, PATH, "application/vnd.apache.parquet"),
        (
            "demographics_maindata.parquet",
            DEMOGRAPHICS,
            "parquet/demographics_maindata.parquet",
            "application/vnd.apache.parquet",
        ),
        (
            "dmd_snapshot.json",
            SNAPSHOT,
            "snapshots/dmd_snapshot.json",
            "application/json",
        ),
    ] {
        let answer = stored(&stack, &dana, ROUTE, &given(name, content)).await;
        assert_eq!((&answer["path"], &answer["key"]), (&json!(path), &json!(path)));
        assert_eq!(answer["link"]["path"], path, "{answer}");
        let head = stack.bucket().head(path).await.unwrap();
        assert_eq!(head.content_type.as_deref(), Some(content_type));
        assert_eq!(head.checksum, Some(Sha256::of(content)));
        assert_eq!(downloaded(&stack, &dana, "clinical", path).await, content);
    }
    let (status, answer) = post(&stack, &dana, ROUTE, &given("notes.csv", b"a,b")).await;
    assert_eq!((status, &answer["status"]), (200, &json!("skipped")), "{answer}");
    settled(&stack).await;
    for row in rows(&stack).await.values() {
        assert_eq!(row["status"], "verified", "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_replaced_by_whoever_names_its_version_or_its_digest_alone() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    let first = stored(&stack, &dana, ROUTE, &given(NAME, ENCOUNTERS)).await;
    let again = stored(&stack, &dana, ROUTE, &given(NAME, ENCOUNTERS)).await;
    assert_eq!(again["version_id"], first["version_id"]);
    for request in [
        given(NAME, DEMOGRAPHICS),
        replacing(NAME, DEMOGRAPHICS, &json!("3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")),
        replacing(NAME, DEMOGRAPHICS, &json!(Sha256::of(DEMOGRAPHICS).to_string())),
    ] {
        let (status, refused) = post(&stack, &dana, ROUTE, &request).await;
        assert_eq!(status, 409, "{refused}");
        // What there is now, so that the caller can look at it.
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(first["version_id"].as_str().unwrap()), "{detail}");
    }
    let (status, wrong) = post(
        &stack,
        &dana,
        ROUTE,
        &replacing(NAME, DEMOGRAPHICS, &json!("a b")),
    )
    .await;
    assert_eq!((status, pointers(&wrong)), (422, vec!["/replaces"]));
    let new = json!("new.json");
    let (status, nothing) = post(&stack, &dana, ROUTE, &replacing("new.json", SNAPSHOT, &new)).await;
    assert_eq!(status, 409, "{nothing}");
    assert_eq!(versions_of(&stack, "parquet/").await.len(), 1);
    assert!(versions_of(&stack, "snapshots/").await.is_empty());

    let request = replacing(NAME, DEMOGRAPHICS, &first["version_id"]);
    let second = stored(&stack, &dana, ROUTE, &request).await;
    assert_ne!(second["version_id"], first["version_id"]);
    // The same again, although it names what is no longer there.
    let again = stored(&stack, &dana, ROUTE, &request).await;
    assert_eq!(again["version_id"], second["version_id"]);
    let third = stored(
        &stack,
        &dana,
        ROUTE,
        &replacing(NAME, ENCOUNTERS, &second["sha256"]),
    )
    .await;
    settled(&stack).await;

    assert_eq!(versions_of(&stack, "parquet/").await.len(), 3);
    assert_eq!(downloaded(&stack, &dana, "clinical", PATH).await, ENCOUNTERS);
    let list = listed(&stack, &dana, "clinical", "").await;
    assert_eq!(paths(&list), [PATH]);
    assert_eq!(list[0]["sha256"], third["sha256"]);
    assert_eq!(list[0]["time"], third["uploaded_at"]);
    let row = &rows(&stack).await[PATH];
    assert_eq!(
        (&row["version_id"], &row["status"]),
        (&third["version_id"], &json!("verified"))
    );
    let old = stack.bucket();
    let old = old.read_version(PATH, second["version_id"].as_str(), 100_000);
    assert_eq!(old.await.unwrap(), DEMOGRAPHICS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_given_before_leads_to_the_version_it_was_given_for() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let first = stored(&stack, &dana, ROUTE, &given(NAME, ENCOUNTERS)).await;
    let (_, early) = link(&stack, &dana, "clinical", PATH).await;
    stored(
        &stack,
        &dana,
        ROUTE,
        &replacing(NAME, DEMOGRAPHICS, &first["version_id"]),
    )
    .await;
    for link in [&early, &first["link"]] {
        let (address, target) = split(link["url"].as_str().unwrap());
        let response = call(address.parse().unwrap(), Method::GET, &target, &[], String::new());
        assert_eq!(response.await.unwrap().into_body(), ENCOUNTERS);
    }
    assert_eq!(downloaded(&stack, &dana, "clinical", PATH).await, DEMOGRAPHICS);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_that_replace_the_same_version_at_once_one_wins() {
    let harness = Harness::start().await;
    let clinical = Collection::clinical();
    let dana = Office::at(&harness, "acme", morning);
    let first = dana.store(clinical, &given("a.json", SNAPSHOT)).await.unwrap();
    let contents: Vec<_> = (0..16).map(|n| format!("{{\"patients\": {n}}}")).collect();
    let replaced = json!(first.version_id);
    let requests = contents
        .iter()
        .map(|content| replacing("a.json", content.as_bytes(), &replaced));
    let requests: Vec<_> = requests.collect();
    let later = Office::at(&harness, "acme", ticking);
    let answers = join_all(requests.iter().map(|request| later.store(clinical, request))).await;
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(refused.kind.status(), 409, "{refused}");
    }
    let there = versions(&harness.client, BUCKET, "snapshots/").await;
    assert_eq!(there.len(), 2);
    assert_eq!(Some(&there[0].id), won[0].version_id.as_ref());
    let list = later.list(clinical).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["sha256"], json!(won[0].sha256));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_twins_of_a_replacement_are_one_version() {
    let harness = Harness::start().await;
    let clinical = Collection::clinical();
    let dana = Office::at(&harness, "acme", morning);
    let first = dana.store(clinical, &given("a.json", SNAPSHOT)).await.unwrap();
    let request = replacing("a.json", b"{}", &json!(first.sha256));
    let later = Office::at(&harness, "acme", ticking);
    let answers = join_all((0..16).map(|_| later.store(clinical, &request))).await;
    let there = versions(&harness.client, BUCKET, "snapshots/").await;
    assert_eq!(there.len(), 2);
    for answer in answers {
        assert_eq!(answer.unwrap().version_id.as_ref(), Some(&there[0].id));
    }
    assert_eq!(later.list(clinical).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_is_replaced_by_a_copy_of_its_upload_if_nobody_else_did_meanwhile() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let first = stored(&stack, &dana, ROUTE, &given(NAME, ENCOUNTERS)).await;
    // More than a request can carry.
    let large = ENCOUNTERS.repeat(260);
    assert!(large.len() > 6 * 1024 * 1024);
    let upload_id = uploaded(&stack, &dana, "clinical", NAME, &large).await;
    let request =
        |replaced: &Value| json!({"file": {"file_name": NAME, "upload_id": upload_id}, "replaces": replaced});
    // Somebody else replaces it between the look and the copy.
    let rule = FaultRule::on("CopyObject").prefix("parquet/");
    let mut pause = stack.stack.s3.faults().pause(rule, When::Before);
    let replace = async {
        let held = pause.arrived().await.unwrap();
        let other = replacing(NAME, DEMOGRAPHICS, &first["version_id"]);
        let other = stored(&stack, &dana, ROUTE, &other).await;
        held.release();
        other
    };
    let late = request(&first["version_id"]);
    let ((status, refused), other) = futures::join!(post(&stack, &dana, ROUTE, &late), replace);
    assert_eq!(status, 409, "{refused}");
    drop(pause);
    assert_eq!(downloaded(&stack, &dana, "clinical", PATH).await, DEMOGRAPHICS);

    stack.stack.s3.requests().record(true);
    let answer = stored(&stack, &dana, ROUTE, &request(&other["version_id"])).await;
    let requests = stack.stack.s3.requests().take();
    let moved = |operation: &str| {
        let mut requests = requests.iter();
        requests.any(|request| request.operation == operation && request.key == PATH)
    };
    assert!(moved("CopyObject") && !moved("PutObject"), "{requests:?}");
    assert_eq!(answer["sha256"], Sha256::of(&large).to_string());
    assert_eq!(versions_of(&stack, "parquet/").await.len(), 3);
    assert!(downloaded(&stack, &dana, "clinical", PATH).await == large);
    let again = stored(&stack, &dana, ROUTE, &request(&other["version_id"])).await;
    assert_eq!(again["version_id"], answer["version_id"]);
}

#[tokio::test]
async fn another_tenant_s_table_stays_and_nothing_of_it_is_told() {
    let harness = Harness::start().await;
    let clinical = Collection::clinical();
    let eve = Office::at(&harness, "globex", noon);
    let theirs = eve.store(clinical, &given(NAME, ENCOUNTERS)).await.unwrap();
    let dana = Office::at(&harness, "acme", two_past_noon);
    let sha256 = json!(theirs.sha256);
    let version_id = theirs.version_id.as_deref().unwrap();
    for request in [
        given(NAME, ENCOUNTERS),
        given(NAME, DEMOGRAPHICS),
        replacing(NAME, DEMOGRAPHICS, &sha256),
        replacing(NAME, DEMOGRAPHICS, &json!(version_id)),
    ] {
        let problem = dana.store(clinical, &request).await.unwrap_err();
        assert_eq!(problem.kind.status(), 409, "{problem}");
        for secret in ["globex", version_id, sha256.as_str().unwrap()] {
            assert!(!problem.to_string().contains(secret), "{problem}");
        }
    }
    assert_eq!(versions(&harness.client, BUCKET, "parquet/").await.len(), 1);
    assert!(dana.list(clinical).await.is_empty());
}
