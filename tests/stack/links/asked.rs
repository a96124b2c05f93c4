//! What a caller may ask of a link: any name, kind, life and network, one by one and in bulk.

use hyper::Method;
use serde_json::{Value, json};

use super::{encoded, follow, put, records};
use crate::support::{TestStack, folder, office, pointers, sample};

#[tokio::test(flavor = "multi_thread")]
async fn names_survive_the_whole_way_to_the_saved_file() {
    let stack = TestStack::start().await;
    let client = crate::support::client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    for name in [
        "Befund Müller & Söhne = 50% + #1.pdf",
        "报告 \"final\"; v=2.pdf",
        "a%20b%2Fc+d.pdf",
        "naïve 'quoted' (1)*.pdf",
    ] {
        let path = format!("2025/10/28/{name}");
        put(
            &client,
            bucket.name(),
            &format!("ecg-reports/{path}"),
            "acme",
            None,
        )
        .await;
        let target = format!("/v1/links/ecg-reports/{}", encoded(&path));
        let (status, link) = stack.get(&target, &office("acme")).await;
        assert_eq!(status, 200, "{name}: {link}");
        assert_eq!(link["file_name"], name);
        let file = follow(link["url"].as_str().unwrap()).await;
        assert_eq!(file.status(), 200, "{name}");
        let disposition = file.headers()["content-disposition"].to_str().unwrap();
        let (_, real) = disposition.split_once("filename*=UTF-8''").unwrap();
        assert_eq!(decoded(real), name);
    }
    let mut request = sample("names");
    let name = "Übersicht + 50% & a=b #1 final.docx";
    request["documents"]["before"]["file_name"] = json!(name);
    let (status, answer) = stack.export(&request).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["link"]["file_name"], format!("after_{name}"));
    assert_eq!(
        follow(answer["link"]["url"].as_str().unwrap()).await.status(),
        200
    );
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_s_wishes_are_checked_all_at_once_and_clamped_honestly() {
    let stack = TestStack::start().await;
    let client = crate::support::client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    put(
        &client,
        bucket.name(),
        "bols/2025/PRT-2025-0042.pdf",
        "acme",
        None,
    )
    .await;
    let bol = "/v1/links/bols/PRT-2025-0042";
    let wrong = format!("{bol}?kind=both&expires_in=59&disposition=show&uses=0&network=x&redirect=1&x=y");
    let (status, problem) = stack.get(&wrong, &office("acme")).await;
    assert_eq!(status, 422);
    let expected = [
        "?kind",
        "?expires_in",
        "?disposition",
        "?uses",
        "?network",
        "?redirect",
        "?x",
    ];
    assert_eq!(pointers(&problem), expected);

    let (_, share) = stack.get(bol, &office("acme")).await;
    assert_eq!(
        (&share["kind"], &share["expires_in"]),
        (&json!("share"), &json!(86_400))
    );
    assert_eq!(share["path"], "2025/PRT-2025-0042.pdf");
    let url = share["url"].as_str().unwrap();
    assert!(
        url.starts_with(&stack.stack.public_url()) && url.contains("/v1/s/"),
        "{url}"
    );
    let (_, clamped) = stack
        .get(&format!("{bol}?expires_in=604800"), &office("acme"))
        .await;
    assert_eq!(
        (&clamped["expires_in"], &clamped["clamped_by"]),
        (&json!(86_400), &json!("collection"))
    );
    let direct = format!("{bol}?kind=direct&expires_in=3600&disposition=inline");
    let (_, direct) = stack.get(&direct, &office("acme")).await;
    assert_eq!(
        (&direct["expires_in"], &direct["clamped_by"]),
        (&json!(900), &json!("maximum"))
    );
    let file = follow(direct["url"].as_str().unwrap()).await;
    assert!(
        file.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("inline;")
    );
    let (status, _) = stack
        .get(&format!("{bol}?kind=direct&uses=3"), &office("acme"))
        .await;
    assert_eq!(status, 422);

    let (_, answer) = stack.export(&sample("inline")).await;
    let docx = encoded(answer["link"]["path"].as_str().unwrap());
    let (status, problem) = stack
        .get(
            &format!("/v1/links/reviews/{docx}?disposition=inline"),
            &office("acme"),
        )
        .await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("?disposition"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bulk_each_item_has_its_own_outcome_and_its_own_record() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("bulk")).await;
    let report = format!("{}/readable_report.txt", folder(&answer));
    let before = records(&stack.stack.audit().unwrap()).await.len();
    let body = json!({"items": [
        {"collection": "reviews", "path": report},
        {"collection": "reviews", "path": "20251114_142510_none/readable_report.txt"},
        {"collection": "reviews", "path": report, "kind": "share", "uses": 2, "network": "127.0.0.0/8"},
        {"collection": "reviews", "path": report, "disposition": "inline", "expires_in": 60},
    ]});
    let response = stack
        .call(Method::POST, "/v1/links", Some(&office("acme")), body.to_string())
        .await;
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let links = answer["links"].as_array().unwrap();
    let outcomes: Vec<_> = links
        .iter()
        .map(|item| item["status"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["granted", "refused", "granted", "granted"]);
    assert_eq!(links[1]["problem"]["status"], 404);
    assert_eq!(links[2]["link"]["network"], "127.0.0.0/8");
    for link in [&links[0], &links[3]] {
        assert_eq!(follow(link["link"]["url"].as_str().unwrap()).await.status(), 200);
    }
    let all = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(all.len() - before, 4);
    let failures = all.iter().filter(|record| record.status_id == 2).count();
    assert_eq!(failures, 1);

    let wrong =
        json!({"items": [{"collection": "reviews"}, {"path": 1, "collection": "x", "more": 1}], "x": 1});
    let response = stack
        .call(
            Method::POST,
            "/v1/links",
            Some(&office("acme")),
            wrong.to_string(),
        )
        .await;
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        pointers(&problem),
        ["/x", "/items/0/path", "/items/1/path", "/items/1/more"],
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bulk_no_name_is_longer_than_any_key() {
    let stack = TestStack::start().await;
    let ask = async |collection: usize, path: usize| {
        let item = json!({"collection": "c".repeat(collection), "path": "p".repeat(path)});
        let body = json!({"items": [item]}).to_string();
        let response = stack
            .call(Method::POST, "/v1/links", Some(&office("acme")), body)
            .await;
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), answer)
    };
    for (collection, path, pointer) in [
        (7, 2_000, "/items/0/path"),
        (7, 1_025, "/items/0/path"),
        (65, 9, "/items/0/collection"),
    ] {
        let (status, problem) = ask(collection, path).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let (status, answer) = ask(64, 1_024).await;
    assert_eq!(
        (status, &answer["links"][0]["problem"]["status"]),
        (200, &json!(404)),
        "{answer}"
    );
}
