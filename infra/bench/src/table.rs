use std::fmt;
use std::time::Duration;

/// A figure, beside what is allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    limit: String,
    is_exceeded: bool,
}

/// A line of the table: what is measured, and of whom.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) what: &'static str,
    pub(crate) cells: [Cell; 4],
}

impl Cell {
    /// Nothing is measured here.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// A figure without a limit.
    pub(crate) fn of<T: Figure>(figure: T) -> Self {
        Self {
            text: figure.shown(),
            ..Self::default()
        }
    }

    /// A figure that may be as large as its limit.
    pub(crate) fn at_most<T: Figure>(figure: T, limit: T) -> Self {
        let is_exceeded = figure > limit;
        Self {
            text: figure.shown(),
            limit: format!("{} {}", if is_exceeded { ">" } else { "≤" }, limit.shown()),
            is_exceeded,
        }
    }

    /// A figure that must be smaller than its limit.
    pub(crate) fn below<T: Figure>(figure: T, limit: T) -> Self {
        let is_exceeded = figure >= limit;
        Self {
            text: figure.shown(),
            limit: format!("{} {}", if is_exceeded { "≥" } else { "<" }, limit.shown()),
            is_exceeded,
        }
    }
}

impl Line {
    /// The line with another cell in a column.
    pub(crate) fn with(mut self, column: usize, cell: Cell) -> Self {
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
        self
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.cells.iter().any(|cell| cell.is_exceeded)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26}", self.what)?;
        for Cell { text, limit, .. } in &self.cells {
            write!(f, " {text:>10} {limit:<11}")?;
        }
        f.write_str(if self.is_exceeded() { "EXCEEDED" } else { "" })
    }
}

/// What stands in a table.
pub(crate) trait Figure: Copy + PartialOrd {
    /// With its unit.
    fn shown(self) -> String;
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Bytes(pub(crate) u64);

/// How many times something.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Times(pub(crate) f64);

impl Figure for Bytes {
    fn shown(self) -> String {
        format!("{}.{:02} MB", self.0 / 1_000_000, self.0 % 1_000_000 / 10_000)
    }
}

impl Figure for Times {
    fn shown(self) -> String {
        format!("{:.2} x", self.0)
    }
}

impl Figure for Duration {
    fn shown(self) -> String {
        format!("{:.2} ms", self.as_secs_f64() * 1000.0)
    }
}

impl Figure for usize {
    fn shown(self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_be_reached_or_not() {
        assert!(!Cell::at_most(2, 2).is_exceeded);
        assert!(Cell::at_most(3, 2).is_exceeded);
        assert!(!Cell::below(1, 2).is_exceeded);
        assert!(Cell::below(2, 2).is_exceeded);
        assert!(!Cell::of(9).is_exceeded && !Cell::none().is_exceeded);
    }

    #[test]
    fn a_line_says_what_is_too_much() {
        let line = |size| Line {
            what: "size",
            cells: [
                Cell::none(),
                Cell::of(Duration::from_micros(1_234)),
                Cell::at_most(Bytes(size), Bytes(10_000_000)),
                Cell::of(Times(1.25)),
            ],
        };
        let kept = line(9_999_999).to_string();
        assert!(kept.contains("1.23 ms") && kept.contains("1.25 x"), "{kept}");
        assert!(
            kept.contains("9.99 MB ≤ 10.00 MB") && !kept.contains("EXCEEDED"),
            "{kept}"
        );
        let exceeded = line(10_010_000).to_string();
        assert!(exceeded.contains("10.01 MB > 10.00 MB"), "{exceeded}");
        assert!(exceeded.ends_with("EXCEEDED"), "{exceeded}");
    }
}
