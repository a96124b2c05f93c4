use std::time::Duration;

use serde::de::IgnoredAny;

use super::at::At;
use super::error::TemplateError;
use super::model::Schedule;
use super::resolve::Resolver;

/// How far apart two calls are at most: a year.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// What becomes of a schedule on this machine.
pub(super) enum Found {
    /// It is kept to.
    Kept(Schedule),
    /// It isn't, and why.
    Undelivered(String),
}

/// Reads an event of type `ScheduleV2` or `Schedule`. Source: AWS SAM Developer Guide, event source types `ScheduleV2`
/// and `Schedule`; Amazon `EventBridge` Scheduler User Guide, "Schedule types".
///
/// Tries after a failed call, dead letters and a window of time in which a call may come are the scheduler's own and
/// don't count here.
pub(super) fn read<'a>(resolver: &Resolver<'a>, kind: &str, event: &At<'a>) -> Result<Found, TemplateError> {
    let properties = event.require("Properties")?;
    let expression = match kind {
        "ScheduleV2" => "ScheduleExpression",
        _ => "Schedule",
    };
    let at = properties.require(expression)?;
    let expression = resolver.required_text(&at)?;
    if is_switched_off(resolver, &properties)? {
        return Ok(Found::Undelivered("switched off".to_owned()));
    }
    let Some(every) = rate(&expression).map_err(|problem| at.error(problem))? else {
        return Ok(Found::Undelivered(expression));
    };
    for key in ["StartDate", "EndDate"] {
        if let Some(setting) = properties.get(key) {
            return Err(setting.error("is not held to on this machine"));
        }
    }
    let input = input(resolver, &properties)?;
    Ok(Found::Kept(Schedule { every, input }))
}

/// `State` says so, or, of a `Schedule`, `Enabled` may.
fn is_switched_off<'a>(resolver: &Resolver<'a>, properties: &At<'a>) -> Result<bool, TemplateError> {
    for (key, off) in [("State", "DISABLED"), ("Enabled", "false")] {
        if let Some(setting) = properties.get(key)
            && resolver.text(&setting)?.is_some_and(|value| value == off)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the function is called with. AWS makes one up where there is none; which, depends on the scheduler.
fn input<'a>(resolver: &Resolver<'a>, properties: &At<'a>) -> Result<String, TemplateError> {
    let at = properties.require("Input")?;
    let input = resolver.required_text(&at)?;
    match serde_json::from_str::<IgnoredAny>(&input) {
        Ok(_) => Ok(input),
        Err(error) => Err(at.error(format!("must be JSON: {error}"))),
    }
}

/// How far apart calls are; nothing for `cron` and `at`.
fn rate(expression: &str) -> Result<Option<Duration>, &'static str> {
    let Some(rate) = expression.strip_prefix("rate(") else {
        let known = ["cron(", "at("].iter().any(|kind| expression.starts_with(kind));
        return if known {
            Ok(None)
        } else {
            Err("must be a rate, a cron or an at expression")
        };
    };
    let every = rate.strip_suffix(')').and_then(|rate| {
        let (count, unit) = rate.split_once(' ')?;
        let seconds = match unit {
            "minute" | "minutes" => 60,
            "hour" | "hours" => 3_600,
            "day" | "days" => 86_400,
            _ => return None,
        };
        let every = Duration::from_secs(count.parse::<u64>().ok()?.checked_mul(seconds)?);
        (!every.is_zero() && every <= LONGEST).then_some(every)
    });
    every
        .map(Some)
        .ok_or("must be such as rate(5 minutes), and at most a year")
}
