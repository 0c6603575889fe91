//! A relay that does as it is told: RFC 5321 in short, with one fault at one place.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

/// Where the relay misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Banner,
    Ehlo,
    StartTls,
    Handshake,
    EhloAgain,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// In the middle of the content.
    Body,
    /// After the final dot.
    Dot,
    Rset,
    Quit,
}

/// How.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Silence,
    /// The right answer, one byte a second.
    Slow,
    Reset,
    Fin,
    /// This reply.
    Says(&'static str),
    Garbage,
    Endless,
}

/// How the relay is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) fault: Option<(Place, Fault)>,
    pub(crate) pipelining: bool,
    pub(crate) auth: Option<&'static str>,
    pub(crate) starttls: bool,
    pub(crate) implicit_tls: bool,
    /// Says this in clear text right behind the answer to STARTTLS.
    pub(crate) inject: bool,
    pub(crate) size: Option<u64>,
    /// Grants DATA even where nobody is to receive.
    pub(crate) lax: bool,
    /// Closes the connection after a message.
    pub(crate) one_message: bool,
    /// The certificate's file name.
    pub(crate) certificate: &'static str,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) commands: Vec<String>,
    pub(crate) contents: Vec<Vec<u8>>,
}

/// A running relay. Its connections end with it.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) plan: Arc<Mutex<Plan>>,
    pub(crate) seen: Arc<Mutex<Seen>>,
    hang_up: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

impl Relay {
    pub(crate) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hang_up, hung_up) = watch::channel(0);
        let (open, mut is_open) = watch::channel(true);
        let relay = Self {
            address,
            plan: Arc::new(Mutex::new(plan)),
            seen: Arc::new(Mutex::new(Seen::default())),
            hang_up,
            open,
        };
        let (plan, seen) = (relay.plan.clone(), relay.seen.clone());
        tokio::spawn(async move {
            let mut listener = Some(listener);
            loop {
                if !*is_open.borrow_and_update() {
                    listener = None;
                } else if listener.is_none() {
                    listener = Some(TcpListener::bind(address).await.unwrap());
                }
                let accepted = async {
                    match &listener {
                        Some(listener) => listener.accept().await.unwrap().0,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    stream = accepted => {
                        seen.lock().unwrap().connections += 1;
                        let (plan, seen, mut hung_up) = (plan.clone(), seen.clone(), hung_up.clone());
                        hung_up.mark_unchanged();
                        tokio::spawn(async move {
                            tokio::select! {
                                _ = Conversation { plan, seen, pending: Vec::new() }.run(stream) => {}
                                _ = hung_up.changed() => {}
                            }
                        });
                    }
                    changed = is_open.changed() => if changed.is_err() { return },
                }
            }
        });
        relay
    }

    /// Closes every connection; new ones are welcome.
    pub(crate) async fn hang_up(&self) {
        self.hang_up.send_modify(|count| *count += 1);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    /// Refuses connections, or takes them again.
    pub(crate) async fn set_open(&self, open: bool) {
        if *self.open.borrow() != open {
            self.open.send_replace(open);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub(crate) fn contents(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().contents.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

struct Conversation {
    plan: Arc<Mutex<Plan>>,
    seen: Arc<Mutex<Seen>>,
    pending: Vec<u8>,
}

/// The conversation is over.
struct Over;

impl Conversation {
    async fn run(mut self, stream: TcpStream) -> Result<(), Over> {
        let plan = self.plan.lock().unwrap().clone();
        stream.set_nodelay(true).unwrap();
        if plan.implicit_tls {
            let stream = acceptor(&plan).accept(stream).await.map_err(|_| Over)?;
            self.talk(Box::new(stream), false).await?;
            return Ok(());
        }
        if let Some(clear) = self.talk_clear(stream).await? {
            if let Some((Place::Handshake, fault)) = self.fault() {
                let mut clear = clear;
                return misbehave(&mut clear, &fault, "220 this is no handshake").await;
            }
            let stream = acceptor(&plan).accept(clear).await.map_err(|_| Over)?;
            self.pending.clear();
            self.talk(Box::new(stream), true).await?;
        }
        Ok(())
    }

    fn fault(&self) -> Option<(Place, Fault)> {
        self.plan.lock().unwrap().fault.clone()
    }

    async fn line(&mut self, stream: &mut dyn Duplex) -> Result<String, Over> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if stream.read_buf(&mut self.pending).await.map_err(|_| Over)? == 0 {
                return Err(Over);
            }
        }
    }

    /// The reply, or the fault in its place.
    async fn reply(&mut self, stream: &mut dyn Duplex, place: Place, reply: &str) -> Result<(), Over> {
        match self.fault() {
            Some((at, fault)) if at == place => misbehave(stream, &fault, reply).await,
            _ => stream.write_all(format!("{reply}\r\n").as_bytes()).await.map_err(|_| Over),
        }
    }

    /// The clear part of a conversation that may go over to TLS.
    async fn talk_clear(&mut self, mut stream: TcpStream) -> Result<Option<TcpStream>, Over> {
        let go_over = self.commands(&mut stream, false).await;
        // A reset has to reach the client as one.
        if matches!(self.fault(), Some((_, Fault::Reset))) && go_over.is_err() {
            let _ = stream.set_zero_linger();
        }
        Ok(go_over?.then_some(stream))
    }

    async fn talk(&mut self, mut stream: Box<dyn Duplex>, encrypted: bool) -> Result<bool, Over> {
        self.commands(&mut *stream, encrypted).await
    }

    async fn commands(&mut self, stream: &mut dyn Duplex, again: bool) -> Result<bool, Over> {
        let plan = self.plan.lock().unwrap().clone();
        if !again {
            self.reply(stream, Place::Banner, "220 relay.example ESMTP").await?;
        }
        loop {
            let line = self.line(stream).await?;
            self.seen.lock().unwrap().commands.push(line.clone());
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let mut lines = vec!["relay.example".to_owned()];
                    if plan.pipelining {
                        lines.push("PIPELINING".to_owned());
                    }
                    if plan.starttls && !again {
                        lines.push("STARTTLS".to_owned());
                    }
                    lines.extend(plan.auth.map(|mechanisms| format!("AUTH {mechanisms}")));
                    lines.extend(plan.size.map(|size| format!("SIZE {size}")));
                    let last = lines.pop().unwrap();
                    let mut reply = String::new();
                    for line in lines {
                        reply.push_str(&format!("250-{line}\r\n"));
                    }
                    reply.push_str(&format!("250 {last}"));
                    self.reply(stream, if again { Place::EhloAgain } else { Place::Ehlo }, &reply).await?;
                }
                "STARTTLS" => {
                    let reply = if plan.inject { "220 go ahead\r\n250 injected" } else { "220 go ahead" };
                    self.reply(stream, Place::StartTls, reply).await?;
                    return Ok(true);
                }
                "AUTH" if line.starts_with("AUTH LOGIN") => {
                    stream.write_all(b"334 VXNlcm5hbWU6\r\n").await.map_err(|_| Over)?;
                    self.line(stream).await?;
                    stream.write_all(b"334 UGFzc3dvcmQ6\r\n").await.map_err(|_| Over)?;
                    self.line(stream).await?;
                    self.reply(stream, Place::Auth, "235 2.7.0 welcome").await?;
                }
                "AUTH" => self.reply(stream, Place::Auth, "235 2.7.0 welcome").await?,
                "MAIL" => self.reply(stream, Place::Mail, "250 2.1.0 ok").await?,
                "RCPT" => self.reply(stream, Place::Rcpt, "250 2.1.5 ok").await?,
                "RSET" => self.reply(stream, Place::Rset, "250 2.0.0 ok").await?,
                "QUIT" => {
                    self.reply(stream, Place::Quit, "221 2.0.0 bye").await?;
                    return Err(Over);
                }
                "DATA" => {
                    let fault = self.fault();
                    let refused = |place| matches!(&fault, Some((at, Fault::Says(_))) if *at == place);
                    if !plan.lax && (refused(Place::Rcpt) || refused(Place::Mail)) {
                        stream.write_all(b"503 5.5.1 no valid recipients\r\n").await.map_err(|_| Over)?;
                        continue;
                    }
                    self.reply(stream, Place::Data, "354 go ahead").await?;
                    if refused(Place::Data) {
                        continue;
                    }
                    self.content(stream).await?;
                    self.reply(stream, Place::Dot, "250 2.0.0 Ok: queued as 4F2B1").await?;
                    if plan.one_message {
                        return Err(Over);
                    }
                }
                _ => stream.write_all(b"500 what?\r\n").await.map_err(|_| Over)?,
            }
        }
    }

    async fn content(&mut self, stream: &mut dyn Duplex) -> Result<(), Over> {
        if let Some((Place::Body, fault)) = self.fault() {
            if stream.read_buf(&mut self.pending).await.map_err(|_| Over)? == 0 {
                return Err(Over);
            }
            match fault {
                // What is said too early is followed by reading on.
                Fault::Says(_) | Fault::Garbage => {
                    let said = if let Fault::Says(said) = fault { said } else { "\u{1}\u{2}garbage" };
                    stream.write_all(format!("{said}\r\n").as_bytes()).await.map_err(|_| Over)?;
                    let mut sink = vec![0; 65_536];
                    while stream.read(&mut sink).await.map_err(|_| Over)? > 0 {}
                    return Err(Over);
                }
                fault => return misbehave(stream, &fault, "250 ok").await,
            }
        }
        let mut content = Vec::new();
        loop {
            while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                if line == b".\r\n" {
                    self.seen.lock().unwrap().contents.push(content);
                    return Ok(());
                }
                content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
            if stream.read_buf(&mut self.pending).await.map_err(|_| Over)? == 0 {
                return Err(Over);
            }
        }
    }
}

async fn misbehave(stream: &mut dyn Duplex, fault: &Fault, right: &str) -> Result<(), Over> {
    match fault {
        Fault::Silence => std::future::pending().await,
        Fault::Slow => {
            for byte in format!("{right}\r\n").bytes() {
                stream.write_all(&[byte]).await.map_err(|_| Over)?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
        Fault::Reset => Err(Over),
        Fault::Fin => {
            let _ = stream.shutdown().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            Err(Over)
        }
        Fault::Says(said) => stream.write_all(format!("{said}\r\n").as_bytes()).await.map_err(|_| Over),
        Fault::Garbage => stream.write_all(b"\x16\x03\x01what?\r\n").await.map_err(|_| Over),
        Fault::Endless => loop {
            stream.write_all("250-and another thing\r\n".repeat(100).as_bytes()).await.map_err(|_| Over)?;
        },
    }
}

/// The folder with the test authority and what it signed. Keys for tests alone.
pub(crate) fn certs() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/certs")
}

fn acceptor(plan: &Plan) -> TlsAcceptor {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let certificate = if plan.certificate.is_empty() { "good.pem" } else { plan.certificate };
    let chain = vec![CertificateDer::from_pem_file(certs().join(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certs().join("relay.key")).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
