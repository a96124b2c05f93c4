use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::function::own_cpu;
use crate::http::{self, Request};

/// Longer than a killed process's connections stay open.
const CLOSING: Duration = Duration::from_secs(5);

/// As much of S3 as the functions need, behind TLS. It keeps objects in memory and answers at once, or after a delay.
#[derive(Debug, Clone)]
pub(crate) struct S3 {
    shared: Arc<Shared>,
    pub(crate) endpoint: String,
}

/// An object with the headers that it was stored with and is described by.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How often the body is sent, one after another: so that nobody needs to hold a large one.
    pub(crate) times: usize,
}

#[derive(Debug)]
struct Shared {
    tls: Arc<ServerConfig>,
    delay: Duration,
    /// What is there from the beginning, and stays.
    standing: BTreeMap<String, Object>,
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    exchanges: Vec<Exchange>,
    /// Open connections.
    open: usize,
    /// CPU time of those that are closed.
    cpu: Duration,
}

/// One request, from its first line until its answer is sent off.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) key: String,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
}

impl S3 {
    /// Serves on a free port; each request is answered `delay` after it was read.
    pub(crate) fn start(
        tls: Arc<ServerConfig>,
        delay: Duration,
        standing: impl IntoIterator<Item = (String, Object)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let endpoint = format!("https://localhost:{}", listener.local_addr()?.port());
        let shared = Arc::new(Shared {
            tls,
            delay,
            standing: standing.into_iter().collect(),
            state: Mutex::default(),
            closed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                accepting.state().open += 1;
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    shared.serve(stream);
                    shared.close();
                });
            }
        });
        Ok(Self { shared, endpoint })
    }

    /// The requests since the last time; what was stored is forgotten with them.
    pub(crate) fn take_exchanges(&self) -> Vec<Exchange> {
        let mut state = self.shared.state();
        state.objects.clear();
        std::mem::take(&mut state.exchanges)
    }

    /// Waits until all connections are closed, and gives the CPU time that was spent on them since the last time.
    pub(crate) fn take_cpu(&self) -> Duration {
        let Shared { closed, .. } = &*self.shared;
        let waited = closed.wait_timeout_while(self.shared.state(), CLOSING, |state| state.open > 0);
        std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).0.cpu)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection, in a thread of its own, until the client closes it.
    fn serve(&self, stream: TcpStream) {
        let Ok(connection) = ServerConnection::new(Arc::clone(&self.tls)) else {
            return;
        };
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        while let Ok(Some(request)) = http::read(&mut stream) {
            if self.answer(request, stream.get_mut()).is_err() {
                return;
            }
        }
    }

    fn close(&self) {
        let cpu = own_cpu();
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        state.cpu += cpu;
        self.closed.notify_all();
    }

    fn answer(&self, request: Request, stream: &mut impl Write) -> io::Result<()> {
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        let key = key(&request.target).to_owned();
        let mut state = self.state();
        // Before the answer is on its way: what the client does next comes after it.
        state.exchanges.push(Exchange {
            method: request.method.clone(),
            key: key.clone(),
            started: request.arrived,
            ended: Instant::now(),
        });
        if request.method == "PUT" {
            let is_stored = state.put(key, request);
            drop(state);
            return if is_stored {
                http::write(stream, 200, &[("etag", "\"0\""), ("x-amz-version-id", "1")], b"")
            } else {
                refuse(stream, 412, "PreconditionFailed")
            };
        }
        let object = state
            .objects
            .get(&key)
            .or_else(|| self.standing.get(&key))
            .cloned();
        drop(state);
        match (request.method.as_str(), object) {
            ("GET", Some(object)) => object.write(stream),
            ("HEAD", Some(object)) => http::write_head(stream, 200, &object.described(), object.length()),
            ("GET", None) => refuse(stream, 404, "NoSuchKey"),
            ("HEAD", None) => http::write_head(stream, 404, &[], 0),
            _ => refuse(stream, 501, "NotImplemented"),
        }
    }
}

impl State {
    /// Whether the object could be stored.
    fn put(&mut self, key: String, request: Request) -> bool {
        if request.header("if-none-match").is_some() && self.objects.contains_key(&key) {
            return false;
        }
        let is_kept = |name: &str| {
            ["content-type", "x-amz-checksum-sha256"].contains(&name) || name.starts_with("x-amz-meta-")
        };
        let headers = request.headers().iter().filter(|(name, _)| is_kept(name));
        let object = Object {
            headers: headers.cloned().collect(),
            body: request.body,
            times: 1,
        };
        self.objects.insert(key, object);
        true
    }
}

impl Object {
    fn length(&self) -> usize {
        self.body.len() * self.times
    }

    /// Answers a GET: a small object in one write.
    fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        if self.times == 1 {
            return http::write(stream, 200, &self.described(), &self.body);
        }
        http::write_head(stream, 200, &self.described(), self.length())?;
        (0..self.times).try_for_each(|_| stream.write_all(&self.body))?;
        stream.flush()
    }

    /// What S3 says of it in headers.
    fn described(&self) -> Vec<(&str, &str)> {
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let given = [
            (
                "x-amz-id-2",
                "Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==",
            ),
            ("x-amz-request-id", "656C76696E6727732072657175657374"),
            ("date", "Fri, 14 Nov 2025 14:25:30 GMT"),
            ("last-modified", "Fri, 14 Nov 2025 14:25:10 GMT"),
            ("etag", "\"0\""),
            ("accept-ranges", "bytes"),
            ("server", "AmazonS3"),
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-version-id", "1"),
        ];
        given.into_iter().chain(own).collect()
    }
}

/// The key in a path-style target, `/bucket/key?query`.
fn key(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    path.splitn(3, '/').nth(2).unwrap_or_default()
}

fn refuse(stream: &mut impl Write, status: u16, code: &str) -> io::Result<()> {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    http::write(
        stream,
        status,
        &[("content-type", "application/xml")],
        body.as_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Object, key};

    #[test]
    fn a_key_is_what_follows_the_bucket() {
        assert_eq!(key("/bucket/tara/x/y.json?x-id=PutObject"), "tara/x/y.json");
        assert_eq!(key("/bucket"), "");
    }

    #[test]
    fn a_body_is_sent_as_often_as_the_object_is_long() {
        let mut answer = Vec::new();
        let object = Object {
            headers: Vec::new(),
            body: b"ab".to_vec(),
            times: 3,
        };
        object.write(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("content-length: 6\r\n") && answer.ends_with("\r\n\r\nababab"));
    }
}
