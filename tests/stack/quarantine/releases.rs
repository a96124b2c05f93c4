//! A release: what it does, what it leaves alone, and that it may be repeated.

use casefile::quarantine::{Place, Quarantined, ReleaseError, place, release};
use casefile::status::Status;
use casefile_local::s3::{Fault, FaultRule, When};

use super::{KEY, Ward};
use crate::support::BUCKET;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_with_ten_tags_of_others_is_held_too_and_released_when_there_is_room() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.fill_tags(&item).await;
    assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Held));
    assert!(ward.top().await.marker.is_some());
    assert_eq!(ward.status(&item).await, None);

    assert_eq!(place(&ward.artifacts, &item).await, Err(ReleaseError::Full));
    assert_eq!(release(&ward.artifacts, &item).await, Err(ReleaseError::Full));
    assert!(ward.top().await.marker.is_some());
    let delete = ward.client().delete_object_tagging().bucket(BUCKET).key(KEY);
    let delete = delete.set_version_id(item.version_id.clone());
    delete.send().await.unwrap();
    release(&ward.artifacts, &item).await.unwrap();
    assert_eq!(place(&ward.artifacts, &item).await, Ok(Place::Seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_version_is_seen_again_and_no_late_event_hides_it() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.quarantine(&item).await.unwrap();
    assert!(matches!(
        place(&ward.artifacts, &item).await,
        Ok(Place::Hidden { .. })
    ));
    for _ in 0..2 {
        release(&ward.artifacts, &item).await.unwrap();
        assert_eq!(place(&ward.artifacts, &item).await, Ok(Place::Seen));
        assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Released));
        assert_eq!(ward.status(&item).await, Some(Status::Released));
        assert_eq!(
            ward.artifacts.head(KEY).await.unwrap().version_id,
            item.version_id
        );
    }
    assert_eq!(ward.quarantine.keys("").await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_fails_on_the_way_can_be_repeated() {
    for operation in [
        "ListObjectVersions",
        "GetObjectTagging",
        "PutObjectTagging",
        "DeleteObject",
    ] {
        for when in [When::Before, When::After] {
            let ward = Ward::start().await;
            let item = ward.put(b"no PDF").await;
            ward.quarantine(&item).await.unwrap();
            let fault = Fault::error(503, "SlowDown");
            let injected = ward
                .harness
                .s3
                .faults()
                .inject(FaultRule::on(operation), when, fault);
            assert!(release(&ward.artifacts, &item).await.is_err(), "{operation}");
            injected.remove();
            release(&ward.artifacts, &item).await.unwrap();
            assert_eq!(
                place(&ward.artifacts, &item).await,
                Ok(Place::Seen),
                "{operation}"
            );
            assert_eq!(ward.status(&item).await, Some(Status::Released));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_newer_is_replaced_by_a_release() {
    let ward = Ward::start().await;
    let item = ward.put(b"no PDF").await;
    ward.quarantine(&item).await.unwrap();
    let newer = ward.put(b"newer").await;
    assert_eq!(release(&ward.artifacts, &item).await, Err(ReleaseError::Replaced));
    assert_eq!(ward.status(&item).await, Some(Status::Rejected));
    // Neither where it was deleted since.
    ward.delete_newest().await;
    assert_eq!(release(&ward.artifacts, &item).await, Err(ReleaseError::Replaced));
    let delete = ward.client().delete_object().bucket(BUCKET).key(KEY);
    delete
        .set_version_id(item.version_id.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(release(&ward.artifacts, &item).await, Err(ReleaseError::Gone));
    assert_eq!(ward.top().await.version_id, newer.version_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_xml_can_not_hold_are_held_and_released_too() {
    let ward = Ward::start().await;
    for key in [
        "ecg-reports/2025/10/28/a\u{1}b.pdf",
        "ecg-reports/2025/10/28/a b+c%20.pdf",
        "ecg-reports/2025/10/28/ü&<\u{ffff}>.pdf",
    ] {
        let item = ward.put_at(key, b"no PDF").await;
        assert_eq!(ward.quarantine(&item).await, Ok(Quarantined::Held), "{key:?}");
        let hidden = place(&ward.artifacts, &item).await;
        assert!(matches!(hidden, Ok(Place::Hidden { .. })), "{key:?}: {hidden:?}");
        release(&ward.artifacts, &item).await.unwrap();
        assert_eq!(place(&ward.artifacts, &item).await, Ok(Place::Seen), "{key:?}");
    }
}
