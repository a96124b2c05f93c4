//! The plug: while it is out, nobody reaches this S3.

use tokio::sync::watch;

/// How it is when nobody reaches S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplugged {
    /// Connections end at once without an answer, as where nothing listens or a firewall rejects.
    Refuses,
    /// Connections are taken and nothing comes back, as behind a broken route or a firewall that drops.
    Hangs,
}

/// Whether the server is reached. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Plug(watch::Sender<Option<Unplugged>>);

impl Plug {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn set(&self, unplugged: Option<Unplugged>) {
        self.0.send_replace(unplugged);
    }

    /// Runs a connection for as long as it is plugged in. A connection that was unplugged isn't taken up again: one that
    /// hangs does so until the plug has changed, and ends then.
    pub(crate) async fn run(&self, connection: impl Future<Output = ()>) {
        let mut plug = self.0.subscribe();
        let mut connection = Box::pin(connection);
        tokio::select! {
            biased;
            unplugged = pulled(&mut plug) => if unplugged == Unplugged::Hangs {
                // Kept open, with all that was under way in it.
                let _ = plug.wait_for(|plug| *plug != Some(Unplugged::Hangs)).await;
            },
            () = &mut connection => {}
        }
    }
}

/// Returns once the plug is out. Whoever asks holds it, so it is never gone.
async fn pulled(plug: &mut watch::Receiver<Option<Unplugged>>) -> Unplugged {
    match plug.wait_for(Option::is_some).await.map(|plug| *plug) {
        Ok(Some(unplugged)) => unplugged,
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test]
    async fn a_connection_runs_to_its_end_while_plugged_in() {
        Plug::new().run(ready(())).await;
    }

    #[tokio::test]
    async fn a_refused_connection_never_begins() {
        let plug = Plug::new();
        plug.set(Some(Unplugged::Refuses));
        plug.run(async { panic!("it began") }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_connection_ends_once_the_plug_has_changed() {
        let plug = Plug::new();
        let begun = Instant::now();
        let pull = async {
            sleep(Duration::from_secs(1)).await;
            plug.set(Some(Unplugged::Hangs));
            sleep(Duration::from_secs(1)).await;
            plug.set(None);
        };
        tokio::join!(plug.run(pending()), pull);
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }
}
