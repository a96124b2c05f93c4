//! "Amazon S3 Event Notifications" (user guide), of the embedded S3: how an event leaves is its own matter.

use casefile_local::s3::{EventName, ObjectEvent, event_record};

use super::target::embedded;

#[tokio::test]
async fn every_change_sends_one_event_in_the_order_of_the_changes() {
    let s3 = embedded().await;
    let mut events = s3.embedded.as_ref().unwrap().server.events();
    let put = s3.put("a b", "hello").await;
    let request = s3.client.copy_object().bucket(&s3.bucket).key("copy");
    request
        .copy_source(format!("{}/a%20b", s3.bucket))
        .send()
        .await
        .unwrap();
    let deleted = s3
        .client
        .delete_object()
        .bucket(&s3.bucket)
        .key("a b")
        .send()
        .await
        .unwrap();
    let request = s3.client.delete_object().bucket(&s3.bucket).key("a b");
    request
        .set_version_id(put.version_id.clone())
        .send()
        .await
        .unwrap();
    let seen: Vec<ObjectEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let names: Vec<_> = seen
        .iter()
        .map(|event| (event.name, event.key.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (EventName::Put, "a b"),
            (EventName::Copy, "copy"),
            (EventName::DeleteMarkerCreated, "a b"),
            (EventName::Deleted, "a b"),
        ]
    );
    assert_eq!(
        (seen[0].size, seen[0].version_id.clone()),
        (Some(5), put.version_id)
    );
    assert_eq!(seen[2].version_id, deleted.version_id);
    assert!(seen.windows(2).all(|pair| pair[0].sequencer < pair[1].sequencer));
    assert_eq!(event_record(&seen[0])["s3"]["object"]["key"], "a+b");
}

#[tokio::test]
async fn a_write_that_is_refused_sends_no_event() {
    let s3 = embedded().await;
    s3.create("a", "first").await.unwrap();
    let mut events = s3.embedded.as_ref().unwrap().server.events();
    s3.create("a", "second").await.unwrap_err();
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn an_event_is_there_when_its_write_is_answered() {
    let s3 = embedded().await;
    let mut events = s3.embedded.as_ref().unwrap().server.events();
    for number in 0..20 {
        s3.put(&number.to_string(), "x").await;
        assert_eq!(events.try_recv().unwrap().key, number.to_string());
    }
}
