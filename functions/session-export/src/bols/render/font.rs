//! The form's two faces, compiled in: Liberation Sans, which covers Latin, Greek and Cyrillic (`fonts/LICENSE`).

use krilla::text::{Font, GlyphId};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider as _};

const REGULAR: &[u8] = include_bytes!("../../../fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../../fonts/LiberationSans-Bold.ttf");
/// Drawn for a character that the font lacks. It lacks U+FFFD too.
pub(super) const REPLACEMENT: char = '□';

/// Which of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The two faces, read.
pub(super) struct Fonts {
    regular: Face,
    bold: Face,
}

impl Fonts {
    /// Reads both; `None` can't be, as they are compiled in.
    pub(super) fn read() -> Option<Self> {
        Some(Self {
            regular: Face::read(REGULAR)?,
            bold: Face::read(BOLD)?,
        })
    }

    /// One of them.
    pub(super) fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

/// A face. Lengths are in parts of the font's size.
pub(super) struct Face {
    /// For the PDF.
    pub(super) font: Font,
    glyphs: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    unit: f32,
    /// What is drawn for a character that the face lacks.
    pub(super) replacement: GlyphId,
}

/// What a glyph's outline covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
    pub(super) top: f32,
}

impl Face {
    fn read(bytes: &'static [u8]) -> Option<Self> {
        let reader = FontRef::new(bytes).ok()?;
        let font = Font::new(bytes.into(), 0)?;
        let glyphs = reader.charmap();
        Some(Self {
            unit: font.units_per_em(),
            font,
            metrics: reader.glyph_metrics(Size::unscaled(), LocationRef::default()),
            replacement: GlyphId::new(glyphs.map(REPLACEMENT).unwrap_or_default().to_u32()),
            glyphs,
        })
    }

    /// The glyph for a character.
    pub(super) fn glyph(&self, c: char) -> Option<GlyphId> {
        let glyph = self.glyphs.map(c)?.to_u32();
        // 0 is the glyph for characters that the font lacks.
        (glyph != 0).then(|| GlyphId::new(glyph))
    }

    /// How far the next glyph is.
    pub(super) fn advance(&self, glyph: GlyphId) -> f32 {
        self.metrics.advance_width(reading(glyph)).unwrap_or(0.0) / self.unit
    }

    /// What the glyph covers.
    pub(super) fn extent(&self, glyph: GlyphId) -> Extent {
        let bounds = self.metrics.bounds(reading(glyph)).unwrap_or_default();
        Extent {
            left: bounds.x_min / self.unit,
            right: bounds.x_max / self.unit,
            bottom: bounds.y_min / self.unit,
            top: bounds.y_max / self.unit,
        }
    }
}

fn reading(glyph: GlyphId) -> skrifa::GlyphId {
    skrifa::GlyphId::new(glyph.to_u32())
}
