//! A queue for one sender: it keeps what it is sent by the AWS JSON protocol 1.0, and answers what it was told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(super) struct Queue {
    endpoint: String,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl Queue {
    /// Answers with these statuses first, and with 200 then.
    pub(super) async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let messages = Arc::new(Mutex::new(Vec::new()));
        let mut statuses: VecDeque<_> = statuses.iter().copied().collect();
        let kept = Arc::clone(&messages);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let message = message(&mut stream).await;
                kept.lock().unwrap().push(message);
                let status = statuses.pop_front().unwrap_or(200);
                let body = r#"{"MessageId":"1"}"#;
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { endpoint, messages }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn url(&self) -> String {
        format!("{}/000000000000/arrivals", self.endpoint)
    }

    /// What was sent, retries too.
    pub(super) fn messages(&self) -> Vec<Value> {
        self.messages.lock().unwrap().clone()
    }
}

async fn message(stream: &mut TcpStream) -> Value {
    let mut request = Vec::new();
    loop {
        let read = stream.read_buf(&mut request).await.unwrap();
        assert!(read > 0, "the request broke off");
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() >= length {
            assert!(head.contains("x-amz-target: amazonsqs.sendmessage"), "{head}");
            assert!(head.contains("authorization: aws4-hmac-sha256"), "{head}");
            return serde_json::from_str(body).unwrap();
        }
    }
}
