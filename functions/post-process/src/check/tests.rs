use proptest::prelude::*;

use super::*;

const PDF: &[u8] = include_bytes!("../../../../tests/fixtures/ecg/ECG_Report_20251028_143022.pdf");
const DOCX: &[u8] = include_bytes!("../../../../tests/fixtures/review/before.docx");
const METRICS: &[u8] = include_bytes!("../../../../tests/fixtures/ecg/metrics_20251028_143022.json");
const TRAINING: &[u8] = include_bytes!("../../../../tests/fixtures/training/session.json");

fn judged(name: &str, content: &[u8], schema: Schema) -> Findings {
    let start = content.get(..sniff::START).unwrap_or(content);
    judge(Some(content), start, name, schema)
}

fn verdict(name: &str, content: &[u8]) -> (Status, Kind) {
    let findings = judged(name, content, Schema::None);
    (findings.status, findings.kind)
}

#[test]
fn files_that_are_what_they_claim_are_verified() {
    for (name, content, kind) in [
        ("a.pdf", PDF, Kind::Pdf),
        ("a.docx", DOCX, Kind::Docx),
        ("a.DOCM", DOCX, Kind::Docx),
        ("a.json", METRICS, Kind::Json),
        ("a.json", b"17", Kind::Json),
        ("a.json", b"{\"a\": \"\x7f\"}", Kind::Json),
        ("a.json", b"\"\x7f\"", Kind::Json),
        ("a.log", TRAINING, Kind::Json),
        ("a.log", b"[14:30:22] port opened", Kind::Text),
        ("a.txt", b"", Kind::Text),
        ("a", PDF, Kind::Pdf),
        ("a.bin", DOCX, Kind::Docx),
    ] {
        assert_eq!(verdict(name, content), (Status::Verified, kind), "{name}");
    }
}

#[test]
fn files_that_claim_to_be_something_else_are_rejected() {
    for (name, content, reason) in [
        ("a.pdf", DOCX, "its name says PDF, but it is none"),
        ("a.pdf", b"", "its name says PDF, but it is none"),
        ("a.pdf", b"MZ\x90\0", "its name says PDF, but it is none"),
        ("a.docx", PDF, "its name says Word document, but it is none"),
        ("a.json", PDF, "its name says JSON, but it is none"),
        ("a.json", b"hello", "it is not JSON: line 1, column 1"),
        ("a.json", b"{\0", "it is not JSON: line 1, column 2"),
        ("a.parquet", METRICS, "its name says Parquet, but it is none"),
        ("a.txt", b"\x7fELF\0", "its name says text, but it is none"),
        ("a.log", PDF, "its name says text, but it is none"),
        ("a.zip", PDF, "its name says ZIP archive, but it is none"),
    ] {
        let findings = judged(name, content, Schema::None);
        assert_eq!(findings.status, Status::Rejected, "{name}");
        assert_eq!(findings.reason.as_deref(), Some(reason), "{name}");
    }
}

#[test]
fn kinds_that_are_not_looked_into_are_unsupported() {
    let png = b"\x89PNG\r\n\x1a\n\0\0";
    assert_eq!(verdict("a.png", png), (Status::Unsupported, Kind::Other));
    assert_eq!(verdict("a.zip", b"PK\x05\x06"), (Status::Unsupported, Kind::Zip));
}

#[test]
fn a_schema_is_held_to_whatever_the_name() {
    let metrics = |content| judged("a.json", content, Schema::EcgMetrics);
    assert_eq!(metrics(METRICS), Findings::verified(Kind::Json));
    assert_eq!(metrics(b"{}").reason.unwrap(), "heart_rate is missing");
    assert_eq!(metrics(PDF).status, Status::Rejected);
    let report = judged(
        "report.json",
        br#"{"patient": {"name": "Jane Doe"}}"#,
        Schema::EcgMetrics,
    );
    assert_eq!(report, Findings::verified(Kind::Json));
    let training = |content| judged("a.log", content, Schema::TrainingLog);
    assert_eq!(training(TRAINING), Findings::verified(Kind::Json));
    assert_eq!(training(METRICS).status, Status::Rejected);
    assert_eq!(training(b"2025-10-28 DEBUG").status, Status::Rejected);
}

#[test]
fn files_too_large_to_be_opened_are_unsupported_unless_nothing_is_to_be_opened() {
    let large = |name, start: &[u8], schema| {
        let findings = judge(None, start, name, schema);
        (findings.status, findings.kind)
    };
    for (name, start, kind) in [
        ("a.pdf", PDF, Kind::Pdf),
        ("a.docx", DOCX, Kind::Zip),
        ("a.json", METRICS, Kind::Json),
        ("a.json", b"17", Kind::Text),
    ] {
        assert_eq!(
            large(name, start, Schema::None),
            (Status::Unsupported, kind),
            "{name}"
        );
    }
    assert_eq!(
        large("a.json", METRICS, Schema::EcgMetrics).0,
        Status::Unsupported
    );
    assert_eq!(
        large("a.json", b"PAR1", Schema::EcgMetrics),
        (Status::Rejected, Kind::Parquet)
    );
    assert_eq!(
        large("a.log", b"[14:30] x", Schema::None),
        (Status::Verified, Kind::Text)
    );
    assert_eq!(large("a.pdf", DOCX, Schema::None), (Status::Rejected, Kind::Zip));
}

#[test]
fn what_was_found_reads_well_in_json() {
    let checked = judged("a.pdf", PDF, Schema::None).of(7, Sha256::of(b"abc"));
    let expected = r#"{"status":"verified","kind":"pdf","size":7,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","facts":{"pages":1}}"#;
    assert_eq!(serde_json::to_string(&checked).unwrap(), expected);
    let rejected = Findings::rejected(Kind::Docx, "why")
        .flagged(Flag::Macros)
        .of(0, Sha256::of(b""));
    let text = serde_json::to_string(&rejected).unwrap();
    assert!(
        text.starts_with(r#"{"status":"rejected","reason":"why","kind":"docx""#),
        "{text}"
    );
    assert!(text.contains(r#""flags":["macros"],"facts":{}"#), "{text}");
}

proptest! {
    #[test]
    fn any_content_under_any_name_gets_a_verdict(
        name in ".*|[a-z]\\.(pdf|docx|json|parquet|txt|zip)",
        start in prop::sample::select(vec![&b""[..], b"%PDF-1.4\n", b"PK\x03\x04", b"{", b"\xd0\xcf\x11\xe0"]),
        rest in any::<Vec<u8>>(),
    ) {
        let findings = judged(&name, &[start, &rest].concat(), Schema::None);
        prop_assert_eq!(findings.status == Status::Verified, findings.reason.is_none());
    }
}
