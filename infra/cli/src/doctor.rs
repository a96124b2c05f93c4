//! `casefile doctor`: what of a deployment works, what doesn't, and how to mend it. A line for each check.
//!
//! It looks at what the functions rely on, with the credentials and the variables that it is given. It runs to its end
//! whatever fails, asks side by side what doesn't depend on each other, and waits for no answer longer than half a minute. What
//! it writes is one small file, which it deletes; the audit log, from which nothing can be deleted, gets nothing.

mod audit;
mod bucket;
mod check;
mod fault;
mod folder;
mod model;
mod place;
mod probe;
mod reach;
mod service;
mod settings;
mod show;
mod trial;

use casefile::config::Env;
use casefile::id::{Entropy, TimeId};
use casefile::time::Clock;
use clap::Args;
use futures::future::{BoxFuture, FutureExt as _, join_all};

use self::check::Check;
use self::place::{Place, Role};
use self::probe::Probe;
use self::settings::Settings;
use crate::failure::Failure;

const EXAMPLES: &str = "Examples:
  casefile doctor
  casefile doctor --env-file .env --json";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Answers in JSON.
    #[arg(long)]
    json: bool,
}

/// Checks everything. What there is to show, and whether all holds.
///
/// # Errors
/// [`Failure`] when nothing can be checked: all variables that are wrong, at once.
pub async fn run(
    arguments: &Arguments,
    env: Env,
    clock: Clock,
    entropy: Entropy,
) -> Result<(String, bool), Failure> {
    let settings = Settings::read(env).map_err(|error| Failure::Failed(error.to_string()))?;
    let id = TimeId::new(clock(), entropy).map_err(|error| Failure::Failed(error.to_string()))?;
    let checks = examine(&settings, clock, id).await;
    let holds = checks.iter().all(Check::holds);
    let shown = if arguments.json {
        show::json(&checks)
    } else {
        show::text(&checks)
    };
    Ok((shown, holds))
}

/// First whether S3 is there and knows who asks, for all else stands on that; then the rest, side by side.
async fn examine(settings: &Settings, clock: Clock, id: TimeId) -> Vec<Check> {
    let places = settings.places();
    let probes = join_all(places.iter().map(|place| probe::probe(place, clock))).await;
    let mut rest: Vec<BoxFuture<'_, Vec<Check>>> = Vec::new();
    for (place, probe) in places.iter().zip(&probes) {
        rest.push(of_bucket(place, probe, id).boxed());
    }
    rest.push(of_others(settings, id, reach::refused_credentials(&probes)).boxed());
    let rest = join_all(rest).await.into_iter().flatten();
    reach::checks(&probes, &settings.region)
        .into_iter()
        .chain(rest)
        .collect()
}

async fn of_bucket(place: &Place, probe: &Probe, id: TimeId) -> Vec<Check> {
    let mut checks = vec![reach::bucket(place, probe)];
    let obstacle = probe.obstacle();
    match place.role {
        Role::Artifacts => checks.extend(trial::checks(place, id, obstacle).await),
        Role::Audit => checks.extend(audit::checks(place, id, obstacle).await),
        Role::Quarantine => checks.push(trial::only_written(place, id, obstacle).await),
    }
    checks.extend(bucket::checks(place, obstacle).await);
    checks
}

/// What isn't S3. That S3 refuses the credentials goes for these, too.
async fn of_others(settings: &Settings, id: TimeId, obstacle: Option<&'static str>) -> Vec<Check> {
    let no_quarantine = settings.quarantine.is_none();
    let no_quarantine = no_quarantine.then(|| Check::skipped("quarantine bucket", "QUARANTINE_BUCKET_NAME"));
    let (arrivals, dead_letters, topic, model, folder) = futures::join!(
        service::queue(&service::ARRIVALS, settings, obstacle),
        service::queue(&service::DEAD_LETTERS, settings, obstacle),
        service::topic(settings, obstacle),
        model::check(settings, obstacle),
        folder::check(settings.fallback.as_deref(), id),
    );
    let others = [arrivals, dead_letters, topic, model, folder];
    no_quarantine.into_iter().chain(others).collect()
}
