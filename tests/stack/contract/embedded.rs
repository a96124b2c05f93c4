//! What the embedded S3 promises beyond the protocol: plain files, restarts, crashes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use casefile_local::s3::{S3Config, S3Server, StartError, TlsIdentity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Target;
use super::target::{ACCESS_KEY, SECRET_KEY, client, embedded, start};

/// Stops the server, lets `between` do what it likes to the files, and starts another one over them.
async fn restart(s3: Target, between: impl FnOnce(&Path)) -> Target {
    let mut old = s3.embedded.unwrap();
    old.server.stop().await;
    between(&old.folder.path().join(&s3.bucket));
    old.server = start(old.folder.path()).await;
    let endpoint = old.server.endpoint();
    Target {
        client: client(&endpoint, ACCESS_KEY, SECRET_KEY),
        bucket: s3.bucket,
        endpoint,
        embedded: Some(old),
    }
}

fn bucket_folder(s3: &Target) -> PathBuf {
    s3.embedded.as_ref().unwrap().folder.path().join(&s3.bucket)
}

fn files_under(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                files_under(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

#[tokio::test]
async fn objects_lie_as_plain_files_under_their_keys() {
    let s3 = embedded().await;
    let objects = bucket_folder(&s3).join("objects");
    s3.put("tara/x/report.txt", "first").await;
    s3.put("tara/x/report.txt", "second").await;
    s3.put("a/b", "below").await;
    s3.put("a", "beside").await;
    assert_eq!(
        fs::read_to_string(objects.join("tara/x/report.txt")).unwrap(),
        "second"
    );
    assert_eq!(fs::read_to_string(objects.join("a/b")).unwrap(), "below");
    assert_eq!(fs::read_to_string(objects.join("a%file")).unwrap(), "beside");
    s3.client
        .delete_object()
        .bucket(&s3.bucket)
        .key("tara/x/report.txt")
        .send()
        .await
        .unwrap();
    assert!(
        !objects.join("tara").exists(),
        "empty folders go with their last file"
    );
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let s3 = embedded().await;
    let first = s3.put("a", "first").await.version_id.unwrap();
    let request = s3
        .client
        .put_object()
        .bucket(&s3.bucket)
        .key("a")
        .body(b"second".to_vec().into());
    request
        .metadata("tenant", "acme")
        .tagging("state=new")
        .content_type("text/plain")
        .send()
        .await
        .unwrap();
    s3.put("gone", "x").await;
    s3.client
        .delete_object()
        .bucket(&s3.bucket)
        .key("gone")
        .send()
        .await
        .unwrap();
    s3.put("odd//key/", "odd").await;
    let before = s3
        .client
        .list_object_versions()
        .bucket(&s3.bucket)
        .send()
        .await
        .unwrap();
    let s3 = restart(s3, |_| {}).await;
    let after = s3
        .client
        .list_object_versions()
        .bucket(&s3.bucket)
        .send()
        .await
        .unwrap();
    assert_eq!(after.versions(), before.versions());
    assert_eq!(after.delete_markers(), before.delete_markers());
    let got = s3.get("a").await;
    assert_eq!(
        (got.content_type(), got.tag_count()),
        (Some("text/plain"), Some(1))
    );
    assert_eq!(got.metadata().unwrap()["tenant"], "acme");
    assert_eq!(s3.text("a").await, "second");
    assert_eq!(s3.text("odd//key/").await, "odd");
    let request = s3
        .client
        .get_object()
        .bucket(&s3.bucket)
        .key("a")
        .version_id(first);
    assert_eq!(super::bytes_of(request.send().await.unwrap()).await, b"first");
    assert_eq!(
        s3.create("a", "x")
            .await
            .unwrap_err()
            .raw_response()
            .unwrap()
            .status()
            .as_u16(),
        412
    );
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let s3 = embedded().await;
    let request = s3.client.create_multipart_upload().bucket(&s3.bucket).key("a");
    let id = request.send().await.unwrap().upload_id.unwrap();
    let request = s3
        .client
        .upload_part()
        .bucket(&s3.bucket)
        .key("a")
        .upload_id(&id)
        .part_number(1);
    let part = request.body(b"kept".to_vec().into()).send().await.unwrap();
    let s3 = restart(s3, |_| {}).await;
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let upload = CompletedMultipartUpload::builder().parts(part).build();
    let request = s3
        .client
        .complete_multipart_upload()
        .bucket(&s3.bucket)
        .key("a")
        .upload_id(&id);
    request.multipart_upload(upload).send().await.unwrap();
    assert_eq!(s3.text("a").await, "kept");
    assert_eq!(files_under(&bucket_folder(&s3).join("uploads")), 0);
}

#[tokio::test]
async fn what_a_crash_leaves_half_done_is_swept_and_never_seen() {
    let s3 = embedded().await;
    s3.put("whole", "whole").await;
    let s3 = restart(s3, |bucket| {
        // A body that was being received, bytes that were placed but not committed, a record that was
        // being written, a view that was not updated yet, an upload that was being thrown away.
        fs::write(bucket.join("tmp/0000000000000001"), "half").unwrap();
        fs::create_dir_all(bucket.join("meta/02")).unwrap();
        fs::write(bucket.join("meta/02/0000000000000002.data"), "uncommitted").unwrap();
        fs::write(bucket.join("tmp/0000000000000003.json"), "{\"key\":").unwrap();
        fs::write(bucket.join("objects/stray"), "stray").unwrap();
        fs::create_dir_all(bucket.join("uploads/dead")).unwrap();
        fs::write(bucket.join("uploads/dead/1-0000000000000004.data"), "part").unwrap();
    })
    .await;
    assert_eq!(s3.keys("").await, ["whole"]);
    assert_eq!(s3.text("whole").await, "whole");
    let bucket = bucket_folder(&s3);
    assert_eq!(files_under(&bucket.join("tmp")), 0);
    assert_eq!(files_under(&bucket.join("meta")), 2);
    assert_eq!(files_under(&bucket.join("objects")), 1);
    assert_eq!(files_under(&bucket.join("uploads")), 0);
}

#[tokio::test]
async fn a_record_that_can_not_be_read_is_set_aside_and_costs_nothing_else() {
    let s3 = embedded().await;
    s3.put("whole", "whole").await;
    let s3 = restart(s3, |bucket| {
        fs::create_dir_all(bucket.join("meta/02")).unwrap();
        fs::write(bucket.join("meta/02/0000000000000002.json"), "").unwrap();
        fs::write(bucket.join("meta/02/0000000000000002.data"), "kept").unwrap();
        fs::write(bucket.join("meta/notes.txt"), "a person's").unwrap();
        fs::create_dir_all(bucket.join("uploads/half")).unwrap();
        fs::write(bucket.join("uploads/half/upload.json"), "{").unwrap();
        fs::write(bucket.join("bucket.json"), "").unwrap();
    })
    .await;
    assert_eq!(s3.keys("").await, ["whole"]);
    assert_eq!(s3.text("whole").await, "whole");
    let again = s3.put("whole", "again").await;
    assert_eq!(again.version_id.unwrap().len(), 32, "it keeps versions as before");
    let bucket = bucket_folder(&s3);
    let broken = |name: &str| fs::read_to_string(bucket.join("broken").join(name)).unwrap();
    assert_eq!(broken("0000000000000002.data"), "kept");
    assert_eq!(broken("0000000000000002.json"), "");
    assert_eq!(broken("half/upload.json"), "{");
    assert!(bucket.join("meta/notes.txt").exists());
    assert_eq!(files_under(&bucket.join("uploads")), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored_and_leaves_nothing() {
    let s3 = embedded().await;
    let presigning = aws_sdk_s3::presigning::PresigningConfig::expires_in(Duration::from_mins(1));
    let request = s3
        .client
        .put_object()
        .bucket(&s3.bucket)
        .key("a")
        .presigned(presigning.unwrap())
        .await
        .unwrap();
    let host = s3.endpoint.strip_prefix("http://").unwrap();
    let path = request.uri().strip_prefix(&s3.endpoint).unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3000000\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 2_000_000]).await.unwrap();
    drop(stream);
    let tmp = bucket_folder(&s3).join("tmp");
    let mut patience = 200;
    while files_under(&tmp) > 0 && patience > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        patience -= 1;
    }
    assert_eq!(files_under(&tmp), 0);
    assert!(s3.keys("").await.is_empty());
}

#[tokio::test]
async fn a_client_that_waits_to_send_nothing_gets_its_answer_and_a_new_connection() {
    let s3 = embedded().await;
    let presigning = aws_sdk_s3::presigning::PresigningConfig::expires_in(Duration::from_mins(1));
    let request = s3
        .client
        .put_object()
        .bucket(&s3.bucket)
        .key("a")
        .presigned(presigning.unwrap())
        .await
        .unwrap();
    let host = s3.endpoint.strip_prefix("http://").unwrap();
    let path = request.uri().strip_prefix(&s3.endpoint).unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nexpect: 100-continue\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Comes to an end only when the server ends the connection.
    let end = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), end)
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_folder_that_is_in_use_is_refused() {
    let s3 = embedded().await;
    let folder = s3.embedded.as_ref().unwrap().folder.path();
    let second = S3Server::start(S3Config::new(folder, || jiff::Timestamp::UNIX_EPOCH)).await;
    assert!(matches!(second, Err(StartError::InUse(_))), "{second:?}");
}

#[tokio::test]
async fn what_cannot_be_a_bucket_or_a_certificate_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = || S3Config::new(folder.path(), || jiff::Timestamp::UNIX_EPOCH);
    let bad_name = S3Config {
        buckets: vec!["../up".to_owned()],
        ..config()
    };
    assert!(matches!(
        S3Server::start(bad_name).await,
        Err(StartError::BucketName(_))
    ));
    let identity = TlsIdentity {
        chain_pem: "none".to_owned(),
        key_pem: "none".to_owned(),
    };
    let bad_tls = S3Config {
        tls: Some(identity),
        ..config()
    };
    assert!(matches!(S3Server::start(bad_tls).await, Err(StartError::Tls(_))));
}

#[tokio::test]
async fn a_clock_that_went_back_does_not_reorder_versions() {
    let folder = tempfile::tempdir().unwrap();
    let later = || "2030-01-01T00:00:00Z".parse().unwrap();
    let earlier = || "2020-01-01T00:00:00Z".parse().unwrap();
    let clocks: [fn() -> jiff::Timestamp; 2] = [later, earlier];
    for (clock, body) in clocks.into_iter().zip(["first", "second"]) {
        let config = S3Config {
            buckets: vec!["contract".to_owned()],
            ..S3Config::new(folder.path(), clock)
        };
        let (access, secret) = (config.access_key.clone(), config.secret_key.clone());
        let server = S3Server::start(config).await.unwrap();
        let endpoint = server.endpoint();
        let s3 = Target {
            client: client(&endpoint, &access, &secret),
            bucket: "contract".to_owned(),
            endpoint,
            embedded: None,
        };
        s3.put("a", body).await;
        assert_eq!(s3.text("a").await, body);
        server.stop().await;
    }
}
