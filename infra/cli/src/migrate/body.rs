//! A large file as a body: it is read while it is sent, piece by piece, as fast as may be.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use super::rate::Limiter;

const PIECE: u64 = 16 * 1024;

/// A file that is sent, perhaps again and again.
#[derive(Debug, Clone)]
pub(super) struct Outflow {
    pub(super) at: PathBuf,
    pub(super) size: u64,
    pub(super) limiter: Arc<Limiter>,
    pub(super) bar: ProgressBar,
    /// Bytes of the try that is under way.
    sent: Arc<AtomicU64>,
}

impl Outflow {
    pub(super) fn new(at: PathBuf, size: u64, limiter: Arc<Limiter>, bar: ProgressBar) -> Self {
        let sent = Arc::default();
        Self {
            at,
            size,
            limiter,
            bar,
            sent,
        }
    }

    /// A try, which begins when its first piece is asked for: the SDK opens bodies that it never reads.
    pub(super) fn open(&self) -> SdkBody {
        SdkBody::from_body_1_x(Pieces {
            from: self.clone(),
            receiver: None,
            left: self.size,
        })
    }

    fn begin(&self) -> mpsc::Receiver<io::Result<Bytes>> {
        self.reset();
        let (pieces, receiver) = mpsc::channel(1);
        tokio::spawn(self.clone().read(pieces));
        receiver
    }

    /// What a try has sent doesn't count any more.
    pub(super) fn reset(&self) {
        self.bar.dec(self.sent.swap(0, Ordering::Relaxed));
    }

    /// Until nobody takes the pieces any more.
    async fn read(self, pieces: mpsc::Sender<io::Result<Bytes>>) {
        let mut file = File::open(&self.at);
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let piece = file.as_mut().map_err(|error| io::Error::from(error.kind()));
                let piece = piece.and_then(next);
                (file, piece)
            });
            let Ok((rest, piece)) = read.await else {
                return;
            };
            file = rest;
            let length = match &piece {
                Ok(piece) if piece.is_empty() => return,
                Ok(piece) => piece.len() as u64,
                Err(_) => 0,
            };
            self.limiter.pass(length).await;
            let is_broken = piece.is_err();
            if pieces.send(piece).await.is_err() || is_broken {
                return;
            }
            self.sent.fetch_add(length, Ordering::Relaxed);
            self.bar.inc(length);
        }
    }
}

/// The next piece, which is empty at the end.
fn next(file: &mut File) -> io::Result<Bytes> {
    let mut piece = Vec::new();
    file.take(PIECE).read_to_end(&mut piece)?;
    Ok(Bytes::from(piece))
}

/// The pieces of a file, of which there must be just so many bytes.
struct Pieces {
    from: Outflow,
    /// Once it has begun.
    receiver: Option<mpsc::Receiver<io::Result<Bytes>>>,
    left: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { from, receiver, left } = self.get_mut();
        if *left == 0 {
            return Poll::Ready(None);
        }
        let receiver = receiver.get_or_insert_with(|| from.begin());
        receiver.poll_recv(context).map(|piece| {
            let piece = piece.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
            Some(piece.map(|mut piece| {
                // What was added since is not sent: the digest tells.
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
                Frame::data(piece)
            }))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn sent(size: u64, content: &[u8]) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("x");
        fs::write(&at, content).unwrap();
        let outflow = Outflow::new(at, size, Arc::new(Limiter::new(None)), ProgressBar::hidden());
        let body = aws_sdk_s3::primitives::ByteStream::new(outflow.open());
        let sent = body.collect().await.map_err(|error| error.to_string())?;
        Ok(sent.to_vec())
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_and_never_cut_short_unnoticed() {
        let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(sent(200_000, &content).await.unwrap(), content);
        assert_eq!(sent(150_000, &content).await.unwrap(), content[..150_000]);
        assert!(sent(200_001, &content).await.is_err());
    }
}
