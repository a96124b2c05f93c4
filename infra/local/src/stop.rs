//! The one way in which a person, or whoever stands in for one, stops this program.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Resolves once the process is told to stop: Ctrl-C (INT), TERM, or HUP, when the terminal is gone. Clones share it.
///
/// From its making on, none of these ends the process by itself.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens to the signals.
    ///
    /// # Errors
    /// When the system doesn't let it.
    pub fn on_signals() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (told, stop) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            told.send_replace(true);
            // Until the process ends, for those who ask later.
            told.closed().await;
        });
        Ok(Self(stop))
    }

    /// Waits until the process is told to stop; returns at once when it has been.
    pub async fn told(&self) {
        // An error says that the listener is gone, and the runtime with it.
        let _ = self.0.clone().wait_for(|told| *told).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_signal_stops_all_who_ask_now_and_later() {
        let stop = Stop::on_signals().unwrap();
        let clone = stop.clone();
        assert!(timeout(Duration::from_millis(20), stop.told()).await.is_err());
        kill_process(getpid(), Signal::HUP).unwrap();
        for stop in [&stop, &clone, &stop] {
            timeout(Duration::from_secs(5), stop.told()).await.unwrap();
        }
    }
}
