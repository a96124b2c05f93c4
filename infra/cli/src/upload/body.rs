//! A file as a body: it is read while it is sent, and counted.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, Length, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::ProgressBar;

use super::job::Job;

/// A file that is sent, perhaps again and again.
#[derive(Debug, Clone)]
pub(super) struct Load {
    path: PathBuf,
    size: u64,
    bar: ProgressBar,
    /// Bytes of the try that is under way.
    sent: Arc<AtomicU64>,
}

impl Load {
    /// Adds it to what the bar counts.
    pub(super) fn new(job: &Job, bar: ProgressBar) -> Self {
        bar.inc_length(job.size);
        Self {
            path: job.path.clone(),
            size: job.size,
            bar,
            sent: Arc::default(),
        }
    }

    /// The body, from its beginning. What was added to the file since is not sent, and of one that was cut short the body
    /// breaks off.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) async fn open(&self) -> io::Result<SdkBody> {
        self.reset();
        let file = ByteStream::read_from()
            .path(&self.path)
            .length(Length::Exact(self.size));
        let file = file.build().await.map_err(io::Error::other)?;
        Ok(SdkBody::from_body_1_x(Counted {
            file: file.into_inner(),
            bar: self.bar.clone(),
            sent: Arc::clone(&self.sent),
        }))
    }

    /// It is done with, however it was sent.
    pub(super) fn done(&self) {
        self.reset();
        self.bar.inc(self.size);
    }

    fn reset(&self) {
        self.bar.dec(self.sent.swap(0, Ordering::Relaxed));
    }
}

struct Counted {
    file: SdkBody,
    bar: ProgressBar,
    sent: Arc<AtomicU64>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.file).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.sent.fetch_add(length, Ordering::Relaxed);
            self.bar.inc(length);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.file.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::super::job::Wish;
    use super::*;

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_again_and_again_and_never_cut_short_unnoticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        fs::write(&path, &content).unwrap();
        let wish = Wish {
            collection: "clinical".to_owned(),
            metadata: BTreeMap::new(),
            owner: None,
            replaces: None,
        };
        let job = Job::read(path.clone(), wish).await.unwrap();
        let load = Load::new(&job, ProgressBar::hidden());
        for _ in 0..2 {
            let sent = ByteStream::new(load.open().await.unwrap())
                .collect()
                .await
                .unwrap();
            assert_eq!((sent.to_vec() == content, load.bar.position()), (true, 200_000));
        }
        let body = load.open().await.unwrap();
        assert_eq!(Body::size_hint(&body).exact(), Some(200_000));
        load.done();
        assert_eq!(load.bar.position(), 200_000);
        fs::write(&path, &content[..199_999]).unwrap();
        let sent = match load.open().await {
            Ok(body) => ByteStream::new(body)
                .collect()
                .await
                .map(|sent| sent.to_vec().len())
                .ok(),
            Err(_) => None,
        };
        assert_ne!(sent, Some(200_000));
    }
}
