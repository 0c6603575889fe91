//! `tabi.yaml`: how this installation listens and which providers it sends through. Secrets stand in the environment or in
//! files of their own; the configuration names them, and nothing ever prints them.

pub(crate) mod pace;

use crate::exit::Fault;
use channel::pace::Pace;
use pace::{BreakerConfig, RampConfig, Said};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

/// The file's name, in the data folder or beside the project.
pub(crate) const FILE: &str = "tabi.yaml";

/// What one hand-over may take: a relay needs a moment, and nobody may hold a claim for an hour.
const HAND_OVER_SECONDS: RangeInclusive<u64> = 2..=300;

/// The most bytes that are read of it.
const BYTES_MAX: u64 = 256 * 1024;

/// What the file says; everything may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the API and the console listen.
    pub(crate) listen: Option<SocketAddr>,
    /// What customers and shops reach us by: `https://tabi.example.jp`.
    pub(crate) base_url: Option<String>,
    /// The longest that one hand-over to a provider may take, in seconds. What a node had claimed when it ended is taken up by
    /// another one after 2.4 times that.
    pub(crate) hand_over_seconds: Option<u64>,
    /// Mail addresses of the team: who hears of what stands still or waits for a person.
    pub(crate) alerts: Vec<String>,
    /// The mail relay.
    pub(crate) email: Option<EmailConfig>,
    /// The SMS provider.
    pub(crate) sms: Option<SmsConfig>,
    /// Push.
    pub(crate) push: Option<PushConfig>,
    /// Signed calls to customers' own endpoints.
    pub(crate) webhook: Option<WebhookConfig>,
    /// Where relative paths of files start.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    /// The file and its text, as it was read; none where there was no file.
    #[serde(skip)]
    pub(crate) read: Option<(PathBuf, String)>,
    /// Where the file was looked for, the first that is there counts.
    #[serde(skip)]
    places: Vec<PathBuf>,
}

/// A mail relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailConfig {
    /// Its name.
    pub(crate) host: String,
    /// Its port; left out: the usual one of `tls`.
    pub(crate) port: Option<u16>,
    /// `starttls` (the default), `implicit`, `none`.
    #[serde(default = "starttls")]
    pub(crate) tls: email::Tls,
    /// Says aloud that clear text to another machine is meant.
    #[serde(default)]
    pub(crate) clear_text: bool,
    /// Further certificate authorities, PEM.
    pub(crate) ca_file: Option<PathBuf>,
    /// Login.
    pub(crate) username: Option<String>,
    /// Its password.
    pub(crate) password: Option<SecretPlace>,
    /// How we greet.
    pub(crate) helo: Option<String>,
    /// Connections at once.
    pub(crate) connections: Option<usize>,
    /// At most so many a second.
    pub(crate) per_second: Option<f64>,
    /// A warm-up: at most so many a day.
    pub(crate) ramp: Option<RampConfig>,
    /// When it is left alone because it fails.
    pub(crate) breaker: Option<BreakerConfig>,
}

/// An SMS provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmsConfig {
    /// A JSON file that describes another protocol than Twilio's.
    pub(crate) provider_file: Option<PathBuf>,
    /// Where it lives, instead of its public address.
    pub(crate) base_url: Option<String>,
    /// The account's id.
    pub(crate) account: String,
    /// Its secret.
    pub(crate) secret: SecretPlace,
    /// The sender where the brand names none.
    pub(crate) from: Option<String>,
    /// Whether the provider shall report to us (needs a public `base_url`).
    #[serde(default)]
    pub(crate) callbacks: bool,
    /// At most so many a second.
    pub(crate) per_second: Option<f64>,
    /// A warm-up: at most so many a day.
    pub(crate) ramp: Option<RampConfig>,
    /// When it is left alone because it fails.
    pub(crate) breaker: Option<BreakerConfig>,
}

/// Firebase Cloud Messaging.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushConfig {
    /// The JSON file of the service account.
    pub(crate) service_account: SecretPlace,
    /// The project, where it is not the account's.
    pub(crate) project: Option<String>,
    /// Where it lives, instead of Google's address.
    pub(crate) base_url: Option<String>,
    /// At most so many a second.
    pub(crate) per_second: Option<f64>,
    /// A warm-up: at most so many a day.
    pub(crate) ramp: Option<RampConfig>,
    /// When it is left alone because it fails.
    pub(crate) breaker: Option<BreakerConfig>,
}

/// Signed webhooks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookConfig {
    /// The root of the endpoints' keys: `whsec_…`.
    pub(crate) secret: SecretPlace,
    /// At most so many a second.
    pub(crate) per_second: Option<f64>,
    /// A warm-up: at most so many a day.
    pub(crate) ramp: Option<RampConfig>,
    /// When it is left alone because it fails.
    pub(crate) breaker: Option<BreakerConfig>,
}

/// Where a secret lies: the name of an environment variable, or a file.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretPlace {
    /// An environment variable.
    Env(String),
    /// A file; a line break at its end is not part of it.
    File(PathBuf),
}

impl std::fmt::Debug for SecretPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

fn starttls() -> email::Tls {
    email::Tls::StartTls
}

impl Config {
    /// Reads the file named, else the one in the data folder, else the one of the project; none is no error.
    pub(crate) fn load(named: Option<&Path>, data: &Path, project: Option<&Path>) -> anyhow::Result<Self> {
        let places = match named {
            Some(named) => vec![named.to_owned()],
            None => [Some(data), project].into_iter().flatten().map(|folder| folder.join(FILE)).collect(),
        };
        let found = places.iter().find(|path| named.is_some() || path.is_file()).cloned();
        let Some(path) = found else { return Ok(Self { places, ..Self::default() }) };
        let unreadable =
            |why: String| Fault::unreachable(format!("{} cannot be read: {why}", path.display()));
        let size = std::fs::metadata(&path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > BYTES_MAX {
            return Err(unreadable("it is larger than 256 KiB".to_owned()).into());
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
        let mut config = Self::parse(&text).map_err(|why| Fault::problem(placed(&path, &why)))?;
        config.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        config.places = places;
        config.read = Some((path, text));
        Ok(config)
    }

    /// The file, where it says something else by now than when it was read, or has come, or has gone.
    pub(crate) fn changed(&self) -> Option<PathBuf> {
        let now = self.places.iter().find(|path| path.is_file());
        let same = match (&self.read, now) {
            (None, None) => true,
            (Some((path, text)), Some(now)) => {
                path == now && std::fs::read_to_string(now).is_ok_and(|found| found == *text)
            }
            _ => false,
        };
        (!same)
            .then(|| now.or(self.read.as_ref().map(|(path, _)| path)).cloned().unwrap_or_else(|| FILE.into()))
    }

    /// Reads the text of a file.
    fn parse(text: &str) -> Result<Self, String> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let config: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if let Some(bad) = config.alerts.iter().find(|to| words::EmailAddress::parse(to).is_err()) {
            return Err(format!("`alerts: {bad}` is not a mail address"));
        }
        match config.hand_over_seconds {
            Some(seconds) if !HAND_OVER_SECONDS.contains(&seconds) => Err(format!(
                "`hand_over_seconds: {seconds}`: write {} to {}",
                HAND_OVER_SECONDS.start(),
                HAND_OVER_SECONDS.end()
            )),
            _ => config.paces().map(|_| config),
        }
    }

    /// What the providers bear that it names, by channel.
    pub(crate) fn paces(&self) -> Result<BTreeMap<words::Channel, Pace>, String> {
        macro_rules! said {
            ($name:ident) => {
                self.$name.as_ref().map(|of| Said {
                    channel: stringify!($name),
                    per_second: of.per_second,
                    ramp: of.ramp.as_ref(),
                    breaker: of.breaker.as_ref(),
                })
            };
        }
        let all = [said!(email), said!(sms), said!(push), said!(webhook)];
        let all = all.into_iter().flatten();
        all.map(|said| Ok((words::Channel::new(said.channel), said.pace()?))).collect()
    }

    /// The longest that one hand-over may take.
    pub(crate) fn hand_over_max(&self) -> Duration {
        self.hand_over_seconds.map_or(worker::HAND_OVER_DEADLINE, Duration::from_secs)
    }

    /// A path as the file means it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The secret itself.
    pub(crate) fn secret(&self, what: &str, place: &SecretPlace) -> anyhow::Result<String> {
        match place {
            SecretPlace::Env(name) => {
                std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| {
                    Fault::problem(format!("{what}: the environment variable {name} is not set")).into()
                })
            }
            SecretPlace::File(path) => {
                let path = self.path(path);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    Fault::unreachable(format!("{what}: {} cannot be read: {error}", path.display()))
                })?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

/// The reader of YAML does not know the file's name and puts a word of its own there.
fn placed(path: &Path, why: &str) -> String {
    match why.split_once("<input>") {
        Some((before, after)) => format!("{before}{}{after}", path.display()),
        None => format!("{}: {why}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_understood_and_holds_no_secret() {
        let text = "listen: 127.0.0.1:8080\nbase_url: https://tabi.example.jp\nemail:\n  host: smtp.example.jp\n  \
                    tls: implicit\n  username: tabi\n  password: {env: SMTP_PASSWORD}\nsms:\n  account: AC1\n  secret: \
                    {file: secrets/sms}\npush:\n  service_account: {file: fcm.json}\n";
        let config = Config::parse(text).expect("it is understood");
        assert_eq!(config.listen, Some(([127, 0, 0, 1], 8080).into()));
        let email = config.email.expect("there is a relay");
        assert_eq!((email.host.as_str(), email.tls), ("smtp.example.jp", email::Tls::Implicit));
        assert!(
            matches!(config.sms.expect("sms").secret, SecretPlace::File(path) if path == Path::new("secrets/sms"))
        );
    }

    #[test]
    fn a_file_that_comes_changes_or_goes_is_noticed() {
        let (data, project) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let load = || Config::load(None, data.path(), Some(project.path())).expect("it is read");
        let path = project.path().join(FILE);
        let none = load();
        assert_eq!(none.changed(), None);
        std::fs::write(&path, "listen: 127.0.0.1:1\n").expect("written");
        assert_eq!(none.changed().as_deref(), Some(path.as_path()));
        let first = load();
        assert_eq!(first.changed(), None);
        std::fs::write(&path, "listen: 127.0.0.1:2\n").expect("written");
        assert_eq!(first.changed().as_deref(), Some(path.as_path()));
        // One in the data folder goes before it.
        let second = load();
        std::fs::write(data.path().join(FILE), "").expect("written");
        assert!(second.changed().is_some());
    }

    #[test]
    fn a_misspelt_key_and_a_secret_in_the_open_are_refused() {
        for text in [
            "lisen: 127.0.0.1:1\n",
            "alerts: [nobody]\n",
            "hand_over_seconds: 1\n",
            "hand_over_seconds: 3600\n",
            "email:\n  host: a\n  password: hunter2\n",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
        let nothing = Config::parse("# nothing yet\n").expect("an empty file is one");
        assert_eq!(nothing.hand_over_max(), Duration::from_secs(50));
        let quick = Config::parse("hand_over_seconds: 5\n").expect("it is understood");
        assert_eq!(quick.hand_over_max(), Duration::from_secs(5));
    }
}
