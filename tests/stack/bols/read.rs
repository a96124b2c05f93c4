//! Who may read a bill of lading: its tenant's staff, and the customer whose it is.

use serde_json::{Value, json};

use super::{CUSTOMER, content, issued, list, number, record, refused};
use crate::files::{link, paths};
use crate::links::follow;
use crate::support::{TestStack, office, token, without_events};

const NUMBER: &str = "PRT-2025-0001";
const PATH: &str = "2025/PRT-2025-0001.pdf";

fn customer(tenant: &str, customer: &str) -> String {
    token("carl", &["customer"], tenant, Some(customer))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_of_a_record_reads_it_by_its_number_and_nobody_else_s_customer_does() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    issued(&stack, &dana, &record()).await;
    let mut other = record();
    other["owner"] = json!("c-18");
    assert_eq!(number(&stack, &dana, &other).await, "PRT-2025-0002");
    let mut nobody_s = record();
    nobody_s.as_object_mut().unwrap().remove("customer").unwrap();
    assert_eq!(number(&stack, &dana, &nobody_s).await, "PRT-2025-0003");
    let bytes = content(&stack, "bols/2025/PRT-2025-0001.pdf").await;

    let carl = customer("acme", CUSTOMER);
    for name in [NUMBER, PATH] {
        let (status, share) = link(&stack, &carl, "bols", name).await;
        assert_eq!(
            (status, &share["kind"]),
            (200, &json!("share")),
            "{name}: {share}"
        );
        assert_eq!(share["path"], PATH);
        let redirect = follow(share["url"].as_str().unwrap()).await;
        let file = follow(redirect.headers()["location"].to_str().unwrap()).await;
        assert_eq!(file.body(), &bytes);
    }
    let target = format!("/v1/links/bols/{NUMBER}?kind=direct&expires_in=60");
    let (status, direct) = stack.get(&target, &dana).await;
    assert_eq!((status, &direct["kind"]), (200, &json!("direct")), "{direct}");
    assert_eq!(follow(direct["url"].as_str().unwrap()).await.body(), &bytes);

    // `owner` goes before the customer, and without either it is the staff's alone.
    let c_18 = customer("acme", "c-18");
    for (reader, seen) in [
        (&carl, &[NUMBER][..]),
        (&c_18, &["PRT-2025-0002"]),
        (&customer("acme", "c-19"), &[]),
        (&customer("globex", CUSTOMER), &[]),
        (&office("globex"), &[]),
        (&dana, &[NUMBER, "PRT-2025-0002", "PRT-2025-0003"]),
    ] {
        reads(&stack, reader, seen).await;
    }
}

/// Of three bills of lading the reader finds these, by links, by what is known of them and in the list.
async fn reads(stack: &TestStack, reader: &str, seen: &[&str]) {
    let mut missing = Vec::new();
    for number in [NUMBER, "PRT-2025-0002", "PRT-2025-0003", "PRT-2025-0004"] {
        let (status, answer) = link(stack, reader, "bols", number).await;
        let (known, _) = stack.get(&format!("/v1/documents/bols/{number}"), reader).await;
        let expected = if seen.contains(&number) { 200 } else { 404 };
        assert_eq!((status, known), (expected, expected), "{number}: {answer}");
        if status == 404 {
            missing.push(answer["detail"].clone());
        }
    }
    missing.dedup();
    assert!(
        missing.len() <= 1,
        "what is there is told from what isn't: {missing:?}"
    );
    let list = list(stack, reader).await;
    let mut listed: Vec<_> = paths(&list).into_iter().map(str::to_owned).collect();
    listed.sort();
    let expected: Vec<_> = seen.iter().map(|number| format!("2025/{number}.pdf")).collect();
    assert_eq!(listed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_share_the_numbers_and_nothing_else() {
    let stack = TestStack::start_with(without_events).await;
    let (acme, globex) = (office("acme"), office("globex"));
    // The same record of another tenant's is another bill of lading.
    let first = issued(&stack, &acme, &record()).await;
    let second = issued(&stack, &globex, &record()).await;
    assert_eq!(
        (&first["number"], &second["number"]),
        (&json!(NUMBER), &json!("PRT-2025-0002"))
    );
    for (reader, own, other) in [
        (&acme, NUMBER, "PRT-2025-0002"),
        (&globex, "PRT-2025-0002", NUMBER),
        (&customer("acme", CUSTOMER), NUMBER, "PRT-2025-0002"),
        (&customer("globex", CUSTOMER), "PRT-2025-0002", NUMBER),
    ] {
        assert_eq!(link(&stack, reader, "bols", own).await.0, 200);
        assert_eq!(link(&stack, reader, "bols", other).await.0, 404);
        assert_eq!(paths(&list(&stack, reader).await), [format!("2025/{own}.pdf")]);
    }
    let own = downloaded_share(&stack, &globex, "PRT-2025-0002").await;
    assert_eq!(own, content(&stack, "bols/2025/PRT-2025-0002.pdf").await);
    // Not even that it is there: the answer is that of any number that is taken.
    let mut request = super::finished::inline(&super::finished::pdf("x"));
    let mut told = Vec::new();
    for taken in [NUMBER, "PRT-2025-0002"] {
        request["number"] = json!(taken);
        let mut problem = refused(&stack, &globex, &request, 409).await;
        problem["instance"] = Value::Null;
        told.push(problem);
    }
    assert_eq!(told[0], told[1]);
}

async fn downloaded_share(stack: &TestStack, token: &str, number: &str) -> Vec<u8> {
    let (_, share) = link(stack, token, "bols", number).await;
    let redirect = follow(share["url"].as_str().unwrap()).await;
    let file = follow(redirect.headers()["location"].to_str().unwrap()).await;
    file.body().to_vec()
}
