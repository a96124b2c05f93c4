//! The server: starts, says where it is, stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use s3s::auth::SecretKey;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::config::S3Config;
use super::connection::accept;
use super::events::ObjectEvent;
use super::faults::Faults;
use super::gate::{Admission, Gate, Keeper, Key};
use super::ops::Operations;
use super::plug::{Plug, Unplugged};
use super::requests::Requests;
use super::store::Store;
use super::tls;

/// How long writes that are being committed may take once the server has stopped.
const COMMITS: Duration = Duration::from_secs(10);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the root open.
    #[error("{0} is in use by another process")]
    InUse(std::path::PathBuf),
    /// A configured bucket's name is none ("General purpose bucket naming rules").
    #[error("{0:?} is not a bucket name")]
    BucketName(String),
    /// What is stored can't be read or written.
    #[error("the storage could not be opened")]
    Storage(#[source] io::Error),
    /// The certificate or its key is not usable.
    #[error("the TLS identity is not usable")]
    Tls(#[source] io::Error),
    /// The address is taken, or isn't this machine's.
    #[error("could not listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}

/// An S3 on an address of this machine. Dropping it ends it at once, as a crash would; nothing is lost either
/// way but answers.
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    scheme: &'static str,
    store: Arc<Store>,
    faults: Faults,
    requests: Requests,
    plug: Plug,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl S3Server {
    /// Opens the storage, makes the buckets that are missing, and listens.
    ///
    /// # Errors
    /// [`StartError`] says which of the steps failed.
    pub async fn start(config: S3Config) -> Result<Self, StartError> {
        if let Some(name) = config
            .buckets
            .iter()
            .chain(&config.unversioned_buckets)
            .find(|name| !s3s::path::check_bucket_name(name))
        {
            return Err(StartError::BucketName(name.clone()));
        }
        let acceptor = config
            .tls
            .as_ref()
            .map(tls::acceptor)
            .transpose()
            .map_err(StartError::Tls)?;
        let listening = |error| StartError::Listen(config.listen, error);
        let listener = TcpListener::bind(config.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let store = Arc::new(open(&config).await?);
        let (faults, requests) = (Faults::default(), Requests::default());
        let service = service(&config, Arc::clone(&store), faults.clone());
        let (log, ids) = (
            requests.clone(),
            Arc::new(AtomicU64::new(store.shared.next_seq())),
        );
        let gate = move |peer: SocketAddr| Gate {
            service: service.clone(),
            requests: log.clone(),
            ids: Arc::clone(&ids),
            peer: peer.ip(),
        };
        let (stop, stopped) = watch::channel(false);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let plug = Plug::new();
        let accepting = tokio::spawn(accept(listener, acceptor, gate, plug.clone(), stopped));
        Ok(Self {
            address,
            scheme,
            store,
            faults,
            requests,
            plug,
            stop,
            accepting,
        })
    }

    /// For `AWS_ENDPOINT_URL_S3`, with path-style addresses: `http://127.0.0.1:{port}`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every event from now on, in the order of the writes. Each subscriber gets all of them.
    ///
    /// An event is sent when its write has committed and before it is answered; a crash in between loses it.
    pub fn events(&self) -> UnboundedReceiver<ObjectEvent> {
        self.store.shared.events.subscribe()
    }

    /// Calls `listener` with every event from now on, after its write has committed and before it is answered: once a
    /// write is answered, its event has been taken. The listener must neither wait nor ask this S3 anything.
    pub(crate) fn on_event(&self, listener: impl Fn(&ObjectEvent) + Send + Sync + 'static) {
        self.store.shared.events.listen(listener);
    }

    /// Failures on demand.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// From now on nobody reaches it, by connections that there are or by new ones; requests that are under way have taken
    /// effect or have not. What is stored stays. It listens on, so that its port stays its own.
    pub fn unplug(&self, how: Unplugged) {
        self.plug.set(Some(how));
    }

    /// From now on it is reached again, by new connections: those that hung end, and what was sent into them is lost.
    pub fn plug_in(&self) {
        self.plug.set(None);
    }

    /// The log of requests, off until it is switched on.
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Stops listening, gives requests that are under way a second, waits for writes that are being committed, and lets
    /// go of the storage.
    pub async fn stop(mut self) {
        // Fails when nobody listens any more, and then there is nothing to stop.
        let _ = self.stop.send(true);
        let _ = (&mut self.accepting).await;
        let in_use = Arc::downgrade(&self.store.shared);
        drop(self);
        let commits = async {
            while in_use.strong_count() > 0 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        if timeout(COMMITS, commits).await.is_err() {
            tracing::warn!("a write is still being committed");
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn open(config: &S3Config) -> Result<Store, StartError> {
    let opened = config.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&opened)).await;
    opened
        .map_err(io::Error::from)
        .flatten()
        .map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => StartError::InUse(config.root.clone()),
            _ => StartError::Storage(error),
        })
}

fn service(config: &S3Config, store: Arc<Store>, faults: Faults) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Operations::new(store));
    let keys = keys(config);
    builder.set_auth(Keeper {
        keys: Arc::clone(&keys),
    });
    builder.set_access(Admission { keys, faults });
    builder.build()
}

fn keys(config: &S3Config) -> Arc<[Key]> {
    let own = Key {
        id: config.access_key.clone(),
        secret: SecretKey::from(config.secret_key.as_str()),
        session_token: None,
    };
    let sessions = config.sessions.iter().map(|session| Key {
        id: session.access_key.clone(),
        secret: SecretKey::from(session.secret_key.as_str()),
        session_token: Some(session.session_token.clone()),
    });
    std::iter::once(own).chain(sessions).collect()
}
