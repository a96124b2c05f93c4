//! Runs at the same time.

use casefile_local::s3::{FaultRule, When};
use futures::future::join_all;

use super::{Lab, TABLE, sample};

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_do_no_harm() {
    let lab = Lab::with_samples().await;
    crate::support::operators_tool().await;
    let mut pause = lab
        .harness
        .s3
        .faults()
        .pause(FaultRule::on("GetObject"), When::Before);
    let both = async {
        let held = [pause.arrived().await.unwrap(), pause.arrived().await.unwrap()];
        drop(held);
        drop(pause);
    };
    let runs = join_all([lab.get(TABLE), lab.get(TABLE)]);
    let (got, ()) = tokio::join!(runs, both);
    assert!(got.iter().all(|got| *got == sample(TABLE)));
    lab.assert_only_copies_of(&[TABLE]);
    lab.watch();
    lab.get(TABLE).await;
    assert_eq!(lab.asked("GetObject"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_with_replacements_between_them_hand_out_whole_versions() {
    let lab = Lab::start().await;
    let content = |number: u32| format!("version {number} ").repeat(1_000);
    lab.put(TABLE, content(0).into()).await;
    lab.get(TABLE).await;
    let put_and_get = (1..7).map(|number| {
        let lab = &lab;
        async move {
            lab.put(TABLE, content(number).into()).await;
            lab.get(TABLE).await
        }
    });
    for got in join_all(put_and_get).await {
        let got = String::from_utf8(got).unwrap();
        assert!((0..7).any(|number| got == content(number)), "{got:.20}");
    }
    let newest = lab
        .harness
        .bucket()
        .read(&super::key(TABLE), 1_000_000)
        .await
        .unwrap();
    assert_eq!(lab.get(TABLE).await, newest);
    lab.assert_only_copies_of(&[TABLE]);
}
