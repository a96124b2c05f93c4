//! "Naming Amazon S3 objects" (user guide): any UTF-8 up to 1,024 bytes.

use super::{Lax, on_each_s3, on_each_s3_but, refusal};

fn odd_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "a/b",
        "a/b/c",
        "a//b",
        "a/b/",
        "dir/",
        "/leading",
        "trailing ",
        " leading",
        "plus+plus",
        "per%cent",
        "per%2Fcent",
        "a b",
        "emoji 🙂/日本語/ü",
        "e\u{301} is not \u{e9}",
        "q?u=e&r#y",
        "back\\slash",
        "colon:semi;comma,at@dollar$",
        "quote'double\"angle<>",
        "tilde~star*(paren)!",
        "[brackets]{braces}|^`",
        "dots/.../x",
        ".hidden",
        "%",
        "%25",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    keys.push(format!("long/{}", "x".repeat(1019)));
    keys.push("ü".repeat(512));
    keys
}

#[tokio::test]
async fn odd_keys_are_stored_read_listed_and_deleted_as_they_are() {
    on_each_s3(async |s3| {
        let mut keys = odd_keys();
        for key in &keys {
            s3.put(key, key.as_str()).await;
        }
        keys.sort_unstable();
        assert_eq!(s3.keys("").await, keys, "in the order of their UTF-8 bytes");
        for key in &keys {
            assert_eq!(s3.text(key).await, *key);
            s3.client
                .delete_object()
                .bucket(&s3.bucket)
                .key(key)
                .send()
                .await
                .unwrap();
        }
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn listed_keys_are_encoded_when_the_client_asks_for_it() {
    on_each_s3(async |s3| {
        for key in ["a b+c", "ü/1", "ü/2"] {
            s3.put(key, "x").await;
        }
        let request = s3.client.list_objects_v2().bucket(&s3.bucket).delimiter("/");
        let listed = request
            .encoding_type(aws_sdk_s3::types::EncodingType::Url)
            .send()
            .await
            .unwrap();
        // S3 writes a blank as a plus, others as %20; clients read both.
        let key = listed.contents()[0].key().unwrap().replace('+', "%20");
        assert_eq!(key, "a%20b%2Bc");
        assert_eq!(listed.common_prefixes()[0].prefix(), Some("%C3%BC/"));
    })
    .await;
}

#[tokio::test]
async fn a_key_may_be_slashes_alone() {
    on_each_s3_but(Lax::SlashesAlone, async |s3| {
        for key in ["/", "//", "///"] {
            s3.put(key, key).await;
            assert_eq!(s3.text(key).await, key);
        }
        assert_eq!(s3.keys("").await, ["/", "//", "///"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_over_1024_bytes_is_too_long() {
    on_each_s3(async |s3| {
        let request = s3.client.put_object().bucket(&s3.bucket).key("x".repeat(1025));
        assert_eq!(refusal(request.send().await), (400, "KeyTooLongError".to_owned()));
    })
    .await;
}
