//! Queues and the topic: whether they are there, and answer.

use aws_sdk_sqs::types::QueueAttributeName;
use casefile::set_up::SetUpFault;

use super::check::Check;
use super::fault::{Fault, Service, ask};
use super::settings::Settings;

/// A queue of the deployment.
pub(super) struct Kind {
    name: &'static str,
    variable: &'static str,
    output: &'static str,
    url: fn(&Settings) -> Option<&str>,
    /// What its messages wait for.
    waiting: &'static str,
}

pub(super) const ARRIVALS: Kind = Kind {
    name: "arrivals queue",
    variable: "ARRIVALS_QUEUE_URL",
    output: "ArrivalsQueueUrl",
    url: |settings| settings.arrivals.as_deref(),
    waiting: "for post-process",
};

pub(super) const DEAD_LETTERS: Kind = Kind {
    name: "dead-letter queue",
    variable: "DEAD_LETTER_QUEUE_URL",
    output: "DeadLetterQueueUrl",
    url: |settings| settings.dead_letters.as_deref(),
    waiting: "for somebody to look at them",
};

/// How to mend what a service refuses.
pub(super) struct Remedy<'a> {
    pub(super) service: Service,
    /// The right that it takes, and on what.
    pub(super) right: &'a str,
    /// What to do when there is no such thing.
    pub(super) absent: &'a str,
}

pub(super) async fn queue(kind: &Kind, settings: &Settings, obstacle: Option<&str>) -> Check {
    let Some(url) = (kind.url)(settings) else {
        return Check::skipped(kind.name, kind.variable);
    };
    if let Some(obstacle) = obstacle {
        return Check::not_checked(kind.name, obstacle);
    }
    let client = settings.clients.sqs();
    let get = client.get_queue_attributes().queue_url(url);
    let get = get.attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
    match ask("GetQueueAttributes", get.send()).await {
        Ok(answer) => {
            let count = QueueAttributeName::ApproximateNumberOfMessages;
            let count = answer.attributes().and_then(|attributes| attributes.get(&count));
            Check::ok(kind.name, waiting(count.map(String::as_str), kind.waiting))
        }
        Err(fault) => {
            let absent = format!(
                "set {} to the stack's output {}, in the region that AWS_REGION names",
                kind.variable, kind.output
            );
            let right = format!("sqs:GetQueueAttributes on {url}");
            failed(
                kind.name,
                &fault,
                &Remedy {
                    service: Service::Sqs,
                    right: &right,
                    absent: &absent,
                },
            )
        }
    }
}

/// SQS counts by and by.
fn waiting(count: Option<&str>, what: &str) -> String {
    match count {
        None | Some("0") => "it answers".to_owned(),
        Some("1") => format!("it answers; about 1 message waits {what}"),
        Some(count) => format!("it answers; about {count} messages wait {what}"),
    }
}

pub(super) async fn topic(settings: &Settings, obstacle: Option<&str>) -> Check {
    let name = "topic";
    let Some(arn) = settings.topic.as_deref() else {
        return Check::skipped(name, "TOPIC_ARN");
    };
    if let Some(obstacle) = obstacle {
        return Check::not_checked(name, obstacle);
    }
    let get = settings.clients.sns().get_topic_attributes().topic_arn(arn);
    match ask("GetTopicAttributes", get.send()).await {
        Ok(answer) => {
            let count = answer
                .attributes()
                .and_then(|all| all.get("SubscriptionsConfirmed"));
            Check::ok(name, told(count.map(String::as_str)))
        }
        Err(fault) => failed(
            name,
            &fault,
            &Remedy {
                service: Service::Sns,
                right: &format!("sns:GetTopicAttributes on {arn}"),
                absent: "set TOPIC_ARN to the stack's output TopicArn, and AWS_REGION to the region in it",
            },
        ),
    }
}

fn told(subscriptions: Option<&str>) -> String {
    match subscriptions {
        None => "it answers".to_owned(),
        Some("0") => "it answers; nobody is subscribed".to_owned(),
        Some("1") => "it answers; 1 subscription".to_owned(),
        Some(count) => format!("it answers; {count} subscriptions"),
    }
}

/// Sources: the *Common errors* of SQS, SNS and Bedrock.
pub(super) fn failed(name: &str, fault: &Fault, remedy: &Remedy<'_>) -> Check {
    Check::failed(name, fault.detail(remedy.service), mend(fault, remedy))
}

fn mend(fault: &Fault, remedy: &Remedy<'_>) -> String {
    if let Some(mend) = fault.mend_outage(remedy.service) {
        return mend;
    }
    match fault.code().unwrap_or_default() {
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "AuthorizationErrorException" => {
            format!("allow {}, and look for a policy that denies it", remedy.right)
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "SignatureDoesNotMatch" => SetUpFault::BadCredentials.advice().to_owned(),
        _ => remedy.absent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_mended_by_what_it_lacks() {
        let remedy = Remedy {
            service: Service::Sns,
            right: "sns:GetTopicAttributes on arn",
            absent: "set TOPIC_ARN",
        };
        for (status, code, expected) in [
            (403, "AuthorizationError", "allow sns:GetTopicAttributes on arn"),
            (403, "InvalidClientTokenId", SetUpFault::BadCredentials.advice()),
            (404, "NotFound", "set TOPIC_ARN"),
            (500, "InternalFailure", "wait some minutes"),
        ] {
            let fault = Fault::Refused {
                operation: "GetTopicAttributes",
                status,
                code: code.to_owned(),
            };
            let mend = mend(&fault, &remedy);
            assert!(mend.starts_with(expected), "{code}: {mend}");
        }
    }

    #[test]
    fn dead_letters_are_counted() {
        assert_eq!(waiting(Some("0"), DEAD_LETTERS.waiting), "it answers");
        let some = waiting(Some("3"), DEAD_LETTERS.waiting);
        assert_eq!(
            some,
            "it answers; about 3 messages wait for somebody to look at them"
        );
    }
}
