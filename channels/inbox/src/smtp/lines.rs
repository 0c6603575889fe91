//! Lines from the client, with limits, and replies to it, gathered while more input waits.

use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// RFC 5321 section 4.5.3.2.7: at least 5 minutes for the next command.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// The longest command; AUTH may have 12,288 octets (RFC 4954 section 4).
const COMMAND_MAX: usize = 12_288;

/// A connection read by lines.
pub(super) struct Lines {
    stream: TcpStream,
    input: Vec<u8>,
    /// Where in `input` the next unread byte is.
    at: usize,
    output: Vec<u8>,
}

/// What the client sent.
pub(super) enum Line {
    /// A line without its CRLF.
    Command(Vec<u8>),
    /// A line that ends in a bare LF, or holds a bare CR or NUL.
    Broken,
    /// A line over the limit.
    TooLong,
    /// The end of the connection, or silence for too long.
    End { silent: bool },
}

/// The content of a message, read to its final dot.
#[derive(Default)]
pub(super) struct Content {
    /// The message, dots taken off. Empty where it is over the limit.
    pub(super) bytes: Vec<u8>,
    pub(super) over_size: bool,
    pub(super) bare_line_end: bool,
    pub(super) long_line: bool,
    pub(super) eight_bit: bool,
    pub(super) nul: bool,
}

impl Lines {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, input: Vec::with_capacity(16 * 1024), at: 0, output: Vec::new() }
    }

    /// Puts a reply in line. It leaves before the next wait for input.
    pub(super) fn reply(&mut self, text: &str) {
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }

    /// The next command.
    pub(super) async fn command(&mut self) -> io::Result<Line> {
        loop {
            let unread = &self.input[self.at..];
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line = &unread[..end];
                let read = match line.strip_suffix(b"\r") {
                    _ if end > COMMAND_MAX => Line::TooLong,
                    Some(line) if !line.iter().any(|byte| matches!(byte, b'\r' | 0)) => {
                        Line::Command(line.to_vec())
                    }
                    _ => Line::Broken,
                };
                self.at += end + 1;
                return Ok(read);
            }
            if unread.len() > COMMAND_MAX {
                return Ok(Line::TooLong);
            }
            match self.fill().await? {
                Filled::More => {}
                Filled::End => return Ok(Line::End { silent: false }),
                Filled::Silence => return Ok(Line::End { silent: true }),
            }
        }
    }

    /// The content up to the final dot; `None` where the client goes away before.
    pub(super) async fn content(&mut self, bytes_max: usize) -> io::Result<Option<Content>> {
        let mut content = Content::default();
        loop {
            while let Some(end) = self.input[self.at..].iter().position(|byte| *byte == b'\n') {
                let line = &self.input[self.at..=self.at + end];
                self.at += end + 1;
                if line == b".\r\n" {
                    return Ok(Some(content));
                }
                content.take(line, bytes_max);
            }
            // A line without an end is judged in pieces, so that memory stays bounded.
            if self.input.len() - self.at > 64 * 1024 {
                let line = &self.input[self.at..];
                content.long_line = true;
                content.take(line, bytes_max);
                self.at = self.input.len();
            }
            match self.fill().await? {
                Filled::More => {}
                Filled::End | Filled::Silence => return Ok(None),
            }
        }
    }

    async fn fill(&mut self) -> io::Result<Filled> {
        self.flush().await?;
        self.input.drain(..self.at);
        self.at = 0;
        match timeout(IDLE_MAX, self.stream.read_buf(&mut self.input)).await {
            Ok(Ok(0)) => Ok(Filled::End),
            Ok(Ok(_)) => Ok(Filled::More),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Filled::Silence),
        }
    }
}

enum Filled {
    More,
    End,
    Silence,
}

impl Content {
    fn take(&mut self, line: &[u8], bytes_max: usize) {
        let text = match line.strip_suffix(b"\r\n") {
            Some(text) => text,
            None => {
                self.bare_line_end = true;
                line
            }
        };
        self.long_line |= text.len() > 998;
        for byte in text {
            self.bare_line_end |= matches!(byte, b'\r' | b'\n');
            self.eight_bit |= *byte >= 0x80;
            self.nul |= *byte == 0;
        }
        let line = line.strip_prefix(b".").unwrap_or(line);
        if self.bytes.len() + line.len() > bytes_max {
            self.over_size = true;
            self.bytes = Vec::new();
        }
        if !self.over_size {
            self.bytes.extend_from_slice(line);
        }
    }
}
