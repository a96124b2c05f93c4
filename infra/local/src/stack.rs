//! The stack: S3, functions and gateway, wired as `template.yaml` says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempPath;
use tokio::task::JoinSet;

use crate::bedrock::Bedrock;
use crate::build::{BuildError, build};
use crate::chaos::Chaos;
use crate::deliveries::Deliveries;
use crate::gateway::{Gateway, GatewayConfig, RouteError};
use crate::lambda::{self, Lambda, Listener, LogSink, SpecError};
use crate::s3::{S3Server, StartError};
use crate::service::Outage;
use crate::sns::Notification;
use crate::sqs::Queue;
use crate::template::{LoadError, Settings, Template};

mod collections;
mod environment;
mod fallback;
mod services;
mod settled;
mod wiring;

pub use collections::CollectionsError;
use environment::public_url;
use services::Services;
pub use settled::Unsettled;
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
    /// How S3's events are disturbed on their way; without it, each comes once and at once.
    pub chaos: Option<Chaos>,
    /// After how long a message comes back that a function has failed at. In AWS that takes as long as the queue's
    /// visibility timeout.
    pub redelivery: Duration,
    /// A file like `infra/collections.toml` that the functions go by instead of that one.
    pub collections: Option<PathBuf>,
    /// Whether functions that can ask a model find one: the stand-in for Bedrock. Without it they summarise nothing,
    /// unless the template names a model.
    pub summaries: bool,
    /// How often every schedule comes, instead of as often as the template says.
    pub schedules: Option<Duration>,
    /// Where functions that have a `FALLBACK_DIR` keep what can't reach S3; the folder is made. Without it that variable is
    /// empty, and they keep nothing.
    pub fallback: Option<PathBuf>,
}

impl StackConfig {
    /// A stack of the workspace's template on free loopback ports, without chaos and summaries. What failed comes back
    /// after a second, schedules come as the template says, and what can't reach S3 is kept beside the buckets.
    pub fn new(workspace: PathBuf, data: PathBuf, log: LogSink, clock: fn() -> Timestamp) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            workspace,
            fallback: Some(data.join(fallback::FOLDER)),
            data,
            gateway: any,
            s3: any,
            log,
            clock,
            chaos: None,
            redelivery: Duration::from_secs(1),
            collections: None,
            summaries: false,
            schedules: None,
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
    /// The file of collections.
    #[error("{}", .path.display())]
    Collections {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: CollectionsError,
    },
    /// The folder for what can't reach S3.
    #[error("{}: the folder for what can't reach S3 can't be made", .path.display())]
    Fallback {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// S3.
    #[error("S3 doesn't start; another port may be given with --s3-port, another folder with --data")]
    S3(#[from] StartError),
    /// The functions.
    #[error(transparent)]
    Functions(#[from] SpecError),
    /// The routes.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// The address of the gateway, the emulator, or a stand-in.
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
    services: Services,
    summaries: bool,
    fallback: Option<PathBuf>,
    /// What the functions read; removed when dropped.
    _collections: Option<TempPath>,
    /// What calls functions with messages, and by the clock. Ends when dropped.
    event_sources: JoinSet<()>,
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
        let collections = config
            .collections
            .as_deref()
            .map(collections::prepare)
            .transpose()?;
        let fallback = fallback::prepare(config, &template)?;
        let s3 = wiring::start_s3(config, &template).await?;
        let listen = |address| move |source| StackError::Listen { address, source };
        // Bound before there are functions: they are told where it is.
        let door = Listener::bind(config.gateway).await;
        let door = door.map_err(listen(config.gateway))?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let services = Services::start(&template, config.clock).await;
        let services = services.map_err(listen(any))?;
        let surroundings = Surroundings {
            endpoints: wiring::endpoints(&s3, &services),
            public_url: public_url(door.address()),
            queue_urls: services.queue_urls(&template),
            summaries: config.summaries,
            collections: collections.as_deref().map(Path::to_path_buf),
            fallback: fallback.clone(),
        };
        let specs = wiring::specs(&template, programs, &surroundings)?;
        let lambda = Lambda::new(wiring::lambda_config(config), specs)?;
        deliver(config, &template, &lambda, &services, &s3);
        let mut event_sources = JoinSet::new();
        for source in wiring::event_sources(config, &template, &services.queues, &lambda) {
            event_sources.spawn(source.run());
        }
        for schedule in wiring::schedules(config, &template, &lambda) {
            event_sources.spawn(schedule.run());
        }
        let invoke_api = lambda.serve_invoke_api(any).await.map_err(listen(any))?;
        let gateway = GatewayConfig::new(config.clock);
        let gateway = Gateway::new(gateway, template.routes().cloned(), lambda.clone())?;
        Ok(Self {
            s3,
            lambda,
            gateway: gateway.serve_at(door),
            invoke_api,
            template,
            services,
            summaries: config.summaries,
            fallback,
            _collections: collections,
            event_sources,
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

    /// Where the functions keep what can't reach S3: an absolute path. Nothing when no function has a `FALLBACK_DIR`, or the
    /// stack was started without.
    pub fn fallback_dir(&self) -> Option<&Path> {
        self.fallback.as_deref()
    }

    /// The deployed name of the function that is the program `binary`.
    pub fn function(&self, binary: &str) -> Option<&str> {
        let mut functions = self.template.functions.iter();
        functions
            .find(|function| function.binary == binary)
            .map(|function| function.name.as_str())
    }

    /// The queue of this logical id, such as `DeadLetterQueue`.
    pub fn queue(&self, logical_id: &str) -> Option<&Arc<Queue>> {
        let mut declared = self.template.queues.iter();
        let queue = declared.find(|queue| queue.logical_id == logical_id)?;
        self.services.queues.get(&queue.name)
    }

    /// What was published to the template's topics, oldest first.
    pub fn notifications(&self) -> Vec<Notification> {
        self.services.topics.published()
    }

    /// The stand-in for Bedrock: what it was asked, and what it is to answer. The functions know of it with
    /// [`StackConfig::summaries`], or when the template names a model.
    pub fn bedrock(&self) -> &Bedrock {
        &self.services.bedrock
    }

    /// Failures of SQS on demand, for whoever talks to it: what functions are called with isn't affected.
    pub fn sqs_outage(&self) -> &Outage {
        &self.services.queue_outage
    }

    /// Failures of SNS on demand.
    pub fn sns_outage(&self) -> &Outage {
        &self.services.topic_outage
    }

    /// What calls a function once it is deployed, and not on this machine: [`Template::undelivered`].
    pub fn undelivered(&self) -> Vec<String> {
        self.template.undelivered()
    }

    /// Stops everything and leaves no process behind. What S3 holds stays.
    pub async fn stop(self) {
        let mut event_sources = self.event_sources;
        self.gateway.shutdown().await;
        self.invoke_api.shutdown().await;
        // Before the functions: nobody is called any more, and what was in flight fails with its process.
        event_sources.shutdown().await;
        self.lambda.shutdown().await;
        self.services.stop().await;
        self.s3.stop().await;
    }
}

/// Lets S3's events go where the template says.
fn deliver(config: &StackConfig, template: &Template, lambda: &Lambda, services: &Services, s3: &S3Server) {
    let deliveries = Deliveries::new(template, lambda.clone(), &services.queues, config.chaos);
    // As at a deployment. Otherwise nothing comes by itself, and no function is started for nothing.
    if config.chaos.is_some() {
        deliveries.announce((config.clock)());
    }
    s3.on_event(move |event| deliveries.take(event));
}

/// Reads the workspace's template.
///
/// # Errors
/// When it can't be read, with the place.
pub fn load_template(workspace: &Path) -> Result<Template, LoadError> {
    let settings = Settings {
        region: REGION.to_owned(),
        parameters: fallback::parameters().into(),
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
