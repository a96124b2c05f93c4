//! What is to be checked: the functions' own variables.

use casefile::client::S3Client;
use casefile::config::{ConfigError, Env, bucket_name, queue_url};
use casefile::link::settings::LinkSettings;
use post_process::clients::Clients;
use post_process::notify::Topic;
use post_process::summary;
use session_export::fallback::FallbackSettings;
use session_export::review::readable::TemplateKey;

use super::place::{Place, Role};

/// What tells the clients of the services beside S3 where these are.
const ENDPOINTS: [&str; 3] = [
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
];

/// Everything that the environment says.
pub(super) struct Settings {
    pub(super) region: String,
    pub(super) artifacts: String,
    pub(super) audit: String,
    pub(super) quarantine: Option<String>,
    pub(super) arrivals: Option<String>,
    pub(super) dead_letters: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) model: Option<String>,
    pub(super) fallback: Option<String>,
    pub(super) s3: S3Client,
    pub(super) clients: Clients,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub(super) fn read(mut env: Env) -> Result<Self, ConfigError> {
        let settings = Self::of(&mut env);
        env.finish(settings)
    }

    fn of(env: &mut Env) -> Option<Self> {
        let links = LinkSettings::read(env);
        let quarantine = env.optional("QUARANTINE_BUCKET_NAME", bucket_name);
        let artifacts = links.as_ref().map(|links| &links.bucket);
        if quarantine.is_some() && quarantine.as_ref() == artifacts {
            env.refuse(
                "QUARANTINE_BUCKET_NAME",
                "must be another bucket than S3_BUCKET_NAME",
            );
        }
        let arrivals = env.optional("ARRIVALS_QUEUE_URL", queue_url);
        let dead_letters = env.optional("DEAD_LETTER_QUEUE_URL", queue_url);
        let topic = Topic::read(env).map(|topic| topic.arn().to_owned());
        let model = summary::Settings::read(env).map(|summary| summary.model);
        let fallback = FallbackSettings::read(env).map(|fallback| fallback.dir.display().to_string());
        // For its error: the functions don't start with a wrong one.
        let _ = env.optional("REPORT_TEMPLATE_KEY", TemplateKey::parse);
        let Some(links) = links else {
            // For their errors, beside the others.
            for variable in ENDPOINTS {
                let _ = env.optional(variable, endpoint);
            }
            return None;
        };
        Some(Self {
            region: links.s3.aws().region().to_string(),
            artifacts: links.bucket,
            audit: links.audit_bucket,
            quarantine,
            arrivals,
            dead_letters,
            topic,
            model,
            fallback,
            clients: Clients::read(env, &links.s3),
            s3: links.s3.client(),
        })
    }

    /// The buckets that there are, as far as the environment names them.
    pub(super) fn places(&self) -> Vec<Place> {
        let named = [
            (Role::Artifacts, Some(&self.artifacts)),
            (Role::Audit, Some(&self.audit)),
            (Role::Quarantine, self.quarantine.as_ref()),
        ];
        let places = named.into_iter().filter_map(|(role, bucket)| {
            Some(Place {
                client: self.s3.clone(),
                bucket: bucket?.clone(),
                role,
            })
        });
        places.collect()
    }
}

fn endpoint(text: &str) -> Result<(), &'static str> {
    let is_url = text.starts_with("http://") || text.starts_with("https://");
    let error = "must be a URL that begins with http:// or https://";
    is_url.then_some(()).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_variables_are_named_at_once() {
        let env = Env::of([
            ("S3_BUCKET_NAME", "Files"),
            ("S3_BASE_PATH", "bols/"),
            ("QUARANTINE_BUCKET_NAME", "-"),
            ("ARRIVALS_QUEUE_URL", "arrivals"),
            ("DEAD_LETTER_QUEUE_URL", "dead letters"),
            ("TOPIC_ARN", "topic"),
            ("BEDROCK_MODEL_ID", "a model"),
            ("AWS_ENDPOINT_URL_SNS", "sns"),
        ]);
        let error = Settings::read(env).err().unwrap().to_string();
        for name in [
            "S3_BUCKET_NAME",
            "AUDIT_BUCKET_NAME is not set",
            "QUARANTINE_BUCKET_NAME",
            "ARRIVALS_QUEUE_URL",
            "DEAD_LETTER_QUEUE_URL",
            "TOPIC_ARN is not the ARN",
            "BEDROCK_MODEL_ID is not a model's id",
            "AWS_ENDPOINT_URL_SNS must be a URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn what_is_not_named_is_not_among_the_places() {
        let base = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("S3_BUCKET_NAME", "files"),
            ("AUDIT_BUCKET_NAME", "audit"),
        ];
        let settings = Settings::read(Env::of(base)).unwrap_or_else(|error| panic!("{error}"));
        let roles: Vec<_> = settings.places().iter().map(|place| place.role).collect();
        assert_eq!(roles, [Role::Artifacts, Role::Audit]);
        let same = [("QUARANTINE_BUCKET_NAME", "files")];
        let error = Settings::read(Env::of(base.into_iter().chain(same)))
            .err()
            .unwrap();
        assert!(error.to_string().contains("must be another bucket"), "{error}");
    }
}
