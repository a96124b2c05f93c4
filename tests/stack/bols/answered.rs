//! What a caller gets for a record, and gets again.

use casefile::digest::Sha256;
use serde_json::{Value, json};

use super::{CUSTOMER, complete, content, counter, issued, keys, number, numbers_in, ordered, record, text};
use crate::files::{metadata_of, versions_of};
use crate::links::follow;
use crate::support::{TestStack, office, same, without_events};

const KEY: &str = "bols/2025/PRT-2025-0001.pdf";

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_numbered_and_drawn_and_repeated_it_is_the_same_bill() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let answer = issued(&stack, &dana, &record()).await;
    for (name, value) in [
        ("number", "PRT-2025-0001"),
        ("collection", "bols"),
        ("path", "2025/PRT-2025-0001.pdf"),
        ("key", KEY),
        ("file_name", "PRT-2025-0001.pdf"),
        ("content_type", "application/pdf"),
    ] {
        assert_eq!(answer[name], value, "{answer}");
    }
    assert_eq!(
        (&answer["dropped"], &answer["warnings"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(answer["metadata"], json!({}), "nothing of Casefile's own shows");
    let pdf = content(&stack, KEY).await;
    assert_eq!(answer["size"], pdf.len());
    assert_eq!(answer["sha256"], Sha256::of(&pdf).to_string());
    assert_eq!(answer["version_id"], versions_of(&stack, KEY).await[0].id);
    let head = stack.bucket().head(KEY).await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    let metadata = metadata_of(&stack, KEY).await;
    assert_eq!(metadata["tenant"], "acme");
    assert!(metadata["owner"].starts_with("Queen"), "{metadata:?}");
    let text = text(&pdf);
    assert_eq!(numbers_in(&text), ["PRT-2025-0001"].into());
    assert!(text.contains(CUSTOMER) && text.contains("PO-88213"), "{text}");

    the_link_leads_to_the_very_bytes(&answer["link"], &pdf).await;
    the_same_record_in_another_spelling_is_the_same(&stack, &dana, &answer).await;
    what_differs_is_another_bill(&stack, &dana).await;
}

async fn the_link_leads_to_the_very_bytes(link: &Value, pdf: &[u8]) {
    for (name, value) in [
        ("kind", json!("share")),
        ("expires_in", json!(86_400)),
        ("file_name", json!("PRT-2025-0001.pdf")),
        ("content_type", json!("application/pdf")),
        ("size", json!(pdf.len())),
        ("sha256", json!(Sha256::of(pdf).to_string())),
    ] {
        assert_eq!(link[name], value, "{link}");
    }
    assert!(link.get("clamped_by").is_none_or(Value::is_null), "{link}");
    // Nobody asks who follows it.
    let redirect = follow(link["url"].as_str().unwrap()).await;
    assert_eq!(redirect.status(), 302);
    assert_eq!(redirect.headers()["cache-control"], "no-store");
    let file = follow(redirect.headers()["location"].to_str().unwrap()).await;
    assert_eq!((file.status().as_u16(), file.body().as_ref()), (200, pdf));
    assert_eq!(file.headers()["content-type"], "application/pdf");
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("PRT-2025-0001.pdf"), "{disposition}");
}

async fn the_same_record_in_another_spelling_is_the_same(stack: &TestStack, dana: &str, answer: &Value) {
    let reversed = reversed(&record());
    let spaced = serde_json::to_string_pretty(&reversed).unwrap();
    let respelled = spaced
        .replace("23.41", "2.3410e1")
        .replace("\"Queen City Castings\"", "\"  Queen City Castings\\n\"")
        .replace("PO-88213", "\\u0050O-88213 ")
        .replace("OVHL", "ovhl");
    assert_eq!(
        respelled.parse::<Value>().unwrap()["carrier"]["scac"],
        "ovhl",
        "it is another spelling"
    );
    for request in [record().to_string(), reversed.to_string(), spaced, respelled] {
        let again = issued(stack, dana, &request).await;
        assert_ne!(again["link"]["url"], answer["link"]["url"]);
        assert_eq!(unlinked(again), unlinked(answer.clone()), "{request}");
    }
    assert_eq!(versions_of(stack, "bols/").await.len(), 1);
    assert_eq!(complete(stack, "PRT-2025").await["next"], "PRT-2025-0002");
}

async fn what_differs_is_another_bill(stack: &TestStack, dana: &str) {
    let mut again = record();
    again["idempotency_key"] = json!("the second truck");
    assert_eq!(number(stack, dana, &again).await, "PRT-2025-0002");
    assert_eq!(number(stack, dana, &again).await, "PRT-2025-0002");
    assert_eq!(number(stack, dana, &ordered("PO-1")).await, "PRT-2025-0003");
    let mut next_year = record();
    next_year["date"] = json!("2026-01-02");
    let answer = issued(stack, dana, &next_year).await;
    assert_eq!(answer["number"], "PRT-2026-0001");
    assert_eq!(answer["key"], "bols/2026/PRT-2026-0001.pdf");
    assert_eq!(number(stack, dana, &ordered("PO-2")).await, "PRT-2025-0004");
    // A repeat finds its own, whatever came after it.
    assert_eq!(number(stack, dana, &record()).await, "PRT-2025-0001");
    for (series, next) in [("PRT-2025", "PRT-2025-0005"), ("PRT-2026", "PRT-2026-0002")] {
        assert_eq!(complete(stack, series).await["next"], next);
    }
    let (code, nothing) = counter(stack, &["get", "--series", "PRT-2024"]).await;
    assert_eq!((code, &nothing["next"]), (0, &json!("PRT-2024-0001")));
    assert_eq!(keys(stack).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_that_the_font_lacks_is_a_warning_of_each_answer() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let mut request = record();
    request["ship_to"]["name"] = json!("Queen City Castings 株");
    request["product"]["analysis"]["碳"] = json!(2.5);
    let answer = issued(&stack, &dana, &request).await;
    let warnings = answer["warnings"].as_array().unwrap();
    let told: Vec<_> = warnings.iter().map(|warning| &warning["pointer"]).collect();
    assert_eq!(told, ["/ship_to/name", "/product/analysis/碳"], "{answer}");
    assert!(
        warnings[0]["detail"].as_str().unwrap().contains("U+682A (株)"),
        "{answer}"
    );
    let again = issued(&stack, &dana, &request).await;
    assert_eq!(unlinked(again), unlinked(answer));
}

/// An answer without its link, which is each call's own.
fn unlinked(mut answer: Value) -> Value {
    answer["duration_ms"] = json!(0);
    same(answer)
}

/// The same object with the fields of each object the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), reversed(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
