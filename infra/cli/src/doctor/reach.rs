//! What the first word with S3 shows: credentials, region, clock, and the buckets themselves.

use casefile::set_up::SetUpFault;
use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::fault::{Fault, Service};
use super::place::Place;
use super::probe::Probe;

/// S3 refuses requests from 15 minutes on; links and the audit log are wrong long before.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn checks(probes: &[Probe], region: &str) -> Vec<Check> {
    vec![credentials(probes), self::region(probes, region), clock(probes)]
}

/// That nobody else need be asked with these credentials.
pub(super) fn refused_credentials(probes: &[Probe]) -> Option<&'static str> {
    let is_refused = |probe: &Probe| probe.set_up() == Some(SetUpFault::BadCredentials);
    probes
        .iter()
        .any(is_refused)
        .then_some("S3 refuses the credentials")
}

fn credentials(probes: &[Probe]) -> Check {
    let name = "credentials";
    let knows = |probe: &&Probe| {
        probe.answer.is_ok()
            || matches!(
                probe.set_up(),
                Some(SetUpFault::AccessDenied | SetUpFault::NoSuchBucket | SetUpFault::EncryptionKey)
            )
    };
    if let Some(fault) = fault(probes, SetUpFault::BadCredentials) {
        let advice = SetUpFault::BadCredentials.advice();
        return Check::failed(name, fault.detail(Service::S3), advice);
    }
    match probes.iter().find(knows) {
        Some(_) => Check::ok(name, "S3 knows them"),
        None => Check::not_checked(name, obstacle(probes)),
    }
}

fn region(probes: &[Probe], configured: &str) -> Check {
    let name = "region";
    let is_elsewhere = |probe: &&Probe| {
        let region = probe.heard.region.as_deref();
        region.is_some_and(|region| region != configured)
    };
    if let Some(probe) = probes.iter().find(is_elsewhere) {
        let region = probe.heard.region.as_deref().unwrap_or_default();
        let detail = format!(
            "the {} bucket is in {region}, and AWS_REGION is {configured}",
            probe.role.name()
        );
        let mend = format!(
            "set AWS_REGION to {region}, or name a bucket in {configured}: a stack and its buckets are in one region"
        );
        return Check::failed(name, detail, mend);
    }
    if let Some(fault) = fault(probes, SetUpFault::WrongRegion) {
        let advice = SetUpFault::WrongRegion.advice();
        return Check::failed(name, fault.detail(Service::S3), advice);
    }
    match probes.iter().any(|probe| probe.heard.region.is_some()) {
        true => Check::ok(name, format!("{configured}, where the buckets are")),
        // An S3 that isn't AWS's need not say it.
        false if probes.iter().any(|probe| probe.answer.is_ok()) => {
            Check::ok(name, format!("S3 takes what is signed for {configured}"))
        }
        false => Check::not_checked(name, obstacle(probes)),
    }
}

fn clock(probes: &[Probe]) -> Check {
    let name = "clock";
    let times = probes.iter().find_map(|probe| probe.heard.times);
    let refused = fault(probes, SetUpFault::ClockSkew);
    match (times, refused) {
        (Some((theirs, ours)), _) if is_off(theirs, ours) => {
            Check::failed(name, difference(theirs, ours), set_it())
        }
        (_, Some(fault)) => Check::failed(name, fault.detail(Service::S3), SetUpFault::ClockSkew.advice()),
        (Some((theirs, ours)), None) => Check::ok(name, difference(theirs, ours)),
        (None, None) => Check::not_checked(name, obstacle(probes)),
    }
}

fn is_off(theirs: Timestamp, ours: Timestamp) -> bool {
    ours.duration_since(theirs).abs() > MAX_SKEW
}

fn set_it() -> &'static str {
    "set this machine's clock, and keep it right by NTP: links end, and the audit log is dated, by it; S3 refuses what is \
     15 minutes off"
}

fn difference(theirs: Timestamp, ours: Timestamp) -> String {
    let difference = ours.duration_since(theirs);
    let seconds = difference.as_secs().unsigned_abs();
    let side = if difference.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    match seconds {
        0 | 1 => "this machine's and S3's agree".to_owned(),
        _ => format!("this machine's is {seconds} seconds {side} S3's"),
    }
}

/// Whether the bucket is there.
pub(super) fn bucket(place: &Place, probe: &Probe) -> Check {
    let name = place.check("bucket");
    let Err(fault) = &probe.answer else {
        return Check::ok(name, format!("{} is there", place.bucket));
    };
    match probe.set_up() {
        // These have checks of their own.
        Some(SetUpFault::BadCredentials | SetUpFault::WrongRegion | SetUpFault::ClockSkew) => {
            Check::not_checked(name, probe.obstacle().unwrap_or_default())
        }
        Some(SetUpFault::NoSuchBucket) => Check::failed(
            name,
            format!("there is no bucket of the name {}", place.bucket),
            format!(
                "{}; it is {}, and {} in template.yaml",
                SetUpFault::NoSuchBucket.advice(),
                place.role.variable(),
                place.role.resource(),
            ),
        ),
        _ => Check::failed(
            name,
            fault.detail(Service::S3),
            fault.mend_s3(&place.right("s3:ListBucket")),
        ),
    }
}

fn fault(probes: &[Probe], meaning: SetUpFault) -> Option<&Fault> {
    let probe = probes.iter().find(|probe| probe.set_up() == Some(meaning))?;
    probe.answer.as_ref().err()
}

fn obstacle(probes: &[Probe]) -> &'static str {
    let obstacle = probes.iter().find_map(Probe::obstacle);
    obstacle.unwrap_or("S3 didn't say it")
}

#[cfg(test)]
mod tests;
