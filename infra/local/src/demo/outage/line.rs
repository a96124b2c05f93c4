//! The line to S3: there, refused, swallowed, answered with 503, and there again.

use tokio::time::sleep;

use super::Outage;
use crate::demo::step::Step;
use crate::s3::{Fault, FaultRule, Unplugged, When};
use crate::stack::Stack;

/// Lets S3 be gone, in three ways, and come back.
pub(super) async fn go_through(stack: &Stack, step: &Step<'_>, outage: Outage) {
    let third = outage.down / 3;
    step.note("S3 is there");
    sleep(outage.before).await;
    step.note("S3 refuses connections");
    stack.s3.unplug(Unplugged::Refuses);
    sleep(third).await;
    step.note("S3 takes connections, and nothing comes back");
    stack.s3.unplug(Unplugged::Hangs);
    sleep(third).await;
    step.note("S3 answers 503 to everything");
    let busy = stack
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, Fault::slow_down());
    stack.s3.plug_in();
    sleep(third).await;
    step.note("S3 is there again");
    busy.remove();
    sleep(outage.after).await;
}
