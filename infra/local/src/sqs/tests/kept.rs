//! What holds whatever is done to a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use tokio::time::Instant;

use super::super::{Queues, queue};
use crate::service::testing::clock;
use crate::template::{self, Redrive};

proptest! {
    #[test]
    fn no_receipt_of_somebody_else_s_making_ends_in_a_panic(text in any::<String>(), tail in "[0-9]{0,25}") {
        let _ = queue::Receipt::parse(&text);
        let _ = queue::Receipt::parse(&format!("receipt-{tail}-{tail}"));
    }

    #[test]
    fn nothing_is_lost_whatever_is_received_and_deleted(
        steps in prop::collection::vec((0..4_u8, 0..3_usize), 0..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (sent, deleted, left) = runtime.block_on(worked(&steps));
        prop_assert_eq!(sent, deleted + left);
    }
}

/// The queue `work`, whose dead letters go to `dead` when they come a third time.
fn queues() -> Queues {
    let declared = |name: &str, redrive| template::Queue {
        logical_id: name.to_owned(),
        name: name.to_owned(),
        arn: name.to_owned(),
        url: name.to_owned(),
        visibility: Duration::ZERO,
        redrive,
    };
    let redrive = Some(Redrive {
        queue: "dead".to_owned(),
        max_receives: 2,
    });
    Queues::new(&[declared("work", redrive), declared("dead", None)], clock)
}

fn receive(visibility: Duration, wait: Duration) -> queue::Receive {
    queue::Receive {
        most: 10,
        bytes: 100,
        visibility,
        wait,
    }
}

#[tokio::test(start_paused = true)]
async fn messages_become_visible_when_their_time_has_come_and_not_before() {
    let queues = queues();
    let work = queues.get("work").unwrap();
    let send = |body: &str, delay| work.send(body.to_owned(), BTreeMap::new(), Duration::from_secs(delay));
    send("late", 60);
    send("soon", 0);
    let bodies = async |wait| {
        let received = work.receive(receive(Duration::from_secs(90), Duration::from_secs(wait)));
        let received = received.await.into_iter();
        received.map(|received| received.message.body).collect::<Vec<_>>()
    };
    let begun = Instant::now();
    assert_eq!(bodies(0).await, ["soon"]);
    assert_eq!(bodies(59).await, [""; 0]);
    assert_eq!(begun.elapsed().as_secs(), 59);
    assert_eq!(bodies(20).await, ["late"]);
    assert_eq!(begun.elapsed().as_secs(), 60);
    // Nobody has deleted them.
    assert_eq!(bodies(600).await, ["soon"]);
    assert_eq!(begun.elapsed().as_secs(), 90);
    assert_eq!(bodies(600).await, ["late"]);
    assert_eq!(begun.elapsed().as_secs(), 150);
}

#[tokio::test]
async fn a_batch_has_as_many_bytes_as_asked_for_and_at_least_one_message() {
    let queues = queues();
    let work = queues.get("work").unwrap();
    for bytes in [200, 60, 30, 20] {
        work.send("x".repeat(bytes), BTreeMap::new(), Duration::ZERO);
    }
    let batches = [vec![200], vec![60, 30], vec![20], vec![]];
    for expected in batches {
        let received = work
            .receive(receive(Duration::from_mins(10), Duration::ZERO))
            .await;
        let sizes = received.iter().map(|received| received.message.body.len());
        assert_eq!(sizes.collect::<Vec<_>>(), expected);
    }
}

/// How many messages were sent, deleted, and are left in the queue or its dead letters.
async fn worked(steps: &[(u8, usize)]) -> (usize, usize, usize) {
    let queues = queues();
    let (work, dead) = (queues.get("work").unwrap(), queues.get("dead").unwrap());
    let (mut sent, mut deleted, mut receipts) = (0, 0, Vec::new());
    for (what, which) in steps {
        match what {
            0 | 1 => {
                work.send("x".to_owned(), BTreeMap::new(), Duration::ZERO);
                sent += 1;
            }
            2 => {
                let received = work.receive(receive(Duration::ZERO, Duration::ZERO)).await;
                receipts.extend(received.into_iter().map(|received| received.receipt));
            }
            _ if *which < receipts.len() => {
                let before = work.counts().total();
                work.delete(queue::Receipt::parse(&receipts.swap_remove(*which)).unwrap());
                deleted += before - work.counts().total();
            }
            _ => {}
        }
    }
    (sent, deleted, work.counts().total() + dead.counts().total())
}
