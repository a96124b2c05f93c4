//! Bodies that break off in the middle.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use s3s::Body;

/// hyper drops what it holds of a body that fails: so long the half has to get out.
const SENDING: Duration = Duration::from_millis(50);

/// Why a body ends where it does.
#[derive(Debug, thiserror::Error)]
#[error("broken off in the middle by an injected fault")]
struct BrokenOff;

/// How much of a request's body is read, and how much may be.
#[derive(Debug)]
pub(crate) struct Intake {
    length: Option<u64>,
    limit: AtomicU64,
    read: AtomicU64,
}

impl Intake {
    pub(crate) fn of(body: &Incoming) -> Arc<Self> {
        Arc::new(Self {
            length: body.size_hint().exact(),
            limit: AtomicU64::new(u64::MAX),
            read: AtomicU64::new(0),
        })
    }

    /// Lets the body break off in its middle; one of unknown length before its first byte. Says whether there is a middle
    /// that hasn't been read yet.
    pub(crate) fn halve(&self) -> bool {
        let half = self.length.unwrap_or(0) / 2;
        self.limit.store(half, Ordering::Relaxed);
        self.length != Some(0) && self.read.load(Ordering::Relaxed) <= half
    }

    /// What of `bytes` is still read.
    fn take(&self, mut bytes: Bytes) -> Bytes {
        let room = self.room();
        bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        bytes
    }

    fn room(&self) -> u64 {
        let limit = self.limit.load(Ordering::Relaxed);
        limit.saturating_sub(self.read.load(Ordering::Relaxed))
    }
}

/// A request's body as it is taken in.
pub(crate) struct Taken {
    pub(crate) body: Incoming,
    pub(crate) intake: Arc<Intake>,
}

impl hyper::body::Body for Taken {
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, s3s::StdError>>> {
        if self.intake.room() == 0 {
            return Poll::Ready(Some(Err(BrokenOff.into())));
        }
        let intake = Arc::clone(&self.intake);
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map(|frame| {
            Some(
                frame?
                    .map(|frame| frame.map_data(|bytes| intake.take(bytes)))
                    .map_err(Into::into),
            )
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.intake.limit.load(Ordering::Relaxed) == u64::MAX
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer whose body breaks off in its middle; nothing for one without a body, or of unknown length.
pub(crate) fn halved(answer: Response<Body>) -> Option<Response<Body>> {
    let length = length(&answer).filter(|length| *length > 0)?;
    let (mut head, body) = answer.into_parts();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Some(Response::from_parts(head, first_half(body, length / 2)))
}

/// A stream doesn't know its length, but its head does; an answer to `HEAD` knows one that it doesn't have.
fn length(answer: &Response<Body>) -> Option<u64> {
    let told = || answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    answer.body().size_hint().exact().or_else(told)
}

fn first_half(body: Body, half: u64) -> Body {
    let sent = stream::unfold((body, half), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        let mut data = body.frame().await?.ok()?.into_data().ok()?;
        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - data.len() as u64;
        Some((Ok(Frame::data(data)), (body, left)))
    });
    let end = stream::once(async {
        tokio::time::sleep(SENDING).await;
        Err(BrokenOff)
    });
    Body::http_body_unsync(StreamBody::new(sent.chain(end)))
}
