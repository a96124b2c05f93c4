//! Whose turn it is among the reviews of one session.

use std::collections::HashMap;

use futures::channel::oneshot;
use serde::Deserialize;

/// Who goes last so far, by session id.
#[derive(Default)]
pub(super) struct Turns(HashMap<String, oneshot::Receiver<()>>);

/// A place in a session's queue. It is given up when it is dropped.
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: Option<oneshot::Sender<()>>,
}

/// What a request says of its session. Reading the rest is the export's.
#[derive(Deserialize)]
struct Glance {
    session: Named,
}

#[derive(Deserialize)]
struct Named {
    session_id: String,
}

impl Turns {
    /// The next place in the queue of a request's session. What names no session has none to wait for.
    pub(super) fn take(&mut self, request: &str) -> Turn {
        let Ok(Glance { session }) = serde_json::from_str(request) else {
            return Turn {
                before: None,
                _done: None,
            };
        };
        let (done, next) = oneshot::channel();
        Turn {
            before: self.0.insert(session.session_id, next),
            _done: Some(done),
        }
    }
}

impl Turn {
    /// Does something when those before it have ended, however they did.
    pub(super) async fn then<T>(mut self, action: impl Future<Output = T>) -> T {
        if let Some(before) = self.before.take() {
            // Its other end is dropped, never used.
            let _ = before.await;
        }
        action.await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::future::{pending, ready};

    use super::*;

    #[test]
    fn only_those_of_one_session_wait_for_each_other() {
        let request =
            |id: &str| format!(r#"{{"documents": {{}}, "session": {{"x": [1], "session_id": "{id}"}}}}"#);
        let mut turns = Turns::default();
        let mut first = Box::pin(turns.take(&request("a")).then(pending::<()>()));
        let mut second = Box::pin(turns.take(&request("a")).then(ready(2)));
        let third = turns.take(&request("a")).then(ready(3));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!((&mut second).now_or_never(), None);
        assert_eq!(turns.take(&request("b")).then(ready(4)).now_or_never(), Some(4));
        assert_eq!(turns.take("{").then(ready(5)).now_or_never(), Some(5));
        drop(first);
        assert_eq!(second.now_or_never(), Some(2));
        assert_eq!(third.now_or_never(), Some(3));
    }
}
