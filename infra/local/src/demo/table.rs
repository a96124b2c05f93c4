//! Tables for a terminal.

use std::fmt::Write as _;

use casefile_cli::tree::printable;
use jiff::Timestamp;

const GAP: &str = "  ";

/// Draws rows as a table, one line each, in their order. What is wider than its column may be is cut.
pub(super) fn render<const N: usize>(head: [&str; N], widest: [usize; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<_> = rows.iter().map(|row| fit(row, widest)).collect();
    let mut widths = [0; N];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    line(&mut out, &head, &widths);
    line(&mut out, &widths.map(|width| "─".repeat(width)), &widths);
    for row in &rows {
        line(&mut out, row, &widths);
    }
    out
}

/// A time of a day that is known.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%H:%M:%S%.3f").to_string()
}

fn line<const N: usize>(out: &mut String, row: &[String; N], widths: &[usize; N]) {
    let cells = row.iter().zip(widths);
    let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
    let _ = writeln!(out, "{}", cells.join(GAP).trim_end());
}

/// A row that moves no cursor and keeps to its columns.
fn fit<const N: usize>(row: &[String; N], widest: [usize; N]) -> [String; N] {
    let mut cells = row.iter();
    widest.map(|width| cut(&printable(cells.next().map_or("", String::as_str)), width))
}

/// A text of at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_no_wider_than_they_may_be() {
        let rows = [["a", "much too long"], ["\u{1b}[2J", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let expected = "\
one   two
────  ──────
a     much …
\u{fffd}[2J
";
        assert_eq!(render(["one", "two"], [8, 6], &rows), expected);
    }
}
