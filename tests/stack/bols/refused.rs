//! What is wrong with a record, all of it at once; and who may not store one. Neither takes a number.

use serde_json::{Value, json};

use super::{ROUTE, keys, number, record, refused};
use crate::files::post;
use crate::support::{TestStack, device, office, pointers, token, without_events};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_record_is_told_everything_at_once_and_takes_no_number() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    every_error_of_a_record_is_named(&stack, &dana).await;
    what_the_rule_demands_is_named_by_its_paragraph(&stack, &dana).await;
    single_values_are_held_to_their_limits(&stack, &dana).await;
    what_is_no_record_is_refused(&stack, &dana).await;
    assert_eq!(keys(&stack).await, [""; 0]);
    let states = stack.bucket().keys("_casefile/bols/").await.unwrap();
    assert_eq!(states, [""; 0], "a number was taken");
    assert_eq!(number(&stack, &dana, &record()).await, "PRT-2025-0001");
}

async fn every_error_of_a_record_is_named(stack: &TestStack, dana: &str) {
    let wrong = json!({
        "date": "2025-02-30",
        "customer": "x".repeat(201),
        "owner": "",
        "ship_from": {"name": " ", "address": [], "zip": 45202},
        "ship_to": {"address": ["88 Foundry Road", "Hamilton\u{7}", "", 5]},
        "customer_po": "\u{202e}PO",
        "release_number": 1044,
        "carrier": {"name": "Ohio Valley Haulage", "scac": "OVH1", "truck_number": "", "driver": "x"},
        "product": {"name": 7, "lot": null, "analysis": {"C": 101, " Si": 1, "S": "0.006"}},
        "packages": {"count": 0},
        "hazardous": "no",
        "net_tons": -1,
        "notes": "x".repeat(4_001),
        "special_instructions": "x\n".repeat(201),
        "idempotency_key": "x".repeat(101),
        "weight": 3,
    });
    let problem = refused(stack, dana, &wrong, 422).await;
    let mut told = pointers(&problem);
    told.sort_unstable();
    let mut expected = vec![
        "/date",
        "/customer",
        "/owner",
        "/ship_from/name",
        "/ship_from/address",
        "/ship_from/zip",
        "/ship_to/name",
        "/ship_to/address/1",
        "/ship_to/address/2",
        "/ship_to/address/3",
        "/customer_po",
        "/release_number",
        "/carrier/scac",
        "/carrier/truck_number",
        "/carrier/driver",
        "/product/name",
        "/product/analysis/C",
        "/product/analysis/ Si",
        "/product/analysis/S",
        "/packages/count",
        "/packages/kind",
        "/hazardous",
        "/net_tons",
        "/notes",
        "/special_instructions",
        "/idempotency_key",
        "/weight",
    ];
    expected.sort_unstable();
    assert_eq!(told, expected, "{problem}");
}

async fn what_the_rule_demands_is_named_by_its_paragraph(stack: &TestStack, dana: &str) {
    let problem = refused(stack, dana, &json!({"date": "2025-11-04"}), 422).await;
    for (pointer, paragraphs) in [
        ("/ship_from", &["373.101(a)", "373.101(b)"][..]),
        ("/ship_to", &["373.101(a)", "373.101(b)"]),
        ("/packages", &["373.101(c)"]),
        ("/product", &["373.101(d)"]),
        ("/net_tons", &["373.101(e)"]),
        ("/carrier", &[]),
        ("/hazardous", &[]),
    ] {
        demands(&problem, pointer, paragraphs);
    }
    let mut hollow = record();
    for (part, field) in [
        ("ship_from", "name"),
        ("ship_from", "address"),
        ("ship_to", "name"),
        ("ship_to", "address"),
        ("product", "name"),
        ("packages", "count"),
    ] {
        hollow[part].as_object_mut().unwrap().remove(field).unwrap();
    }
    let problem = refused(stack, dana, &hollow, 422).await;
    assert_eq!(pointers(&problem).len(), 6, "{problem}");
    for (pointer, paragraph) in [
        ("/ship_from/name", "373.101(a)"),
        ("/ship_from/address", "373.101(b)"),
        ("/ship_to/name", "373.101(a)"),
        ("/ship_to/address", "373.101(b)"),
        ("/packages/count", "373.101(c)"),
        ("/product/name", "373.101(d)"),
    ] {
        demands(&problem, pointer, &[paragraph]);
    }
}

/// The problem has one error there, which names these paragraphs of 49 CFR.
fn demands(problem: &Value, pointer: &str, paragraphs: &[&str]) {
    let mut there = problem["errors"].as_array().unwrap().clone();
    there.retain(|error| error["pointer"] == pointer);
    assert_eq!(there.len(), 1, "{pointer}: {problem}");
    let detail = there[0]["detail"].as_str().unwrap();
    assert!(detail.contains("required"), "{pointer}: {detail}");
    for paragraph in paragraphs {
        assert!(
            detail.contains(paragraph) && detail.contains("49 CFR"),
            "{detail}"
        );
    }
}

async fn single_values_are_held_to_their_limits(stack: &TestStack, dana: &str) {
    let cases = [
        ("/carrier/scac", json!("OVHLX")),
        ("/carrier/scac", json!("O")),
        ("/carrier/scac", json!("ÖVH")),
        ("/carrier/scac", json!("O HL")),
        ("/date", json!("2025-11-04T10:00:00Z")),
        ("/date", json!("2025-1-4")),
        ("/date", json!("1899-12-31")),
        ("/date", json!(20_251_104)),
        ("/net_tons", json!(0)),
        ("/net_tons", json!(23.410_05)),
        ("/net_tons", json!(1_000_000)),
        ("/net_tons", json!("23.41")),
        ("/packages/count", json!(1.5)),
        ("/packages/count", json!(1_000_001)),
        ("/hazardous", json!(null)),
    ];
    for (pointer, value) in cases {
        let mut request = record();
        *request.pointer_mut(pointer).unwrap() = value.clone();
        let problem = refused(stack, dana, &request, 422).await;
        assert_eq!(pointers(&problem), [pointer], "{value}");
    }
}

async fn what_is_no_record_is_refused(stack: &TestStack, dana: &str) {
    let problem = refused(stack, dana, &"[]", 422).await;
    assert_eq!(pointers(&problem), [""]);
    refused(stack, dana, &"{", 400).await;
    let mut large = record();
    large["notes"] = json!("x".repeat(256 * 1024));
    refused(stack, dana, &large, 413).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_takes_no_number() {
    let stack = TestStack::start_with(without_events).await;
    for token in [
        token("carl", &["customer"], "acme", Some("Queen City Castings")),
        token("ann", &["auditor"], "acme", None),
        token("sam", &[], "acme", None),
        device("acme", "ecg-reports"),
    ] {
        refused(&stack, &token, &record(), 403).await;
        // Nor what is wrong with a record.
        refused(&stack, &token, &json!({}), 403).await;
    }
    let (status, _) = post(&stack, "x", ROUTE, &record()).await;
    assert_eq!(status, 401);
    assert_eq!(stack.bucket().keys("").await.unwrap(), [""; 0]);
}
