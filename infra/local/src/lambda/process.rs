use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::{mpsc, watch};

/// A child process in a process group of its own, so that Ctrl-C in the terminal does not reach it.
///
/// Clones share the process. When the last one is gone, it is killed.
#[derive(Debug, Clone)]
pub(super) struct Process {
    signals: mpsc::UnboundedSender<Signal>,
    exit: watch::Receiver<Option<Exit>>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exit(Option<ExitStatus>);

impl Process {
    /// Starts it, and returns what it prints to.
    pub(super) fn spawn(
        command: &mut Command,
    ) -> io::Result<(Self, Option<ChildStdout>, Option<ChildStderr>)> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Should the runtime be dropped, and the supervisor with it, the child still goes.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (signals, requested) = mpsc::unbounded_channel();
        let (report, exit) = watch::channel(None);
        tokio::spawn(async move {
            let exit = Exit(supervise(child, requested).await.ok());
            report.send_replace(Some(exit));
        });
        Ok((Self { signals, exit }, stdout, stderr))
    }

    /// Asks it to end: SIGTERM to its group.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it: SIGKILL to its group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until it has ended.
    pub(super) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        let seen = exit.wait_for(Option::is_some).await;
        // An error says that the supervisor is gone, and with it the child.
        seen.ok().and_then(|exit| *exit).unwrap_or(Exit(None))
    }

    pub(super) fn is_running(&self) -> bool {
        self.exit.borrow().is_none() && !self.signals.is_closed()
    }

    fn signal(&self, signal: Signal) {
        if self.signals.send(signal).is_err() {
            tracing::trace!("the process has ended already");
        }
    }
}

/// Owns the child until it has ended. Only here is it reaped, so its id cannot name another process meanwhile.
async fn supervise(
    mut child: Child,
    mut requested: mpsc::UnboundedReceiver<Signal>,
) -> io::Result<ExitStatus> {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    loop {
        tokio::select! {
            status = child.wait() => return status,
            signal = requested.recv() => {
                signal_group(group, signal.unwrap_or(Signal::KILL));
                if signal.is_none() {
                    return child.wait().await;
                }
            }
        }
    }
}

fn signal_group(group: Option<Pid>, signal: Signal) {
    let Some(group) = group else { return };
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(%error, "the process group is gone");
    }
}

impl Exit {
    /// In Lambda's words, such as `exit status 1` or `signal: killed`. Nothing for an exit without an error.
    pub(super) fn reason(self) -> Option<String> {
        let Some(status) = self.0 else {
            return Some("unknown".to_owned());
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => None,
            (Some(code), _) => Some(format!("exit status {code}")),
            (None, Some(signal)) => Some(format!("signal: {}", signal_name(signal))),
            (None, None) => Some(status.to_string()),
        }
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    async fn reason(script: &str) -> Option<String> {
        let (process, ..) = Process::spawn(&mut shell(script)).unwrap();
        process.exited().await.reason()
    }

    #[tokio::test]
    async fn an_exit_is_described_as_lambda_does() {
        assert_eq!(reason("exit 0").await, None);
        assert_eq!(reason("exit 3").await.as_deref(), Some("exit status 3"));
        assert_eq!(
            reason("kill -SEGV $$").await.as_deref(),
            Some("signal: segmentation fault")
        );
    }

    #[tokio::test]
    async fn killing_takes_the_whole_group() {
        let (process, stdout, _) = Process::spawn(&mut shell("sleep 600 & wait")).unwrap();
        process.kill();
        assert_eq!(process.exited().await.reason().as_deref(), Some("signal: killed"));
        // The pipe ends when nobody holds it any more, the sleep included.
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stdout.unwrap(), &mut rest)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_process_that_nobody_holds_is_killed() {
        let (process, stdout, _) = Process::spawn(&mut shell("sleep 600")).unwrap();
        drop(process);
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stdout.unwrap(), &mut rest)
            .await
            .unwrap();
    }

    /// Ctrl-C in a terminal reaches the group in front, which is this process's.
    #[tokio::test]
    async fn a_child_leads_a_group_of_its_own() {
        let (_process, stdout, _) = Process::spawn(&mut shell("cat /proc/$$/stat")).unwrap();
        let mut stat = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stdout.unwrap(), &mut stat)
            .await
            .unwrap();
        let fields: Vec<&str> = stat.split(' ').collect();
        assert_eq!(fields[0], fields[4], "process id and group");
    }
}
