//! An S3 that takes every write, whatever its conditions and its checksum say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::alone::variables;
use super::run;

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Answers each request alone: what was put is got, and anything else is an empty success.
async fn serve(listener: TcpListener, objects: Objects) {
    while let Ok((connection, _)) = listener.accept().await {
        let objects = Arc::clone(&objects);
        tokio::spawn(async move { answer(connection, &objects).await });
    }
}

async fn answer(connection: TcpStream, objects: &Objects) -> Option<()> {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    connection.read_line(&mut line).await.ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        connection.read_line(&mut header).await.ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = target.split('?').next()?.to_owned();
    let is_object = !target.contains("?tagging") && path.trim_matches('/').contains('/');
    let answer = match (method, is_object) {
        ("PUT", true) => {
            objects.lock().unwrap().insert(path, body);
            Vec::new()
        }
        ("GET", true) => objects.lock().unwrap().get(&path)?.clone(),
        ("DELETE", true) => {
            objects.lock().unwrap().remove(&path);
            Vec::new()
        }
        _ => Vec::new(),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    connection.write_all(head.as_bytes()).await.ok()?;
    connection.write_all(&answer).await.ok()?;
    connection.shutdown().await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_ignores_conditions_and_checksums_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let objects = Objects::default();
    let serving = tokio::spawn(serve(listener, Arc::clone(&objects)));
    let said = run(&["--json"], &variables(&endpoint)).await;
    serving.abort();
    assert_eq!(said.code, 1);
    for name in ["write", "read back", "clean up"] {
        assert!(
            said.names("ok").contains(&name.to_owned()),
            "{name}: {}",
            said.out
        );
    }
    let conditional = said.of("conditional write");
    assert!(
        conditional.contains("ignores If-None-Match and If-Match"),
        "{conditional}"
    );
    assert!(conditional.contains("create-only doesn't hold"), "{conditional}");
    let record = said.of("audit record");
    assert!(
        record.contains("doesn't compare checksums: s3://audit/audit/doctor/"),
        "{record}"
    );
    // Nothing but what can't be deleted from an audit log is left, and that is not among its records.
    let left: Vec<_> = objects.lock().unwrap().keys().cloned().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with("/audit/audit/doctor/"), "{left:?}");
}
