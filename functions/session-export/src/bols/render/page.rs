//! Pages before they are a PDF: what is drawn, and where. Lengths are in points, `y` grows downwards.

use super::font::Weight;
use super::shape::Run;

/// US letter.
pub(super) const PAGE_WIDTH: f32 = 612.0;
/// US letter.
pub(super) const PAGE_HEIGHT: f32 = 792.0;

/// A page's marks, in the order in which they are drawn.
#[derive(Debug, Default)]
pub(super) struct Page(pub(super) Vec<Mark>);

/// Something drawn.
#[derive(Debug)]
pub(super) enum Mark {
    /// A filled rectangle.
    Bar(Bar),
    /// A line of text; `y` is its base line.
    Text { x: f32, y: f32, ink: Ink, line: Line },
}

/// A filled rectangle in black.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// There is no grey: laser printers make a pattern of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    White,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) weight: Weight,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) run: Run,
    pub(super) style: Style,
}

impl Line {
    /// From this line's top to the next one's.
    pub(super) fn height(&self) -> f32 {
        self.style.size * 1.25
    }

    /// From the line's top to its base line.
    pub(super) fn ascent(&self) -> f32 {
        self.style.size * 0.97
    }

    /// From the first letter's left edge to the last one's right edge.
    pub(super) fn width(&self) -> f32 {
        self.run.width * self.style.size
    }
}

impl Page {
    /// Draws a rectangle.
    pub(super) fn bar(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.0.push(Mark::Bar(Bar { x, y, width, height }));
    }

    /// Writes a line, its top at `y`.
    pub(super) fn text(&mut self, x: f32, y: f32, ink: Ink, line: Line) {
        let y = y + line.ascent();
        self.0.push(Mark::Text { x, y, ink, line });
    }
}
