//! What becomes of messages, with work that does as the object's key says.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::arrival::Sequencer;

/// What happened in a batch.
#[derive(Debug, Default)]
struct Seen {
    /// Keys whose work began, in order.
    begun: RefCell<Vec<String>>,
    /// Keys whose work was done, in order.
    done: RefCell<Vec<String>>,
    /// Dead letters: message and reason.
    letters: RefCell<Vec<(String, String)>>,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn message(id: &str, incoming: Result<Incoming, Malformed>) -> Message {
    Message {
        id: id.to_owned(),
        receive_count: 1,
        body: format!("the body of {id}"),
        incoming,
    }
}

/// A message that tells of one object.
fn one(key: &str) -> Message {
    message(key, Ok(Incoming::Objects(vec![Ok(object(key, "01"))])))
}

fn object(key: &str, sequencer: &str) -> ObjectArrived {
    ObjectArrived {
        bucket: "files".to_owned(),
        key: key.to_owned(),
        version_id: Some(format!("v{sequencer}")),
        etag: None,
        size: None,
        sequencer: Sequencer::parse(sequencer).unwrap(),
        time: None,
    }
}

fn malformed() -> Malformed {
    Incoming::read("not JSON").unwrap_err()
}

/// Works as the key says, always after a pause, so that keys really run beside each other.
async fn work(seen: &Seen, arrived: &ObjectArrived) -> Result<(), Failure> {
    seen.begun.borrow_mut().push(arrived.key.clone());
    tokio::time::sleep(Duration::from_millis(2)).await;
    match arrived.key.split('-').next().unwrap() {
        "poison" => return Err(Failure::Poison("it can never be done".to_owned())),
        "transient" => return Err(Failure::Transient("S3 is busy".to_owned())),
        "panic" => panic!("as asked"),
        "slow" => tokio::time::sleep(Duration::from_mins(1)).await,
        _ => {}
    }
    seen.done.borrow_mut().push(arrived.key.clone());
    Ok(())
}

async fn run_until(until: Instant, messages: Vec<Message>) -> (Seen, Vec<String>) {
    let seen = Seen::default();
    let failed = run(
        messages,
        until,
        async |arrived: &ObjectArrived| work(&seen, arrived).await,
        async |letter: &DeadLetter<'_>| {
            assert_eq!(letter.body, format!("the body of {}", letter.message_id));
            let letter = (letter.message_id.to_owned(), letter.reason.to_owned());
            seen.letters.borrow_mut().push(letter);
            Ok(())
        },
    )
    .await;
    (seen, failed)
}

fn sorted(texts: &RefCell<Vec<String>>) -> Vec<String> {
    let mut texts = texts.borrow().clone();
    texts.sort();
    texts
}

#[tokio::test]
async fn of_ten_with_one_malformed_one_poison_one_transient_and_one_panic_six_are_done() {
    let messages = vec![
        one("good-1"),
        one("transient"),
        one("good-2"),
        message("malformed", Err(malformed())),
        one("good-3"),
        one("poison"),
        one("good-4"),
        one("panic"),
        one("good-5"),
        one("good-6"),
    ];
    let (seen, failed) = run_until(soon(), messages).await;
    let good: Vec<_> = (1..=6).map(|number| format!("good-{number}")).collect();
    assert_eq!(sorted(&seen.done), good);
    assert_eq!(failed, ["transient", "panic"]);
    let mut begun = good;
    begun.extend(["panic", "poison", "transient"].map(str::to_owned));
    assert_eq!(sorted(&seen.begun), begun, "each object once");
    let mut letters = seen.letters.into_inner();
    letters.sort();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].0, "malformed");
    assert!(letters[0].1.contains("JSON"), "{letters:?}");
    assert_eq!(
        letters[1],
        ("poison".to_owned(), "it can never be done".to_owned())
    );
}

#[tokio::test]
async fn nothing_to_do_is_done() {
    let messages = vec![
        message("test", Ok(Incoming::Test)),
        message("nothing", Ok(Incoming::Objects(Vec::new()))),
    ];
    let (seen, failed) = run_until(soon(), messages).await;
    assert_eq!(
        (
            failed.len(),
            seen.begun.borrow().len(),
            seen.letters.borrow().len()
        ),
        (0, 0, 0)
    );
    let (_, failed) = run_until(soon(), Vec::new()).await;
    assert!(failed.is_empty());
}

#[tokio::test]
async fn work_that_takes_too_long_costs_only_itself() {
    let until = Instant::now() + Duration::from_millis(100);
    let (seen, failed) = run_until(until, vec![one("slow"), one("good"), one("poison")]).await;
    assert_eq!(failed, ["slow"]);
    assert_eq!(*seen.done.borrow(), ["good"]);
    assert_eq!(seen.letters.borrow().len(), 1);
    assert!(until.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn work_is_not_begun_when_the_time_is_up() {
    let messages = vec![one("good"), message("malformed", Err(malformed()))];
    let (seen, failed) = run_until(Instant::now(), messages).await;
    assert_eq!(failed, ["good"]);
    assert!(seen.begun.borrow().is_empty());
    // There is a second for this.
    assert_eq!(seen.letters.borrow().len(), 1);
}

#[tokio::test]
async fn a_message_of_several_objects_comes_again_when_one_of_them_is_transient() {
    let several = |keys: &[&str]| {
        let mut objects: Vec<_> = keys.iter().map(|key| Ok(object(key, "01"))).collect();
        objects.push(Err(malformed()));
        Ok(Incoming::Objects(objects))
    };
    let messages = vec![
        message(
            "again",
            several(&["good-1", "poison-1", "transient-1", "panic-1"]),
        ),
        message("dead", several(&["good-2", "poison-2", "poison-3"])),
    ];
    let (seen, failed) = run_until(soon(), messages).await;
    assert_eq!(failed, ["again"]);
    assert_eq!(sorted(&seen.done), ["good-1", "good-2"]);
    let letters = seen.letters.borrow();
    let [(id, reasons)] = letters.as_slice() else {
        panic!("one letter a message: {letters:?}")
    };
    assert_eq!(id, "dead");
    assert_eq!(reasons.split("; ").count(), 3, "{reasons}");
}

#[tokio::test]
async fn a_dead_letter_that_is_not_sent_brings_the_message_back() {
    for messages in [vec![one("poison")], vec![message("malformed", Err(malformed()))]] {
        let id = messages[0].id.clone();
        let work = async |_: &ObjectArrived| Err(Failure::Poison("never".to_owned()));
        let failed = run(messages, soon(), work, async |_: &DeadLetter<'_>| {
            Err(NotSent::NoQueue)
        })
        .await;
        assert_eq!(failed, [id]);
    }
}

#[tokio::test]
async fn a_dead_letter_has_a_second_after_the_time_is_up() {
    let until = Instant::now();
    let work = async |_: &ObjectArrived| Ok(());
    let failed = run(
        vec![message("malformed", Err(malformed()))],
        until,
        work,
        async |_: &DeadLetter<'_>| {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(())
        },
    )
    .await;
    assert_eq!(failed, ["malformed"]);
    assert!(until.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn at_most_four_keys_are_worked_on_at_once() {
    let now = Cell::new(0);
    let most = Cell::new(0);
    let messages: Vec<_> = (0..12).map(|number| one(&format!("good-{number}"))).collect();
    let work = async |_: &ObjectArrived| {
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        tokio::time::sleep(Duration::from_millis(2)).await;
        now.set(now.get() - 1);
        Ok(())
    };
    let failed = run(messages, soon(), work, async |_: &DeadLetter<'_>| Ok(())).await;
    assert!(failed.is_empty());
    assert_eq!(most.get(), AT_ONCE);
}

#[tokio::test]
async fn an_earlier_failure_of_a_key_does_not_hold_up_its_later_events() {
    let told = |id: &str, sequencer| message(id, Ok(Incoming::Objects(vec![Ok(object("k", sequencer))])));
    let order = RefCell::new(Vec::new());
    let work = async |arrived: &ObjectArrived| {
        order.borrow_mut().push(arrived.sequencer.as_str().to_owned());
        match arrived.sequencer.as_str() {
            "01" => Err(Failure::Transient("busy".to_owned())),
            _ => Ok(()),
        }
    };
    let messages = vec![told("late", "0A"), told("early", "01"), told("between", "09ff")];
    let failed = run(messages, soon(), work, async |_: &DeadLetter<'_>| Ok(())).await;
    assert_eq!(failed, ["early"]);
    assert_eq!(*order.borrow(), ["01", "09ff", "0A"]);
}

#[tokio::test]
async fn a_body_is_sent_to_the_dead_letter_queue_as_it_came() {
    let body = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {}}}]}).to_string();
    let sent = RefCell::new(Vec::new());
    let message = Message {
        incoming: Incoming::read(&body),
        body: body.clone(),
        id: "m".to_owned(),
        receive_count: 3,
    };
    let work = async |_: &ObjectArrived| Ok(());
    let failed = run(vec![message], soon(), work, async |letter: &DeadLetter<'_>| {
        sent.borrow_mut()
            .push((letter.body.to_owned(), letter.receive_count));
        Ok(())
    })
    .await;
    assert!(failed.is_empty());
    assert_eq!(*sent.borrow(), [(body, 3)]);
}

/// An object's key and sequencer, and what becomes of it.
fn any_object() -> impl Strategy<Value = (u8, u8, u8)> {
    (0u8..4, 0u8..6, 0u8..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the batch: each object is begun once, keys in order and never beside themselves, and each message
    /// ends in exactly one of three ways.
    #[test]
    fn every_batch_is_answered_for_exactly(
        batch in proptest::collection::vec(proptest::collection::vec(any_object(), 0..4), 0..10)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begun = RefCell::new(BTreeMap::<String, Vec<u8>>::new());
        let busy = RefCell::new(std::collections::BTreeSet::new());
        let letters = RefCell::new(Vec::new());
        let work = async |arrived: &ObjectArrived| {
            let key = arrived.key.clone();
            let order = u8::from_str_radix(arrived.sequencer.as_str(), 16).unwrap();
            begun.borrow_mut().entry(key.clone()).or_default().push(order);
            assert!(busy.borrow_mut().insert(key.clone()), "{key} is worked on already");
            tokio::task::yield_now().await;
            assert!(busy.borrow_mut().remove(&key));
            match arrived.size {
                Some(0) => Err(Failure::Poison("never".to_owned())),
                Some(1) => Err(Failure::Transient("busy".to_owned())),
                Some(2) => std::panic::resume_unwind(Box::new("as asked")),
                _ => Ok(()),
            }
        };
        let message_of = |(index, objects): (usize, &Vec<(u8, u8, u8)>)| {
            let objects = objects.iter().map(|(key, order, fate)| {
                Ok(ObjectArrived { size: Some((*fate).into()), ..object(&key.to_string(), &format!("{order:02x}")) })
            });
            message(&index.to_string(), Ok(Incoming::Objects(objects.collect())))
        };
        let messages = batch.iter().enumerate().map(message_of).collect();
        let failed = runtime.block_on(run(messages, soon(), work, async |letter: &DeadLetter<'_>| {
            letters.borrow_mut().push(letter.message_id.to_owned());
            Ok(())
        }));
        let of_fate = |wanted: &dyn Fn(&[u8]) -> bool| -> Vec<String> {
            let ids = batch.iter().enumerate().filter(|(_, objects)| {
                wanted(&objects.iter().map(|(_, _, fate)| *fate).collect::<Vec<_>>())
            });
            ids.map(|(index, _)| index.to_string()).collect()
        };
        let is_transient = |fates: &[u8]| fates.iter().any(|fate| matches!(fate, 1 | 2));
        prop_assert_eq!(failed, of_fate(&is_transient));
        let mut letters = letters.into_inner();
        letters.sort();
        prop_assert_eq!(letters, of_fate(&|fates| !is_transient(fates) && fates.contains(&0)));
        let mut expected = BTreeMap::<String, Vec<u8>>::new();
        for (key, order, _) in batch.iter().flatten() {
            expected.entry(key.to_string()).or_default().push(*order);
        }
        for orders in expected.values_mut() {
            orders.sort_unstable();
        }
        prop_assert_eq!(begun.into_inner(), expected);
    }
}
