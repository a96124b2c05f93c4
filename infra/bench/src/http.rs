use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Instant;

/// The largest body that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A request of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When its first line had arrived.
    pub(crate) arrived: Instant,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// All headers; their names are in lower case.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

/// Reads the next request of a connection; nothing when the client is done.
pub(crate) fn read<S: Read + Write>(stream: &mut BufReader<S>) -> io::Result<Option<Request>> {
    let Some(first) = line(stream)? else {
        return Ok(None);
    };
    let arrived = Instant::now();
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(malformed());
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut request = Request {
        method,
        target,
        headers: Vec::new(),
        body: Vec::new(),
        arrived,
    };
    while let Some(text) = line(stream)?.filter(|text| !text.is_empty()) {
        let (name, value) = text.split_once(':').ok_or_else(malformed)?;
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if request.header("expect").is_some() {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = match request.header("content-length") {
        Some(length) => counted(stream, length.parse().map_err(|_| malformed())?)?,
        None if request.header("transfer-encoding").is_some() => chunked(stream)?,
        None => Vec::new(),
    };
    Ok(Some(request))
}

/// Answers in one write.
pub(crate) fn write(
    stream: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut answer = head(status, headers, body.len());
    answer.extend_from_slice(body);
    stream.write_all(&answer)?;
    stream.flush()
}

/// Answers a HEAD: all but the body, of which only the length is told.
pub(crate) fn write_head(
    stream: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    length: usize,
) -> io::Result<()> {
    stream.write_all(&head(status, headers, length))?;
    stream.flush()
}

fn head(status: u16, headers: &[(&str, &str)], length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} \r\ncontent-length: {length}\r\n").into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn counted(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    if length > MAX_BODY {
        return Err(malformed());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn chunked(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?.ok_or_else(malformed)?;
        let size = size
            .split(';')
            .next()
            .and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let size = size
            .filter(|size| body.len() + size <= MAX_BODY)
            .ok_or_else(malformed)?;
        body.extend(counted(stream, size)?);
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end; nothing at the end of the stream.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.take(65_536).read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed HTTP")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_connection_carries_one_request_after_another() {
        let bytes = b"PUT /a?b HTTP/1.1\r\nContent-Length: 2\r\nX-A:  b \r\n\r\nhi\
            POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        let mut stream = BufReader::new(Cursor::new(bytes.to_vec()));
        let first = read(&mut stream).unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.target.as_str()), ("PUT", "/a?b"));
        assert_eq!(
            (first.header("x-a"), first.body.as_slice()),
            (Some("b"), &b"hi"[..])
        );
        assert_eq!(read(&mut stream).unwrap().unwrap().body, b"abcde");
        assert!(read(&mut stream).unwrap().is_none());
    }

    #[test]
    fn an_answer_to_head_tells_a_length_without_a_body() {
        let (mut get, mut head) = (Vec::new(), Vec::new());
        write(&mut get, 200, &[("etag", "0")], b"hi").unwrap();
        write_head(&mut head, 200, &[("etag", "0")], 2).unwrap();
        assert_eq!(get, b"HTTP/1.1 200 \r\ncontent-length: 2\r\netag: 0\r\n\r\nhi");
        assert_eq!(head, get[..get.len() - 2]);
    }

    #[test]
    fn nonsense_is_an_error() {
        for bytes in [
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\nnonsense\r\n\r\n",
            "PUT / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        ] {
            assert!(
                read(&mut BufReader::new(Cursor::new(bytes.as_bytes().to_vec()))).is_err(),
                "{bytes}"
            );
        }
    }
}
