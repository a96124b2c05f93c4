use serde_json::{Value, json};

use super::*;

const SAMPLE: &str = include_str!("../../../../../tests/fixtures/bol/bol.json");
const NUMBER: &str = "PRT-2025-0001";

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn rendered(record: &Value) -> Rendered {
    render(&BolRecord::parse(&record.to_string(), &[]).unwrap(), NUMBER).unwrap()
}

/// The text as a reader sees it, without blanks: a PDF has none at its lines' ends.
fn text(pdf: &[u8]) -> String {
    let text = pdf_extract::extract_text_from_mem(pdf).unwrap();
    text.split_whitespace().collect()
}

/// A record at every limit.
fn overlong() -> Value {
    let mut record = sample();
    let sentence = "Unload at dock 7 only after the inspector has signed; keep the tarpaulin on until then. ";
    record["notes"] = json!(sentence.repeat(50)[..4_000].trim());
    record["special_instructions"] = json!(format!(
        "{}\n\n{}",
        "W".repeat(200),
        &sentence.repeat(50)[..3_790].trim()
    ));
    record["ship_from"]["name"] =
        json!("Riverside Barge and Rail Terminal of Greater Cincinnati, ".repeat(4)[..200].trim());
    record["ship_from"]["address"] =
        json!(vec!["Building 1700, Riverside Drive ".repeat(7)[..200].trim(); 6]);
    record["product"]["name"] = json!("x".repeat(200));
    let elements: serde_json::Map<_, _> = (0..30)
        .map(|at| (format!("Element {at:02}"), json!(99.000_001)))
        .collect();
    record["product"]["analysis"] = json!(elements);
    record["net_tons"] = json!(999_999.999_9);
    record
}

fn unicode() -> Value {
    let mut record = sample();
    record["customer"] = json!("Queen City Castings 株式会社");
    record["ship_from"]["name"] = json!("Żółć & Gęślą Jaźń Sp. z o.o.");
    record["ship_from"]["address"] = json!(["ul. Świętokrzyska 12", "Łódź 90-001, Polska"]);
    record["ship_to"]["name"] = json!("ООО «Северсталь» — Череповец");
    record["ship_to"]["address"] = json!([
        "Αθήνα, Λεωφόρος Κηφισίας 44",
        "Cafe\u{301} Mu\u{308}ller, x\u{302} y\u{304}\u{301} M\u{323}\u{302} Q\u{301}"
    ]);
    record["special_instructions"] = json!(
        "Call 📞 first 👩\u{200d}🏭, then 東京 — “quotes”, €, ½, ≥ 3 µm, שלום, non\u{ad}breaking soft\u{200b}ness."
    );
    record["product"]["analysis"] = json!({"C": 4.2, "Σ": 1, "碳": 2.5});
    record
}

/// Every string and number of a value, as it is printed.
fn said(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.values().flat_map(said).collect(),
        Value::Array(items) => items.iter().flat_map(said).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn pages(pdf: &[u8]) -> usize {
    pdf_extract::extract_text_from_mem_by_pages(pdf).unwrap().len()
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let mut record = sample();
    let first = rendered(&record);
    let analysis = record["product"]["analysis"].as_object().unwrap().clone();
    record["product"]["analysis"] = Value::Object(analysis.into_iter().rev().collect());
    record["net_tons"] = json!(23.410);
    record["idempotency_key"] = json!("never printed");
    assert!(first.pdf == rendered(&record).pdf);
    assert_eq!(first.warnings, []);
    record["net_tons"] = json!(23.42);
    assert!(first.pdf != rendered(&record).pdf);
}

#[test]
fn every_field_is_printed() {
    let mut record = sample();
    record["notes"] = json!("Weighed twice.\r\n\r\nSecond\tparagraph");
    let pdf = rendered(&record).pdf;
    let text = text(&pdf);
    record["date"] = json!("November 4, 2025");
    let mut expected = said(&record);
    expected.extend(
        [
            NUMBER,
            "46,820",
            "HAZARDOUS No",
            "c/o PrimeTrade, LLC",
            "Page 1 of 1",
            "SHIPPER",
            "NOT NEGOTIABLE",
        ]
        .map(str::to_owned),
    );
    for part in expected {
        let part: String = part.split_whitespace().collect();
        assert!(text.contains(&part), "{part} in {text}");
    }
    assert_eq!(pages(&pdf), 1);
}

#[test]
fn hazardous_goods_say_so() {
    let mut record = sample();
    record["hazardous"] = json!(true);
    assert!(text(&rendered(&record).pdf).contains("HAZARDOUSYES"));
}

#[test]
fn a_record_at_every_limit_continues_on_further_pages_and_loses_nothing() {
    let record = overlong();
    let pdf = rendered(&record).pdf;
    let by_page = pdf_extract::extract_text_from_mem_by_pages(&pdf).unwrap();
    let total = by_page.len();
    assert!(total >= 3, "{total}");
    for (at, page) in by_page.iter().enumerate() {
        let page: String = page.split_whitespace().collect();
        assert!(page.contains(&format!("Page{}of{total}", at + 1)), "{page}");
        assert!(page.contains(NUMBER), "{page}");
    }
    let text = text(&pdf);
    assert!(text.contains("NOTES(CONTINUED)"));
    // A page's foot and head come between two lines, so words are counted.
    for (word, least) in [
        ("inspector", 88),
        ("Building", 42),
        ("99.000001", 30),
        ("Element", 30),
    ] {
        assert!(
            text.matches(word).count() >= least,
            "{word}: {}",
            text.matches(word).count()
        );
    }
    assert!(text.matches('W').count() >= 200);
    assert!(text.contains(&"x".repeat(200)));
    assert!(text.contains("999,999.9999") && text.contains("1,999,999,999.8"));
}

#[test]
fn letters_of_europe_s_scripts_are_printed_whatever_their_spelling() {
    let record = unicode();
    let text = text(&rendered(&record).pdf);
    for part in [
        "Żółć&GęśląJaźń",
        "«Северсталь»",
        "Λεωφόρος",
        "Café",
        "Müller",
        "nonbreakingsoftness",
        "≥3µm",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_character_that_the_font_lacks_is_reported_with_its_field() {
    let warnings = rendered(&unicode()).warnings;
    let expected = [
        "/customer has characters that the font lacks, printed as □: U+682A (株), U+5F0F (式), U+4F1A (会), U+793E (社)",
        "/product/analysis/碳 has characters that the font lacks, printed as □: U+78B3 (碳)",
        "/special_instructions has characters that the font lacks, printed as □: U+1F4DE (📞), U+1F469 (👩), \
         U+1F3ED (🏭), U+6771 (東), U+4EAC (京), U+05E9 (ש), U+05DC (ל), U+05D5 (ו), U+05DD (ם)",
    ];
    let line = |warning: &FieldError| format!("{} {}", warning.pointer, warning.detail);
    let lines: Vec<_> = warnings.iter().map(line).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_number_that_can_t_be_a_barcode_is_refused() {
    let record = BolRecord::parse(SAMPLE, &[]).unwrap();
    for number in ["", "PRT-Ω", "PRT-2025-00000000000000"] {
        assert_eq!(render(&record, number).unwrap_err().kind, ProblemKind::Internal);
    }
}
