//! From a text to glyphs with places. Enough for scripts that are written from left to right, letter by letter.

use std::ops::Range;

use krilla::text::{GlyphId, KrillaGlyph};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::font::{Extent, Face};

/// Between a letter and an accent that the font doesn't hold as one glyph, in parts of the font's size.
const ACCENT_GAP: f32 = 0.04;
/// The farthest that an accent is moved up: no pile of them reaches two lines above.
const MAX_ACCENT_RISE: f32 = 0.3;

/// Glyphs in one line, and the text that they show.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    pub(super) text: String,
    /// Lengths in parts of the font's size, ranges in `text`.
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// In parts of the font's size.
    pub(super) width: f32,
}

/// A text as it will be drawn, before it is cut into lines.
pub(super) struct Shaped {
    text: String,
    clusters: Vec<Cluster>,
    /// The characters that the font lacks, in the order of the text.
    pub(super) missing: Vec<char>,
}

/// What no line may be cut inside: a letter with its accents.
struct Cluster {
    range: Range<usize>,
    glyphs: Vec<KrillaGlyph>,
    advance: f32,
    is_break: bool,
}

impl Shaped {
    /// Finds the glyphs of a text.
    pub(super) fn new(text: &str, face: &Face) -> Self {
        let text: String = text.nfc().filter(|c| !is_ignorable(*c)).collect();
        let mut shaped = Self {
            clusters: Vec::new(),
            missing: Vec::new(),
            text: String::new(),
        };
        let mut letter = None;
        for (start, c) in text.char_indices() {
            let range = start..start + c.len_utf8();
            let mark = face.glyph(c).filter(|_| is_combining_mark(c));
            match (mark, letter.as_mut(), shaped.clusters.last_mut()) {
                (Some(mark), Some(extent), Some(cluster)) => cluster.put_on(extent, mark, face, range.end),
                _ => letter = shaped.add(c, range, face),
            }
        }
        shaped.text = text;
        shaped
    }

    /// Adds a cluster for a character; returns what an accent that follows would stand on.
    fn add(&mut self, c: char, range: Range<usize>, face: &Face) -> Option<Extent> {
        let mut cluster = Cluster {
            range: range.clone(),
            glyphs: Vec::new(),
            advance: 0.0,
            is_break: c.is_whitespace() && !is_unbreakable(c),
        };
        let stand_in = match c {
            c if c.is_whitespace() => ' ',
            '\u{2010}' | '\u{2011}' => '-',
            c => c,
        };
        let found = face.glyph(stand_in).filter(|_| !is_right_to_left(c));
        let parts: Vec<_> = [c].into_iter().nfd().map(|part| face.glyph(part)).collect();
        let mut letter = None;
        match (found, parts.split_first()) {
            (Some(glyph), _) => letter = Some(cluster.begin(glyph, face)),
            // A letter with accents that the font holds only apart.
            (None, Some((Some(base), marks))) if !marks.is_empty() && marks.iter().all(Option::is_some) => {
                let mut extent = cluster.begin(*base, face);
                for mark in marks.iter().flatten() {
                    cluster.put_on(&mut extent, *mark, face, range.end);
                }
                letter = Some(extent);
            }
            _ => {
                self.missing.push(c);
                cluster.begin(face.replacement, face);
            }
        }
        self.clusters.push(cluster);
        letter.filter(|_| !c.is_whitespace())
    }

    /// Cuts the text into lines no wider than `width`, in parts of the font's size: after blanks, and inside a word where
    /// it alone is wider.
    pub(super) fn lines(&self, width: f32) -> Vec<Run> {
        let mut lines = Vec::new();
        let mut line: &[Cluster] = &[];
        let mut rest = self.clusters.as_slice();
        while !rest.is_empty() {
            (line, rest) = rest.split_at(line_end(rest, width));
            lines.push(self.run(line));
        }
        if line.is_empty() {
            lines.push(Run::default());
        }
        lines
    }

    fn run(&self, clusters: &[Cluster]) -> Run {
        let printed = clusters.iter().rposition(|cluster| !cluster.is_break);
        let clusters = clusters
            .get(..printed.map_or(0, |last| last + 1))
            .unwrap_or_default();
        let start = clusters.first().map_or(0, |cluster| cluster.range.start);
        let end = clusters.last().map_or(0, |cluster| cluster.range.end);
        let glyphs = clusters.iter().flat_map(|cluster| cluster.glyphs.iter().cloned());
        Run {
            text: self.text.get(start..end).unwrap_or_default().to_owned(),
            glyphs: glyphs
                .map(|glyph| KrillaGlyph {
                    text_range: glyph.text_range.start - start..glyph.text_range.end - start,
                    ..glyph
                })
                .collect(),
            width: clusters.iter().map(|cluster| cluster.advance).sum(),
        }
    }
}

/// How many of the clusters the next line has.
fn line_end(clusters: &[Cluster], width: f32) -> usize {
    let mut filled = 0.0;
    let mut last_break = 0;
    for (at, cluster) in clusters.iter().enumerate() {
        if !cluster.is_break && filled + cluster.advance > width && at > 0 {
            return if last_break > 0 { last_break } else { at };
        }
        filled += cluster.advance;
        if cluster.is_break {
            last_break = at + 1;
        }
    }
    clusters.len()
}

impl Cluster {
    fn begin(&mut self, glyph: GlyphId, face: &Face) -> Extent {
        self.advance = face.advance(glyph);
        self.push(glyph, self.advance, 0.0, 0.0);
        face.extent(glyph)
    }

    /// Puts an accent on a letter, which then reaches as high as the accent.
    fn put_on(&mut self, letter: &mut Extent, mark: GlyphId, face: &Face, end: usize) {
        let accent = face.extent(mark);
        let middle = f32::midpoint(letter.left, letter.right);
        let right = middle - f32::midpoint(accent.left, accent.right);
        let mut up = 0.0;
        if accent.bottom > 0.0 {
            up = (letter.top + ACCENT_GAP - accent.bottom).clamp(0.0, MAX_ACCENT_RISE);
            letter.top = accent.top + up;
        }
        self.range.end = end;
        // An accent is drawn from where its letter ends.
        self.push(mark, 0.0, right - self.advance, up);
    }

    fn push(&mut self, glyph_id: GlyphId, x_advance: f32, x_offset: f32, y_offset: f32) {
        self.glyphs.push(KrillaGlyph {
            glyph_id,
            text_range: self.range.clone(),
            x_advance,
            x_offset,
            y_offset,
            y_advance: 0.0,
            location: None,
        });
        let range = &self.range;
        for glyph in &mut self.glyphs {
            glyph.text_range = range.clone();
        }
    }
}

/// Invisible by nature (Unicode, `Default_Ignorable_Code_Point`), of those that a text may hold: neither printed nor missed.
pub(in crate::bols) fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_unbreakable(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// In scripts that are written from right to left (Unicode, the blocks that `DerivedBidiClass.txt` sets aside for them): in
/// the order of a text they would be read backwards, so they count as missing.
fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}
