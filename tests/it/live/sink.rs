//! A mail server that keeps what it accepted, outside the process that is killed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// A message that was accepted: the final dot was read whole.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) text: String,
}

impl Mail {
    /// A header, unfolded; empty where there is none.
    pub(super) fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let wanted = format!("{}:", name.to_ascii_lowercase());
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&wanted));
        line.map(|line| line[wanted.len()..].trim().to_owned()).unwrap_or_default()
    }
}

/// The server. Its threads end with the test.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Sink {
    /// Listens; waits `slow` before it says yes to a message, so that a crash can fall in between.
    pub(super) fn listen(slow: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), mails: Arc::default() };
        let mails = Arc::clone(&sink.mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mails = Arc::clone(&mails);
                std::thread::spawn(move || {
                    // A client that is killed ends its conversation; that is what the test is about.
                    let _ = talk(stream, &mails, slow);
                });
            }
        });
        sink
    }

    /// Everything accepted so far.
    pub(super) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Message-IDs with how often each was accepted.
    pub(super) fn ids(&self) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for mail in self.mails() {
            *ids.entry(mail.header("Message-ID")).or_insert(0) += 1;
        }
        ids
    }
}

fn talk(stream: TcpStream, mails: &Mutex<Vec<Mail>>, slow: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answer = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut to = String::new();
    answer.write_all(b"220 sink.example ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().to_ascii_uppercase();
        if verb.starts_with("EHLO") || verb.starts_with("HELO") {
            answer.write_all(b"250-sink.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")?;
        } else if verb.starts_with("RCPT TO:") {
            let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            to = address.map(|(address, _)| address.to_owned()).unwrap_or_default();
            answer.write_all(b"250 ok\r\n")?;
        } else if verb == "DATA" {
            answer.write_all(b"354 go on\r\n")?;
            let mut text = Vec::new();
            loop {
                let start = text.len();
                if lines.read_until(b'\n', &mut text)? == 0 {
                    return Ok(());
                }
                if &text[start..] == b".\r\n" {
                    text.truncate(start);
                    break;
                }
                if text[start] == b'.' {
                    text.remove(start);
                }
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            mails.lock().unwrap().push(Mail { to: to.clone(), text });
            std::thread::sleep(slow);
            answer.write_all(b"250 accepted\r\n")?;
        } else if verb == "QUIT" {
            answer.write_all(b"221 bye\r\n")?;
            return Ok(());
        } else {
            answer.write_all(b"250 ok\r\n")?;
        }
    }
}
