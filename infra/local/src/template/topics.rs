use super::at::At;
use super::error::TemplateError;
use super::model::Topic;
use super::resolve::Resolver;

/// Reads an `AWS::SNS::Topic`.
pub(super) fn read<'a>(resolver: &Resolver<'a>, id: &str, resource: &At<'a>) -> Result<Topic, TemplateError> {
    if let Some(fifo) = resource.find(&["Properties", "FifoTopic"])
        && resolver.text(&fifo)?.is_some_and(|value| value != "false")
    {
        return Err(fifo.error("only standard topics run on this machine"));
    }
    if let Some(subscriptions) = resource.find(&["Properties", "Subscription"]) {
        return Err(subscriptions.error("use an AWS::SNS::Subscription"));
    }
    Ok(Topic {
        logical_id: id.to_owned(),
        arn: resolver.attribute(id, "TopicArn", resource)?,
    })
}
