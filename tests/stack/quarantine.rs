//! The quarantine: what is rejected is held, whatever fails meanwhile; no link leads to it; and an operator lets it go.

mod gate;
pub(crate) mod operator;
mod queue;
mod races;
mod releases;
mod told;

use aws_sdk_s3::Client;
use casefile::bucket::{Bucket, Top};
use casefile::digest::Sha256;
use casefile::quarantine::{Item, ItemId, Quarantined, ReleaseError, list, place, quarantine, show};
use casefile::status::Status;
use casefile::store_error::StoreError;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::join_all;

use crate::support::{BUCKET, Harness};

pub(crate) const QUARANTINE: &str = "quarantine";
pub(crate) const KEY: &str = "ecg-reports/2025/10/28/x.pdf";

/// S3 with a quarantine bucket.
pub(crate) struct Ward {
    pub(crate) harness: Harness,
    pub(crate) artifacts: Bucket,
    pub(crate) quarantine: Bucket,
}

impl Ward {
    pub(crate) async fn start() -> Self {
        let harness = Harness::start().await;
        let create = harness.client.create_bucket().bucket(QUARANTINE);
        create.send().await.unwrap();
        Self {
            artifacts: harness.bucket(),
            quarantine: Bucket::new(harness.client.clone(), QUARANTINE.to_owned()),
            harness,
        }
    }

    fn client(&self) -> &Client {
        &self.harness.client
    }

    /// Somebody deletes what is seen at the key.
    pub(crate) async fn delete_newest(&self) {
        let delete = self.client().delete_object().bucket(BUCKET).key(KEY);
        delete.send().await.unwrap();
    }

    /// Stores a version, as what has just arrived and is going to be rejected.
    pub(crate) async fn put(&self, body: &'static [u8]) -> Item {
        self.put_at(KEY, body).await
    }

    pub(crate) async fn put_at(&self, key: &str, body: &'static [u8]) -> Item {
        let put = self.client().put_object().bucket(BUCKET).key(key);
        let put = put.metadata("tenant", "acme").content_type("application/pdf");
        let put = put.body(body.to_vec().into()).send().await.unwrap();
        Item {
            key: key.to_owned(),
            version_id: put.version_id,
            // As events have it.
            etag: put.e_tag.unwrap().trim_matches('"').to_owned(),
            sha256: Sha256::of(body),
            size: body.len() as u64,
            content_type: "application/pdf".to_owned(),
            reason: "its name says PDF, and its content is none".to_owned(),
        }
    }

    pub(crate) async fn quarantine(&self, item: &Item) -> Result<Quarantined, StoreError> {
        quarantine(&self.artifacts, &self.quarantine, item).await
    }

    /// Ten tags of somebody else's.
    async fn fill_tags(&self, item: &Item) {
        let names: Vec<_> = (0..10).map(|number| format!("own-{number}")).collect();
        let tags: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let version_id = item.version_id.as_deref();
        let merge = self.artifacts.merge_tags(&item.key, version_id, &tags);
        merge.await.unwrap();
    }

    async fn status(&self, item: &Item) -> Option<Status> {
        let tags = self.artifacts.tags(&item.key, item.version_id.as_deref()).await;
        Status::of(&tags.unwrap())
    }

    async fn top(&self) -> Top {
        self.artifacts.top(KEY).await.unwrap()
    }

    /// Everything that a rejected version in its place must have become.
    async fn assert_held(&self, item: &Item) {
        let id = id(item);
        let held = show(&self.artifacts, &self.quarantine, id.clone())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&held.item, held.status), (item, Some(Status::Rejected)));
        let content = self.quarantine.content(&format!("content/{id}")).await.unwrap();
        assert_eq!((content.size, content.sha256), (item.size, item.sha256));
        let top = self.top().await;
        assert_eq!(top.version_id, item.version_id);
        assert!(top.marker.is_some());
        assert_eq!(self.quarantine.keys("").await.unwrap().len(), 2);
    }
}

pub(crate) fn id(item: &Item) -> ItemId {
    ItemId::of(&item.key, item.version_id.as_deref())
}

/// How many delete markers a key has.
async fn markers(client: &Client) -> usize {
    let list = client.list_object_versions().bucket(BUCKET).prefix(KEY);
    list.send().await.unwrap().delete_markers().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_version_is_held_and_a_repeat_changes_nothing() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    let tags = [("status", "verified"), ("project", "own")];
    ward.artifacts.merge_tags(KEY, None, &tags).await.unwrap();
    for _ in 0..3 {
        assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Held));
        ward.assert_held(&item).await;
    }
    let other_words = Item {
        reason: "another reason".to_owned(),
        ..item.clone()
    };
    let twins = join_all((0..8).map(|_| ward.quarantine(&other_words))).await;
    assert!(
        twins.iter().all(|twin| *twin == Ok(Quarantined::Held)),
        "{twins:?}"
    );
    ward.assert_held(&item).await;
    assert_eq!(markers(ward.client()).await, 1);
    let tags = ward
        .artifacts
        .tags(KEY, item.version_id.as_deref())
        .await
        .unwrap();
    assert_eq!(tags["project"], "own");
    assert_eq!(tags["sha256"], item.sha256.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_at_once_leave_one_marker() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    let twins = join_all((0..8).map(|_| ward.quarantine(&item))).await;
    assert!(
        twins.iter().all(|twin| *twin == Ok(Quarantined::Held)),
        "{twins:?}"
    );
    ward.assert_held(&item).await;
    assert_eq!(markers(ward.client()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_step_fails_before_or_after_taking_effect_a_repeat_completes_it() {
    for operation in [
        "GetObjectTagging",
        "PutObject",
        "PutObjectTagging",
        "HeadObject",
        "DeleteObject",
        "CopyObject",
    ] {
        for (when, fault) in [
            (When::Before, Fault::error(503, "SlowDown")),
            (When::After, Fault::error(500, "InternalError")),
            (When::After, Fault::Cut),
        ] {
            let ward = Ward::start().await;
            let item = ward.put(b"no PDF").await;
            let rule = FaultRule::on(operation);
            let injected = ward.harness.s3.faults().inject(rule, when, fault.clone());
            let outcome = ward.quarantine(&item).await;
            injected.remove();
            if injected.matched() > 0 && when == When::Before {
                assert!(
                    matches!(outcome, Err(StoreError::Unavailable(_))),
                    "{operation}: {outcome:?}"
                );
            }
            assert_eq!(
                ward.quarantine(&item).await,
                Ok(Quarantined::Held),
                "{operation} {when:?}"
            );
            ward.assert_held(&item).await;
            assert_eq!(markers(ward.client()).await, 1, "{operation} {when:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_stays_the_newest_whenever_it_comes() {
    let ward = Ward::start().await;
    let old = ward.put(b"no PDF").await;
    let new = ward.put(b"another").await;
    assert_eq!(ward.quarantine(&old).await, Ok(Quarantined::Held));
    assert_eq!(
        ward.top().await,
        Top {
            marker: None,
            version_id: new.version_id.clone()
        }
    );

    // It comes between the look and the marker.
    let rule = FaultRule::on("DeleteObject");
    let mut pause = ward.harness.s3.faults().pause(rule, When::Before);
    let come_between = async {
        let held = pause.arrived().await.unwrap();
        let newer = ward.put(b"newer").await;
        drop(held);
        drop(pause);
        newer
    };
    let (quarantined, newer) = tokio::join!(ward.quarantine(&new), come_between);
    assert_eq!(quarantined, Ok(Quarantined::Held));
    assert_eq!(
        ward.top().await,
        Top {
            marker: None,
            version_id: newer.version_id.clone()
        }
    );
    assert_eq!(ward.status(&new).await, Some(Status::Rejected));
    assert_eq!(ward.status(&newer).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_not_found() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    let delete = ward.client().delete_object().bucket(BUCKET).key(KEY);
    delete
        .set_version_id(item.version_id.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(ward.quarantine(&item).await, Err(StoreError::NotFound));
    assert!(ward.quarantine.keys("").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_somebody_has_deleted_is_held_all_the_same() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.delete_newest().await;
    assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Held));
    ward.assert_held(&item).await;
    assert_eq!(markers(ward.client()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_bucket_keeps_no_versions_the_copy_is_made_before_the_object_goes() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    // As an object that was stored before its bucket kept versions.
    let unversioned = Item {
        version_id: None,
        ..item.clone()
    };
    let rule = FaultRule::on("CopyObject");
    let injected = ward
        .harness
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(403, "AccessDenied"));
    assert!(ward.quarantine(&unversioned).await.is_err());
    assert_eq!(ward.top().await.marker, None);
    injected.remove();
    assert_eq!(ward.quarantine(&unversioned).await, Ok(Quarantined::Held));
    assert!(ward.top().await.marker.is_some());
    assert_eq!(
        place(&ward.artifacts, &unversioned).await,
        Err(ReleaseError::Gone)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_records_are_listed_as_such_beside_the_others() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.quarantine(&item).await.unwrap();
    let of_another = serde_json::to_vec(&item).unwrap();
    let records = [b"{".to_vec(), of_another, vec![b' '; 70_000]];
    for (number, record) in records.into_iter().enumerate() {
        let put = ward.client().put_object().bucket(QUARANTINE);
        let put = put.key(format!("records/{number:032}.json")).body(record.into());
        put.send().await.unwrap();
    }
    let listing = list(&ward.artifacts, &ward.quarantine).await.unwrap();
    let held: Vec<_> = listing.iter().map(|held| &held.item).collect();
    assert_eq!(held, [&item]);
    let ids = (0..3).map(|number| format!("{number:032}").parse().unwrap());
    let ids: Vec<ItemId> = ids.collect();
    assert_eq!(listing.damaged, ids);
    for id in ids {
        let shown = show(&ward.artifacts, &ward.quarantine, id).await;
        assert!(matches!(shown, Err(StoreError::Damaged(_))), "{shown:?}");
    }
}
