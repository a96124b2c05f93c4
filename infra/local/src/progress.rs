//! Saying what is under way: a moving line in a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The steps of a longer job, on standard error.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Says nothing, but for what is shown on standard output.
    pub fn silent() -> Self {
        Self {
            bar: Some(ProgressBar::hidden()),
        }
    }

    /// Moves when standard error is a terminal.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar }
    }

    /// The next step has begun.
    pub fn step(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => say(what),
        }
    }

    /// How the step stands: on the moving line alone.
    pub fn status(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// The next step has begun, and what follows belongs to it: its name stays, apart from what was before.
    pub fn heading(&self, what: &str) {
        self.note("");
        self.note(what);
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// A line that stays.
    pub fn note(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.println(what),
            None => say(what),
        }
    }

    /// Text on standard output, with the moving line out of its way.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn show(&self, text: &str) -> std::io::Result<()> {
        let write = || std::io::stdout().write_all(text.as_bytes());
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Nothing is under way any more.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// A line on standard error; that nobody reads it is no failure.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
