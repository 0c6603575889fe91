//! One conversation with the relay: opened once, used for many messages.

use crate::{
    address::Envelope,
    config::{SmtpConfig, Tls},
    reply::Reply,
    step::{Broken, Step},
    wire::{Until, Wire},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// An open, greeted, logged-in connection.
pub(crate) struct Session {
    wire: Wire,
    offers: Offers,
    /// Every command so far has its reply, and the relay has not said goodbye.
    in_step: bool,
    /// Messages handed over so far.
    pub(crate) used: usize,
    /// When it was last put back.
    pub(crate) rested_at: Instant,
}

/// What the relay said it can do.
#[derive(Debug, Default, Clone)]
struct Offers {
    pipelining: bool,
    starttls: bool,
    plain: bool,
    login: bool,
    /// `None`: no SIZE; `Some(0)`: SIZE without a limit.
    size: Option<u64>,
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("SIZE") => {
                    offers.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0))
                }
                Some("AUTH") => {
                    for mechanism in words {
                        offers.plain |= mechanism == "PLAIN";
                        offers.login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

impl Session {
    /// Connects, greets, encrypts and logs in.
    pub(crate) async fn open(
        config: &SmtpConfig,
        client: &Arc<rustls::ClientConfig>,
        until: Until,
    ) -> Result<Self, Broken> {
        let limits = &config.deadlines;
        let (stream, peer) = connect(config, until).await?;
        if config.tls == Tls::None && !config.clear_text_declared && !peer.ip().is_loopback() {
            return Err(Broken::Wrong {
                what: "the relay is another machine and `tls: none` would send in clear text: use `starttls` or `implicit`"
                    .to_owned(),
            });
        }
        let mut wire = Wire::new(stream);
        if config.tls == Tls::Implicit {
            wire = wire.encrypt(client.clone(), &config.host, until.step(limits.command)).await?;
        }
        let greeting = wire.read(Step::Greeting, until.step(limits.greeting)).await?;
        expect(Step::Greeting, greeting, 2)?;
        let rested_at = Instant::now();
        let mut session = Self { wire, offers: Offers::default(), in_step: true, used: 0, rested_at };
        session.hello(config, until).await?;
        if config.tls == Tls::StartTls {
            session = session.start_tls(config, client, until).await?;
            session.hello(config, until).await?;
        }
        if let (Some(user), Some(password)) = (&config.username, &config.password) {
            session.login(config, user, password, until).await?;
        }
        Ok(session)
    }

    async fn hello(&mut self, config: &SmtpConfig, until: Until) -> Result<(), Broken> {
        let reply = self.ask(Step::Hello, &format!("EHLO {}\r\n", config.helo_name), config, until).await?;
        self.offers = Offers::read(&expect(Step::Hello, reply, 2)?);
        Ok(())
    }

    async fn start_tls(
        mut self,
        config: &SmtpConfig,
        client: &Arc<rustls::ClientConfig>,
        until: Until,
    ) -> Result<Self, Broken> {
        if !self.offers.starttls {
            return Err(Broken::Wrong {
                what: "the relay does not offer STARTTLS: nothing was sent in clear text; check its port, or who sits between"
                    .to_owned(),
            });
        }
        let reply = self.ask(Step::StartTls, "STARTTLS\r\n", config, until).await?;
        expect(Step::StartTls, reply, 2)?;
        // What was said in clear text before the handshake would pass for an encrypted answer (CVE-2011-0411).
        if self.wire.has_read_ahead() {
            return Err(Broken::Wrong {
                what: "somebody speaks between us and the relay before TLS starts".to_owned(),
            });
        }
        self.wire =
            self.wire.encrypt(client.clone(), &config.host, until.step(config.deadlines.command)).await?;
        Ok(self)
    }

    async fn login(
        &mut self,
        config: &SmtpConfig,
        user: &str,
        password: &str,
        until: Until,
    ) -> Result<(), Broken> {
        let step = Step::Auth;
        if self.offers.plain {
            let command = format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{user}\0{password}")));
            let reply = self.ask(step, &command, config, until).await?;
            expect(step, reply, 2)?;
        } else if self.offers.login {
            let reply = self.ask(step, "AUTH LOGIN\r\n", config, until).await?;
            expect(step, reply, 3)?;
            let reply = self.ask(step, &format!("{}\r\n", BASE64.encode(user)), config, until).await?;
            expect(step, reply, 3)?;
            let reply = self.ask(step, &format!("{}\r\n", BASE64.encode(password)), config, until).await?;
            expect(step, reply, 2)?;
        } else {
            return Err(Broken::Wrong {
                what: "the relay offers neither AUTH PLAIN nor AUTH LOGIN: check its port and TLS mode, or drop the login"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Hands one message over. On `Ok` and on a refusal that leaves the conversation in step, the session can be used
    /// again: see [`Session::in_step`].
    pub(crate) async fn send(
        &mut self,
        config: &SmtpConfig,
        envelope: &Envelope,
        bytes: &[u8],
        until: Until,
    ) -> Result<Reply, Broken> {
        let limits = &config.deadlines;
        let mut mail = format!("MAIL FROM:<{}>", envelope.from);
        if let Some(limit) = self.offers.size {
            if limit > 0 && bytes.len() as u64 > limit {
                return Err(Broken::Unfit {
                    what: format!("the message has {} bytes, the relay takes {limit}", bytes.len()),
                });
            }
            mail.push_str(&format!(" SIZE={}", bytes.len()));
        }
        let mut commands = Vec::with_capacity(4);
        if self.used > 0 {
            commands.push((Step::Reset, "RSET\r\n".to_owned(), 2));
        }
        commands.push((Step::Mail, format!("{mail}\r\n"), 2));
        commands.push((Step::Rcpt, format!("RCPT TO:<{}>\r\n", envelope.to), 2));
        commands.push((Step::Data, "DATA\r\n".to_owned(), 3));
        self.used += 1;
        self.in_step = false;
        self.wire.mark();

        if self.offers.pipelining {
            // RFC 2920: DATA may end a group; its reply tells whether content may follow.
            let group: String = commands.iter().map(|(_, command, _)| command.as_str()).collect();
            self.wire.write(commands[0].0, group.as_bytes(), until.step(limits.command)).await?;
        }
        let mut refused = None;
        for (step, command, class) in commands {
            let limit = until.step(if step == Step::Data { limits.data } else { limits.command });
            if !self.offers.pipelining {
                self.wire.write(step, command.as_bytes(), limit).await?;
            }
            let reply = match self.wire.read(step, limit).await {
                Ok(reply) => reply,
                Err(lost) => return Err(refused.unwrap_or(lost)),
            };
            if let Err(broken) = expect(step, reply, class) {
                let goodbye = matches!(&broken, Broken::Said { reply, .. } if reply.code == 421);
                let first = refused.get_or_insert(broken).clone();
                if goodbye || !self.offers.pipelining || step == Step::Data {
                    self.in_step = !goodbye;
                    return Err(first);
                }
                // The rest of the group is answered too; the next message must not take those answers for its own.
            }
        }
        if let Some(refused) = refused {
            // DATA was granted although nobody is to receive: the relay now waits for content that will not come.
            return Err(refused);
        }
        if self.wire.has_read_ahead() {
            return Err(Broken::Lost {
                step: Step::Data,
                what: "the relay answers before it is asked".to_owned(),
            });
        }

        let sent = self.wire.write(Step::Content, &stuffed(bytes), until.step(limits.content)).await;
        if let Err(broken) = sent {
            // A relay that has had enough says so and closes: that refusal is worth more than our broken pipe.
            let grace = until.step(std::time::Duration::from_millis(100));
            return match self.wire.read(Step::Content, grace).await {
                Ok(reply) if reply.class() >= 4 => Err(Broken::Said { step: Step::Answer, reply }),
                _ => Err(broken),
            };
        }
        let reply = self.wire.read(Step::Answer, until.step(limits.answer)).await?;
        self.in_step = reply.code != 421;
        expect(Step::Answer, reply, 2)
    }

    /// Whether the relay was silent since the last message began: then a kept connection had gone stale.
    pub(crate) fn was_silent(&self) -> bool {
        !self.wire.heard()
    }

    /// Whether every command has its reply and nothing more is to be read, so that the next message may follow.
    pub(crate) fn in_step(&self) -> bool {
        self.in_step && !self.wire.has_read_ahead()
    }

    /// Ends the conversation politely.
    pub(crate) async fn leave(self) {
        self.wire.leave().await;
    }

    async fn ask(
        &mut self,
        step: Step,
        command: &str,
        config: &SmtpConfig,
        until: Until,
    ) -> Result<Reply, Broken> {
        let end = until.step(config.deadlines.command);
        self.wire.write(step, command.as_bytes(), end).await?;
        self.wire.read(step, end).await
    }
}

/// The first address of the relay that answers. Without Nagle: an envelope must not wait for an acknowledgement.
async fn connect(config: &SmtpConfig, until: Until) -> Result<(TcpStream, SocketAddr), Broken> {
    let lost = |what: String| Broken::Lost { step: Step::Connect, what };
    let host = config.host.trim_matches(['[', ']']);
    let end = until.step(config.deadlines.connect);
    let addresses: Vec<SocketAddr> = match timeout_at(end, tokio::net::lookup_host((host, config.port))).await
    {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(lost(format!("the relay's name cannot be resolved: {error}"))),
        Err(_) => return Err(lost("the relay's name was not resolved in time".to_owned())),
    };
    let mut why = "the relay's name has no address".to_owned();
    for address in addresses {
        let end = until.step(config.deadlines.connect);
        match timeout_at(end, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| lost(error.to_string()))?;
                return Ok((stream, address));
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = "no connection in time".to_owned(),
        }
    }
    Err(lost(why))
}

/// A reply of the class that was hoped for, or the refusal.
fn expect(step: Step, reply: Reply, class: u16) -> Result<Reply, Broken> {
    if reply.class() == class { Ok(reply) } else { Err(Broken::Said { step, reply }) }
}

/// The content with leading dots doubled (RFC 5321 section 4.5.2) and the final dot, in one piece: two writes would let
/// Nagle and delayed acknowledgements cost 40 ms a message.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut rest = bytes;
    if rest.first() == Some(&b'.') {
        out.push(b'.');
    }
    while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
        out.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'.') {
            out.push(b'.');
        }
    }
    out.extend_from_slice(rest);
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_dots_are_doubled_and_nothing_else() {
        assert_eq!(stuffed(b".\r\n..a\r\nb.\r\n"), b"..\r\n...a\r\nb.\r\n.\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }
}
