//! What happens to a request, and how that ends it.

use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::mpsc;

use super::pause::hold;
use super::{Held, Target, Throttle};

/// On which side of the operation's effect a fault lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The operation does not happen (unless the fault lets it go on, as a delay does).
    Before,
    /// The operation has happened, and only its answer is at stake.
    After,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// S3's answer with this status and code: 503 `SlowDown`, 409 `ConditionalRequestConflict`, …
    Error {
        /// The HTTP status.
        status: StatusCode,
        /// The code in the XML body.
        code: String,
    },
    /// It takes this much longer.
    Delay(Duration),
    /// 503 `SlowDown` once too many have come within a second. Made by [`Fault::throttle`].
    Throttle(Throttle),
    /// The connection ends without an answer.
    Cut,
    /// Half of a body, and then the connection ends. Before the effect it is the request's: S3 reads half of what is
    /// sent. After it is the answer's: its head comes whole, with the full `Content-Length`. Where there is no body, the
    /// connection ends at once, as by [`Fault::Cut`].
    HalfBody,
    /// It waits until a test lets it go on. Made by [`Faults::pause`](super::Faults::pause).
    Pause(mpsc::UnboundedSender<Held>),
}

impl Fault {
    /// An S3 error. A status outside 100 to 999 becomes 500.
    pub fn error(status: u16, code: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::Error {
            status,
            code: code.to_owned(),
        }
    }

    /// What S3 answers when it has too much to do: 503 `SlowDown` (S3 user guide, "Troubleshooting", "HTTP 5xx status
    /// codes").
    pub fn slow_down() -> Self {
        Self::error(503, "SlowDown")
    }

    /// Lets `per_second` requests pass in any second, and answers each of the others as [`Fault::slow_down`]. Those don't
    /// count. Clones of the fault count together.
    pub fn throttle(per_second: usize) -> Self {
        Self::Throttle(Throttle::new(per_second))
    }
}

/// How a request ends, when a fault ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Error { status: StatusCode, code: String },
    Cut,
    HalfBody,
}

impl Ending {
    fn slow_down() -> Self {
        Self::Error {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "SlowDown".to_owned(),
        }
    }
}

/// Lives through the faults in their order, up to the first that ends the request.
pub(crate) async fn undergo(faults: &[Fault], target: &Target) -> Option<Ending> {
    for fault in faults {
        match fault {
            Fault::Error { status, code } => {
                return Some(Ending::Error {
                    status: *status,
                    code: code.clone(),
                });
            }
            Fault::Throttle(throttle) if throttle.takes() => {}
            Fault::Throttle(_) => return Some(Ending::slow_down()),
            Fault::Cut => return Some(Ending::Cut),
            Fault::HalfBody => return Some(Ending::HalfBody),
            Fault::Delay(time) => tokio::time::sleep(*time).await,
            Fault::Pause(arrivals) => hold(arrivals, target).await,
        }
    }
    None
}
