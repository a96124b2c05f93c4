//! A column of sections that continues on the next page where one is full.

use super::font::Weight;
use super::page::{Ink, Line, PAGE_HEIGHT, PAGE_WIDTH, Page, Style};
use super::setter::Setter;

/// Blank on either side of a page: three quarters of an inch.
pub(super) const MARGIN: f32 = 54.0;
/// From margin to margin.
pub(super) const WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;
/// Where the sections end; the footer is below.
pub(super) const BOTTOM: f32 = PAGE_HEIGHT - 64.0;
/// Blank above a page.
pub(super) const TOP: f32 = 46.0;
/// Between two sections.
pub(super) const GAP: f32 = 9.0;
/// A rule's thickness.
pub(super) const RULE: f32 = 0.75;
/// Blank between a cell's rules and its texts.
pub(super) const PADDING: f32 = 5.0;
const TITLE_HEIGHT: f32 = 15.0;
const TITLE: Style = Style {
    size: 9.0,
    weight: Weight::Bold,
};
/// A row that is higher doesn't move to the next page as a whole: it is cut where the page ends.
const MAX_WHOLE: f32 = 200.0;
/// A part of a row that is lower isn't worth beginning on a page.
const MIN_PART: f32 = 60.0;

/// A cell of a row.
pub(super) struct Cell {
    pub(super) width: f32,
    pub(super) align: Align,
    pub(super) lines: Vec<Line>,
}

/// Where a cell's lines stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// What stands above a section, column by column.
pub(super) struct Section {
    /// Titles, and where each begins.
    pub(super) titles: Vec<(&'static str, f32)>,
    /// How thick the lines around it are.
    pub(super) rule: f32,
}

impl Section {
    /// A section of one title.
    pub(super) fn new(title: &'static str) -> Self {
        Self {
            titles: vec![(title, 0.0)],
            rule: RULE,
        }
    }
}

impl Cell {
    fn height(&self) -> f32 {
        self.lines.iter().map(Line::height).sum()
    }

    /// Takes the lines that fit into `height`.
    fn take(&mut self, height: f32) -> Self {
        let mut filled = 0.0;
        let fitting = self.lines.iter().position(|line| {
            filled += line.height();
            filled > height
        });
        let rest = self.lines.split_off(fitting.unwrap_or(self.lines.len()));
        Self {
            width: self.width,
            align: self.align,
            lines: std::mem::replace(&mut self.lines, rest),
        }
    }
}

/// Pages, filled from top to bottom.
pub(super) struct Flow<'a, 'f> {
    pub(super) setter: &'a mut Setter<'f>,
    full: Vec<Page>,
    /// The page that is being filled.
    pub(super) page: Page,
    /// Where the next mark goes on it.
    pub(super) y: f32,
    /// What stands above every page but the first.
    heading: Line,
}

impl<'a, 'f> Flow<'a, 'f> {
    /// One empty page.
    pub(super) fn new(setter: &'a mut Setter<'f>, heading: Line) -> Self {
        Self {
            setter,
            full: Vec::new(),
            page: Page::default(),
            y: TOP,
            heading,
        }
    }

    /// All pages.
    pub(super) fn finish(mut self) -> Vec<Page> {
        self.full.push(self.page);
        self.full
    }

    /// Goes on at the top of a new page.
    pub(super) fn turn(&mut self) {
        let heading = self.heading.clone();
        self.full.push(std::mem::take(&mut self.page));
        let rule = TOP + heading.height() + 3.0;
        self.page.text(MARGIN, TOP, Ink::Black, heading);
        self.page.bar(MARGIN, rule, WIDTH, 1.5);
        self.y = rule + 1.5 + GAP;
    }

    /// Adds a section: rows of cells under a title, which is repeated where the section goes on on another page.
    pub(super) fn section(&mut self, section: &Section, rows: Vec<Vec<Cell>>) {
        let mut is_titled = false;
        for row in rows {
            self.row(section, row, &mut is_titled);
        }
        self.y += GAP;
    }

    fn row(&mut self, section: &Section, mut row: Vec<Cell>, is_titled: &mut bool) {
        let mut is_continued = *is_titled;
        loop {
            let title = if *is_titled { 0.0 } else { TITLE_HEIGHT };
            let needed = row.iter().map(Cell::height).fold(0.0, f32::max) + 2.0 * PADDING;
            let left = BOTTOM - self.y - title;
            if needed > left && (needed <= MAX_WHOLE || left < MIN_PART) && !self.is_at_top() {
                is_continued |= *is_titled;
                *is_titled = false;
                self.turn();
                continue;
            }
            if !*is_titled {
                self.title(section, is_continued);
                *is_titled = true;
            }
            let part: Vec<_> = row
                .iter_mut()
                .map(|cell| cell.take(left - 2.0 * PADDING))
                .collect();
            self.cells(part, section.rule);
            if row.iter().all(|cell| cell.lines.is_empty()) {
                return;
            }
            is_continued = true;
            *is_titled = false;
            self.turn();
        }
    }

    /// Whether the page that is being filled has nothing but its heading.
    fn is_at_top(&self) -> bool {
        self.y < TOP + 40.0
    }

    fn title(&mut self, section: &Section, is_continued: bool) {
        let y = self.y;
        self.page.bar(MARGIN, y, WIDTH, TITLE_HEIGHT);
        for (title, x) in &section.titles {
            let continued = if is_continued { " (CONTINUED)" } else { "" };
            let line = self.setter.label(&format!("{title}{continued}"), TITLE);
            let text_y = y + (TITLE_HEIGHT - line.height()) / 2.0;
            self.page.text(MARGIN + x + PADDING, text_y, Ink::White, line);
        }
        self.y += TITLE_HEIGHT;
    }

    /// Draws a row, with rules on its left, between its cells, on its right and below.
    fn cells(&mut self, row: Vec<Cell>, rule: f32) {
        let top = self.y;
        let height = row.iter().map(Cell::height).fold(0.0, f32::max) + 2.0 * PADDING;
        let page = &mut self.page;
        page.bar(MARGIN, top, rule, height);
        page.bar(MARGIN + WIDTH - rule, top, rule, height);
        page.bar(MARGIN, top + height - rule, WIDTH, rule);
        let mut x = MARGIN;
        for cell in row {
            if x > MARGIN {
                page.bar(x - RULE / 2.0, top, RULE, height);
            }
            let mut y = top + PADDING;
            for line in cell.lines {
                let slack = cell.width - 2.0 * PADDING - line.width();
                let indent = match cell.align {
                    Align::Left => 0.0,
                    Align::Middle => slack / 2.0,
                    Align::Right => slack,
                };
                let next = y + line.height();
                page.text(x + PADDING + indent, y, Ink::Black, line);
                y = next;
            }
            x += cell.width;
        }
        self.y = top + height;
    }
}
