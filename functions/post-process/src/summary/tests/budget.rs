//! What is cut when there is too much.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::summary::{MAX_FILE_BYTES, MAX_INPUT_BYTES, Reason};

fn item(id: usize, risk: &str, size: usize) -> Value {
    json!({
        "id": format!("f{id}"), "type": "important", "risk_level": risk, "description": "x".repeat(size),
    })
}

fn shown(input: &SummaryInput) -> Vec<Value> {
    let data: Value = serde_json::from_str(input.data()).unwrap();
    data["items"].as_array().unwrap().clone()
}

#[test]
fn every_item_is_shown_once_gravest_first_with_its_decision() {
    let shown = shown(&Session::sample().input());
    let told: Vec<String> = shown
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {}",
                text("id"),
                text("risk_level"),
                text("decision"),
                item["by_reviewer"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "bg-1 High accepted false",
            "ip-1 High accepted false",
            "custom_101530_000001 Medium accepted true",
            "es-1 Medium accepted false",
            "rc-1 Medium accepted false",
            "tl-1 Medium accepted false",
            "custom_101602_000002 Low accepted true",
            "es-2 Low rejected false",
            "ip-2 Low rejected false",
        ]
    );
}

#[test]
fn what_nobody_decided_is_open() {
    let mut session = Session::sample();
    session.accepted = json!({});
    session.user_custom = json!({});
    let shown = shown(&session.input());
    assert_eq!(
        (&shown[0]["id"], &shown[0]["decision"]),
        (&json!("bg-1"), &json!("undecided"))
    );
}

#[test]
fn the_least_grave_items_are_cut_first() {
    let mut session = Session::of(&json!({}));
    let items: Vec<Value> = (0..600)
        .map(|id| item(id, ["Low", "High", "Medium"][id % 3], 400))
        .collect();
    session.accepted = json!({"Background": items});
    let input = session.input();
    assert!(input.data().len() <= MAX_INPUT_BYTES);
    let shown = shown(&input);
    assert!(
        shown.iter().all(|item| item["risk_level"] == "High"),
        "{}",
        shown.len()
    );
    assert_eq!(shown.len() + input.items_left_out(), 600);
    let data: Value = serde_json::from_str(input.data()).unwrap();
    assert_eq!(data["items_left_out"], input.items_left_out());
    // What the model wasn't shown, it can't name.
    assert!(input.has("f1") && !input.has("f0"));
}

#[test]
fn one_long_text_does_not_crowd_out_the_others() {
    let mut session = Session::of(&json!({}));
    let items: Vec<Value> = (0..20).map(|id| item(id, "High", 100_000)).collect();
    session.accepted = json!({"Background": items});
    assert_eq!(session.input().items_left_out(), 0);
}

#[test]
fn files_that_session_export_does_not_write_are_unreadable() {
    let empty = br#"{"feedback_by_section": {}}"#;
    let large = vec![b' '; MAX_FILE_BYTES + 1];
    for wrong in [
        b"".as_slice(),
        b"[]",
        b"{",
        br#"{"feedback_by_section": {"A": {}}}"#,
        &large,
    ] {
        let files = SessionFiles {
            report: br#"{"export_metadata": {}}"#,
            accepted: empty,
            rejected: wrong,
            user_custom: empty,
            suggestions: empty,
        };
        let error = SummaryInput::from_files(&settings(), &files).unwrap_err();
        assert_eq!(error, Reason::Unreadable("rejected_feedback.json"));
    }
}

#[test]
fn what_the_report_says_is_counted_and_its_first_numbers_are_told() {
    let mut session = Session::sample();
    session.report["section_analysis"] = json!({"A": {"deep": [1]}, "B": [], "C": 1});
    session.report["risk_analysis"] = json!({"of\nall": 7, "text": "8", "list": [9], "rate": -0.5});
    let categories: serde_json::Map<_, _> = (0..30).map(|n| (format!("c{n}"), json!(n))).collect();
    session.report["category_analysis"] = categories.into();
    let data: Value = serde_json::from_str(session.input().data()).unwrap();
    assert_eq!(data["sections"], 3);
    assert_eq!(
        data["risks_of_all_suggestions"],
        json!({"of all": 7, "rate": -0.5})
    );
    assert_eq!(data["categories"].as_object().unwrap().len(), 10);
    assert_eq!(data["document"], "write-up TR-20417.docx");
}

/// In each of its forms, however small: what is read of an entry takes more memory than the entry itself.
#[test]
fn a_file_of_more_entries_than_a_review_has_is_unreadable() {
    let of_items = json!({"feedback_by_section": {"A": vec![json!({}); 20_000]}});
    let sections: serde_json::Map<_, _> = (0..20_001).map(|n| (n.to_string(), json!([]))).collect();
    let of_sections = json!({ "feedback_by_section": sections });
    let empty = br#"{"feedback_by_section": {}}"#;
    for file in [of_items, of_sections] {
        let file = file.to_string();
        let files = SessionFiles {
            report: br#"{"export_metadata": {}}"#,
            accepted: file.as_bytes(),
            rejected: empty,
            user_custom: empty,
            suggestions: empty,
        };
        let error = SummaryInput::from_files(&settings(), &files).unwrap_err();
        assert_eq!(error, Reason::Unreadable("accepted_feedback.json"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_feedback_fits_and_is_json_without_tags(
        texts in prop::collection::vec((any::<String>(), any::<String>(), "[<>&\u{1}\\\\\"é]{0,1200}"), 0..60),
    ) {
        let items: Vec<Value> = texts
            .into_iter()
            .map(|(id, risk, text)| json!({"id": id, "risk_level": risk, "description": text}))
            .collect();
        let count = items.len();
        let mut session = Session::of(&json!({}));
        session.accepted = json!({"<b>": items});
        let input = session.input();
        prop_assert!(input.data().len() <= MAX_INPUT_BYTES);
        prop_assert!(!input.data().contains(['<', '>']));
        let shown = shown(&input);
        prop_assert!(shown.len() + input.items_left_out() <= count);
        for item in shown {
            prop_assert!(input.has(item["id"].as_str().unwrap()));
        }
    }
}
