//! A bar on standard error, where that is a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// How far all files are.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    files: usize,
    of: usize,
}

impl Progress {
    /// Begins with so many files and bytes to come.
    pub(super) fn begin(of: usize, bytes: u64) -> Self {
        let template =
            "{msg} files {wide_bar} {bytes} of {total_bytes} {binary_bytes_per_sec:>14}, {eta} to go";
        let mut bar = ProgressBar::new(bytes);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar = bar.with_style(style);
        }
        let progress = Self { bar, files: 0, of };
        progress.tell();
        progress
    }

    /// That of bytes.
    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// One more file is done with.
    pub(super) fn advance(&mut self) {
        self.files += 1;
        self.tell();
    }

    fn tell(&self) {
        self.bar.set_message(format!("{} of {}", self.files, self.of));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
