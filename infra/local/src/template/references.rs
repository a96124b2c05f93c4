use super::at::At;
use super::error::TemplateError;
use super::model::Settings;
use super::node::Value;
use super::resolve::Resolver;

/// Parameters, resources and their attributes by name.
impl<'a> Resolver<'a> {
    /// What `Ref` stands for.
    pub(super) fn reference(&self, name: &str, at: &At<'a>) -> Result<String, TemplateError> {
        if let Some(value) = self.pseudo_parameter(name) {
            return Ok(value);
        }
        if let Some(parameter) = self.root.find(&["Parameters", name]) {
            let value = self.parameter(name, &parameter)?;
            return value
                .ok_or_else(|| at.error(format!("parameter {name} has no default and was not given")));
        }
        match self.resource(name) {
            Some(resource) => self.referenced(name, &resource, at),
            None => Err(at.error(format!("there is no parameter or resource {name}"))),
        }
    }

    /// What `Ref` gives of a resource: a queue's URL, a topic's ARN, anything else's name.
    fn referenced(&self, id: &str, resource: &At<'a>, at: &At<'a>) -> Result<String, TemplateError> {
        match resource.require("Type")?.text()? {
            "AWS::SQS::Queue" => self.attribute(id, "QueueUrl", at),
            "AWS::SNS::Topic" => self.attribute(id, "TopicArn", at),
            _ => self.physical_name(id, resource, at),
        }
    }

    fn pseudo_parameter(&self, name: &str) -> Option<String> {
        match name {
            "AWS::Region" => Some(self.settings.region.clone()),
            "AWS::AccountId" => Some(self.settings.account_id.clone()),
            "AWS::StackName" => Some(self.settings.stack_name.clone()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            _ => None,
        }
    }

    /// What a resource is called: as the template says, or from the stack's name and its own.
    pub(super) fn physical_name(
        &self,
        id: &str,
        resource: &At<'a>,
        at: &At<'a>,
    ) -> Result<String, TemplateError> {
        let kind = resource.require("Type")?.text()?;
        let (property, generated) = match kind {
            "AWS::S3::Bucket" => ("BucketName", self.bucket_name(id)),
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => ("FunctionName", self.generated(id)),
            "AWS::SQS::Queue" => ("QueueName", self.generated(id)),
            "AWS::SNS::Topic" => ("TopicName", self.generated(id)),
            _ => return Err(at.error(format!("{id}, of type {kind}, has no name on this machine"))),
        };
        match resource.find(&["Properties", property]) {
            Some(name) => Ok(self.text(&name)?.unwrap_or(generated)),
            None => Ok(generated),
        }
    }

    fn generated(&self, id: &str) -> String {
        format!("{}-{id}", self.settings.stack_name)
    }

    /// Bucket names have at most 63 characters, in lower case.
    fn bucket_name(&self, id: &str) -> String {
        let name = self.generated(id).to_lowercase();
        name.chars().take(63).collect()
    }

    /// What `GetAtt` stands for.
    pub(super) fn get_att(&self, target: &At<'a>) -> Result<String, TemplateError> {
        let (id, attribute) = match &target.node.value {
            Value::Text(text) => text
                .split_once('.')
                .ok_or_else(|| target.error("GetAtt takes Resource.Attribute"))?,
            _ => match target.items()?.as_slice() {
                [id, attribute] => (id.text()?, attribute.text()?),
                _ => return Err(target.error("GetAtt takes a resource and an attribute")),
            },
        };
        self.attribute(id, attribute, target)
    }

    pub(super) fn attribute(&self, id: &str, attribute: &str, at: &At<'a>) -> Result<String, TemplateError> {
        let resource = self
            .resource(id)
            .ok_or_else(|| at.error(format!("there is no resource {id}")))?;
        let name = self.physical_name(id, &resource, at)?;
        let Settings {
            region, account_id, ..
        } = self.settings;
        match (resource.require("Type")?.text()?, attribute) {
            ("AWS::S3::Bucket", "Arn") => Ok(format!("arn:aws:s3:::{name}")),
            ("AWS::SQS::Queue", "Arn") => Ok(format!("arn:aws:sqs:{region}:{account_id}:{name}")),
            ("AWS::SQS::Queue", "QueueUrl") => {
                Ok(format!("https://sqs.{region}.amazonaws.com/{account_id}/{name}"))
            }
            ("AWS::SQS::Queue", "QueueName") | ("AWS::SNS::Topic", "TopicName") => Ok(name),
            ("AWS::SNS::Topic", "TopicArn") => Ok(format!("arn:aws:sns:{region}:{account_id}:{name}")),
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => {
                Ok(format!("arn:aws:lambda:{region}:{account_id}:function:{name}"))
            }
            _ => Err(at.error(format!("{id}.{attribute} cannot be resolved on this machine"))),
        }
    }
}
