//! Whose turn it is among the reviews of one session.

use std::collections::HashMap;

use casefile::problem::{Problem, ProblemKind};
use futures::channel::oneshot;
use serde::Deserialize;

use crate::review::problems::unavailable;

/// Who goes last so far, by session id.
#[derive(Default)]
pub(super) struct Turns(HashMap<String, oneshot::Receiver<()>>);

/// A place in a session's queue. It is handed on when what was asked for is settled; when it is dropped, it is over for
/// all that follow.
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    done: Option<oneshot::Sender<()>>,
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
                done: None,
            };
        };
        let (done, next) = oneshot::channel();
        Turn {
            before: self.0.insert(session.session_id, next),
            done: Some(done),
        }
    }
}

impl Turn {
    /// Does something when all before it are settled.
    ///
    /// # Errors
    /// `unavailable` when one of them isn't: it may become what the session holds, once the batch is repeated. Otherwise
    /// those of the action.
    pub(super) async fn then<T>(
        self,
        action: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        if let Some(before) = self.before {
            let is_waiting = |_| unavailable("an earlier review of this session isn't exported yet");
            before.await.map_err(is_waiting)?;
        }
        let outcome = action.await;
        if let Some(done) = self.done.filter(|_| is_settled(&outcome)) {
            // Nobody may be waiting.
            let _ = done.send(());
        }
        outcome
    }
}

/// Whether a repeat has the same outcome.
pub(super) fn is_settled<T>(outcome: &Result<T, Problem>) -> bool {
    !matches!(outcome, Err(problem) if is_ours(problem.kind))
}

/// Whether it is no fault of the request.
pub(super) fn is_ours(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::Internal | ProblemKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::future::ready;

    use super::*;

    #[test]
    fn only_those_of_one_session_wait_for_each_other() {
        let request =
            |id: &str| format!(r#"{{"documents": {{}}, "session": {{"x": [1], "session_id": "{id}"}}}}"#);
        let mut turns = Turns::default();
        let (go, first) = oneshot::channel();
        let mut first = Box::pin(turns.take(&request("a")).then(first.map(Result::unwrap)));
        let mut second = Box::pin(turns.take(&request("a")).then(ready(Ok(2))));
        let third = turns.take(&request("a")).then(ready(Ok(3)));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!((&mut second).now_or_never(), None);
        let other = turns.take(&request("b")).then(ready(Ok(4)));
        assert_eq!(other.now_or_never(), Some(Ok(4)));
        assert_eq!(turns.take("{").then(ready(Ok(5))).now_or_never(), Some(Ok(5)));
        go.send(Err(Problem::new(ProblemKind::Conflict, ""))).unwrap();
        assert_eq!(
            first.now_or_never().unwrap().map(|()| 1).unwrap_err().kind,
            ProblemKind::Conflict
        );
        assert_eq!(second.now_or_never(), Some(Ok(2)));
        assert_eq!(third.now_or_never(), Some(Ok(3)));
    }

    #[test]
    fn nobody_overtakes_what_failed() {
        for kind in [ProblemKind::Internal, ProblemKind::Unavailable] {
            let mut turns = Turns::default();
            let mut turn = || turns.take(r#"{"session": {"session_id": "a"}}"#);
            let (first, second, third) = (turn(), turn(), turn());
            let failing = first.then(ready(Err::<(), _>(Problem::new(kind, ""))));
            assert_eq!(failing.now_or_never().unwrap().unwrap_err().kind, kind);
            for turn in [second, third] {
                let problem = turn.then(ready(Ok(()))).now_or_never().unwrap().unwrap_err();
                assert_eq!(problem.kind, ProblemKind::Unavailable);
                assert!(problem.detail.contains("isn't exported yet"), "{problem}");
            }
        }
    }
}
