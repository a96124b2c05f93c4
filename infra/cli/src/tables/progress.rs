//! Bars on standard error, where that is a terminal; nothing elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::name::Wanted;

/// The downloads that are under way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// Another one. It goes when it is dropped.
    pub(super) fn begin(&self, wanted: &Wanted, size: u64) -> Bar {
        let template = "{msg:<32} {wide_bar} {bytes:>12} of {total_bytes} {binary_bytes_per_sec:>14}";
        let mut bar = ProgressBar::new(size);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar = bar.with_style(style);
        }
        let bar = self.bars.add(bar.with_message(wanted.table.to_string()));
        Bar(bar)
    }
}

/// One download's.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
