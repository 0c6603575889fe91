//! What has to be true before messages reach customers: checked at go-live, and told before by `tabi doctor`.

use super::Desk;
use crate::{config::Config, exit::Fault};
use release::{Placeholder, Release, is_reserved, is_reserved_host, placed};
use std::net::IpAddr;

/// Everything that a new project begins with and that no customer should read, in the brand and in `tabi.yaml`.
pub(crate) fn placeholders(config: &Config, release: Option<&Release>) -> Vec<Placeholder> {
    let mut found = release
        .map(|release| release::placeholders(&release.files, release.templates.brand()))
        .unwrap_or_default();
    if let Some((path, text)) = &config.read {
        let file = path.display().to_string();
        let base_url = config.base_url.iter().filter(|url| is_reserved(url));
        // A relay called localhost is one on this machine; example.com has none.
        let host = config.email.iter().map(|email| &email.host);
        let host = host.filter(|host| is_reserved_host(host) && !is_here(host));
        found.extend(base_url.chain(host).flat_map(|value| placed(&file, text, value)));
    }
    found
}

/// Whether everything that could be sent ends on this machine: at a listener that is no mail server's port.
fn stays_here(config: &Config) -> bool {
    let mail = config.email.as_ref().is_none_or(|email| {
        is_here(&email.host) && email.port.is_some_and(|port| ![25, 465, 587].contains(&port))
    });
    let local = |url: &Option<String>| {
        let host = url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        host.is_some_and(|rest| is_here(rest.split(['/', ':']).next().unwrap_or_default()))
    };
    mail && config.sms.as_ref().is_none_or(|sms| local(&sms.base_url))
        && config.push.as_ref().is_none_or(|push| local(&push.base_url))
}

fn is_here(host: &str) -> bool {
    host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Desk {
    /// What still stands as `tabi init` wrote it. Refused where it would reach customers.
    pub(super) async fn filled_in(&self) -> anyhow::Result<Vec<Placeholder>> {
        let config = &self.instance.config;
        // Nothing deployed: there is nothing that could be sent, and deploying asks again.
        let live = self.instance.store.live_release().await?.is_some();
        let release = if live { Some(self.instance.release().await?) } else { None };
        let found = placeholders(config, release.as_deref());
        if found.is_empty() || stays_here(config) { Ok(found) } else { Err(refused(&found).into()) }
    }

    /// The same of a release that is to go live while messages leave the machine.
    pub(super) async fn may_go_out(&self, release: &Release) -> anyhow::Result<()> {
        if self.instance.store.sending_live().await?.is_none() || stays_here(&self.instance.config) {
            return Ok(());
        }
        let found = release::placeholders(&release.files, release.templates.brand());
        if found.is_empty() { Ok(()) } else { Err(refused(&found).into()) }
    }

    /// What was read at the start must be what the file says now.
    pub(super) fn as_configured(&self) -> anyhow::Result<()> {
        match self.instance.config.changed() {
            Some(path) if self.running.is_some() => Err(Fault::refused(format!(
                "{} was changed after `tabi serve` started, which reads it at its start: restart `tabi serve`, then go live",
                path.display()
            ))
            .into()),
            _ => Ok(()),
        }
    }
}

fn refused(found: &[Placeholder]) -> Fault {
    let places: Vec<String> = found.iter().map(ToString::to_string).collect();
    Fault::refused(format!(
        "customers would read what stands there only as an example: {}. Fill in your own, `tabi deploy`, then go live",
        places.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_for_trials_is_told_from_a_mail_relay() {
        let config = |text: &str| serde_saphyr::from_str::<Config>(text).expect("it is understood");
        for (text, stays) in [
            ("email: {host: 127.0.0.1, port: 1025, tls: none}", true),
            ("email: {host: 127.0.0.1, port: 25, tls: none}", false),
            ("email: {host: localhost}", false),
            ("email: {host: smtp.kumo.jp, port: 1025}", false),
            ("sms: {account: a, secret: {env: A}}", false),
            ("sms: {account: a, secret: {env: A}, base_url: \"http://127.0.0.1:9\"}", true),
        ] {
            assert_eq!(stays_here(&config(text)), stays, "{text}");
        }
    }
}
