//! What an export writes into lists is what they show, to whom it belongs and to nobody else.

use serde_json::json;

use crate::support::{TestStack, folder, office, owned, sample, token};

const LIST: &str = "/v1/documents/reviews";

#[tokio::test(flavor = "multi_thread")]
async fn an_export_shows_in_its_tenant_s_list_and_in_its_owner_s() {
    let stack = TestStack::start().await;
    let (status, answer) = stack.export(&owned("listed")).await;
    assert_eq!(status, 201, "{answer}");
    let files = answer["uploaded_files"].as_array().unwrap();
    let bytes: u64 = files.iter().map(|file| file["size"].as_u64().unwrap()).sum();
    let customer = |id| token("carl", &["customer"], "acme", Some(id));

    for token in [office("acme"), customer("c-17")] {
        let (status, list) = stack.get(LIST, &token).await;
        assert_eq!(status, 200, "{list}");
        let documents = list["documents"].as_array().unwrap();
        assert_eq!(documents.len(), 1, "{list}");
        let entry = &documents[0];
        assert_eq!(entry["path"], answer["folder_name"]);
        assert_eq!(entry["session_id"], "listed");
        assert_eq!(entry["revision"], 1);
        assert_eq!(entry["owner"], "c-17");
        assert_eq!(entry["total_files"], answer["total_files"]);
        assert_eq!(entry["total_bytes"], bytes);

        // The folder itself says the same.
        let (status, session) = stack.get(&format!("{LIST}/{}", folder(&answer)), &token).await;
        assert_eq!(status, 200, "{session}");
        for name in [
            "session_id",
            "owner",
            "time",
            "total_files",
            "total_bytes",
            "summary",
        ] {
            assert_eq!(session[name], entry[name], "{name}");
        }
    }
    for token in [
        customer("c-18"),
        office("globex"),
        token("carl", &["customer"], "globex", Some("c-17")),
        token("aude", &["auditor"], "acme", None),
    ] {
        let (status, list) = stack.get(LIST, &token).await;
        assert_eq!((status, &list["documents"]), (200, &json!([])), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_an_owner_shows_to_its_tenant_alone() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("unowned")).await;
    let (_, list) = stack.get(LIST, &office("acme")).await;
    assert_eq!(list["documents"][0]["path"], answer["folder_name"]);
    assert!(list["documents"][0].get("owner").is_none(), "{list}");
    let customer = token("dana", &["customer"], "acme", None);
    assert_eq!(stack.get(LIST, &customer).await.1["documents"], json!([]));
    let keys = stack.bucket().keys("_casefile/by-owner/").await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}
