//! A release and a late twin of the quarantine, at the same time: the release wins.

use aws_sdk_s3::types::Tagging;
use casefile::quarantine::{Item, Place, Quarantined, ReleaseError, place, release};
use casefile::status::Status;
use casefile_local::s3::{FaultRule, PausePoint, When};

use super::{KEY, QUARANTINE, Ward, markers};
use crate::support::BUCKET;

fn pause(ward: &Ward, rule: FaultRule, when: When) -> PausePoint {
    ward.harness.s3.faults().pause(rule.times(1), when)
}

async fn delete(ward: &Ward) {
    let delete = ward.client().delete_object().bucket(BUCKET).key(KEY);
    delete.send().await.unwrap();
}

async fn assert_released(ward: &Ward, item: &Item, what: &str) {
    assert_eq!(ward.status(item).await, Some(Status::Released), "{what}");
    assert_eq!(place(&ward.artifacts, item).await, Ok(Place::Seen), "{what}");
    let head = ward.artifacts.head(KEY).await.unwrap();
    assert_eq!(head.version_id, item.version_id, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_before_the_twin_s_tag_leaves_nothing_for_the_twin_to_do() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    // After its first look at the tags.
    let mut records = pause(&ward, FaultRule::on("PutObject").bucket(QUARANTINE), When::Before);
    let releases = async {
        let held = records.arrived().await.unwrap();
        release(&ward.artifacts, &item).await.unwrap();
        drop(held);
    };
    let (twin, ()) = tokio::join!(ward.quarantine(&item), releases);
    assert_eq!(twin, Ok(Quarantined::Released));
    assert_released(&ward, &item, "record").await;
    assert_eq!(markers(ward.client()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_before_or_after_the_twin_s_marker_is_not_undone_by_it() {
    for when in [When::Before, When::After] {
        let ward = Ward::start().await;
        let item = ward.put(b"no PDF").await;
        let mut marker = pause(&ward, FaultRule::on("DeleteObject"), when);
        let releases = async {
            let held = marker.arrived().await.unwrap();
            release(&ward.artifacts, &item).await.unwrap();
            drop(held);
        };
        let (twin, ()) = tokio::join!(ward.quarantine(&item), releases);
        assert_eq!(twin, Ok(Quarantined::Released), "{when:?}");
        assert_released(&ward, &item, &format!("{when:?}")).await;
        assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Released));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_s_tag_that_comes_during_a_release_is_replaced() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    delete(&ward).await;
    // Read before the release tags, written after.
    let mut tagging = pause(&ward, FaultRule::on("PutObjectTagging"), When::Before);
    let mut removal = pause(&ward, FaultRule::on("DeleteObject"), When::Before);
    let (tag_waits, is_tagged) = tokio::sync::oneshot::channel();
    let twin = async {
        let held = async {
            let held = tagging.arrived().await.unwrap();
            tag_waits.send(held).unwrap();
        };
        let (twin, ()) = tokio::join!(ward.quarantine(&item), held);
        twin
    };
    let releases = async {
        let held_tag = is_tagged.await.unwrap();
        let meanwhile = async {
            let held_removal = removal.arrived().await.unwrap();
            assert_eq!(ward.status(&item).await, Some(Status::Released));
            drop(held_tag);
            while ward.status(&item).await != Some(Status::Rejected) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            drop(held_removal);
        };
        let (released, ()) = tokio::join!(release(&ward.artifacts, &item), meanwhile);
        released
    };
    let (twin, outcome) = tokio::join!(twin, releases);
    assert_eq!(outcome, Ok(()));
    assert!(twin.is_ok(), "{twin:?}");
    assert_released(&ward, &item, "tag").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overtaken_during_its_release_is_said_to_be_tagged() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.quarantine(&item).await.unwrap();
    let mut removal = pause(&ward, FaultRule::on("DeleteObject"), When::Before);
    let comes = async {
        let held = removal.arrived().await.unwrap();
        let newer = ward.put(b"newer").await;
        drop(held);
        newer
    };
    let (released, newer) = tokio::join!(release(&ward.artifacts, &item), comes);
    let error = released.unwrap_err();
    assert_eq!(error, ReleaseError::Overtaken);
    assert!(!error.to_string().contains("nothing was changed"));
    assert_eq!(ward.status(&item).await, Some(Status::Released));
    assert_eq!(
        ward.artifacts.head(KEY).await.unwrap().version_id,
        newer.version_id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_against_somebody_who_never_stops_ends() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    let rule = FaultRule::on("PutObjectTagging");
    let mut tagging = ward.harness.s3.faults().pause(rule, When::After);
    let contends = async {
        while let Some(held) = tagging.arrived().await {
            let put = ward.client().put_object_tagging().bucket(BUCKET).key(KEY);
            let none = Tagging::builder().set_tag_set(Some(Vec::new())).build().unwrap();
            // This call is held, too.
            let own = async {
                drop(tagging.arrived().await);
            };
            let (taken, ()) = tokio::join!(put.tagging(none).send(), own);
            taken.unwrap();
            drop(held);
        }
    };
    tokio::select! {
        released = release(&ward.artifacts, &item) => {
            assert!(matches!(released, Err(ReleaseError::Store(_))), "{released:?}");
        }
        () = contends => panic!("the release went on without its tag"),
    }
}
