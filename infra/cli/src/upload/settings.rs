//! Where files go, by what the person and the environment say.

use std::path::PathBuf;

use casefile::bucket::Bucket;
use casefile::collection;
use casefile::config::Env;
use casefile::digest::Sha256;
use casefile::link::settings::default_tenant;
use casefile::time::Clock;
use serde::{Deserialize, Serialize};

use super::api;
use super::arguments::Arguments;
use super::body::Load;
use super::direct::Direct;
use super::job::Job;
use super::outcome::Sent;
use crate::failure::Failure;
use crate::web::{Api, Token};

/// Variables of applications from before Casefile, each of which switches sending off.
const SWITCHES: [&str; 2] = ["USE_S3", "CLOUD_UPLOAD_ENABLED"];

/// Where a file goes and whose it is then, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Destination {
    Api {
        /// The API's address.
        url: String,
        /// Who asks ([`Api::caller`]). `None` where sending is switched off and there is no token: whoever sends it on.
        caller: Option<Sha256>,
    },
    S3 {
        bucket: String,
        endpoint: Option<String>,
        /// Whose training logs are.
        tenant: String,
    },
}

impl Destination {
    /// As the upload log calls it.
    pub(super) fn service(&self) -> &'static str {
        match self {
            Self::Api { .. } => "casefile-api",
            Self::S3 { .. } => "s3",
        }
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Api { url, .. } => url.clone(),
            Self::S3 { bucket, .. } => format!("s3://{bucket}"),
        }
    }

    /// Whether what waits for this may go to that: one caller's file never goes under another's token.
    pub(super) fn takes(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Api { url, caller: None }, Self::Api { url: now, .. }) => url == now,
            _ => self == now,
        }
    }
}

/// What takes files.
#[derive(Debug)]
pub(super) enum Service {
    Api(Api),
    S3(Direct),
    /// None does: why.
    Off(String),
}

impl Service {
    /// Sends a file.
    pub(super) async fn send(&self, job: &Job, load: &Load) -> Sent {
        match self {
            Self::Api(api) => api::send(api, job, load).await,
            Self::S3(direct) => direct.send(job, load).await,
            Self::Off(why) => Sent::Down(why.clone()),
        }
    }
}

/// All that is to be known before anything is sent.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) to: Destination,
    pub(super) service: Service,
    pub(super) queue: PathBuf,
}

impl Settings {
    /// The API where one is named and neither `--direct` nor `--bucket` is given, else S3.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub(super) fn read(arguments: &Arguments, mut env: Env, clock: Clock) -> Result<Self, Failure> {
        collection::read(&mut env);
        let queue = queue(arguments, &mut env);
        let off = switched_off(&mut env);
        let known = if arguments.way.is_api(&env) {
            by_api(arguments, off, &mut env)
        } else {
            by_s3(arguments, off, &mut env, clock)
        };
        let known = env.finish(known.zip(queue));
        let ((to, service), queue) = known.map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { to, service, queue })
    }
}

type Known = Option<(Destination, Service)>;

fn by_api(arguments: &Arguments, off: Option<String>, env: &mut Env) -> Known {
    let url = arguments.way.api(env);
    let file = arguments.way.token_file.as_deref();
    if let Some(why) = off {
        let caller = Token::glance(file, env).map(|token| token.caller());
        return Some((Destination::Api { url: url?, caller }, Service::Off(why)));
    }
    let api = Api::read(url, file, env)?;
    let (url, caller) = (api.url.clone(), Some(api.caller()));
    Some((Destination::Api { url, caller }, Service::Api(api)))
}

fn by_s3(arguments: &Arguments, off: Option<String>, env: &mut Env, clock: Clock) -> Known {
    for (name, is_given) in [
        ("--owner", arguments.owner.is_some()),
        ("--replaces", arguments.replaces.is_some()),
    ] {
        if is_given {
            env.refuse(
                name,
                "is for the API: name one by --api or CASEFILE_API_URL, without --direct",
            );
        }
    }
    let bucket = arguments.way.bucket(env);
    let tenant = default_tenant(env);
    let settings = if off.is_none() { env.s3() } else { None };
    let (bucket, tenant) = (bucket?, tenant?);
    let to = Destination::S3 {
        bucket: bucket.clone(),
        endpoint: env
            .text("AWS_ENDPOINT_URL_S3")
            .or_else(|| env.text("AWS_ENDPOINT_URL")),
        tenant: tenant.to_string(),
    };
    if let Some(why) = off {
        return Some((to, Service::Off(why)));
    }
    let bucket = Bucket::new(settings?.client(), bucket);
    let direct = Direct {
        bucket,
        tenant,
        clock,
    };
    Some((to, Service::S3(direct)))
}

/// Why nothing is to be sent: any switch that is off.
fn switched_off(env: &mut Env) -> Option<String> {
    let off: Vec<_> = SWITCHES
        .into_iter()
        .filter(|name| env.optional(name, switch) == Some(false))
        .collect();
    let name = off.first()?;
    Some(format!("{name} is {}, so nothing is sent", env.text(name)?))
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("must be true or false (or 1, 0, yes, no, on, off)"),
    }
}

/// The folder that is named, else one of the user's state (XDG base directory specification, version 0.8).
fn queue(arguments: &Arguments, env: &mut Env) -> Option<PathBuf> {
    if let Some(named) = &arguments.queue {
        let path = std::path::absolute(named);
        return path.map_err(|error| env.refuse("--queue", error)).ok();
    }
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let of = |name: &str| env.text(name).map(PathBuf::from).and_then(absolute);
    let state = of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")));
    if state.is_none() {
        env.refuse("HOME", "is not set: set it, or XDG_STATE_HOME, or give --queue");
    }
    Some(state?.join("casefile").join("queue"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jiff::Timestamp;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, String> {
        let arguments = ["x", "a.pdf", "--collection", "bols"].iter().chain(arguments);
        let Only { arguments } = Only::try_parse_from(arguments).unwrap();
        let home = [("HOME", "/home/ana")];
        let env = Env::of(home.iter().chain(variables).copied());
        Settings::read(&arguments, env, || Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    const API: (&str, &str) = ("CASEFILE_API_URL", "https://files.example.com");
    const BUCKET: (&str, &str) = ("S3_BUCKET_NAME", "artifacts");
    const S3: [(&str, &str); 4] = [
        BUCKET,
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret-2"),
    ];

    #[test]
    fn the_api_goes_before_s3_unless_s3_is_asked_for() {
        let token = ("CASEFILE_TOKEN", "secret-1");
        let all: Vec<_> = S3.into_iter().chain([API, token]).collect();
        let to = |arguments: &[&str], variables: &[_]| settings(arguments, variables).unwrap().to.shown();
        assert_eq!(to(&[], &all), API.1);
        assert_eq!(to(&["--direct"], &all), "s3://artifacts");
        for variables in [&S3[..], &all] {
            assert_eq!(to(&["--bucket", "others"], variables), "s3://others");
        }
        for option in ["--api", "--token-file"] {
            let given = [
                "x",
                "a.pdf",
                "--collection",
                "bols",
                "--bucket",
                "others",
                option,
                "y",
            ];
            assert!(Only::try_parse_from(given).is_err(), "{option}");
        }
        let error = settings(&["--token-file", "/t"], &S3).unwrap_err();
        assert!(error.contains("--token-file is for the API"), "{error}");
        let shown = format!("{:?}", settings(&[], &all).unwrap());
        assert!(!shown.contains("secret-"), "{shown}");
    }

    #[test]
    fn what_waits_for_one_caller_or_tenant_is_for_no_other() {
        let api = |caller: Option<&str>| Destination::Api {
            url: API.1.to_owned(),
            caller: caller.map(|caller| Sha256::of(caller.as_bytes())),
        };
        assert!(api(Some("ana")).takes(&api(Some("ana"))) && api(None).takes(&api(Some("ana"))));
        assert!(!api(Some("ana")).takes(&api(Some("ben"))) && !api(Some("ana")).takes(&api(None)));
        let s3 = |more: &[_]| settings(&[], &[&S3[..], more].concat()).unwrap().to;
        assert!(s3(&[]).takes(&s3(&[])));
        for more in [
            ("DEFAULT_TENANT", "other"),
            ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"),
        ] {
            assert!(!s3(&[]).takes(&s3(&[more])), "{more:?}");
        }
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let error = settings(&[], &[]).unwrap_err();
        assert!(
            error.contains("CASEFILE_API_URL and S3_BUCKET_NAME are both not set"),
            "{error}"
        );
        let error = settings(&[], &[API]).unwrap_err();
        assert!(error.contains("CASEFILE_TOKEN is not set"), "{error}");
        let error = settings(&["--owner", "c-17"], &[BUCKET, ("USE_S3", "perhaps")]).unwrap_err();
        for name in [
            "--owner",
            "USE_S3 must be true or false",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        let error = settings(&[], &[API, ("HOME", "")]).unwrap_err();
        assert!(error.contains("HOME is not set"), "{error}");
    }

    #[test]
    fn one_switch_that_is_off_keeps_everything_from_being_sent_and_needs_no_credentials() {
        for (variables, expected) in [
            (vec![BUCKET, ("USE_S3", "false")], "USE_S3 is false"),
            (
                vec![BUCKET, ("CLOUD_UPLOAD_ENABLED", "No")],
                "CLOUD_UPLOAD_ENABLED is No",
            ),
            (
                vec![API, ("USE_S3", "true"), ("CLOUD_UPLOAD_ENABLED", "0")],
                "CLOUD_UPLOAD_ENABLED is 0",
            ),
        ] {
            match settings(&[], &variables).unwrap().service {
                Service::Off(why) => assert!(why.contains(expected), "{why}"),
                service => panic!("{service:?}"),
            }
        }
    }

    #[test]
    fn files_wait_where_the_person_says_or_among_the_users_state() {
        let off = [API, ("USE_S3", "off")];
        let queue = |arguments: &[&str], more: &[(&'static str, &'static str)]| {
            let variables: Vec<_> = off.iter().chain(more).copied().collect();
            settings(arguments, &variables).unwrap().queue
        };
        assert_eq!(queue(&["--queue", "/q"], &[]), PathBuf::from("/q"));
        assert_eq!(
            queue(&[], &[("XDG_STATE_HOME", "/s")]),
            PathBuf::from("/s/casefile/queue")
        );
        let expected = PathBuf::from("/home/ana/.local/state/casefile/queue");
        assert_eq!(queue(&[], &[("XDG_STATE_HOME", "relative")]), expected);
    }
}
