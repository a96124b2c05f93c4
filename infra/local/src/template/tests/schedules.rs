//! What calls functions at regular intervals.

use std::time::Duration;

use super::super::{Function, Schedule, Settings, Template, TemplateError};
use super::{DEPLOYED, function, parse};

fn scheduled(event: &str) -> Result<Function, TemplateError> {
    let sections = "Parameters: {P: {Type: String, Default: DISABLED}}\nConditions: {No: !Equals [a, b]}\n";
    let template = parse(&format!(
        "{sections}{}",
        function(&format!("Events: {{Tick: {event}}}"))
    ));
    Ok(template?.functions.remove(0))
}

fn schedule(every: Duration, input: &str) -> Schedule {
    Schedule {
        every,
        input: input.to_owned(),
    }
}

#[test]
fn a_rate_calls_its_function_that_often_with_its_input() {
    for (event, expected) in [
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: rate(5 minutes), Input: '{\"a\": 1}'}}",
            schedule(Duration::from_mins(5), "{\"a\": 1}"),
        ),
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: !Sub '\"${AWS::Region}\"', State: !If \
             [No, DISABLED, ENABLED], Name: x, RetryPolicy: {MaximumRetryAttempts: 0}}}",
            schedule(Duration::from_hours(1), "\"us-east-1\""),
        ),
        (
            "{Type: Schedule, Properties: {Schedule: rate(2 days), Input: 'null', Enabled: true}}",
            schedule(Duration::from_hours(48), "null"),
        ),
    ] {
        let function = scheduled(event).unwrap();
        assert_eq!(function.schedules, [expected], "{event}");
        assert_eq!(function.other_events, [""; 0], "{event}");
    }
}

#[test]
fn what_is_switched_off_or_no_rate_is_named_instead() {
    for (event, expected) in [
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 8 1 * ? *)}}",
            "Tick (ScheduleV2, cron(0 8 1 * ? *))",
        ),
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: 'at(2025-11-14T14:25:10)'}}",
            "Tick (ScheduleV2, at(2025-11-14T14:25:10))",
        ),
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute), State: !Ref P}}",
            "Tick (ScheduleV2, switched off)",
        ),
        (
            "{Type: Schedule, Properties: {Schedule: rate(1 minute), Enabled: false}}",
            "Tick (Schedule, switched off)",
        ),
    ] {
        let function = scheduled(event).unwrap();
        assert_eq!(function.schedules, [], "{event}");
        assert_eq!(function.other_events, [expected], "{event}");
    }
}

#[test]
fn a_schedule_that_can_not_be_kept_to_is_refused() {
    let properties = |more: &str| format!("{{Type: ScheduleV2, Properties: {{{more}}}}}");
    for (event, place, problem) in [
        ("{Type: Schedule}".to_owned(), "", "Properties is missing"),
        (
            properties("Input: '1'"),
            ".Properties",
            "ScheduleExpression is missing",
        ),
        (
            properties("ScheduleExpression: often"),
            ".Properties.ScheduleExpression",
            "must be a rate, a cron or an at expression",
        ),
        (
            properties("ScheduleExpression: rate(1 minute)"),
            ".Properties",
            "Input is missing",
        ),
        (
            properties("ScheduleExpression: rate(1 minute), Input: '{'"),
            ".Properties.Input",
            "must be JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            properties("ScheduleExpression: rate(1 minute), Input: '1', StartDate: x"),
            ".Properties.StartDate",
            "is not held to on this machine",
        ),
    ] {
        let error = scheduled(&event).unwrap_err();
        let path = format!("Resources.Export.Properties.Events.Tick{place}");
        assert_eq!((error.path, error.problem.as_str()), (path, problem), "{event}");
    }
    for rate in [
        "0 minutes",
        "5 seconds",
        "5",
        "x minutes",
        "-1 hours",
        "367 days",
        "99999999999999999999 days",
    ] {
        let event = properties(&format!("ScheduleExpression: rate({rate}), Input: '1'"));
        let error = scheduled(&event).unwrap_err();
        assert_eq!(
            error.problem, "must be such as rate(5 minutes), and at most a year",
            "{rate}"
        );
    }
}

/// A deployment with a file system for what can't reach S3, and one without.
#[test]
fn what_was_kept_is_sent_on_where_anything_is_kept() {
    let mut settings = Settings::default();
    for (name, value) in [
        (
            "FallbackAccessPointArn",
            "arn:aws:elasticfilesystem:eu-west-1:000000000000:access-point/fsap-0",
        ),
        ("FallbackSubnetIds", "subnet-0"),
        ("FallbackSecurityGroupIds", "sg-0"),
    ] {
        settings.parameters.insert(name.to_owned(), value.to_owned());
    }
    let with = Template::parse(DEPLOYED, &settings).unwrap();
    let with = with
        .functions
        .iter()
        .find(|function| function.binary == "session-export")
        .unwrap();
    assert_eq!(
        with.schedules,
        [schedule(Duration::from_mins(5), "{\"command\": \"replay\"}")]
    );
    assert_eq!(with.environment["FALLBACK_DIR"], "/mnt/fallback");
    let without = parse(DEPLOYED).unwrap();
    let without = without
        .functions
        .iter()
        .find(|function| function.binary == "session-export")
        .unwrap();
    assert_eq!(without.schedules, []);
    assert_eq!(without.environment["FALLBACK_DIR"], "");
    assert_eq!(without.environment["FALLBACK_MAX_BYTES"], "10737418240");
}
