//! Pages to a PDF.

use krilla::color::luma;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};

use super::font::Fonts;
use super::page::{Bar, Ink, Mark, PAGE_HEIGHT, PAGE_WIDTH, Page};

/// Writes the PDF: a pure function of its arguments, without a date. `None` when krilla refuses, which it has no reason to.
pub(super) fn pdf(pages: &[Page], number: &str, fonts: &Fonts) -> Option<Vec<u8>> {
    let mut document = Document::new_with(SerializeSettings {
        enable_tagging: false,
        ..SerializeSettings::default()
    });
    document.set_metadata(
        Metadata::new()
            .title(format!("Bill of lading {number}"))
            .document_id(format!("bol:{number}"))
            .language("en-US".to_owned())
            .creator("Casefile".to_owned()),
    );
    for page in pages {
        let mut sheet = document.start_page_with(PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT)?);
        let mut surface = sheet.surface();
        for mark in &page.0 {
            paint(&mut surface, mark, fonts)?;
        }
        surface.finish();
        sheet.finish();
    }
    document.finish().ok()
}

fn paint(surface: &mut Surface<'_>, mark: &Mark, fonts: &Fonts) -> Option<()> {
    match mark {
        Mark::Bar(bar) => {
            surface.set_fill(Some(fill(Ink::Black)));
            let mut path = PathBuilder::new();
            path.push_rect(rectangle(*bar)?);
            surface.draw_path(&path.finish()?);
        }
        Mark::Text { x, y, ink, line } if !line.run.glyphs.is_empty() => {
            surface.set_fill(Some(fill(*ink)));
            surface.draw_glyphs(
                Point::from_xy(*x, *y),
                &line.run.glyphs,
                fonts.face(line.style.weight).font.clone(),
                &line.run.text,
                line.style.size,
                false,
            );
        }
        Mark::Text { .. } => {}
    }
    Some(())
}

fn rectangle(bar: Bar) -> Option<Rect> {
    Rect::from_xywh(bar.x, bar.y, bar.width, bar.height)
}

fn fill(ink: Ink) -> Fill {
    let color = match ink {
        Ink::Black => luma::Color::black(),
        Ink::White => luma::Color::white(),
    };
    Fill {
        paint: color.into(),
        ..Fill::default()
    }
}
