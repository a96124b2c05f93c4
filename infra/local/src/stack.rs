//! The stack: S3, functions and gateway, wired as `template.yaml` says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use casefile::bucket::Bucket;
use casefile::config::{ConfigError, Env, bucket_name};
use casefile::key::BasePath;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::build::{BuildError, build};
use crate::deliveries::{deliver, triggers};
use crate::gateway::{Gateway, GatewayConfig, RouteError};
use crate::lambda::{self, Lambda, Listener, LogSink, SpecError};
use crate::s3::{S3Server, StartError};
use crate::template::{LoadError, Settings, Template};

mod wiring;

use wiring::Surroundings;

/// The embedded S3's key and secret, for people and their tools. They open nothing but this machine's own copy.
pub const ACCESS_KEY: &str = "casefile";
/// See [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "casefile-local-secret";
/// The region that the stack says it is in.
pub const REGION: &str = "us-east-1";

/// What a stack needs to know.
#[derive(Clone)]
pub struct StackConfig {
    /// The workspace, with `template.yaml`.
    pub workspace: PathBuf,
    /// Where S3 keeps its objects.
    pub data: PathBuf,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Where S3 listens.
    pub s3: SocketAddr,
    /// Where the functions' output goes.
    pub log: LogSink,
    /// The time.
    pub clock: fn() -> Timestamp,
}

impl StackConfig {
    /// A stack of the workspace's template on free loopback ports.
    pub fn new(workspace: PathBuf, data: PathBuf, log: LogSink, clock: fn() -> Timestamp) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            workspace,
            data,
            gateway: any,
            s3: any,
            log,
            clock,
        }
    }
}

/// Why a stack doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The template.
    #[error(transparent)]
    Template(#[from] LoadError),
    /// The functions' programs.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// S3.
    #[error("S3 doesn't start; another port may be given with --s3-port, another folder with --data")]
    S3(#[from] StartError),
    /// The functions.
    #[error(transparent)]
    Functions(#[from] SpecError),
    /// The routes.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// The gateway's or the emulator's address.
    #[error("can't listen on {address}; another port may be given with --port")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// A running stack. Stop it with [`Stack::stop`]; dropping it ends everything at once.
pub struct Stack {
    /// The embedded S3.
    pub s3: S3Server,
    /// The functions.
    pub lambda: Lambda,
    gateway: lambda::Server,
    invoke_api: lambda::Server,
    template: Template,
    /// S3's events on their way. Ends when dropped.
    _deliveries: JoinSet<()>,
}

impl Stack {
    /// Builds the functions and starts everything.
    ///
    /// # Errors
    /// What doesn't start, and why. Nothing is left running then.
    pub async fn start(config: &StackConfig) -> Result<Self, StackError> {
        let template = load_template(&config.workspace)?;
        let programs = build(&config.workspace, &binaries(&template)).await?;
        Self::start_built(config, template, &programs).await
    }

    /// Starts everything with programs that are there already.
    ///
    /// # Errors
    /// What doesn't start, and why.
    pub async fn start_built(
        config: &StackConfig,
        template: Template,
        programs: &BTreeMap<String, PathBuf>,
    ) -> Result<Self, StackError> {
        let s3 = wiring::start_s3(config, &template).await?;
        let listen = |address| move |source| StackError::Listen { address, source };
        // Bound before there are functions: they are told where it is.
        let door = Listener::bind(config.gateway).await;
        let door = door.map_err(listen(config.gateway))?;
        let surroundings = Surroundings {
            s3_endpoint: s3.endpoint(),
            public_url: public_url(door.address()),
        };
        let specs = wiring::specs(&template, programs, &surroundings)?;
        let lambda = Lambda::new(wiring::lambda_config(config), specs)?;
        let mut deliveries = JoinSet::new();
        deliveries.spawn(deliver(s3.events(), triggers(&template), lambda.clone()));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let invoke_api = lambda.serve_invoke_api(any).await.map_err(listen(any))?;
        let gateway = GatewayConfig::new(config.clock);
        let gateway = Gateway::new(gateway, template.routes().cloned(), lambda.clone())?;
        Ok(Self {
            s3,
            lambda,
            gateway: gateway.serve_at(door),
            invoke_api,
            template,
            _deliveries: deliveries,
        })
    }

    /// Where the HTTP API answers.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Where Lambda's Invoke API answers.
    pub fn invoke_api(&self) -> SocketAddr {
        self.invoke_api.address()
    }

    /// The deployed name of the function that is the program `binary`.
    pub fn function(&self, binary: &str) -> Option<&str> {
        let mut functions = self.template.functions.iter();
        functions
            .find(|function| function.binary == binary)
            .map(|function| function.name.as_str())
    }

    /// What calls a function once it is deployed, and not on this machine: [`Template::undelivered`].
    pub fn undelivered(&self) -> Vec<String> {
        self.template.undelivered()
    }

    /// The HTTP API's base URL, without a slash at its end: what the functions find in `PUBLIC_URL` unless the template
    /// says another.
    pub fn public_url(&self) -> String {
        public_url(self.gateway())
    }

    /// The bucket that exports go to.
    pub fn artifacts_bucket(&self) -> Option<&str> {
        self.setting("S3_BUCKET_NAME")
    }

    /// The bucket that audit records go to.
    pub fn audit_bucket(&self) -> Option<&str> {
        self.setting("AUDIT_BUCKET_NAME")
    }

    /// The bucket that exports go to, reached as any client of S3 would, and what comes before a session's folder.
    ///
    /// # Errors
    /// When the template names no bucket, or no base path that is one.
    pub fn artifacts(&self) -> Result<(Bucket, BasePath), ConfigError> {
        let mut env = self.settings();
        let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        Ok((open_bucket(env, "S3_BUCKET_NAME")?, base))
    }

    /// The bucket that audit records go to, reached as any client of S3 would.
    ///
    /// # Errors
    /// When the template names none.
    pub fn audit(&self) -> Result<Bucket, ConfigError> {
        open_bucket(self.settings(), "AUDIT_BUCKET_NAME")
    }

    /// What the functions are told, and a person's own tools need to be: the buckets, and the base URL.
    pub fn own_environment(&self) -> Vec<(String, String)> {
        let functions = self.template.functions.iter();
        let all = functions.flat_map(|function| &function.environment);
        let buckets = all.filter(|(name, _)| name.ends_with("_BUCKET_NAME"));
        let buckets: BTreeMap<_, _> = buckets.collect();
        let buckets = buckets
            .into_iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        let public_url = ("PUBLIC_URL".to_owned(), self.public_url());
        buckets.chain([public_url]).collect()
    }

    /// The value of a variable in the first function that has it: in all functions one name means one thing.
    fn setting(&self, name: &str) -> Option<&str> {
        let mut functions = self.template.functions.iter();
        functions.find_map(|function| function.environment.get(name).map(String::as_str))
    }

    /// Every variable of the functions, with what reaches S3.
    fn settings(&self) -> Env {
        let names = self.template.functions.iter();
        let names = names.flat_map(|function| function.environment.keys());
        let own = names.filter_map(|name| Some((name.clone(), self.setting(name)?.to_owned())));
        let s3 = self.s3_environment();
        Env::of(own.chain(s3.map(|(name, value)| (name.to_owned(), value))))
    }

    /// The environment in which AWS's tools reach the embedded S3.
    pub fn s3_environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL_S3", self.s3.endpoint()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }

    /// Stops everything and leaves no process behind. What S3 holds stays.
    pub async fn stop(self) {
        self.gateway.shutdown().await;
        self.invoke_api.shutdown().await;
        self.lambda.shutdown().await;
        self.s3.stop().await;
    }
}

fn public_url(gateway: SocketAddr) -> String {
    format!("http://{gateway}")
}

/// The bucket that a variable names.
fn open_bucket(mut env: Env, variable: &str) -> Result<Bucket, ConfigError> {
    let name = env.required(variable, bucket_name);
    let settings = env.s3();
    let (name, settings) = env.finish(name.zip(settings))?;
    Ok(Bucket::new(settings.client(), name))
}

/// Reads the workspace's template.
///
/// # Errors
/// When it can't be read, with the place.
pub fn load_template(workspace: &Path) -> Result<Template, LoadError> {
    let settings = Settings {
        region: REGION.to_owned(),
        ..Settings::default()
    };
    Template::load(&workspace.join("template.yaml"), &settings)
}

/// The programs that the template's functions are.
pub fn binaries(template: &Template) -> BTreeSet<String> {
    template
        .functions
        .iter()
        .map(|function| function.binary.clone())
        .collect()
}

#[cfg(test)]
mod tests;
