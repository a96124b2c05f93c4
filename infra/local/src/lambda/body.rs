use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use thiserror::Error;

/// The largest payload of a synchronous call, in bytes. Source: the Invoke API's own error message.
pub const SYNC_REQUEST_LIMIT: usize = 6_291_456;

/// The largest answer of a function, in bytes. Source: the Runtime API's own error message.
pub const RESPONSE_LIMIT: usize = 6_291_556;

/// The largest payload of an asynchronous call, in bytes. Source: "Lambda quotas".
pub(super) const ASYNC_REQUEST_LIMIT: usize = 1_048_576;

/// How much of a body beyond its limit is read, and thrown away, so that the sender gets to the answer.
const DRAINED: usize = 64 * 1024 * 1024;

/// Why a body could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TooLarge {
    /// It has more bytes than allowed.
    #[error("the body is larger than {limit} bytes")]
    Limit {
        /// The largest body that is accepted.
        limit: usize,
    },
    /// The connection broke before its end.
    #[error("the body ended early")]
    Broken,
}

/// Reads a body of at most `limit` bytes.
///
/// Memory is bounded by `limit`. A larger body is read on for up to 64 MiB and thrown away: most clients send
/// all of a request before they look at the answer.
///
/// # Errors
/// [`TooLarge::Limit`] when there is more, [`TooLarge::Broken`] when the sender went away.
pub async fn read_limited(mut body: Body, limit: usize) -> Result<Bytes, TooLarge> {
    let mut kept = BytesMut::new();
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| TooLarge::Broken)?.into_data() else {
            continue;
        };
        total = total.saturating_add(data.len());
        if total > limit.saturating_add(DRAINED) {
            break;
        }
        if total <= limit {
            kept.extend_from_slice(&data);
        }
    }
    if total > limit {
        Err(TooLarge::Limit { limit })
    } else {
        Ok(kept.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_may_be_as_long_as_its_limit_and_no_longer() {
        let exact = read_limited(Body::from("12345"), 5).await;
        assert_eq!(exact, Ok(Bytes::from_static(b"12345")));
        let longer = read_limited(Body::from("123456"), 5).await;
        assert_eq!(longer, Err(TooLarge::Limit { limit: 5 }));
    }
}
