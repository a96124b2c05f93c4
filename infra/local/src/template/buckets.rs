use std::time::Duration;

use super::at::At;
use super::error::TemplateError;
use super::filters;
use super::model::{Bucket, QueueNotification};
use super::queues;
use super::resolve::Resolver;
use crate::s3::{BucketSettings, LockMode, PublicAccessBlock};

/// Reads an `AWS::S3::Bucket`.
pub(super) fn read<'a>(
    resolver: &Resolver<'a>,
    id: &str,
    resource: &At<'a>,
) -> Result<Bucket, TemplateError> {
    let status = resource.find(&["Properties", "VersioningConfiguration", "Status"]);
    let status = status.map(|status| resolver.text(&status)).transpose()?.flatten();
    let notifications = resource.find(&["Properties", "NotificationConfiguration"]);
    let configured = |key: &str| notifications.as_ref().and_then(|all| all.get(key));
    if let Some(functions) = configured("LambdaConfigurations") {
        return Err(functions.error("use an event of type S3 in the Events of the function"));
    }
    let mut others = Vec::new();
    for key in ["TopicConfigurations", "EventBridgeConfiguration"] {
        let there = configured(key).map(|at| resolver.follow(&at)).transpose()?;
        if there.flatten().is_some() {
            others.push(key.to_owned());
        }
    }
    let locked = resource.find(&["Properties", "ObjectLockEnabled"]);
    let locked = locked.map(|locked| resolver.text(&locked)).transpose()?.flatten();
    let locked = locked.as_deref() == Some("true");
    let name = resolver.physical_name(id, resource, resource)?;
    let queues = configured("QueueConfigurations");
    let queues = queues.map(|queues| queue_notifications(resolver, &name, &queues));
    Ok(Bucket {
        logical_id: id.to_owned(),
        name,
        // Object Lock brings versions with it.
        versioned: locked || status.as_deref() == Some("Enabled"),
        retention: if locked {
            retention(resolver, resource)?
        } else {
            None
        },
        settings: settings(resolver, resource)?,
        queue_notifications: queues.transpose()?.unwrap_or_default(),
        notifications: others,
    })
}

/// Reads `QueueConfigurations`. Source: `AWS::S3::Bucket QueueConfiguration`.
fn queue_notifications<'a>(
    resolver: &Resolver<'a>,
    bucket: &str,
    configurations: &At<'a>,
) -> Result<Vec<QueueNotification>, TemplateError> {
    let mut all: Vec<QueueNotification> = Vec::new();
    for configuration in configurations.items()? {
        let event = configuration.require("Event")?;
        let changes = filters::read(
            resolver,
            bucket,
            vec![resolver.required_text(&event)?],
            &configuration,
        )?;
        if !filters::is_sent(&changes.events.concat()) {
            return Err(event.error("is not sent on this machine"));
        }
        // S3 refuses such a configuration: "Configurations overlap".
        if all.iter().any(|other| filters::overlap(&other.changes, &changes)) {
            return Err(
                configuration.error("overlaps with one before it: same events, prefixes and suffixes")
            );
        }
        all.push(QueueNotification {
            queue: queues::by_arn(resolver, &configuration.require("Queue")?)?,
            changes,
        });
    }
    Ok(all)
}

/// What isn't said is as S3 sets up a new bucket.
fn settings<'a>(resolver: &Resolver<'a>, resource: &At<'a>) -> Result<BucketSettings, TemplateError> {
    let usual = BucketSettings::default();
    let encryption = encryption(resource)?;
    let named = |name: &str| match encryption.as_ref().and_then(|rule| rule.get(name)) {
        Some(named) => resolver.text(&named),
        None => Ok(None),
    };
    let mode = [
        "Properties",
        "ObjectLockConfiguration",
        "Rule",
        "DefaultRetention",
        "Mode",
    ];
    let mode = resource
        .find(&mode)
        .map(|mode| resolver.text(&mode))
        .transpose()?
        .flatten();
    Ok(BucketSettings {
        encryption: named("SSEAlgorithm")?.unwrap_or(usual.encryption),
        // A key that is a resource of the template has no name on this machine, and needs none.
        kms_key: named("KMSMasterKeyID").unwrap_or_default(),
        public_access_block: public_access_block(resolver, resource)?,
        lock_mode: match mode.as_deref() {
            Some("GOVERNANCE") => LockMode::Governance,
            _ => LockMode::Compliance,
        },
    })
}

/// The first rule, for there can be only one. Source: `AWS::S3::Bucket BucketEncryption`.
fn encryption<'a>(resource: &At<'a>) -> Result<Option<At<'a>>, TemplateError> {
    let rules = [
        "Properties",
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
    ];
    let Some(rules) = resource.find(&rules) else {
        return Ok(None);
    };
    let rule = rules.items()?.into_iter().next();
    Ok(rule.and_then(|rule| rule.get("ServerSideEncryptionByDefault")))
}

/// What a template leaves out of the configuration is off. Source: `AWS::S3::Bucket PublicAccessBlockConfiguration`.
fn public_access_block<'a>(
    resolver: &Resolver<'a>,
    resource: &At<'a>,
) -> Result<Option<PublicAccessBlock>, TemplateError> {
    let Some(block) = resource.find(&["Properties", "PublicAccessBlockConfiguration"]) else {
        return Ok(BucketSettings::default().public_access_block);
    };
    let is_on = |name: &str| -> Result<bool, TemplateError> {
        let switch = block.get(name).map(|switch| resolver.text(&switch));
        Ok(switch.transpose()?.flatten().as_deref() == Some("true"))
    };
    Ok(Some(PublicAccessBlock {
        block_public_acls: is_on("BlockPublicAcls")?,
        block_public_policy: is_on("BlockPublicPolicy")?,
        ignore_public_acls: is_on("IgnorePublicAcls")?,
        restrict_public_buckets: is_on("RestrictPublicBuckets")?,
    }))
}

/// How long the default retention lasts. Source: `AWS::S3::Bucket DefaultRetention`.
fn retention<'a>(resolver: &Resolver<'a>, resource: &At<'a>) -> Result<Option<Duration>, TemplateError> {
    let rule = resource.find(&[
        "Properties",
        "ObjectLockConfiguration",
        "Rule",
        "DefaultRetention",
    ]);
    let Some(rule) = rule else { return Ok(None) };
    for (unit, days) in [("Days", 1), ("Years", 365)] {
        let Some(at) = rule.get(unit) else { continue };
        let Some(text) = resolver.text(&at)? else { continue };
        return match text.parse() {
            Ok(number @ 1..=36_500_u64) => Ok(Some(Duration::from_hours(24 * days * number))),
            _ => Err(at.error("must be a whole number from 1 to 36500")),
        };
    }
    Err(rule.error("must have Days or Years"))
}
