//! A mail server, stage by stage. What it does with what it reads is the business of its [`Postmaster`].

use super::{Conduct, Listening, Receipts, Script, hash, mark, receipts::Seen};
use crate::record::{Answer, Channel};
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

/// Who decides about mail.
pub trait Postmaster: Send + Sync + 'static {
    /// A recipient was named: how this try goes.
    fn conduct(&self, to: &str) -> Conduct;

    /// A message was read whole (the final dot was), or refused before that, and then it has no bytes.
    ///
    /// # Errors
    /// When it cannot be kept: then nothing is answered.
    fn keep(&self, mail: &Mail, conduct: Conduct) -> io::Result<()>;
}

/// A message as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient of the envelope.
    pub to: String,
    /// The bytes, without the final dot and without the dots that stand before dots.
    pub bytes: Vec<u8>,
}

impl Mail {
    /// A header, unfolded; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(self.bytes.len());
        let head = String::from_utf8_lossy(&self.bytes[..end]).replace("\r\n ", " ");
        let wanted = format!("{}:", name.to_ascii_lowercase());
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&wanted));
        line.map(|line| line[wanted.len()..].trim().to_owned()).unwrap_or_default()
    }
}

/// Serves mail to whoever connects.
///
/// # Errors
/// When there is no free port.
pub fn serve(postmaster: Arc<impl Postmaster>) -> io::Result<Listening> {
    Listening::serve(move |stream, number| talk(stream, number, postmaster.as_ref()))
}

fn talk(stream: TcpStream, number: usize, postmaster: &impl Postmaster) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answer = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut to = String::new();
    let mut conduct = Conduct::Take;
    answer.write_all(b"220 sink.example ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().to_ascii_uppercase();
        if verb.starts_with("EHLO") || verb.starts_with("HELO") {
            // Every other connection is with a server that takes one word at a time.
            let pipelining: &[u8] = if number.is_multiple_of(2) { b"250-PIPELINING\r\n" } else { b"" };
            let greeting = [b"250-sink.example\r\n", pipelining, b"250-8BITMIME\r\n250 SMTPUTF8\r\n"];
            answer.write_all(&greeting.concat())?;
        } else if verb.starts_with("RCPT TO:") {
            let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            to = address.map(|(address, _)| address.to_owned()).unwrap_or_default();
            conduct = postmaster.conduct(&to);
            match conduct {
                Conduct::Reset => return Ok(()),
                Conduct::Deaf => return until_they_leave(&mut lines),
                Conduct::LaterAtOnce => {
                    postmaster.keep(&Mail { to: to.clone(), bytes: Vec::new() }, conduct)?;
                    answer.write_all(b"450 4.2.0 the mailbox is busy\r\n")?;
                }
                Conduct::Dead => {
                    postmaster.keep(&Mail { to: to.clone(), bytes: Vec::new() }, conduct)?;
                    answer.write_all(b"550 5.1.1 nobody is here\r\n")?;
                }
                _ => answer.write_all(b"250 ok\r\n")?,
            }
        } else if verb == "DATA" {
            if matches!(conduct, Conduct::LaterAtOnce | Conduct::Dead) {
                answer.write_all(b"503 5.5.1 no recipient\r\n")?;
                continue;
            }
            answer.write_all(b"354 go on\r\n")?;
            if conduct == Conduct::ResetInside {
                // Some of it is read, and the rest is still there when the door closes: the client gets a reset.
                return lines.read_exact(&mut [0; 64]);
            }
            let Some(bytes) = data(&mut lines)? else { return Ok(()) };
            postmaster.keep(&Mail { to: to.clone(), bytes }, conduct)?;
            match conduct {
                Conduct::Cut => return Ok(()),
                Conduct::Mute => return until_they_leave(&mut lines),
                Conduct::Garbled => answer.write_all(b"\x00\x01 what?\r\n")?,
                Conduct::Later => answer.write_all(b"451 4.3.0 not now\r\n")?,
                Conduct::Refuse => answer.write_all(b"554 5.6.0 not this one\r\n")?,
                Conduct::Slow(pause) => {
                    std::thread::sleep(pause);
                    answer.write_all(b"250 taken\r\n")?;
                }
                Conduct::Drip(pause) => {
                    for byte in b"250 taken\r\n" {
                        answer.write_all(&[*byte])?;
                        std::thread::sleep(pause);
                    }
                }
                _ => answer.write_all(b"250 taken\r\n")?,
            }
        } else if verb == "QUIT" {
            return answer.write_all(b"221 bye\r\n");
        } else {
            answer.write_all(b"250 ok\r\n")?;
        }
    }
}

/// A message up to its final dot; none where the client left before that.
fn data(lines: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if lines.read_until(b'\n', &mut bytes)? == 0 || bytes.last() != Some(&b'\n') {
            return Ok(None);
        }
        if &bytes[start..] == b".\r\n" {
            bytes.truncate(start);
            return Ok(Some(bytes));
        }
        if bytes[start] == b'.' {
            bytes.remove(start);
        }
    }
}

/// Says nothing for as long as the other side waits, a quarter of an hour at most.
fn until_they_leave(lines: &mut BufReader<TcpStream>) -> io::Result<()> {
    lines.get_ref().set_read_timeout(Some(Duration::from_secs(900)))?;
    io::copy(lines, &mut io::sink()).map(drop)
}

/// The postmaster of the siege: goes by a script and writes down what it read.
#[derive(Debug)]
pub struct Recorder {
    /// What happens to whom.
    pub script: Script,
    /// Where it is written.
    pub receipts: Arc<Receipts>,
}

impl Postmaster for Recorder {
    fn conduct(&self, to: &str) -> Conduct {
        self.script.next(to)
    }

    fn keep(&self, mail: &Mail, conduct: Conduct) -> io::Result<()> {
        let (subject, id) = (mail.header("Subject"), mail.header("Message-ID"));
        let id = id.trim_matches(['<', '>']).split('@').next().unwrap_or_default();
        let hash = if mail.bytes.is_empty() { String::new() } else { hash(&mail.bytes) };
        let seen = Seen { to: &mail.to, id, receipt: "", mark: mark(&subject), hash: &hash };
        self.receipts.read(Channel::Email, seen, answer(conduct)).map_err(io::Error::other)
    }
}

/// What a conduct is in the record.
pub(super) fn answer(conduct: Conduct) -> Answer {
    match conduct {
        Conduct::Take | Conduct::Slow(_) | Conduct::Drip(_) => Answer::Accepted,
        Conduct::Cut | Conduct::Mute | Conduct::Garbled => Answer::Withheld,
        Conduct::Refuse => Answer::Refused,
        Conduct::Dead => Answer::Dead,
        Conduct::Deaf | Conduct::Reset | Conduct::ResetInside | Conduct::LaterAtOnce | Conduct::Later => {
            Answer::Later
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        journal,
        record::Received,
        sink::{Rates, script::tests::only},
    };

    /// Sends one mail; the last answer, or nothing where the connection ended.
    fn send(rates: Rates) -> (String, Vec<Received>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("received.jsonl");
        let receipts = Arc::new(Receipts::open(&path).unwrap());
        let recorder = Recorder { script: Script::new(1, "smtp", rates), receipts };
        let sink = serve(Arc::new(recorder)).unwrap();
        let mut stream = TcpStream::connect(sink.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let letter =
            "Subject: [order s-1] Hello\r\nMessage-ID:\r\n <msg_1@example.com>\r\n\r\n..two dots\r\n.\r\n";
        let mut last = String::new();
        for word in ["", "EHLO a\r\n", "MAIL FROM:<b@c>\r\n", "RCPT TO:<d@e>\r\n", "DATA\r\n", letter] {
            stream.write_all(word.as_bytes()).ok();
            let mut bytes = [0; 512];
            let read = stream.read(&mut bytes).unwrap_or(0);
            last = String::from_utf8_lossy(&bytes[..read]).into_owned();
            if !last.starts_with(['2', '3']) {
                break;
            }
        }
        (last, journal::read(&path).unwrap())
    }

    #[track_caller]
    fn check(conduct: Conduct, says: &str, expected: Option<Answer>) {
        let (last, received) = send(only(conduct));
        assert!(
            if says.is_empty() { last.is_empty() } else { last.starts_with(says) },
            "{conduct:?}: {last:?}"
        );
        assert_eq!(
            received.iter().map(|one| one.answer.clone()).collect::<Vec<_>>(),
            Vec::from_iter(expected)
        );
    }

    #[test]
    fn what_is_taken_is_written_down_with_its_identity_and_its_bytes() {
        let (last, received) = send(Rates::kind());
        assert!(last.starts_with("250"), "{last}");
        let one = &received[0];
        assert_eq!((one.to.as_str(), one.id.as_str(), one.mark.as_str()), ("d@e", "msg_1", "order s-1"));
        let bytes = b"Subject: [order s-1] Hello\r\nMessage-ID:\r\n <msg_1@example.com>\r\n\r\n.two dots\r\n";
        assert_eq!(one.hash, hash(bytes));
    }

    #[test]
    fn every_conduct_does_what_it_is_called() {
        check(Conduct::Cut, "", Some(Answer::Withheld));
        check(Conduct::Mute, "", Some(Answer::Withheld));
        check(Conduct::Garbled, "\0", Some(Answer::Withheld));
        check(Conduct::Deaf, "", None);
        check(Conduct::Reset, "", None);
        check(Conduct::ResetInside, "", None);
        check(Conduct::LaterAtOnce, "450", Some(Answer::Later));
        check(Conduct::Later, "451", Some(Answer::Later));
        check(Conduct::Refuse, "554", Some(Answer::Refused));
        check(Conduct::Dead, "550", Some(Answer::Dead));
        check(Conduct::Slow(Duration::from_millis(50)), "250", Some(Answer::Accepted));
        check(Conduct::Drip(Duration::from_millis(1)), "2", Some(Answer::Accepted));
    }
}
