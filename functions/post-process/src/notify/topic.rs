//! The topic that notices go to.

use casefile::config::Env;

/// The ARN of an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic(String);

impl Topic {
    /// Reads `TOPIC_ARN`; without it nobody is told.
    pub fn read(env: &mut Env) -> Option<Self> {
        env.optional("TOPIC_ARN", Self::parse)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let error = "is not the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:casefile";
        let parts: Vec<&str> = text.split(':').collect();
        let [arn, partition, service, region, account, name] = parts.as_slice() else {
            return Err(error);
        };
        let is_word = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let is_topic = *arn == "arn"
            && partition.starts_with("aws")
            && *service == "sns"
            && is_word(region)
            && is_word(account)
            && name.len() <= 256
            && is_word(name.strip_suffix(".fifo").unwrap_or(name));
        is_topic.then(|| Self(text.to_owned())).ok_or(error)
    }

    /// The ARN.
    pub fn arn(&self) -> &str {
        &self.0
    }

    /// Whether SNS itself drops what comes twice within five minutes (SNS developer guide, *FIFO topics*).
    pub fn is_fifo(&self) -> bool {
        self.0.strip_suffix(".fifo").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_told_from_other_arns() {
        let topic = Topic::parse("arn:aws:sns:eu-central-1:123456789012:casefile").unwrap();
        assert!(!topic.is_fifo());
        assert!(
            Topic::parse("arn:aws-cn:sns:cn-north-1:1:c.fifo")
                .unwrap()
                .is_fifo()
        );
        for text in [
            "casefile",
            "arn:aws:sqs:eu-central-1:1:c",
            "arn:aws:sns:eu-central-1:1:c:sub",
            "arn:aws:sns:::c",
        ] {
            let mut env = Env::of([("TOPIC_ARN", text)]);
            assert_eq!(Topic::read(&mut env), None);
            let error = env.finish(Some(())).unwrap_err().to_string();
            assert!(error.contains("TOPIC_ARN is not the ARN"), "{error}");
        }
    }
}
