//! One conversation: which command may follow which, and what is stored.

use super::{
    command::Command,
    lines::{Content, Line, Lines},
};
use crate::{Arrival, store::Store};
use std::io;
use tokio::net::TcpStream;
use words::Channel;

/// The most bytes of a message, as announced by SIZE.
const BYTES_MAX: usize = 35 << 20;
/// Recipients of one message (RFC 5321 section 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;
/// Refused commands until we hang up.
const ERRORS_MAX: u32 = 20;

/// The message that is being described.
struct Transaction {
    from: String,
    to: Vec<String>,
    eight_bit: bool,
}

pub(super) struct Session {
    lines: Lines,
    store: Store,
    greeted: bool,
    transaction: Option<Transaction>,
}

impl Session {
    pub(super) fn new(stream: TcpStream, store: Store) -> Self {
        Self { lines: Lines::new(stream), store, greeted: false, transaction: None }
    }

    /// Too many at once.
    pub(super) async fn turn_away(&mut self) -> io::Result<()> {
        self.lines.reply("421 4.3.2 Too many connections, come back in 5 seconds");
        self.lines.flush().await
    }

    /// Talks until one side ends it.
    pub(super) async fn converse(&mut self) -> io::Result<()> {
        self.lines.reply("220 inbox.localhost ESMTP Tabi development inbox");
        let mut errors = 0;
        loop {
            let parsed = match self.lines.command().await? {
                Line::Command(line) => Command::parse(&line),
                Line::Broken => Err("500 5.5.2 A line ends with CRLF and holds no other CR, LF or NUL"),
                Line::TooLong => {
                    self.lines.reply("500 5.5.2 Line too long");
                    return self.lines.flush().await;
                }
                Line::End { silent } => {
                    if silent {
                        self.lines.reply("421 4.4.2 Nothing heard for 5 minutes");
                    }
                    return self.lines.flush().await;
                }
            };
            match parsed {
                Ok(Command::Quit) => {
                    self.lines.reply("221 2.0.0 Bye");
                    return self.lines.flush().await;
                }
                Ok(command) => {
                    if !self.obey(command).await? {
                        return self.lines.flush().await;
                    }
                }
                Err(reply) => {
                    errors += 1;
                    self.lines.reply(reply);
                    if errors >= ERRORS_MAX {
                        self.lines.reply("421 4.7.0 Too many errors");
                        return self.lines.flush().await;
                    }
                }
            }
        }
    }

    /// `false` where the client went away.
    async fn obey(&mut self, command: Command) -> io::Result<bool> {
        match command {
            Command::Ehlo => {
                self.greeted = true;
                self.transaction = None;
                let lines = [
                    "inbox.localhost",
                    "PIPELINING",
                    "8BITMIME",
                    "SMTPUTF8",
                    "ENHANCEDSTATUSCODES",
                    "AUTH PLAIN LOGIN",
                ];
                for line in lines {
                    self.lines.reply(&format!("250-{line}"));
                }
                self.lines.reply(&format!("250 SIZE {BYTES_MAX}"));
            }
            Command::Helo => {
                self.greeted = true;
                self.transaction = None;
                self.lines.reply("250 inbox.localhost");
            }
            Command::Mail { from, size, eight_bit, utf8 } => self.mail(from, size, eight_bit || utf8),
            Command::Rcpt { to } => self.rcpt(to),
            Command::Data => return self.data().await,
            Command::Rset => {
                self.transaction = None;
                self.lines.reply("250 2.0.0 Forgotten");
            }
            Command::Noop => self.lines.reply("250 2.0.0 Ok"),
            Command::Vrfy => self.lines.reply("252 2.5.2 Send to it and see"),
            Command::Help => self.lines.reply("214 2.0.0 RFC 5321"),
            Command::AuthPlain { initial } => return self.login(initial, &[""]).await,
            Command::AuthLogin { initial } => {
                // «Username:» and «Password:» in base 64.
                return self.login(initial, &["VXNlcm5hbWU6", "UGFzc3dvcmQ6"]).await;
            }
            // Ends the conversation, one level up.
            Command::Quit => return Ok(false),
        }
        Ok(true)
    }

    fn mail(&mut self, from: String, size: Option<u64>, eight_bit: bool) {
        if !self.greeted {
            self.lines.reply("503 5.5.1 Say EHLO first");
        } else if self.transaction.is_some() {
            self.lines.reply("503 5.5.1 A message is under way: RSET ends it");
        } else if size.is_some_and(|size| size > BYTES_MAX as u64) {
            self.lines.reply("552 5.3.4 Message too big");
        } else {
            self.transaction = Some(Transaction { from, to: Vec::new(), eight_bit });
            self.lines.reply("250 2.1.0 Ok");
        }
    }

    fn rcpt(&mut self, to: String) {
        match &mut self.transaction {
            None => self.lines.reply("503 5.5.1 MAIL comes first"),
            Some(transaction) if transaction.to.len() >= RECIPIENTS_MAX => {
                self.lines.reply("452 4.5.3 Too many recipients");
            }
            Some(transaction) if !transaction.eight_bit && !to.is_ascii() => {
                self.lines.reply("553 5.6.7 An address beyond ASCII needs SMTPUTF8");
            }
            Some(transaction) => {
                transaction.to.push(to);
                self.lines.reply("250 2.1.5 Ok");
            }
        }
    }

    async fn data(&mut self) -> io::Result<bool> {
        match &self.transaction {
            None => self.lines.reply("503 5.5.1 MAIL comes first"),
            Some(transaction) if transaction.to.is_empty() => {
                self.lines.reply("554 5.5.1 No valid recipients")
            }
            Some(_) => {
                self.lines.reply("354 End data with <CR><LF>.<CR><LF>");
                self.lines.flush().await?;
                let Some(content) = self.lines.content(BYTES_MAX).await? else { return Ok(false) };
                if let Some(transaction) = self.transaction.take() {
                    let reply = self.store(transaction, content).await;
                    self.lines.reply(&reply);
                }
            }
        }
        Ok(true)
    }

    async fn store(&self, transaction: Transaction, content: Content) -> String {
        if let Some(refusal) = refusal(&content, transaction.eight_bit) {
            return refusal.to_owned();
        }
        let Transaction { from, to, .. } = transaction;
        let arrivals = to
            .into_iter()
            .map(|to| Arrival {
                channel: Channel::EMAIL,
                from: from.clone(),
                to: unquoted(to),
                provider_id: String::new(),
                raw: content.bytes.clone(),
            })
            .collect();
        match self.store.add(arrivals).await {
            Ok(ids) => format!("250 2.0.0 Ok: queued as {}", ids.first().copied().unwrap_or_default()),
            Err(_) => "451 4.3.0 The message could not be stored".to_owned(),
        }
    }

    /// Takes any name and password. `challenges` are what is asked, in turn; an initial response answers the first.
    async fn login(&mut self, initial: Option<String>, challenges: &[&str]) -> io::Result<bool> {
        if !self.greeted || self.transaction.is_some() {
            self.lines.reply("503 5.5.1 Not now");
            return Ok(true);
        }
        let mut initial = initial;
        for challenge in challenges {
            let answer = match initial.take() {
                Some(initial) => initial.into_bytes(),
                None => {
                    self.lines.reply(&format!("334 {challenge}"));
                    match self.lines.command().await? {
                        Line::Command(line) => line,
                        _ => return Ok(false),
                    }
                }
            };
            use base64::{Engine, engine::general_purpose::STANDARD};
            if answer == b"*" || STANDARD.decode(&answer).is_err() {
                self.lines.reply("501 5.5.2 Not base 64");
                return Ok(true);
            }
        }
        self.lines.reply("235 2.7.0 Welcome");
        Ok(true)
    }
}

/// An address as people write it: quotes that were there for the wire alone are taken off, so that a customer's mail is
/// found by the customer's address.
fn unquoted(address: String) -> String {
    match address.strip_prefix('"').and_then(|rest| rest.split_once("\"@")) {
        Some((local, domain)) if !local.contains(['\\', '"', ' ', '@']) => format!("{local}@{domain}"),
        _ => address,
    }
}

/// Why a message is not taken.
fn refusal(content: &Content, eight_bit_announced: bool) -> Option<&'static str> {
    if content.over_size {
        return Some("552 5.3.4 Message too big");
    }
    if content.bare_line_end {
        return Some("550 5.6.11 A bare CR or LF: lines end with CRLF alone");
    }
    if content.nul {
        return Some("550 5.6.0 A NUL");
    }
    if content.long_line {
        return Some("550 5.6.0 A line over 998 octets");
    }
    if content.eight_bit && !eight_bit_announced {
        return Some("554 5.6.1 Bytes beyond ASCII without BODY=8BITMIME");
    }
    let head = content.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(content.bytes.len());
    let head = String::from_utf8_lossy(&content.bytes[..head]);
    let count = |name: &str| {
        head.split("\r\n")
            .filter(|line| {
                line.split_once(':').is_some_and(|(field, _)| field.trim_end().eq_ignore_ascii_case(name))
            })
            .count()
    };
    // RFC 5322 section 3.6: From and Date once, these others at most once.
    if count("From") != 1 || count("Date") != 1 {
        return Some("550 5.6.0 A message has one From and one Date");
    }
    if ["Subject", "To", "Sender", "Reply-To", "Message-ID"].iter().any(|name| count(name) > 1) {
        return Some("550 5.6.0 A header field is there twice");
    }
    None
}
