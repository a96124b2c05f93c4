//! `cargo local demo --outage`: S3 is gone for a while under a steady load of exports, and none is lost.
//!
//! Somebody asks for exports all the while and repeats what is refused, as any client does. S3 refuses connections for a
//! third of the time, swallows them for another, and answers 503 for the last; then it is back, what was kept meanwhile is
//! sent on, and every export that was asked for is looked for in S3.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::DemoError;
use super::people::People;
use super::step::Step;
use crate::progress::Progress;
use crate::stack::{Stack, StackConfig};

mod asked;
mod counts;
mod found;
mod line;
mod load;
mod replay;

pub use asked::Kind;
pub use counts::{Counts, Row};
use load::Load;

/// S3's events come again after that at the latest, and a function starts in a second.
const SETTLED: Duration = Duration::from_mins(5);
/// The longest that an answer may take: API Gateway waits no longer than 30 seconds.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(25);

/// How long S3 is gone, and what is asked meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// How long S3 is there before, with the same load.
    pub before: Duration,
    /// How long it is gone.
    pub down: Duration,
    /// How long the load goes on once it is back.
    pub after: Duration,
    /// How far apart two exports are asked for. In a black hole each holds a process for up to 20 seconds, and a function
    /// has at most 64 of them.
    pub every: Duration,
}

impl Outage {
    /// Two exports a second, from five seconds before until five seconds after S3 is gone for so long.
    pub fn of(down: Duration) -> Self {
        Self {
            before: Duration::from_secs(5),
            down,
            after: Duration::from_secs(5),
            every: Duration::from_millis(500),
        }
    }

    /// Sets a stack up to go through this one. A message that failed comes back so late that it doesn't use its receives up
    /// while S3 is gone; deployed, that takes half an hour. What is kept is sent on when it is asked for, and not by the
    /// clock.
    pub fn prepare(&self, config: &mut StackConfig) {
        config.redelivery = config.redelivery.max(self.down / 3);
        config.schedules = Some(Duration::from_hours(24));
    }
}

/// Starts a stack, lets S3 be gone, and shows what became of each export.
///
/// # Errors
/// What didn't go as it should: above all when an export is lost, or one is there twice, or an answer took longer than
/// [`LONGEST_ANSWER`]. The stack is stopped in any case.
pub async fn run(mut config: StackConfig, outage: Outage) -> Result<(), DemoError> {
    outage.prepare(&mut config);
    // One of its own: what is kept elsewhere isn't for a demo to send on.
    let kept = tempfile::tempdir()?;
    config.fallback = Some(kept.path().to_owned());
    super::quietly(&config, async |quiet| {
        Box::pin(start_and_show(quiet, outage)).await
    })
    .await
}

async fn start_and_show(config: &StackConfig, outage: Outage) -> Result<(), DemoError> {
    let progress = Progress::new();
    progress.step("building the functions and starting S3, Lambda and gateway");
    let stack = Stack::start(config).await?;
    let outcome = Box::pin(show(&stack, &progress, outage, (config.clock)())).await;
    stack.stop().await;
    progress.finish();
    outcome
}

async fn show(stack: &Stack, progress: &Progress, outage: Outage, begun: Timestamp) -> Result<(), DemoError> {
    let counts = observe(stack, progress, outage, begun).await?;
    let step = Step::begin(progress, "counting");
    step.show(&format!("\n{}", counts.render()))?;
    let total = counts.total();
    step.expect(
        total.answers.kept > 0,
        "exports that were kept while S3 was gone",
        "none",
    )?;
    step.expect(
        total.answers.failed == 0,
        "answers of 201, 202 and 503 alone",
        &format!("{} others", total.answers.failed),
    )?;
    let dead = stack
        .queue("DeadLetterQueue")
        .map_or(0, |queue| queue.messages().len());
    step.expect(dead == 0, "no dead letter", &format!("{dead} of them"))?;
    let missing = counts.missing().join(", ");
    step.expect(missing.is_empty(), "no export lost", &missing)?;
    let twice = counts.twice();
    step.expect(
        twice == 0,
        "each export there once",
        &format!("{twice} more than once"),
    )?;
    let slowest = counts.slowest();
    let longest = format!("answers within {} s", LONGEST_ANSWER.as_secs());
    step.expect(
        slowest <= LONGEST_ANSWER,
        &longest,
        &format!("one after {slowest:.1?}"),
    )?;
    progress.heading("nothing was lost");
    Ok(())
}

/// Lets a running stack go through an outage, and counts what became of each export. What S3 holds of earlier ones doesn't
/// count. `begun` is the stack's time now.
///
/// Fails at nothing that [`Counts`] can say.
///
/// # Errors
/// When an export is refused as such, when nothing comes to rest, or when S3 can't be read afterwards.
pub async fn observe(
    stack: &Stack,
    progress: &Progress,
    outage: Outage,
    begun: Timestamp,
) -> Result<Counts, DemoError> {
    let people = People::new(begun);
    let mut load = Load::new(stack, &people, begun).map_err(DemoError::Sample)?;
    let step = Step::begin(
        progress,
        "asking for exports, one after the other, whatever becomes of S3",
    );
    let (tally, asking_since) = (load.tally(), Instant::now());
    tokio::select! {
        () = line::go_through(stack, &step, outage) => {}
        error = load.keep_asking(outage.every) => return Err(error),
        () = tally.show(progress, asking_since) => {}
    }
    let step = Step::begin(progress, "waiting for the last answers");
    load.finish(&step).await?;
    let sent = replay::replay(stack, progress).await?;
    let step = Step::begin(progress, "looking for every export in S3");
    if let Err(unsettled) = stack.settled(SETTLED).await {
        return Err(step.unexpected("no message under way any more", unsettled.to_string()));
    }
    let (bucket, base) = stack.artifacts()?;
    let found = found::find(&bucket, &base, begun).await?;
    Ok(load.count(&found, &sent))
}

/// Now and then, for as long as it is waited for.
async fn again_and_again(mut act: impl FnMut()) {
    loop {
        sleep(Duration::from_millis(250)).await;
        act();
    }
}
