//! No link to unverified or rejected bytes where the collection demands verification, whatever happens at the same time.

use std::collections::BTreeSet;

use casefile::bucket::Bucket;
use casefile::caller::Origin;
use casefile::collection::{Collection, LinkKind};
use casefile::document::{self, INBOX, SOURCE, Unverified};
use casefile::key::BasePath;
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link};
use casefile::problem::{Problem, ProblemKind};
use casefile::quarantine::{Item, release};
use casefile::status::Status;
use casefile_local::s3::{FaultRule, When};
use futures::future::join_all;

use super::{KEY, Ward};
use crate::support::{BUCKET, caller, links, noon};

const PATH: &str = "2025/10/28/x.pdf";

async fn ask_as(ward: &Ward, tenant: &str, group: &str, request: &LinkRequest) -> Result<Link, Problem> {
    let links = links(ward.harness.client.clone(), noon);
    let caller = caller("dana", &[group], tenant);
    let origin = Origin::default();
    let asking = Asking {
        caller: &caller,
        origin: &origin,
        base_url: None,
        kept_at: None,
    };
    links.issue(&asking, request).await
}

async fn ask(ward: &Ward) -> Result<Link, Problem> {
    let request = LinkRequest::plain(Collection::ecg_reports(), PATH);
    ask_as(ward, "acme", "office", &request).await
}

async fn tag(ward: &Ward, item: &Item, status: &str) {
    let tags = [("status", status)];
    let version_id = item.version_id.as_deref();
    ward.artifacts
        .merge_tags(&item.key, version_id, &tags)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_verified_or_released_is_linked_to() {
    let ward = Ward::start().await;
    let nothing = ask(&ward).await.unwrap_err();
    assert_eq!(nothing.kind, ProblemKind::NotFound);
    let item = ward.put(b"%PDF-").await;
    for kind in [LinkKind::Direct, LinkKind::Share] {
        let mut request = LinkRequest::plain(Collection::ecg_reports(), PATH);
        request.kind = Some(kind);
        let early = ask_as(&ward, "acme", "office", &request).await.unwrap_err();
        assert_eq!((early.kind, early.retry_after), (ProblemKind::Conflict, Some(10)));
        // Who may not read it learns nothing.
        for (tenant, group) in [("globex", "office"), ("acme", "device"), ("acme", "customer")] {
            let refused = ask_as(&ward, tenant, group, &request).await.unwrap_err();
            assert_eq!(refused, nothing, "{tenant} {group}");
        }
    }
    for (status, expected) in [
        ("verified", Ok(())),
        ("unsupported", Err(ProblemKind::Conflict)),
        ("rejected", Err(ProblemKind::NotFound)),
        ("skipped", Err(ProblemKind::Conflict)),
        ("released", Ok(())),
        ("Verified", Err(ProblemKind::Conflict)),
    ] {
        tag(&ward, &item, status).await;
        let outcome = ask(&ward).await;
        let kind = outcome.as_ref().map(|_| ()).map_err(|problem| problem.kind);
        assert_eq!(kind, expected, "{status}");
        if let Ok(link) = outcome {
            assert_eq!(link.version_id, item.version_id);
        }
    }
    tag(&ward, &item, "rejected").await;
    assert_eq!(ask(&ward).await.unwrap_err(), nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_through_the_inbox_is_looked_at_twice_and_its_neighbours_once() {
    let ward = Ward::start().await;
    let client = &ward.harness.client;
    for (name, source) in [("filed", Some(INBOX)), ("own", None), ("other", Some("export"))] {
        let put = client.put_object().bucket(BUCKET).metadata("tenant", "acme");
        let put = put.key(format!("training-logs/2025/10/{name}.log"));
        let put = source
            .iter()
            .fold(put, |put, source| put.metadata(SOURCE, *source));
        put.send().await.unwrap();
    }
    let ask = async |name: &str| {
        let path = format!("2025/10/{name}.log");
        ward.harness.s3.requests().record(true);
        ward.harness.s3.requests().take();
        let request = LinkRequest::plain(Collection::training_logs(), &path);
        let outcome = ask_as(&ward, "acme", "office", &request).await;
        let requests = ward.harness.s3.requests().take();
        let operations: Vec<_> = requests.into_iter().map(|request| request.operation).collect();
        (outcome.map(drop).map_err(|problem| problem.kind), operations)
    };
    let twice = ["HeadObject", "GetObjectTagging", "PutObject"]
        .map(str::to_owned)
        .to_vec();
    let once = ["HeadObject", "PutObject"].map(str::to_owned).to_vec();
    assert_eq!(ask("filed").await, (Err(ProblemKind::Conflict), twice.clone()));
    assert_eq!(ask("own").await, (Ok(()), once.clone()));
    assert_eq!(ask("other").await, (Ok(()), once));
    let key = "training-logs/2025/10/filed.log";
    ward.artifacts
        .merge_tags(key, None, &[("status", "verified")])
        .await
        .unwrap();
    assert_eq!(ask("filed").await, (Ok(()), twice));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_looks_are_under_way_at_the_same_time() {
    let ward = Ward::start().await;
    let item = ward.put(b"%PDF-").await;
    tag(&ward, &item, "verified").await;
    let faults = ward.harness.s3.faults();
    let mut looks = faults.pause(FaultRule::on("HeadObject"), When::Before);
    let mut tags = faults.pause(FaultRule::on("GetObjectTagging"), When::Before);
    let both = async {
        let held = (looks.arrived().await.unwrap(), tags.arrived().await.unwrap());
        drop((held, looks, tags));
    };
    let patience = std::time::Duration::from_secs(5);
    let asked = async { tokio::join!(ask(&ward), both) };
    let (link, ()) = tokio::time::timeout(patience, asked).await.unwrap();
    assert_eq!(link.unwrap().version_id, item.version_id);
}

/// What happens to the document while one of the two looks at it is held.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Replaced,
    ReplacedByVerified,
    Deleted,
    Quarantined,
}

impl Meanwhile {
    async fn happen(self, ward: &Ward, item: &Item) {
        match self {
            Self::Replaced => drop(ward.put(b"unverified").await),
            Self::ReplacedByVerified => {
                let newer = ward.put(b"%PDF-newer").await;
                tag(ward, &newer, "verified").await;
            }
            Self::Deleted => {
                let delete = ward.harness.client.delete_object().bucket(BUCKET).key(KEY);
                delete.send().await.unwrap();
            }
            Self::Quarantined => drop(ward.quarantine(item).await.unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_between_the_two_looks_a_link_leads_to_a_verified_version() {
    use Meanwhile::{Deleted, Quarantined, Replaced, ReplacedByVerified};
    for (look, when) in [
        ("HeadObject", When::Before),
        ("HeadObject", When::After),
        ("GetObjectTagging", When::Before),
        ("GetObjectTagging", When::After),
    ] {
        for first in ["verified", "none"] {
            for meanwhile in [Replaced, ReplacedByVerified, Deleted, Quarantined] {
                let ward = Ward::start().await;
                let item = ward.put(b"%PDF-").await;
                tag(&ward, &item, first).await;
                let rule = FaultRule::on(look).times(1);
                let mut pause = ward.harness.s3.faults().pause(rule, when);
                let happens = async {
                    let held = pause.arrived().await.unwrap();
                    // The other look has its answer by now.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    meanwhile.happen(&ward, &item).await;
                    drop(held);
                };
                let (outcome, ()) = tokio::join!(ask(&ward), happens);
                let what = format!("{look} {when:?} {first} {meanwhile:?}: {outcome:?}");
                let Ok(link) = outcome else {
                    let kind = outcome.unwrap_err().kind;
                    let is_honest = matches!(kind, ProblemKind::NotFound | ProblemKind::Conflict);
                    assert!(is_honest, "{what}");
                    continue;
                };
                // The link may have been earned before it happened, never by what happened.
                let tags = ward
                    .artifacts
                    .tags(KEY, link.version_id.as_deref())
                    .await
                    .unwrap();
                let was_verified = link.version_id == item.version_id && first == "verified";
                assert!(was_verified || tags["status"] == "verified", "{what}");
                // Tags that are read after the quarantine say so.
                let is_hidden = matches!(meanwhile, Quarantined);
                assert!(
                    !is_hidden || when == When::After || look == "HeadObject",
                    "{what}"
                );
            }
        }
    }
}

/// Without versions, nothing tells two objects of one key apart.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_versions_are_kept_tags_that_were_read_early_are_read_again() {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    for has_kept_versions in [false, true] {
        let ward = Ward::start().await;
        let client = &ward.harness.client;
        let bucket = Bucket::new(client.clone(), "plain".to_owned());
        client.create_bucket().bucket("plain").send().await.unwrap();
        if has_kept_versions {
            let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended);
            let put = client.put_bucket_versioning().bucket("plain");
            let put = put.versioning_configuration(suspended.build());
            put.send().await.unwrap();
        }
        let put = async |body: &'static [u8]| {
            let put = client.put_object().bucket("plain").key(KEY);
            put.body(body.to_vec().into()).send().await.unwrap();
        };
        put(b"%PDF-").await;
        let tags = [("status", "verified")];
        bucket.merge_tags(KEY, None, &tags).await.unwrap();
        let rule = FaultRule::on("HeadObject").times(1);
        let mut pause = ward.harness.s3.faults().pause(rule, When::Before);
        let replaced = async {
            let held = pause.arrived().await.unwrap();
            // The tags are read by now.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            put(b"unverified").await;
            drop(held);
        };
        let base = BasePath::default();
        let look = document::look(&bucket, &base, Collection::ecg_reports(), PATH);
        let (found, ()) = tokio::join!(look, replaced);
        let found = found.unwrap().unwrap();
        assert_eq!(found.document.size, 10);
        assert_eq!(found.unverified(), Some(Unverified::Yet), "{has_kept_versions}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_that_no_verdict_fits_on_is_no_reader_s() {
    let ward = Ward::start().await;
    let key = "training-logs/2025/10/x.log";
    let older = ward.put_at(key, b"rejected").await;
    ward.fill_tags(&older).await;
    let newer = ward.put_at(key, b"newer").await;
    ward.quarantine(&older).await.unwrap();
    let base = BasePath::default();
    let newest = document::look(
        &ward.artifacts,
        &base,
        Collection::training_logs(),
        "2025/10/x.log",
    )
    .await;
    let newest = newest.unwrap().unwrap().document;
    assert_eq!(newest.version_id, newer.version_id);
    let look = async |item: &Item| {
        let version_id = item.version_id.as_deref().unwrap();
        let found = document::look_at_version(&ward.artifacts, newest.clone(), version_id).await;
        found.unwrap().map(|found| found.status)
    };
    assert_eq!(look(&older).await, None);
    assert_eq!(look(&newer).await, Some(None));
    tag(&ward, &newer, "released").await;
    ward.put_at(key, b"newest").await;
    assert_eq!(look(&newer).await, Some(Some(Status::Released)));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_versions_come_and_are_judged_every_link_leads_to_a_verified_one() {
    let ward = Ward::start().await;
    let judged = async {
        let mut good = BTreeSet::new();
        for number in 0..24 {
            let item = ward.put(b"%PDF-").await;
            match number % 4 {
                0 => {
                    tag(&ward, &item, "verified").await;
                    good.insert(item.version_id.unwrap());
                }
                1 => drop(ward.quarantine(&item).await.unwrap()),
                2 => {
                    ward.quarantine(&item).await.unwrap();
                    release(&ward.artifacts, &item).await.unwrap();
                    good.insert(item.version_id.unwrap());
                }
                _ => {}
            }
        }
        good
    };
    let asked = join_all((0..6).map(|_| async {
        let mut given = Vec::new();
        for _ in 0..40 {
            match ask(&ward).await {
                Ok(link) => given.push(link.version_id.unwrap()),
                Err(problem) => assert!(
                    matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Conflict),
                    "{problem}"
                ),
            }
        }
        given
    }));
    let (good, given) = tokio::join!(judged, asked);
    let given: Vec<_> = given.concat();
    assert!(!given.is_empty(), "nothing was ever linked to");
    assert!(given.iter().all(|version| good.contains(version)));
}
