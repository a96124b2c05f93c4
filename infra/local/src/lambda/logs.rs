use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// Receives the functions' output, line by line. It is called from the emulator's tasks and must not block.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// The longest line in bytes; a longer one is forwarded in pieces. Source: the size of a log event in AWS.
const LINE_LIMIT: u64 = 256 * 1024;

/// One line that a function printed, without its end. Bytes that are not UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// Where it was printed.
    pub stream: LogStream,
    /// The text.
    pub text: String,
}

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.function, self.text)
    }
}

/// Forwards lines until the process closes its end.
pub(super) async fn forward(
    source: impl AsyncRead + Unpin,
    function: Arc<str>,
    stream: LogStream,
    sink: LogSink,
) {
    let mut reader = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => sink(LogLine {
                function: Arc::clone(&function),
                stream,
                text: text(&line),
            }),
        }
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    async fn forwarded(input: &[u8]) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink: LogSink = {
            let lines = Arc::clone(&lines);
            Arc::new(move |line: LogLine| lines.lock().unwrap().push(line.to_string()))
        };
        forward(input, Arc::from("f"), LogStream::Stdout, sink).await;
        lines.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn lines_carry_the_function_and_lose_their_end() {
        assert_eq!(forwarded(b"one\r\n\ntwo").await, ["[f] one", "[f] ", "[f] two"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_comes_in_bounded_pieces() {
        let long = vec![b'x'; 600_000];
        let lengths: Vec<usize> = forwarded(&long).await.iter().map(|line| line.len() - 4).collect();
        assert_eq!(lengths, [262_144, 262_144, 75_712]);
    }

    #[tokio::test]
    async fn bytes_that_are_not_text_are_replaced() {
        assert_eq!(forwarded(b"\xff\n").await, ["[f] \u{fffd}"]);
    }
}
