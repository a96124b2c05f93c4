//! Queues and topics, and what leads to and from queues.

use std::time::Duration;

use super::super::{Queue, QueueNotification, QueueTrigger, Redrive, S3Trigger, Topic};
use super::{DEPLOYED, function, parse};

const QUEUES: &str = "  Work: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 90, RedrivePolicy: \
                      {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}}\n  Dead: {Type: AWS::SQS::Queue, \
                      Properties: {QueueName: letters}}\n";

/// A function that this event of type `SQS` calls.
fn called(properties: &str) -> Result<Option<QueueTrigger>, String> {
    let events = format!("Events: {{A: {{Type: SQS, Properties: {{{properties}}}}}}}");
    let template = parse(&format!("{}{QUEUES}", function(&events)));
    let template = template.map_err(|error| error.to_string())?;
    Ok(template.functions[0].queue_triggers.first().cloned())
}

/// A bucket with these `QueueConfigurations`.
fn notified(configurations: &str) -> Result<Vec<QueueNotification>, String> {
    let bucket = format!(
        "  B: {{Type: AWS::S3::Bucket, Properties: {{NotificationConfiguration: {{QueueConfigurations: \
         [{configurations}]}}}}}}"
    );
    let template = parse(&format!("Resources:\n{QUEUES}{bucket}"));
    let mut template = template.map_err(|error| error.to_string())?;
    Ok(template.buckets.remove(0).queue_notifications)
}

#[test]
fn a_queue_has_its_visibility_timeout_and_its_dead_letters_elsewhere() {
    let template = parse(&format!("Resources:\n{QUEUES}")).unwrap();
    let queue = |logical_id: &str, name: &str, visibility, redrive| Queue {
        logical_id: logical_id.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        url: format!("https://sqs.us-east-1.amazonaws.com/000000000000/{name}"),
        visibility: Duration::from_secs(visibility),
        redrive,
    };
    let redrive = Redrive {
        queue: "letters".to_owned(),
        max_receives: 3,
    };
    let expected = [
        queue("Work", "casefile-local-Work", 90, Some(redrive)),
        queue("Dead", "letters", 30, None),
    ];
    assert_eq!(template.queues, expected);
}

#[test]
fn references_to_queues_and_topics_are_what_cloudformation_gives() {
    let template = parse(&format!(
        "{}{QUEUES}  T: {{Type: AWS::SNS::Topic}}",
        function(
            "Environment: {Variables: {A: !Ref Dead, B: !GetAtt Work.QueueName, C: !Ref T, D: !Sub '${T.TopicName}', \
             E: !GetAtt [Dead, QueueUrl]}}"
        )
    ));
    let template = template.unwrap();
    let variables = &template.functions[0].environment;
    let url = "https://sqs.us-east-1.amazonaws.com/000000000000/letters";
    let topic = "arn:aws:sns:us-east-1:000000000000:casefile-local-T";
    for (name, expected) in [
        ("A", url),
        ("B", "casefile-local-Work"),
        ("C", topic),
        ("D", "casefile-local-T"),
        ("E", url),
    ] {
        assert_eq!(variables[name], expected, "{name}");
    }
    let expected = Topic {
        logical_id: "T".to_owned(),
        arn: topic.to_owned(),
    };
    assert_eq!(template.topics, [expected]);
}

#[test]
fn messages_of_a_queue_call_a_function_in_batches() {
    let trigger = QueueTrigger {
        queue: "casefile-local-Work".to_owned(),
        batch_size: 10,
        window: Duration::ZERO,
        reports_failures: false,
        max_concurrency: None,
    };
    assert_eq!(called("Queue: !GetAtt Work.Arn"), Ok(Some(trigger.clone())));
    let settings = "Queue: !GetAtt Work.Arn, BatchSize: 50, MaximumBatchingWindowInSeconds: 2, FunctionResponseTypes: \
                    [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: 7}, Enabled: true";
    let expected = QueueTrigger {
        batch_size: 50,
        window: Duration::from_secs(2),
        reports_failures: true,
        max_concurrency: Some(7),
        ..trigger
    };
    assert_eq!(called(settings), Ok(Some(expected)));
    assert_eq!(called("Queue: !GetAtt Work.Arn, Enabled: false"), Ok(None));
}

#[test]
fn a_batch_that_can_not_be_is_refused() {
    let at = "line 8: Resources.Export.Properties.Events.A.Properties";
    for (properties, expected) in [
        ("BatchSize: 1", format!("{at}: Queue is missing")),
        (
            "Queue: !GetAtt Export.Arn",
            format!("{at}.Queue: must be the Arn of an AWS::SQS::Queue of this template"),
        ),
        (
            "Queue: !GetAtt Work.Arn, BatchSize: 11",
            format!("{at}.BatchSize: must be a whole number from 1 to 10"),
        ),
        (
            "Queue: !GetAtt Work.Arn, FunctionResponseTypes: [Other]",
            format!("{at}.FunctionResponseTypes.0: must be ReportBatchItemFailures"),
        ),
        (
            "Queue: !GetAtt Work.Arn, FilterCriteria: {}",
            format!("{at}.FilterCriteria: is not held to on this machine"),
        ),
    ] {
        assert_eq!(called(properties).unwrap_err(), expected);
    }
}

#[test]
fn a_queue_that_gives_messages_again_too_early_is_refused() {
    let events = "Timeout: 91\nEvents: {A: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}}";
    let error = parse(&format!("{}{QUEUES}", function(events))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 10: Resources.Work: VisibilityTimeout is shorter than the timeout of Export"
    );
}

#[test]
fn a_bucket_s_events_go_to_queues() {
    let changes = |prefix: &str| S3Trigger {
        bucket: "casefile-local-b".to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned()],
        prefix: prefix.to_owned(),
        suffix: String::new(),
    };
    let one = |prefix: &str| {
        format!(
            "{{Event: 's3:ObjectCreated:*', Queue: !GetAtt Work.Arn, Filter: {{S3Key: {{Rules: [{{Name: prefix, Value: \
             {prefix}}}]}}}}}}"
        )
    };
    let both = notified(&format!("{}, {}", one("a/"), one("b/"))).unwrap();
    let notification = |prefix: &str| QueueNotification {
        queue: "casefile-local-Work".to_owned(),
        changes: changes(prefix),
    };
    assert_eq!(both, [notification("a/"), notification("b/")]);
    let at = "line 4: Resources.B.Properties.NotificationConfiguration.QueueConfigurations";
    assert_eq!(
        notified(&format!("{}, {}", one("a/"), one("a/b/"))).unwrap_err(),
        format!("{at}.1: overlaps with one before it: same events, prefixes and suffixes")
    );
    assert_eq!(
        notified("{Event: 's3:ObjectRestore:*', Queue: !GetAtt Work.Arn}").unwrap_err(),
        format!("{at}.0.Event: is not sent on this machine")
    );
    assert_eq!(
        notified("{Event: 's3:ObjectCreated:*'}").unwrap_err(),
        format!("{at}.0: Queue is missing")
    );
}

#[test]
fn queues_and_topics_of_other_kinds_are_refused() {
    for (resource, problem) in [
        (
            "{Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}",
            "FifoQueue: only standard queues without a delay run on this machine",
        ),
        (
            "{Type: AWS::SQS::Queue, Properties: {DelaySeconds: 5}}",
            "DelaySeconds: only standard queues without a delay run on this machine",
        ),
        (
            "{Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 43201}}",
            "VisibilityTimeout: must be a whole number from 0 to 43200",
        ),
        (
            "{Type: AWS::SNS::Topic, Properties: {FifoTopic: true}}",
            "FifoTopic: only standard topics run on this machine",
        ),
    ] {
        let error = parse(&format!("Resources:\n  R: {resource}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("line 2: Resources.R.Properties.{problem}")
        );
    }
}

#[test]
fn every_collection_s_arrivals_reach_post_process_once_and_what_it_writes_itself_never() {
    let template = parse(DEPLOYED).unwrap();
    // On by its parameters alone, which a stack gives.
    assert_eq!(
        template.undelivered(),
        ["SessionExport: Replay (ScheduleV2, switched off)"]
    );
    let function = template.functions.iter();
    let function = function.filter(|function| !function.queue_triggers.is_empty());
    let [function] = function.collect::<Vec<_>>()[..] else {
        panic!("one function is called by a queue");
    };
    assert_eq!(function.binary, "post-process");
    let [trigger] = function.queue_triggers.as_slice() else {
        panic!("one queue calls it");
    };
    assert!(trigger.reports_failures);
    let queue = template.queues.iter().find(|queue| queue.name == trigger.queue);
    let queue = queue.unwrap();
    // Lambda developer guide, "Configuring a queue to use with Lambda".
    assert!(queue.visibility >= 6 * function.timeout);
    assert!(queue.redrive.as_ref().unwrap().max_receives >= 5);
    let dead_letters = &function.environment["DEAD_LETTER_QUEUE_URL"];
    assert!(dead_letters.ends_with(&format!("/{}", queue.redrive.as_ref().unwrap().queue)));
    assert_eq!(function.environment["TOPIC_ARN"], template.topics[0].arn);
    let sent = |key: &str| {
        let buckets = template.buckets.iter();
        let notifications = buckets.flat_map(|bucket| &bucket.queue_notifications);
        let taken = notifications.filter(|notification| key.starts_with(&notification.changes.prefix));
        taken
            .filter(|notification| notification.queue == queue.name)
            .count()
    };
    for key in [
        "tara/a/manifest.json",
        "bols/2025/a.pdf",
        "ecg-reports/2025/11/14/a.pdf",
        "training-logs/2025/11/a.log",
        "parquet/a.parquet",
        "snapshots/a.json",
        "inbox/ecg-reports/a.pdf",
    ] {
        assert_eq!(sent(key), 1, "{key}");
    }
    for key in [
        "index/bols/dt=2025-11-14/a.json",
        "_casefile/by-time/t/c/a",
        "_casefile/notified/a.json",
    ] {
        assert_eq!(sent(key), 0, "{key}");
    }
    let [artifacts] = template
        .buckets
        .iter()
        .filter(|bucket| !bucket.queue_notifications.is_empty())
        .collect::<Vec<_>>()[..]
    else {
        panic!("one bucket sends events");
    };
    assert_eq!(artifacts.logical_id, "ArtifactsBucket");
    let quarantine = template
        .buckets
        .iter()
        .find(|bucket| bucket.logical_id == "QuarantineBucket")
        .unwrap();
    assert!(quarantine.versioned);
}
