//! What the form says, from top to bottom.

use super::barcode::{Barcode, MODULE};
use super::flow::{Align, BOTTOM, Cell, Flow, GAP, MARGIN, PADDING, RULE, Section, WIDTH};
use super::font::Weight;
use super::page::{Ink, Line, PAGE_WIDTH, Page, Style};
use super::setter::{LABEL, STRONG, Setter, VALUE};
use crate::bols::record::{BolRecord, Party, Product, Text, grouped};

const TITLE: Style = Style {
    size: 20.0,
    weight: Weight::Bold,
};
const NUMBER: Style = Style {
    size: 15.0,
    weight: Weight::Bold,
};
const NAME: Style = Style {
    size: 11.0,
    weight: Weight::Bold,
};
const BARCODE_HEIGHT: f32 = 40.0;
/// The analysis has this many elements beside one another, at least and at most.
const ELEMENTS_IN_A_ROW: (usize, usize) = (5, 8);
const POUNDS_PER_SHORT_TON: u32 = 2_000;
/// Blank for a signature.
const SIGNATURE_SPACE: f32 = 40.0;
/// Blank for a name or a time.
const WRITING_SPACE: f32 = 27.0;
const SIGNATURES_HEIGHT: f32 = 116.0;

/// The whole form.
pub(super) fn pages(
    record: &BolRecord,
    number: &str,
    barcode: &Barcode,
    setter: &mut Setter<'_>,
) -> Vec<Page> {
    let heading = setter.label(&format!("Straight Bill of Lading {number}, continued"), STRONG);
    let mut flow = Flow::new(setter, heading);
    head(&mut flow, record, number, barcode);
    parties(&mut flow, record);
    shipment(&mut flow, record);
    material(&mut flow, record);
    analysis(&mut flow, record);
    if let Some(notes) = &record.notes {
        let lines = flow.setter.field(notes, VALUE, WIDTH - 2.0 * PADDING);
        flow.section(&Section::new("NOTES"), vec![vec![cell(WIDTH, lines)]]);
    }
    instructions(&mut flow, record);
    signatures(&mut flow);
    let mut pages = flow.finish();
    footers(&mut pages, number, setter);
    pages
}

fn head(flow: &mut Flow<'_, '_>, record: &BolRecord, number: &str, barcode: &Barcode) {
    let top = flow.y;
    let title = flow.setter.label("STRAIGHT BILL OF LADING", TITLE);
    // 49 U.S.C. 80103(b)(2) wants this on the face of a bill that isn't negotiable.
    let subtitle = flow.setter.label("NOT NEGOTIABLE", STRONG);
    let number_label = flow.setter.label("NUMBER", LABEL);
    let number_line = flow.setter.label(number, NUMBER);
    let date_label = flow.setter.label("DATE", LABEL);
    let date = flow
        .setter
        .label(&record.date.strftime("%B %-d, %Y").to_string(), NUMBER);
    let date_x = MARGIN + number_line.width().max(110.0) + 24.0;
    let human = flow.setter.label(number, VALUE);
    let page = &mut flow.page;
    page.text(MARGIN, top, Ink::Black, title);
    page.text(MARGIN, top + 26.0, Ink::Black, subtitle);
    page.text(MARGIN, top + 46.0, Ink::Black, number_label);
    page.text(MARGIN, top + 55.0, Ink::Black, number_line);
    page.text(date_x, top + 46.0, Ink::Black, date_label);
    page.text(date_x, top + 55.0, Ink::Black, date);
    let width = f32::from(barcode.width) * MODULE;
    // The margin is wider than the quiet zone, and so is what the title leaves on the other side.
    let left = PAGE_WIDTH - MARGIN - width;
    for (start, modules) in &barcode.bars {
        let x = left + f32::from(*start) * MODULE;
        page.bar(x, top + 4.0, f32::from(*modules) * MODULE, BARCODE_HEIGHT);
    }
    let human_x = left + (width - human.width()) / 2.0;
    page.text(human_x, top + BARCODE_HEIGHT + 8.0, Ink::Black, human);
    flow.y = top + 76.0 + GAP;
}

fn parties(flow: &mut Flow<'_, '_>, record: &BolRecord) {
    let half = WIDTH / 2.0;
    let section = Section {
        titles: vec![("SHIP FROM (CONSIGNOR)", 0.0), ("SHIP TO (CONSIGNEE)", half)],
        rule: RULE,
    };
    let cells =
        [&record.ship_from, &record.ship_to].map(|party| cell(half, party_lines(flow.setter, party, half)));
    flow.section(&section, vec![cells.into()]);
}

fn party_lines(setter: &mut Setter<'_>, party: &Party, width: f32) -> Vec<Line> {
    let width = width - 2.0 * PADDING;
    let mut lines = setter.field(&party.name, NAME, width);
    if let Some(care_of) = &party.care_of {
        let text = format!("c/o {}", care_of.as_str());
        lines.extend(setter.text(&text, care_of.pointer(), VALUE, width));
    }
    for line in &party.address {
        lines.extend(setter.field(line, VALUE, width));
    }
    if let Some(phone) = &party.phone {
        let text = format!("Phone {}", phone.as_str());
        lines.extend(setter.text(&text, phone.pointer(), VALUE, width));
    }
    lines
}

fn shipment(flow: &mut Flow<'_, '_>, record: &BolRecord) {
    let carrier = &record.carrier;
    let first = vec![
        entry(flow.setter, 204.0, "CUSTOMER", record.customer.as_ref()),
        entry(flow.setter, 150.0, "CUSTOMER PO", record.customer_po.as_ref()),
        entry(
            flow.setter,
            150.0,
            "RELEASE NUMBER",
            record.release_number.as_ref(),
        ),
    ];
    let second = vec![
        entry(flow.setter, 204.0, "CARRIER", Some(&carrier.name)),
        entry(flow.setter, 60.0, "SCAC", carrier.scac.as_ref()),
        entry(flow.setter, 120.0, "TRUCK NUMBER", carrier.truck_number.as_ref()),
        entry(
            flow.setter,
            120.0,
            "TRAILER NUMBER",
            carrier.trailer_number.as_ref(),
        ),
    ];
    flow.section(&Section::new("SHIPMENT DETAILS"), vec![first, second]);
}

fn material(flow: &mut Flow<'_, '_>, record: &BolRecord) {
    let setter = &mut *flow.setter;
    let count = grouped(record.packages.count);
    // Scales show hundredths of a ton.
    let tons = record.net_tons.grouped(2);
    let pounds = record.net_tons.times(POUNDS_PER_SHORT_TON).grouped(0);
    let hazardous = if record.hazardous { "YES" } else { "No" };
    let row = vec![
        number_cell(setter, 62.0, "PACKAGES", &count),
        entry(setter, 88.0, "KIND", Some(&record.packages.kind)),
        description(setter, 132.0, &record.product),
        cell(
            60.0,
            vec![setter.label("HAZARDOUS", LABEL), setter.label(hazardous, STRONG)],
        ),
        number_cell(setter, 76.0, "SHORT TONS", &tons),
        number_cell(setter, 86.0, "NET WEIGHT, LB", &pounds),
    ];
    flow.section(&Section::new("MATERIAL"), vec![row]);
}

fn description(setter: &mut Setter<'_>, width: f32, product: &Product) -> Cell {
    let inner = width - 2.0 * PADDING;
    let mut lines = vec![setter.label("DESCRIPTION", LABEL)];
    lines.extend(setter.field(&product.name, STRONG, inner));
    if let Some(lot) = &product.lot {
        let text = format!("Lot {}", lot.as_str());
        lines.extend(setter.text(&text, lot.pointer(), VALUE, inner));
    }
    cell(width, lines)
}

fn analysis(flow: &mut Flow<'_, '_>, record: &BolRecord) {
    let elements = &record.product.analysis;
    if elements.is_empty() {
        return;
    }
    let (least, most) = ELEMENTS_IN_A_ROW;
    let columns = elements.len().clamp(least, most);
    let width = WIDTH / f32::from(u16::try_from(columns).unwrap_or(u16::MAX));
    let rows = elements.chunks(columns).map(|elements| {
        let mut row: Vec<_> = (0..columns).map(|_| cell(width, Vec::new())).collect();
        for (cell, element) in row.iter_mut().zip(elements) {
            cell.align = Align::Middle;
            let inner = width - 2.0 * PADDING;
            cell.lines = flow.setter.text(&element.name, &element.pointer, STRONG, inner);
            cell.lines
                .push(flow.setter.label(&element.percent.grouped(0), VALUE));
        }
        row
    });
    let rows = rows.collect();
    flow.section(&Section::new("CHEMICAL ANALYSIS, PERCENT"), rows);
}

fn instructions(flow: &mut Flow<'_, '_>, record: &BolRecord) {
    let Some(instructions) = &record.special_instructions else {
        return;
    };
    let section = Section {
        rule: 2.25,
        ..Section::new("SPECIAL INSTRUCTIONS")
    };
    let lines = flow.setter.field(instructions, NAME, WIDTH - 2.0 * PADDING - 4.0);
    flow.section(&section, vec![vec![cell(WIDTH, lines)]]);
}

/// At the foot of the last page, all three together.
fn signatures(flow: &mut Flow<'_, '_>) {
    if flow.y + SIGNATURES_HEIGHT > BOTTOM {
        flow.turn();
    }
    let top = BOTTOM - SIGNATURES_HEIGHT;
    let gutter = 18.0;
    let width = (WIDTH - 2.0 * gutter) / 3.0;
    let mut x = MARGIN;
    for party in ["SHIPPER", "CARRIER", "CONSIGNEE"] {
        let mut y = top;
        let title = flow.setter.label(party, STRONG);
        y += title.height();
        flow.page.text(x, top, Ink::Black, title);
        for (caption, space) in [
            ("Signature", SIGNATURE_SPACE),
            ("Printed name", WRITING_SPACE),
            ("Date and time", WRITING_SPACE),
        ] {
            let caption = flow.setter.label(caption, LABEL);
            let height = caption.height();
            y += space - height;
            flow.page.bar(x, y, width, RULE);
            flow.page.text(x, y + 1.5, Ink::Black, caption);
            y += height;
        }
        x += width + gutter;
    }
}

fn footers(pages: &mut [Page], number: &str, setter: &Setter<'_>) {
    let total = pages.len();
    for (at, page) in pages.iter_mut().enumerate() {
        let y = BOTTOM + 14.0;
        let left = setter.label(&format!("Bill of lading {number}"), LABEL);
        let right = setter.label(&format!("Page {} of {total}", at + 1), LABEL);
        page.bar(MARGIN, y, WIDTH, RULE);
        page.text(MARGIN, y + 4.0, Ink::Black, left);
        page.text(MARGIN + WIDTH - right.width(), y + 4.0, Ink::Black, right);
    }
}

/// A label over a field's text; nothing where there is none, so that it can be written in.
fn entry(setter: &mut Setter<'_>, width: f32, label: &str, text: Option<&Text>) -> Cell {
    let mut lines = vec![setter.label(label, LABEL)];
    if let Some(text) = text {
        lines.extend(setter.field(text, VALUE, width - 2.0 * PADDING));
    }
    cell(width, lines)
}

fn number_cell(setter: &mut Setter<'_>, width: f32, label: &str, number: &str) -> Cell {
    Cell {
        align: Align::Right,
        ..cell(
            width,
            vec![setter.label(label, LABEL), setter.label(number, STRONG)],
        )
    }
}

fn cell(width: f32, lines: Vec<Line>) -> Cell {
    Cell {
        width,
        align: Align::Left,
        lines,
    }
}
