//! Where the relay is, and how long we wait for it.

use std::{net::IpAddr, path::PathBuf, time::Duration};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all: to this machine alone, unless [`SmtpConfig::clear_text_declared`].
    None,
    /// By STARTTLS, usually port 587. A relay that does not offer it gets nothing from us.
    StartTls,
    /// From the first byte, usually port 465.
    Implicit,
}

/// How long each part of the conversation may take, for the whole of a command and its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Name look-up and TCP, per address.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// EHLO, STARTTLS, the TLS handshake, AUTH, RSET, MAIL, RCPT: each.
    pub command: Duration,
    /// DATA, to its 354.
    pub data: Duration,
    /// Sending the whole content.
    pub content: Duration,
    /// The answer to the final dot.
    pub answer: Duration,
}

impl Default for Deadlines {
    /// Shorter than RFC 5321 section 4.5.3.2 asks of a mail server, since a relay is near and a worker waits; the answer
    /// to the final dot has longest, since giving up there costs an `unknown`.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            greeting: Duration::from_secs(20),
            command: Duration::from_secs(20),
            data: Duration::from_secs(30),
            content: Duration::from_secs(60),
            answer: Duration::from_secs(120),
        }
    }
}

/// A relay, and how to speak with it.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Its name or IP address; the certificate has to bear it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Says aloud that clear text to another machine is meant.
    pub clear_text_declared: bool,
    /// Accepts any certificate. For a relay in a laboratory.
    pub allow_invalid_certs: bool,
    /// A PEM file with further certificate authorities, beside Mozilla's.
    pub ca_file: Option<PathBuf>,
    /// Whom we log in as; `None` for a relay that asks for nothing.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<String>,
    /// How we greet: a host name of ours, or an address literal.
    pub helo_name: String,
    /// Connections at once.
    pub pool_max: usize,
    /// A connection is closed after so many messages.
    pub messages_per_connection: usize,
    /// A kept connection is not used again after so long a rest.
    pub idle_max: Duration,
    /// The most bytes of a composed message.
    pub bytes_max: usize,
    /// How long each part of the conversation may take.
    pub deadlines: Deadlines,
}

impl SmtpConfig {
    /// A relay with the usual limits and no login.
    pub fn new(host: impl Into<String>, port: u16, tls: Tls) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
            clear_text_declared: false,
            allow_invalid_certs: false,
            ca_file: None,
            username: None,
            password: None,
            helo_name: "localhost".to_owned(),
            pool_max: 10,
            messages_per_connection: 1000,
            idle_max: Duration::from_secs(30),
            bytes_max: 10 << 20,
            deadlines: Deadlines::default(),
        }
    }

    /// Refuses settings that cannot work, or would send in clear text by accident.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let name = |text: &str| {
            !text.is_empty()
                && text.len() <= 255
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
        };
        if !name(&self.host) {
            return Err(ConfigError::Host(self.host.chars().take(80).collect()));
        }
        if !name(&self.helo_name) {
            return Err(ConfigError::HeloName(self.helo_name.chars().take(80).collect()));
        }
        if self.pool_max == 0 || self.messages_per_connection == 0 || self.bytes_max == 0 {
            return Err(ConfigError::Zero);
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(ConfigError::HalfALogin);
        }
        let elsewhere = self.host.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback());
        if self.tls == Tls::None && !self.clear_text_declared && elsewhere {
            return Err(ConfigError::ClearText(self.host.clone()));
        }
        Ok(())
    }
}

impl std::fmt::Debug for SmtpConfig {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("username", &self.username.as_ref().map(|_| "…"))
            .field("pool_max", &self.pool_max)
            .finish_non_exhaustive()
    }
}

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No host.
    #[error(
        "`{0}` is not a host name: give the relay's name or IP address alone, without a scheme or a port"
    )]
    Host(String),
    /// No name to greet with.
    #[error("`{0}` is not a name to greet with: give a host name of this machine, such as `mail.example.jp`")]
    HeloName(String),
    /// A limit of zero.
    #[error(
        "a limit of 0 lets no message through: set pool_max, messages_per_connection and bytes_max to 1 or more"
    )]
    Zero,
    /// A user without a password, or the reverse.
    #[error("a login needs both a username and a password: set both, or neither")]
    HalfALogin,
    /// Clear text to another machine.
    #[error(
        "{0} is another machine, and `tls: none` would send in clear text: use `starttls` or `implicit`, or declare that clear text is meant"
    )]
    ClearText(String),
    /// The file with certificate authorities cannot be used.
    #[error("the certificate file {path} cannot be used: {reason}")]
    CaFile {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
