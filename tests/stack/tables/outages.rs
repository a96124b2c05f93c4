//! When S3 fails: the copy, with a warning, or a clear error.

use std::fs;
use std::net::SocketAddr;

use casefile_local::s3::{Fault, FaultRule, When};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Lab, OTHER, TABLE, nowhere, sample};

#[tokio::test(flavor = "multi_thread")]
async fn without_s3_the_copy_does_and_a_warning_says_so() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let down = nowhere();
    let down = [("AWS_ENDPOINT_URL_S3", down.as_str())];
    let kept = lab.run_with(&["get", TABLE], &down).await;
    assert_eq!(kept.path(), lab.copy(TABLE));
    for said in [
        "S3 is unavailable: HeadObject: no connection",
        "is the copy, stored 20",
        "last checked 20",
    ] {
        assert!(kept.err.contains(said), "{said}: {}", kept.err);
    }
    let forced = lab.run_with(&["get", TABLE, "--force-s3"], &down).await;
    forced.assert_failed(2, &["S3 is unavailable", "there is a copy", "--offline gives it"]);
    let none = lab.run_with(&["get", OTHER], &down).await;
    none.assert_failed(
        2,
        &[
            "S3 is unavailable",
            "no good copy of the table encounter_maindata",
        ],
    );
    fs::write(lab.copy(TABLE), "tampered").unwrap();
    let tampered = lab.run_with(&["get", TABLE], &down).await;
    tampered.assert_failed(2, &["S3 is unavailable", "no good copy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_the_copy_does() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let old = sample(TABLE);
    lab.put(TABLE, "newer".into()).await;
    for operation in ["HeadObject", "GetObjectTagging", "GetObject"] {
        let rule = FaultRule::on(operation);
        let fault = Fault::error(503, "SlowDown");
        let fault = lab.harness.s3.faults().inject(rule, When::Before, fault);
        let kept = lab.run(&["get", TABLE]).await;
        assert_eq!(fs::read(kept.path()).unwrap(), old, "{operation}");
        assert!(kept.err.contains(operation), "{}", kept.err);
        let forced = lab.run(&["get", TABLE, "--force-s3"]).await;
        forced.assert_failed(2, &[operation]);
        fault.remove();
    }
    lab.assert_only_copies_of(&[TABLE]);
    assert_eq!(lab.get(TABLE).await, b"newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_asks_s3_nothing_and_needs_no_credentials() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    lab.watch();
    let without = [
        ("AWS_REGION", ""),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_ENDPOINT_URL_S3", ""),
    ];
    let offline = lab.run_with(&["get", TABLE, "--offline"], &without).await;
    assert_eq!(
        (offline.path(), offline.err.as_str()),
        (lab.copy(TABLE).as_path(), "")
    );
    let none = lab.run_with(&["get", OTHER, "--offline"], &without).await;
    none.assert_failed(
        1,
        &[
            "no copy of the table encounter_maindata",
            "encounter_maindata.parquet",
        ],
    );
    assert!(lab.harness.s3.requests().take().is_empty());
    let set_up = lab.run_with(&["get", TABLE], &without).await;
    set_up.assert_failed(2, &["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    let both = lab.run(&["get", TABLE, "--offline", "--force-s3"]).await;
    both.assert_failed(2, &["--offline", "--force-s3"]);
}

/// A way to S3 on which every answer breaks off after so many bytes.
async fn broken_way(to: SocketAddr, limit: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, to, limit));
        }
    });
    format!("http://{address}")
}

/// One connection, up to its end or to the limit.
async fn pass(client: TcpStream, to: SocketAddr, limit: usize) {
    let server = TcpStream::connect(to).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asked = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let (mut left, mut buffer) = (limit, vec![0; 1024]);
    while left > 0 {
        let size = left.min(buffer.len());
        match from_server.read(&mut buffer[..size]).await {
            Ok(0) | Err(_) => break,
            Ok(read) => {
                left -= read;
                if to_client.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        }
    }
    asked.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_leaves_the_old_copy_as_it_was() {
    let lab = Lab::start().await;
    lab.put(OTHER, "old".into()).await;
    lab.get(OTHER).await;
    lab.put(OTHER, sample(OTHER)).await;
    let way = broken_way(lab.harness.s3.address(), 5_000).await;
    let broken = [("AWS_ENDPOINT_URL_S3", way.as_str())];
    let kept = lab.run_with(&["get", OTHER], &broken).await;
    assert_eq!(fs::read(kept.path()).unwrap(), b"old");
    assert!(kept.err.contains("the answer broke off"), "{}", kept.err);
    let forced = lab.run_with(&["get", OTHER, "--force-s3"], &broken).await;
    forced.assert_failed(2, &["the answer broke off"]);
    assert_eq!(fs::read(lab.copy(OTHER)).unwrap(), b"old");
    lab.assert_only_copies_of(&[OTHER]);
    // Where it breaks off less often, it is taken up again.
    let way = broken_way(lab.harness.s3.address(), 12_000).await;
    let resumed = lab
        .run_with(&["get", OTHER], &[("AWS_ENDPOINT_URL_S3", way.as_str())])
        .await;
    assert_eq!(resumed.err, "");
    assert_eq!(fs::read(resumed.path()).unwrap(), sample(OTHER));
}
