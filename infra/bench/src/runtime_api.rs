use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http;

/// A Runtime API for one process, with the instants of everything that happens.
#[derive(Debug, Clone)]
pub(crate) struct RuntimeApi {
    shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    waiting: VecDeque<Vec<u8>>,
    /// When the process asked for work.
    pub(crate) polled: Vec<Instant>,
    /// When each event was given.
    pub(crate) given: Vec<Instant>,
    /// When each answer had arrived, and what it was.
    pub(crate) answered: Vec<(Instant, Vec<u8>)>,
    /// What the process reported instead of an answer.
    pub(crate) failed: Option<String>,
}

impl RuntimeApi {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let api = Self {
            shared: Arc::default(),
            address: listener.local_addr()?,
        };
        let shared = Arc::clone(&api.shared);
        // The thread waits in `accept` until the bench ends; nothing connects any more once the process is gone.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Ok(api)
    }

    /// Lays an event out for the process.
    pub(crate) fn give(&self, event: Vec<u8>) {
        self.shared.log().waiting.push_back(event);
        self.shared.changed.notify_all();
    }

    /// Waits until so many answers have arrived, or the process has failed, or the time is over.
    pub(crate) fn wait_for(&self, answers: usize, limit: Duration) -> MutexGuard<'_, Log> {
        let pending = |log: &mut Log| log.answered.len() < answers && log.failed.is_none();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.log(), limit, pending);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection until the process closes it.
    fn serve(&self, stream: TcpStream) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let mut stream = BufReader::new(stream);
        while let Ok(Some(request)) = http::read(&mut stream) {
            if self.answer(request, stream.get_mut()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: http::Request, stream: &mut TcpStream) -> io::Result<()> {
        let finished = Instant::now();
        if request.target.ends_with("/invocation/next") {
            return self.next(request.arrived, stream);
        }
        http::write(stream, 202, &[], b"")?;
        let mut log = self.log();
        if request.target.ends_with("/response") {
            log.answered.push((finished, request.body));
        } else {
            log.failed = Some(String::from_utf8_lossy(&request.body).into_owned());
        }
        self.changed.notify_all();
        Ok(())
    }

    fn next(&self, polled: Instant, stream: &mut TcpStream) -> io::Result<()> {
        self.log().polled.push(polled);
        let waited = self.changed.wait_while(self.log(), |log| log.waiting.is_empty());
        let mut log = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(event) = log.waiting.pop_front() else {
            return Ok(());
        };
        let id = format!("00000000-0000-4000-8000-{:012}", log.given.len());
        log.given.push(Instant::now());
        drop(log);
        let headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", &id),
            // In the year 2100: no call is late here.
            ("lambda-runtime-deadline-ms", "4102444800000"),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:000000000000:function:bench",
            ),
            (
                "lambda-runtime-trace-id",
                "Root=1-5e6722a7-cc56a0000000000000000000;Parent=53995c3f42cd8ad8;Sampled=0",
            ),
        ];
        http::write(stream, 200, &headers, &event)
    }
}
