//! Whether Bedrock lets these credentials ask the model. It is asked for a word, which costs next to nothing.

use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};

use super::check::Check;
use super::fault::{Fault, Service, ask};
use super::service::{self, Remedy};
use super::settings::Settings;

const NAME: &str = "Bedrock";
const QUESTION: &str = "Answer with the word yes.";
/// Enough for a word.
const MAX_TOKENS: i32 = 16;

pub(super) async fn check(settings: &Settings, obstacle: Option<&str>) -> Check {
    let Some(model) = settings.model.as_deref() else {
        return Check::skipped(NAME, "BEDROCK_MODEL_ID");
    };
    if let Some(obstacle) = obstacle {
        return Check::not_checked(NAME, obstacle);
    }
    match converse(settings, model).await {
        Ok(()) => Check::ok(NAME, format!("{model} answers")),
        Err(fault) => refused(model, &settings.region, &fault),
    }
}

async fn converse(settings: &Settings, model: &str) -> Result<(), Fault> {
    let question = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(QUESTION.to_owned()))
        .build();
    let limit = InferenceConfiguration::builder().max_tokens(MAX_TOKENS).build();
    let converse = settings.clients.bedrock().converse().model_id(model);
    let converse = converse
        .set_messages(question.ok().map(|question| vec![question]))
        .inference_config(limit);
    ask("Converse", converse.send()).await.map(drop)
}

fn refused(model: &str, region: &str, fault: &Fault) -> Check {
    let right = format!(
        "bedrock:InvokeModel on {model}, get access to the model in {region} (Bedrock's console, Model access)"
    );
    let absent = format!(
        "set BEDROCK_MODEL_ID (BedrockModelId of template.yaml) to a model that {region} has, or to an inference profile \
         where the model takes no other, such as eu.anthropic.claude-sonnet-4-20250514-v1:0"
    );
    let remedy = Remedy {
        service: Service::Bedrock,
        right: &right,
        absent: &absent,
    };
    service::failed(NAME, fault, &remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mend(status: u16, code: &str) -> String {
        let fault = Fault::Refused {
            operation: "Converse",
            status,
            code: code.to_owned(),
        };
        refused("a.model", "eu-west-1", &fault).mend.unwrap()
    }

    #[test]
    fn who_has_no_access_to_the_model_is_told_how_to_get_it() {
        let denied = mend(403, "AccessDeniedException");
        assert!(denied.contains("bedrock:InvokeModel on a.model"), "{denied}");
        assert!(denied.contains("Model access"), "{denied}");
        let unknown = mend(400, "ValidationException");
        assert!(unknown.contains("BEDROCK_MODEL_ID"), "{unknown}");
        let busy = mend(429, "ThrottlingException");
        assert!(busy.contains("wait some minutes"), "{busy}");
    }
}
