//! A batch of ten, of which some fail, each in another way.

use std::cell::RefCell;
use std::sync::Arc;

use casefile::config::Env;
use casefile_local::s3::{Fault, FaultRule, When};
use casefile_local::sqs::Message;
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use post_process::arrival::ObjectArrived;
use post_process::clients::Clients;
use post_process::dead_letter::DeadLetters;
use post_process::failure::Failure;
use post_process::handler::PostProcess;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::metrics::counted;
use super::plant::{Plant, TENANT, batch, creations, message};
use crate::support::without_events;

/// No JSON, and what it seems to be about is nobody's business.
const MALFORMED: &str =
    r#"{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "Alvarez"#;

/// What S3 says of an object of some bucket.
fn record(bucket: &str, key: &str) -> String {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2025-11-14T14:25:10.512Z",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 1, "sequencer": "01" } },
    }] })
    .to_string()
}

fn ids(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect()
}

fn assert_letter(letter: &Message, id: &str, body: &str, reason: &str) {
    assert_eq!(letter.body, body);
    let told = letter.attribute("reason").unwrap();
    assert!(told.contains(reason) && !told.contains("Alvarez"), "{told}");
    for (name, value) in [
        ("source", "post-process"),
        ("message_id", id),
        ("receive_count", "1"),
    ] {
        assert_eq!(letter.attribute(name), Some(value), "{name}");
    }
}

fn letter<'a>(letters: &'a [Message], id: &str) -> &'a Message {
    let mut of_it = letters
        .iter()
        .filter(|letter| letter.attribute("message_id") == Some(id));
    let found = of_it.next().unwrap();
    assert!(of_it.next().is_none(), "{id} has two letters");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_messages_each_is_done_given_up_or_reported_by_itself() {
    let plant = Plant::start(without_events).await;
    let mut events = plant.stack.s3.events();
    for number in 0..7 {
        let key = format!("snapshots/{number}.json");
        plant.put(&key, b"{}", &[("tenant", TENANT)]).await;
    }
    let arrived = creations(&mut events, "snapshots/");
    let gone = record(plant.bucket().name(), "snapshots/gone.json");
    let elsewhere = record("another-bucket", "snapshots/Alvarez.json");
    let names = ["0", "1", "2", "3", "4", "5", "busy"];
    let mut messages: Vec<_> = names.into_iter().zip(arrived.iter().map(message)).collect();
    messages.insert(1, ("malformed", MALFORMED.to_owned()));
    messages.insert(4, ("elsewhere", elsewhere.clone()));
    messages.push(("gone", gone));
    assert_eq!(messages.len(), 10);

    let rule = FaultRule::on("GetObject").prefix("snapshots/6");
    let fault = Fault::error(503, "SlowDown");
    let injected = plant.stack.s3.faults().inject(rule, When::Before, fault);
    let answer = plant.invoke(&batch(&messages, 1)).await.unwrap();
    assert!(injected.matched() > 0);
    injected.remove();
    assert_eq!(ids(&answer), ["busy"]);
    assert_eq!(plant.rows().await.len(), 6);
    let letters = plant.dead_letters();
    assert_eq!(letters.len(), 2);
    let letter = |id| letter(&letters, id);
    assert_letter(letter("malformed"), "malformed", MALFORMED, "");
    assert_letter(letter("elsewhere"), "elsewhere", &elsewhere, "another bucket");

    // As SQS delivers it again, and the others, which it sometimes does.
    messages.retain(|(id, _)| !matches!(*id, "malformed" | "elsewhere"));
    let answer = plant.invoke(&batch(&messages, 2)).await.unwrap();
    assert_eq!(ids(&answer), [] as [&str; 0]);
    let rows = plant.rows().await;
    assert_eq!(rows.len(), 7);
    assert!(rows.values().all(|row| row["status"] == "verified"), "{rows:?}");
    assert_eq!(plant.stack.notifications().len(), 7);
    for row in rows.values() {
        assert_eq!(plant.notices(row["key"].as_str().unwrap()).len(), 1);
    }
    assert_eq!(plant.dead_letters(), letters);
    plant.logged(r#""BatchFailures":1"#).await;
    assert_eq!(counted(&plant, "DeadLetters", &[]), 2);
    assert_eq!(counted(&plant, "Verdicts", &[("Status", "verified")]), 7);
    plant.assert_discreet();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_its_own_message_and_no_other() {
    let plant = Plant::start(without_events).await;
    let names = [
        "0",
        "malformed",
        "1",
        "panic",
        "2",
        "busy",
        "3",
        "poison",
        "4",
        "5",
    ];
    let body = |name: &str| match name {
        "malformed" => MALFORMED.to_owned(),
        name => record("files", name),
    };
    let messages = names.map(|name| (name, body(name)));
    let done = RefCell::new(Vec::new());
    let work = async |arrived: &ObjectArrived| {
        match arrived.key.as_str() {
            "panic" => panic!("told by the test"),
            "busy" => return Err(Failure::Transient("storage is busy".to_owned())),
            "poison" => return Err(Failure::Poison("it can't ever be done".to_owned())),
            key => done.borrow_mut().push(key.to_owned()),
        }
        Ok(())
    };
    let function = PostProcess::new(work, dead_letters(&plant), Timestamp::now);
    let handle = async |messages: &[(&str, String)], deliveries| {
        let event = RawValue::from_string(batch(messages, deliveries).to_string()).unwrap();
        let answer = function.handle(LambdaEvent::new(event, Context::default()));
        serde_json::to_value(answer.await.unwrap()).unwrap()
    };
    let answer = handle(&messages, 1).await;
    assert_eq!(ids(&answer), ["panic", "busy"]);
    let mut first = done.take();
    first.sort();
    assert_eq!(first, ["0", "1", "2", "3", "4", "5"]);
    let letters = plant.dead_letters();
    assert_eq!(letters.len(), 2);
    assert_letter(letter(&letters, "malformed"), "malformed", MALFORMED, "");
    let poison = record("files", "poison");
    assert_letter(
        letter(&letters, "poison"),
        "poison",
        &poison,
        "it can't ever be done",
    );

    // What was reported comes again, and nothing else does.
    let again: Vec<_> = messages
        .into_iter()
        .filter(|(name, _)| ids(&answer).contains(name))
        .collect();
    let answer = handle(&again, 2).await;
    assert_eq!(ids(&answer), ["panic", "busy"]);
    assert!(done.take().is_empty());
    assert_eq!(plant.dead_letters(), letters);
}

/// The deployment's own, as post-process reaches it.
fn dead_letters(plant: &Plant) -> DeadLetters {
    let own = plant.stack.own_environment();
    let url = own.iter().find(|(name, _)| name == "DEAD_LETTER_QUEUE_URL");
    let url = url.unwrap().1.clone();
    let s3 = plant.stack.s3_environment().into_iter();
    let mut env = Env::of(s3.chain(plant.stack.service_environment()));
    let s3 = env.s3().unwrap();
    DeadLetters::new(Arc::new(Clients::read(&mut env, &s3)), Some(url))
}
