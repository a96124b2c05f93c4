//! The function's process is killed at every write, before and after the write takes effect.

use casefile_local::s3::{FaultRule, When};

use crate::support::{TestStack, WRITES, folder, same, sample};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_write_and_repeated_the_export_gives_the_same_complete_folder() {
    let stack = TestStack::start().await;
    for write in 0..WRITES {
        for when in [When::Before, When::After] {
            let request = sample(&format!("killed-{write}-{when:?}"));
            let rule = FaultRule::on("PutObject").skip(write).times(1);
            let mut point = stack.stack.s3.faults().pause(rule, when);
            let kill = async {
                let held = point.arrived().await.unwrap();
                assert!(stack.stack.lambda.kill(stack.function()).await > 0);
                held.release();
                assert_eq!(stack.stack.lambda.processes(stack.function()), 0, "write {write}");
            };
            let ((status, _), ()) = futures::join!(stack.export(&request), kill);
            assert_eq!(
                status, 500,
                "write {write} {when:?}: the call outlived its process"
            );
            drop(point);

            let (status, answer) = stack.export(&request).await;
            assert_eq!(status, 201, "write {write} {when:?}: {answer}");
            let verification = stack.verify(&answer).await;
            assert!(verification.holds(), "write {write} {when:?}: {verification:?}");
            let (_, again) = stack.export(&request).await;
            assert_eq!(same(again), same(answer.clone()));
            assert_eq!(verification.manifest.folder_name, folder(&answer));
        }
    }
}
