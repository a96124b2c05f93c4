use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http::{self, Request};

/// As much of S3 as an export needs, behind TLS. It keeps objects in memory and answers at once, or after a delay.
#[derive(Debug, Clone)]
pub(crate) struct S3 {
    shared: Arc<Shared>,
    pub(crate) endpoint: String,
}

#[derive(Debug)]
struct Shared {
    tls: Arc<ServerConfig>,
    delay: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    puts: Vec<Put>,
}

/// One PUT, from its first line to the end of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) key: String,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
}

impl S3 {
    /// Serves on a free port; each request is answered `delay` after it was read.
    pub(crate) fn start(tls: Arc<ServerConfig>, delay: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let endpoint = format!("https://localhost:{}", listener.local_addr()?.port());
        let shared = Arc::new(Shared {
            tls,
            delay,
            state: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Ok(Self { shared, endpoint })
    }

    /// The PUTs since the last time; the objects are forgotten with them.
    pub(crate) fn take_puts(&self) -> Vec<Put> {
        std::mem::take(&mut *self.shared.state()).puts
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection until the client closes it.
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

    fn answer(&self, request: Request, stream: &mut impl Write) -> io::Result<()> {
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        let key = key(&request.target).to_owned();
        if request.method != "PUT" {
            return self.get(&request, &key, stream);
        }
        let started = request.arrived;
        let stored = self.put(&key, request.header("if-none-match").is_some(), request.body);
        if stored {
            http::write(stream, 200, &[("etag", "\"0\""), ("x-amz-version-id", "1")], b"")?;
        } else {
            refuse(stream, 412, "PreconditionFailed")?;
        }
        self.state().puts.push(Put {
            key,
            started,
            ended: Instant::now(),
        });
        Ok(())
    }

    /// Whether the object could be stored.
    fn put(&self, key: &str, create_only: bool, body: Vec<u8>) -> bool {
        let mut state = self.state();
        if create_only && state.objects.contains_key(key) {
            return false;
        }
        state.objects.insert(key.to_owned(), body);
        true
    }

    fn get(&self, request: &Request, key: &str, stream: &mut impl Write) -> io::Result<()> {
        let object = self.state().objects.get(key).cloned();
        match (request.method.as_str(), object) {
            ("GET", Some(body)) => http::write(
                stream,
                200,
                &[("etag", "\"0\""), ("x-amz-version-id", "1")],
                &body,
            ),
            ("GET", None) => refuse(stream, 404, "NoSuchKey"),
            _ => refuse(stream, 501, "NotImplemented"),
        }
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
    use super::key;

    #[test]
    fn a_key_is_what_follows_the_bucket() {
        assert_eq!(key("/bucket/tara/x/y.json?x-id=PutObject"), "tara/x/y.json");
        assert_eq!(key("/bucket"), "");
    }
}
