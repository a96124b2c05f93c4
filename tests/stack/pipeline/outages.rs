//! SNS or SQS fails, before or after what it was asked for takes effect: nothing is lost.

use std::collections::BTreeSet;

use super::metrics::counted;
use super::plant::{Plant, TENANT};
use crate::support::owned;

/// The three tries that the SDK makes of a call.
const TRIES: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_comes_at_least_once_whether_sns_fails_before_or_after_taking_it() {
    let plant = Plant::start(|_| {}).await;
    let outage = plant.stack.sns_outage();
    let metadata = [("tenant", TENANT)];

    outage.fail(TRIES);
    plant.put("snapshots/before.json", b"{}", &metadata).await;
    plant.settled().await;
    assert_eq!(plant.notices("snapshots/before.json").len(), 1);

    outage.fail_after_effect(TRIES);
    plant.put("snapshots/after.json", b"{}", &metadata).await;
    plant.settled().await;
    assert_told(&plant, "snapshots/after.json");

    outage.fail(TRIES);
    let folder = plant.export(&owned("s1")).await;
    plant.settled().await;
    let manifest = format!("tara/{folder}/manifest.json");
    assert_told(&plant, &manifest);

    plant.logged("SNS didn't take the notice").await;
    plant.logged("BatchFailures").await;
    for (kind, key) in [
        ("file", "snapshots/before.json"),
        ("file", "snapshots/after.json"),
        ("session", manifest.as_str()),
    ] {
        assert_eq!(plant.row(kind, key).await["status"], "verified", "{key}");
    }
    assert!(counted(&plant, "BatchFailures", &[]) >= 1);
    assert_eq!(plant.dead_letters(), []);
    plant.assert_discreet();
}

/// At least once, and whoever gets it twice can tell.
fn assert_told(plant: &Plant, key: &str) {
    let notices = plant.notices(key);
    let ids: BTreeSet<_> = notices
        .iter()
        .map(|notice| notice.attribute("deduplication_id"))
        .collect();
    assert_eq!(ids.len(), 1, "{key}: {notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_until_the_dead_letter_queue_takes_it() {
    let plant = Plant::start(|_| {}).await;
    let outage = plant.stack.sqs_outage();
    let poison = r#"{"Records": "Alvarez"}"#;
    outage.fail(TRIES);
    plant.send(poison.to_owned());
    plant.settled().await;
    let letters = plant.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body, poison);
    assert_eq!(letters[0].attribute("receive_count"), Some("2"));
    assert!(letters[0].attribute("reason").is_some());
    plant.logged("a dead letter wasn't sent").await;

    plant.stack.queue("DeadLetterQueue").unwrap().purge();
    outage.fail_after_effect(1);
    plant.send(poison.to_owned());
    plant.settled().await;
    let letters = plant.dead_letters();
    assert!(!letters.is_empty(), "it was given up, and is nowhere");
    assert!(letters.iter().all(|letter| letter.body == poison));

    // Never taken: SQS itself moves it there in the end.
    plant.stack.queue("DeadLetterQueue").unwrap().purge();
    outage.fail(1_000);
    plant.send(poison.to_owned());
    plant.settled().await;
    outage.fail(0);
    let letters = plant.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].body.as_str(), letters[0].receives), (poison, 5));
    assert!(letters[0].source.as_deref().unwrap().contains("rrivals"));
    plant.assert_discreet();
}
