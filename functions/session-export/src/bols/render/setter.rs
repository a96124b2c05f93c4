//! Texts to lines, and which of their characters the font lacks.

use super::font::{Fonts, Weight};
use super::page::{Line, Style};
use super::shape::Shaped;
use crate::bols::record::Text;

/// What a box is for.
pub(super) const LABEL: Style = Style {
    size: 8.0,
    weight: Weight::Regular,
};
/// What stands in a box.
pub(super) const VALUE: Style = Style {
    size: 10.0,
    weight: Weight::Regular,
};
/// What stands in a box and counts most.
pub(super) const STRONG: Style = Style {
    size: 10.0,
    weight: Weight::Bold,
};

/// Sets texts in type.
pub(super) struct Setter<'a> {
    fonts: &'a Fonts,
    /// Fields and the characters of theirs that the font lacks, each once.
    pub(super) missing: Vec<(String, Vec<char>)>,
}

impl<'a> Setter<'a> {
    /// A setter that has set nothing.
    pub(super) fn new(fonts: &'a Fonts) -> Self {
        Self {
            fonts,
            missing: Vec::new(),
        }
    }

    /// A text of the form itself, in one line.
    pub(super) fn label(&self, text: &str, style: Style) -> Line {
        let shaped = Shaped::new(text, self.fonts.face(style.weight));
        let run = shaped.lines(f32::INFINITY).into_iter().next().unwrap_or_default();
        Line { run, style }
    }

    /// A field's text, in lines no wider than `width` points.
    pub(super) fn field(&mut self, text: &Text, style: Style, width: f32) -> Vec<Line> {
        self.text(text.as_str(), text.pointer(), style, width)
    }

    /// A text that the field at `pointer` gave, in lines no wider than `width` points.
    pub(super) fn text(&mut self, text: &str, pointer: &str, style: Style, width: f32) -> Vec<Line> {
        let face = self.fonts.face(style.weight);
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let shaped = Shaped::new(paragraph, face);
            self.note(pointer, &shaped.missing);
            let runs = shaped.lines(width / style.size);
            lines.extend(runs.into_iter().map(|run| Line { run, style }));
        }
        lines
    }

    fn note(&mut self, pointer: &str, missing: &[char]) {
        for c in missing {
            let at = self.missing.iter().position(|(field, _)| field == pointer);
            match at.and_then(|at| self.missing.get_mut(at)) {
                Some((_, chars)) if chars.contains(c) => {}
                Some((_, chars)) => chars.push(*c),
                None => self.missing.push((pointer.to_owned(), vec![*c])),
            }
        }
    }
}
