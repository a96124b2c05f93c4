use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long requests may go on once the server is told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// An address of this machine alone, bound: it is nobody else's, and who asks there waits until a server is started.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When it cannot be bound, or is not of this machine alone: nothing here checks who calls.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let message = format!("{address} is not a loopback address");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A running HTTP server. Dropping it stops it; [`Server::shutdown`] also waits for the requests under way.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Serves `router`.
    pub fn start(listener: Listener, router: Router) -> Self {
        let Listener { socket, address } = listener;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(socket, service).with_graceful_shutdown(async {
            // An error says that the sender was dropped, which stops the server too.
            stopped.await.unwrap_or_default();
        });
        let task = tokio::spawn(server.into_future());
        Self { address, stop, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits up to a second for the requests under way.
    pub async fn shutdown(self) {
        let Self { stop, mut task, .. } = self;
        drop(stop);
        if timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
    }
}
