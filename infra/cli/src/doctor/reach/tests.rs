use super::super::check::Outcome;
use super::super::place::Role;
use super::super::probe::Heard;
use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn probe(status: u16, code: &str) -> Probe {
    let theirs = time("2025-11-14T14:25:10Z");
    let answer = match status {
        200 => Ok(()),
        0 => Err(Fault::Unreachable("no connection")),
        status => Err(Fault::Refused {
            operation: "HeadBucket",
            status,
            code: code.to_owned(),
        }),
    };
    let heard = Heard {
        times: Some((theirs, theirs)),
        region: Some("eu-west-1".to_owned()),
    };
    Probe {
        role: Role::Artifacts,
        heard: if status == 0 { Heard::default() } else { heard },
        answer,
    }
}

/// Of credentials, region and clock.
fn outcomes(probe: Probe) -> Vec<Outcome> {
    let checks = checks(&[probe], "eu-west-1");
    checks.iter().map(|check| check.outcome).collect()
}

#[test]
fn what_s3_says_of_a_bucket_is_laid_to_what_is_wrong() {
    use Outcome::{Failed, NotChecked, Ok};
    for (status, code, expected) in [
        (200, "", [Ok, Ok, Ok]),
        (403, "AccessDenied", [Ok, Ok, Ok]),
        (404, "NoSuchBucket", [Ok, Ok, Ok]),
        (403, "SignatureDoesNotMatch", [Failed, Ok, Ok]),
        (403, "ExpiredToken", [Failed, Ok, Ok]),
        (403, "RequestTimeTooSkewed", [NotChecked, Ok, Failed]),
        (0, "", [NotChecked, NotChecked, NotChecked]),
    ] {
        assert_eq!(outcomes(probe(status, code)), expected, "{code}");
    }
}

#[test]
fn a_bucket_in_another_region_is_found_with_and_without_its_name() {
    let elsewhere = Probe {
        heard: Heard {
            region: Some("us-east-2".to_owned()),
            ..Heard::default()
        },
        ..probe(301, "PermanentRedirect")
    };
    let check = region(&[elsewhere], "eu-west-1");
    assert_eq!(check.outcome, Outcome::Failed);
    assert!(check.mend.unwrap().contains("set AWS_REGION to us-east-2"));
    let unsaid = Probe {
        heard: Heard::default(),
        ..probe(301, "PermanentRedirect")
    };
    assert_eq!(region(&[unsaid], "eu-west-1").outcome, Outcome::Failed);
    let silent = Probe {
        heard: Heard::default(),
        ..probe(200, "")
    };
    assert_eq!(region(&[silent], "eu-west-1").outcome, Outcome::Ok);
}

#[test]
fn a_clock_may_be_a_minute_off_and_no_more() {
    let theirs = time("2025-11-14T14:25:10Z");
    for (ours, outcome, said) in [
        ("2025-11-14T14:25:11Z", Outcome::Ok, "agree"),
        ("2025-11-14T14:26:10Z", Outcome::Ok, "60 seconds ahead of"),
        ("2025-11-14T14:26:11Z", Outcome::Failed, "61 seconds ahead of"),
        ("2025-11-14T14:20:10Z", Outcome::Failed, "300 seconds behind"),
    ] {
        let heard = Heard {
            times: Some((theirs, time(ours))),
            region: None,
        };
        let check = clock(&[Probe {
            heard,
            ..probe(200, "")
        }]);
        assert_eq!(check.outcome, outcome, "{ours}");
        assert!(check.detail.contains(said), "{}", check.detail);
    }
}

#[test]
fn refused_credentials_are_nobody_else_s_business() {
    assert!(refused_credentials(&[probe(200, ""), probe(403, "InvalidAccessKeyId")]).is_some());
    assert!(refused_credentials(&[probe(403, "AccessDenied"), probe(0, "")]).is_none());
}
