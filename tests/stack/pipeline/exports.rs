//! A session on its way: verified, indexed and announced, however S3's events come.

use std::time::Duration;

use casefile_local::Chaos;
use casefile_local::s3::{Fault, FaultRule, When};
use casefile_local::sns::Notification;
use hyper::Method;
use serde_json::json;

use super::metrics;
use super::plant::{Plant, TENANT, creations, machines, message};
use crate::support::{owned, without_events};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_indexed_and_announced_once_however_its_events_come() {
    let plant = Plant::start(|config| {
        config.chaos = Some(Chaos {
            seed: 7,
            longest: Duration::from_millis(300),
        });
    })
    .await;
    let mut events = plant.stack.s3.events();
    let folder = plant.export(&owned("s1")).await;
    plant.settled().await;
    assert_verified(&plant, &folder).await;
    let manifest = format!("tara/{folder}/manifest.json");
    let notices = plant.notices(&manifest);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_announced(&notices[0], &manifest);

    let rows = plant.rows().await;
    let creations = creations(&mut events, "tara/");
    assert_eq!(creations.len(), 14);
    for event in creations.iter().chain(&creations).rev() {
        plant.send(message(event));
    }
    plant.settled().await;
    assert_eq!(plant.rows().await, rows);
    assert_eq!(plant.stack.notifications(), notices);
    assert_eq!(plant.dead_letters(), []);
    assert_verified(&plant, &folder).await;

    ask_for_links(&plant, &folder).await;
    metrics::assert_counted(&plant, rows.len()).await;
    plant.assert_discreet();
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_of_an_event_that_are_at_work_at_once_announce_once() {
    let plant = Plant::start(without_events).await;
    let mut events = plant.stack.s3.events();
    let folder = plant.export(&owned("s1")).await;
    let manifest = format!("tara/{folder}/manifest.json");
    let told = creations(&mut events, &manifest);
    // So that none has left its mark before the others look for it.
    let rule = FaultRule::on("PutObject").prefix("_casefile/once/");
    let slow = Fault::Delay(Duration::from_millis(500));
    let injected = plant.stack.s3.faults().inject(rule, When::Before, slow);
    plant.deliver_at_once(&message(&told[0]), 4).await;
    assert!(injected.matched() > 0);
    assert_verified(&plant, &folder).await;
    assert_eq!(plant.notices(&manifest).len(), 1);
    assert_eq!(plant.stack.notifications().len(), 1);
    plant.logged("Verdicts").await;
    assert_eq!(metrics::counted(&plant, "Verdicts", &[]), 15);
    assert_eq!(plant.dead_letters(), []);
}

async fn assert_verified(plant: &Plant, folder: &str) {
    let keys = plant.bucket().keys(&format!("tara/{folder}/")).await.unwrap();
    for key in &keys {
        let row = plant.row("file", key).await;
        let tags = plant.bucket().tags(key, None).await.unwrap();
        assert_eq!(
            (&row["status"], &row["tenant"], &row["owner"]),
            (&"verified".into(), &TENANT.into(), &"c-17".into()),
            "{row}"
        );
        assert_eq!(tags["status"], "verified", "{key}");
        assert_eq!(tags["collection"], "reviews", "{key}");
        assert_eq!(tags["sha256"], row["sha256"].as_str().unwrap(), "{key}");
    }
    let row = plant
        .row("session", &format!("tara/{folder}/manifest.json"))
        .await;
    assert_eq!(
        (&row["status"], &row["reason"]),
        (&"verified".into(), &json!(null))
    );
    assert_eq!(
        (&row["session_id"], &row["total_files"]),
        (&"s1".into(), &keys.len().into())
    );
    // No model is set.
    assert_eq!(row["summary"], json!(null));
    assert_eq!(plant.rows().await.len(), keys.len() + 1);
}

fn assert_announced(notice: &Notification, manifest: &str) {
    assert_eq!(
        notice.subject.as_deref(),
        Some("Casefile: reviews session verified")
    );
    let mail = notice.text("email");
    for line in [
        "A session of reviews is verified.",
        "Tenant: default",
        "Session: s1",
        "Files: 14",
    ] {
        assert!(mail.contains(line), "{line}: {mail}");
    }
    for name in ["write-up", "TR-20417", ".docx", "manifest", "tara/"] {
        assert!(!mail.contains(name), "{name}: {mail}");
    }
    let machines = machines(notice);
    for (name, value) in [
        ("collection", "reviews"),
        ("kind", "session"),
        ("status", "verified"),
        ("tenant", TENANT),
        ("session_id", "s1"),
        ("key", manifest),
    ] {
        assert_eq!(machines[name], value, "{machines}");
    }
    assert!(
        machines["statistics"]["total_ai_suggestions"].is_u64(),
        "{machines}"
    );
    let id = machines["deduplication_id"].as_str();
    for (name, value) in [
        ("collection", Some("reviews")),
        ("kind", Some("session")),
        ("status", Some("verified")),
        ("tenant", Some(TENANT)),
        ("deduplication_id", id),
    ] {
        assert_eq!(notice.attribute(name), value, "{name}");
    }
    assert_eq!(id.unwrap().len(), 64);
}

/// A direct link, a share link, and one to what isn't there.
async fn ask_for_links(plant: &Plant, folder: &str) {
    let report = format!("/v1/links/reviews/{folder}/readable_report.txt");
    for (target, expected) in [
        (report.clone(), 200),
        (format!("{report}?kind=share&uses=2"), 200),
        (format!("{report}.old"), 404),
    ] {
        let response = plant.call(Method::GET, &target, TENANT, String::new()).await;
        assert_eq!(response.status(), expected, "{:?}", response.body());
    }
}
