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
use crate::lambda::{self, Credentials, FunctionSpec, Lambda, LambdaConfig, LogFormat, LogSink, SpecError};
use crate::s3::{S3Config, S3Server, SessionCredentials, StartError};
use crate::template::{Function, LoadError, Settings, Template};

/// Processes of one function at once: the sample's twins, and twice as many again.
const MAX_CONCURRENCY: usize = 64;
/// The embedded S3's key and secret, for people and their tools. They open nothing but this machine's own copy.
pub const ACCESS_KEY: &str = "casefile";
/// See [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "casefile-local-secret";
/// The functions' key, which goes with a session token, as a role's in Lambda.
const FUNCTION_ACCESS_KEY: &str = "casefile-functions";
const FUNCTION_SECRET_KEY: &str = "casefile-functions-local-secret";
const FUNCTION_SESSION_TOKEN: &str = "casefile-functions-local-session-token";
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
        let s3 = start_s3(config, &template).await?;
        let events = s3.events();
        let endpoint = s3.endpoint();
        let specs = template.functions.iter().map(|function| {
            let program = programs
                .get(&function.binary)
                .ok_or_else(|| BuildError::Missing(function.binary.clone()))?;
            Ok::<_, StackError>(spec(function, program, &endpoint))
        });
        let specs: Vec<_> = specs.collect::<Result<_, _>>()?;
        let lambda = Lambda::new(lambda_config(config), specs)?;
        let mut deliveries = JoinSet::new();
        deliveries.spawn(deliver(events, triggers(&template), lambda.clone()));
        let listen = |address| move |source| StackError::Listen { address, source };
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let invoke_api = lambda.serve_invoke_api(any).await.map_err(listen(any))?;
        let gateway = Gateway::new(
            GatewayConfig::new(config.clock),
            template.routes().cloned(),
            lambda.clone(),
        )?;
        let gateway = gateway
            .serve(config.gateway)
            .await
            .map_err(listen(config.gateway))?;
        Ok(Self {
            s3,
            lambda,
            gateway,
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

    /// The bucket that exports go to.
    pub fn artifacts_bucket(&self) -> Option<&str> {
        let exports = self.template.functions.iter();
        exports
            .filter_map(|function| function.environment.get("S3_BUCKET_NAME"))
            .map(String::as_str)
            .next()
    }

    /// The bucket that exports go to, reached as any client of S3 would, and what comes before a session's folder.
    ///
    /// # Errors
    /// When the template names no bucket, or no base path that is one.
    pub fn artifacts(&self) -> Result<(Bucket, BasePath), ConfigError> {
        let exports = self
            .template
            .functions
            .iter()
            .find(|function| function.environment.contains_key("S3_BUCKET_NAME"));
        let mut variables = exports
            .map(|function| function.environment.clone())
            .unwrap_or_default();
        variables.extend(
            self.s3_environment()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        let mut env = Env::of(variables);
        let name = env.required("S3_BUCKET_NAME", bucket_name);
        let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let settings = env.s3();
        let (name, settings) = env.finish(name.zip(settings))?;
        Ok((Bucket::new(settings.client(), name), base))
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

async fn start_s3(config: &StackConfig, template: &Template) -> Result<S3Server, StartError> {
    let mut s3 = S3Config::new(&config.data, config.clock);
    for bucket in &template.buckets {
        let wanted = if bucket.versioned {
            &mut s3.buckets
        } else {
            &mut s3.unversioned_buckets
        };
        wanted.push(bucket.name.clone());
    }
    ACCESS_KEY.clone_into(&mut s3.access_key);
    SECRET_KEY.clone_into(&mut s3.secret_key);
    s3.sessions = vec![SessionCredentials {
        access_key: FUNCTION_ACCESS_KEY.to_owned(),
        secret_key: FUNCTION_SECRET_KEY.to_owned(),
        session_token: FUNCTION_SESSION_TOKEN.to_owned(),
    }];
    REGION.clone_into(&mut s3.region);
    s3.listen = config.s3;
    S3Server::start(s3).await
}

fn lambda_config(config: &StackConfig) -> LambdaConfig {
    let mut lambda = LambdaConfig::new(config.clock, config.log.clone());
    REGION.clone_into(&mut lambda.region);
    lambda.credentials = Credentials {
        access_key_id: FUNCTION_ACCESS_KEY.to_owned(),
        secret_access_key: FUNCTION_SECRET_KEY.to_owned(),
        session_token: Some(FUNCTION_SESSION_TOKEN.to_owned()),
    };
    lambda
}

fn spec(function: &Function, program: &Path, s3_endpoint: &str) -> FunctionSpec {
    let mut spec = FunctionSpec::new(&function.name, program);
    spec.memory_mb = function.memory_mb;
    spec.timeout = function.timeout;
    spec.environment = function.environment.clone();
    spec.environment
        .insert("AWS_ENDPOINT_URL_S3".to_owned(), s3_endpoint.to_owned());
    spec.max_concurrency = function
        .reserved_concurrency
        .map_or(MAX_CONCURRENCY, |limit| (limit as usize).min(MAX_CONCURRENCY));
    spec.log_format = if function.json_logs {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    spec.log_level.clone_from(&function.log_level);
    spec
}

#[cfg(test)]
mod tests;
