//! As much HTTP as a siege needs: one request, its answer read to the end; and the head of a request, for the sink.

use std::{
    io::{self, BufRead, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whatever it is, as text.
    pub body: String,
}

impl Answer {
    /// A header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON, null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Sends a request and reads the answer to its end.
///
/// # Errors
/// When the connection fails or ends before the answer does.
pub fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    request_within(server, method, path, headers, body, Duration::from_secs(60))
}

/// The same, with a limit to each silence.
///
/// # Errors
/// When the connection fails, ends before the answer does, or is silent for longer.
pub fn request_within(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    silence_max: Duration,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(silence_max))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes, method == "HEAD")
        .ok_or_else(|| io::Error::other("the connection ended before the answer did"))
}

/// `bare`: an answer that says how long its body would be and has none.
fn parse(bytes: &[u8], bare: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let rest = &bytes[end + 4..];
    let body = if value(&headers, "transfer-encoding") == Some("chunked") {
        unchunked(rest)?
    } else {
        let length = value(&headers, "content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| rest.len() < length) && !bare {
            return None;
        }
        rest.to_vec()
    };
    Some(Answer { status, body: String::from_utf8_lossy(&body).into_owned(), headers })
}

fn header(line: &str) -> Option<(String, String)> {
    line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
}

fn value<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + length)?);
        rest = rest.get(end + 4 + length..)?;
    }
}

/// The head of a request, as a server reads it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// How many bytes of body follow.
    pub(crate) length: usize,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// A header, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        value(&self.headers, name).unwrap_or_default()
    }
}

/// Reads a request up to its body; none where the client has left.
pub(crate) fn head(lines: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut text = String::new();
    loop {
        let start = text.len();
        if lines.read_line(&mut text)? == 0 {
            return Ok(None);
        }
        if &text[start..] == "\r\n" {
            break;
        }
    }
    let headers: Vec<(String, String)> = text.lines().skip(1).filter_map(header).collect();
    let length = value(&headers, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    Ok(Some(Head { length, headers }))
}
