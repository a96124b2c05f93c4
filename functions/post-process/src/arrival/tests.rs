//! Every shape of event, as recorded in `tests/events/post-process`, and what else may come.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/events/post-process/", $name, ".json"))
    };
}

/// The object that most recorded events tell of.
fn report() -> ObjectArrived {
    ObjectArrived {
        bucket: "casefile-local-artifactsbucket".to_owned(),
        key: "ecg-reports/2025/11/14/ecg report 0417.pdf".to_owned(),
        version_id: Some("3HL4kqtJvjVBH40Nrjfkd_Zq1v5t0pXb".to_owned()),
        etag: Some("b1946ac92492d2347c6235b4d2611184".to_owned()),
        size: Some(48_213),
        sequencer: Sequencer::parse("006917396681E2F0A3").unwrap(),
        time: Some("2025-11-14T14:25:10.512Z".parse().unwrap()),
    }
}

/// `EventBridge` tells whole seconds.
fn bridged_report() -> ObjectArrived {
    ObjectArrived {
        time: Some("2025-11-14T14:25:10Z".parse().unwrap()),
        ..report()
    }
}

fn direct(text: &str) -> Incoming {
    match Event::read(text).unwrap() {
        Event::Direct(incoming) => incoming,
        other => panic!("the event isn't from a queue: {other:?}"),
    }
}

fn queued(text: &str) -> Vec<Incoming> {
    match Event::read(text).unwrap() {
        Event::Sqs(records) => records.iter().map(|record| record.read().unwrap()).collect(),
        other => panic!("the event is from a queue: {other:?}"),
    }
}

fn objects(incoming: Incoming) -> Vec<ObjectArrived> {
    match incoming {
        Incoming::Objects(objects) => objects.into_iter().collect::<Result<_, _>>().unwrap(),
        Incoming::Test => panic!("it isn't a test event"),
    }
}

#[test]
fn the_same_object_is_read_from_every_shape() {
    for event in [recorded!("s3"), recorded!("sns")] {
        assert_eq!(objects(direct(event)), [report()]);
    }
    for event in [recorded!("sqs_sns"), recorded!("sqs_sns_raw")] {
        assert_eq!(
            queued(event).into_iter().flat_map(objects).collect::<Vec<_>>(),
            [report()]
        );
    }
    assert_eq!(objects(direct(recorded!("event_bridge"))), [bridged_report()]);
    let bridged = queued(recorded!("sqs_event_bridge"));
    assert_eq!(
        bridged.into_iter().flat_map(objects).collect::<Vec<_>>(),
        [bridged_report()]
    );
    let queued: Vec<_> = queued(recorded!("sqs_s3")).into_iter().map(objects).collect();
    assert_eq!(queued.len(), 2);
    assert_eq!(queued[0], [report()]);
    assert_eq!(queued[1][0].key, "bols/PRT-2025-0042/bol.json");
}

#[test]
fn a_test_event_is_harmless_in_every_wrapping() {
    for event in [recorded!("s3_test_event"), recorded!("sns_test_event")] {
        assert_eq!(direct(event), Incoming::Test);
    }
    for event in [
        recorded!("sqs_s3_test_event"),
        recorded!("sqs_sns_test_event"),
        recorded!("sqs_sns_raw_test_event"),
    ] {
        assert_eq!(queued(event), [Incoming::Test]);
    }
}

#[test]
fn a_record_from_a_queue_has_its_id_and_how_often_it_came() {
    let Event::Sqs(records) = Event::read(recorded!("sqs_s3")).unwrap() else {
        panic!("the event is from a queue")
    };
    let ids: Vec<_> = records.iter().map(|record| record.message_id.as_str()).collect();
    let recorded: Value = serde_json::from_str(recorded!("sqs_s3")).unwrap();
    assert_eq!(
        ids,
        [
            &recorded["Records"][0]["messageId"],
            &recorded["Records"][1]["messageId"]
        ]
    );
    assert_eq!(records[0].receive_count, 1);
    let event = json!({"Records": [{
        "eventSource": "aws:sqs", "messageId": "m", "attributes": {"ApproximateReceiveCount": "4"}
    }]});
    let Event::Sqs(records) = Event::read(&event.to_string()).unwrap() else {
        panic!("the event is from a queue")
    };
    assert_eq!(records[0].receive_count, 4);
    assert!(records[0].read().is_err());
}

#[test]
fn odd_keys_are_decoded_as_their_source_spells_them() {
    let folder = "ecg-reports/2025/11/14/";
    let keys: Vec<_> = [
        "report  two blanks.pdf",
        "report+plus.pdf",
        "report 100%.pdf",
        "report a&b=c#d?.pdf",
        "Bürobericht_report_心电图_🩺.pdf",
        "/report twice.pdf",
        "report%20once.pdf",
        "report 'quoted' (1), \"2\" \\ ~!@$^;:.pdf",
    ]
    .iter()
    .map(|name| format!("{folder}{name}"))
    .chain(["/report at the root.pdf".to_owned()])
    .collect();
    let read = |objects: Vec<ObjectArrived>| objects.into_iter().map(|object| object.key).collect::<Vec<_>>();
    assert_eq!(read(objects(direct(recorded!("s3_odd_keys")))), keys);
    let queued = queued(recorded!("sqs_s3_odd_keys"));
    assert_eq!(read(queued.into_iter().flat_map(objects).collect()), keys);
    let bridged = read(objects(direct(recorded!("event_bridge_odd_key"))));
    assert_eq!(bridged, [format!("{folder}report+a b%20c 100% ü.pdf")]);
}

#[test]
fn what_says_nothing_about_the_object_may_be_missing() {
    let without_identity = objects(direct(recorded!("s3_without_user_identity")));
    assert_eq!(without_identity, [report()]);
    let without_version = objects(direct(recorded!("s3_without_version")));
    assert_eq!(
        without_version,
        [ObjectArrived {
            version_id: None,
            ..report()
        }]
    );
    let least = json!({"Records": [{
        "eventName": "s3:ObjectCreated:Put",
        "eventTime": "some day",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "eTag": "\"e\"", "versionId": "", "size": null}}
    }]});
    assert_eq!(
        objects(direct(&least.to_string())),
        [ObjectArrived {
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            version_id: None,
            etag: Some("e".to_owned()),
            size: None,
            sequencer: Sequencer::default(),
            time: None,
        }]
    );
}

#[test]
fn events_of_other_kinds_are_nothing_to_do() {
    let arrived = objects(direct(recorded!("s3_of_other_kinds")));
    assert_eq!(arrived.len(), 1, "only what was created: {arrived:?}");
    assert_eq!(objects(direct(recorded!("event_bridge_deleted"))), []);
    // With none of the fields of a creation.
    let restored = json!({"Records": [{"eventName": "ObjectRestore:Post", "glacierEventData": {}}]});
    assert_eq!(objects(direct(&restored.to_string())), []);
    assert_eq!(objects(direct(r#"{"Records": []}"#)), []);
}

#[test]
fn a_record_that_can_t_be_read_costs_only_itself() {
    let good =
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}});
    let with = |pointer: &str, value: Value| {
        let mut record = good.clone();
        *record.pointer_mut(pointer).unwrap() = value;
        record
    };
    let bad = [
        json!(null),
        json!(7),
        json!({}),
        json!({"eventName": "ObjectCreated:Put"}),
        with("/eventName", json!(null)),
        with("/s3/bucket/name", json!("")),
        with("/s3/object/key", json!("")),
        with("/s3/object/key", json!("50%")),
        with("/s3/object/key", json!("%FF")),
        with("/s3/object", json!({"key": "k", "sequencer": "later"})),
        with("/s3/object", json!({"key": "k", "size": -1})),
    ];
    let mut records: Vec<_> = bad.to_vec();
    records.insert(3, good.clone());
    let Incoming::Objects(read) = direct(&json!({ "Records": records }).to_string()) else {
        panic!("it isn't a test event")
    };
    assert_eq!(read.len(), records.len());
    for (index, read) in read.iter().enumerate() {
        assert_eq!(read.is_ok(), index == 3, "{index}: {read:?}");
    }
}

#[test]
fn a_message_of_no_known_shape_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\u{feff}{}",
        r#"{"Records": {}}"#,
        r#"{"Records": [], "Records": []}"#,
        r#"{"Type": "Notification"}"#,
        r#"{"Type": "Notification", "Message": "hello"}"#,
        r#"{"Type": "Notification", "Message": "{}"}"#,
        r#"{"Event": "s3:OtherEvent"}"#,
    ] {
        assert!(Incoming::read(body).is_err(), "{body}");
        assert!(Event::read(body).is_err(), "{body}");
    }
    let asked = Incoming::read(r#"{"Type": "SubscriptionConfirmation", "Message": "You have chosen"}"#);
    assert!(asked.unwrap_err().to_string().contains("an operator confirms"));
}

/// A batch of a good record, this one, and another good one.
fn batch_with(record: &Value) -> Event {
    let good =
        |id: &str| json!({"eventSource": "aws:sqs", "messageId": id, "body": r#"{"Event": "s3:TestEvent"}"#});
    let event = json!({"Records": [good("before"), record, good("after")]});
    Event::read(&event.to_string()).unwrap()
}

#[test]
fn an_sqs_record_that_can_t_be_read_costs_only_itself_and_keeps_its_id() {
    let with = |field: &str, value: Value| {
        let mut record = json!({"eventSource": "aws:sqs", "messageId": "odd", "body": "{"});
        record[field] = value;
        record
    };
    for record in [
        with("body", json!(null)),
        with("body", json!(7)),
        with("body", json!({"Event": "s3:TestEvent"})),
        json!({"messageId": "odd", "Event": "s3:TestEvent"}),
    ] {
        let Event::Sqs(records) = batch_with(&record) else {
            panic!("the event is from a queue: {record}")
        };
        let ids: Vec<_> = records.iter().map(|record| record.message_id.as_str()).collect();
        assert_eq!(ids, ["before", "odd", "after"]);
        let read: Vec<_> = records.iter().map(|record| record.read().is_ok()).collect();
        assert_eq!(read, [true, false, true], "{record}");
        // For the dead letter, which SQS doesn't take without a body.
        assert_eq!(records[1].body, record.to_string());
    }
}

#[test]
fn how_often_a_record_came_never_spoils_it() {
    for (attributes, count) in [
        (json!({"ApproximateReceiveCount": 4}), 4),
        (json!({"ApproximateReceiveCount": "4"}), 4),
        (json!({"ApproximateReceiveCount": -1}), 1),
        (json!({"ApproximateReceiveCount": "often"}), 1),
        (json!({"ApproximateReceiveCount": null}), 1),
        (json!(null), 1),
        (json!([]), 1),
    ] {
        let body = r#"{"Event": "s3:TestEvent"}"#;
        let record = json!({
            "eventSource": "aws:sqs", "messageId": "m", "attributes": attributes, "body": body
        });
        let Event::Sqs(records) = batch_with(&record) else {
            panic!("the event is from a queue: {record}")
        };
        assert_eq!(records[1].receive_count, count, "{record}");
        assert_eq!(records[1].read(), Ok(Incoming::Test));
    }
}

#[test]
fn a_batch_with_a_record_without_an_id_can_t_be_answered_for() {
    for record in [
        json!({"eventSource": "aws:sqs", "body": "{}"}),
        json!({"eventSource": "aws:sqs", "messageId": ""}),
        json!({"eventSource": "aws:sqs", "messageId": null}),
        json!({"eventSource": "aws:sqs", "messageId": 7}),
        json!({}),
        json!(null),
    ] {
        assert!(matches!(batch_with(&record), Event::Nameless(_)), "{record}");
    }
}

#[test]
fn only_s3_s_own_events_count_from_event_bridge() {
    let mut event: Value = serde_json::from_str(recorded!("event_bridge")).unwrap();
    event["source"] = json!("somebody.else");
    let Incoming::Objects(read) = direct(&event.to_string()) else {
        panic!("it isn't a test event")
    };
    assert!(matches!(read.as_slice(), [Err(_)]));
}

#[test]
fn reasons_quote_nothing_of_what_was_sent() {
    let secret = "Jane-Doe";
    for body in [
        format!(r#"{{"Records": "{secret}"}}"#),
        format!(r#"{{"Records": [{{"eventName": "ObjectCreated:Put", "s3": "{secret}"}}]}}"#),
        format!(r#"{{"Type": "Notification", "Message": "{secret}"}}"#),
        format!("{{\"{secret}"),
        secret.to_owned(),
    ] {
        let said = format!("{:?}", Incoming::read(&body));
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Event::read(&deep).is_err());
    let unknown = format!(r#"{{"Records": [], "other": {deep}}}"#);
    drop(Event::read(&unknown));
    let record = format!(r#"{{"Records": [{deep}]}}"#);
    drop(Event::read(&record));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        drop(Event::read(&text));
        drop(Incoming::read(&text));
    }

    /// Recorded events with pieces cut out or doubled.
    #[test]
    fn a_damaged_event_is_read_or_refused(from in 0usize..1500, to in 0usize..1500, doubled: bool) {
        for event in [recorded!("sqs_sns"), recorded!("s3_odd_keys"), recorded!("event_bridge"), recorded!("sns")] {
            let bytes = event.as_bytes();
            let from = from.min(bytes.len());
            let to = to.min(bytes.len());
            let (from, to) = if doubled { (from.max(to), from.min(to)) } else { (from.min(to), from.max(to)) };
            let damaged = [&bytes[..from], &bytes[to..]].concat();
            let damaged = String::from_utf8_lossy(&damaged);
            if let Ok(Event::Sqs(records)) = Event::read(&damaged) {
                for record in records {
                    drop(record.read());
                }
            }
        }
    }
}
