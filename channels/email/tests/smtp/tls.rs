//! TLS and login: nothing goes out in clear text by accident.

use crate::{
    parcel,
    relay::{Plan, Relay, certs},
};
use channel::{Adapter, Outcome};
use email::{ConfigError, SmtpAdapter, SmtpConfig, Tls};
use std::time::Duration;

async fn outcome(plan: Plan, tls: Tls, change: impl FnOnce(&mut SmtpConfig)) -> (Relay, Outcome) {
    let relay = Relay::start(plan).await;
    let mut config = SmtpConfig {
        ca_file: Some(certs().join("ca.pem")),
        ..SmtpConfig::new("localhost", relay.address.port(), tls)
    };
    change(&mut config);
    let adapter = SmtpAdapter::new(config).unwrap();
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, Duration::from_secs(10)).await;
    (relay, outcome)
}

#[tokio::test]
async fn a_message_goes_out_encrypted_both_ways() {
    for (plan, tls) in [
        (Plan { starttls: true, pipelining: true, ..Plan::default() }, Tls::StartTls),
        (Plan { implicit_tls: true, ..Plan::default() }, Tls::Implicit),
    ] {
        let (relay, outcome) = outcome(plan, tls, |_| {}).await;
        assert_eq!(outcome.as_str(), "accepted", "{outcome:?}");
        assert_eq!(relay.contents().len(), 1);
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_stops_the_channel() {
    for certificate in ["other.pem", "expired.pem"] {
        let plan = Plan { starttls: true, certificate, ..Plan::default() };
        let (relay, outcome) = outcome(plan, Tls::StartTls, |_| {}).await;
        assert_eq!(outcome.as_str(), "misconfigured", "{certificate}: {outcome:?}");
        assert!(relay.contents().is_empty());
    }
    let plan = Plan { starttls: true, ..Plan::default() };
    let (_, unknown) = outcome(plan.clone(), Tls::StartTls, |config| config.ca_file = None).await;
    assert_eq!(unknown.as_str(), "misconfigured", "{unknown:?}");
    let (_, any) = outcome(plan, Tls::StartTls, |config| {
        config.ca_file = None;
        config.allow_invalid_certs = true;
    })
    .await;
    assert_eq!(any.as_str(), "accepted", "{any:?}");
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_clear_text() {
    let login = |config: &mut SmtpConfig| {
        config.username = Some("someone".to_owned());
        config.password = Some("secret".to_owned());
    };
    let (relay, stripped) =
        outcome(Plan { auth: Some("PLAIN LOGIN"), ..Plan::default() }, Tls::StartTls, login).await;
    assert_eq!(stripped.as_str(), "misconfigured", "{stripped:?}");
    let commands = relay.seen.lock().unwrap().commands.clone();
    assert!(commands.iter().all(|line| line.starts_with("EHLO")), "{commands:?}");

    let (_, injected) =
        outcome(Plan { starttls: true, inject: true, ..Plan::default() }, Tls::StartTls, |_| {}).await;
    assert!(matches!(injected.as_str(), "misconfigured" | "unavailable"), "{injected:?}");
}

#[tokio::test]
async fn logging_in_works_by_plain_and_by_login() {
    for auth in ["PLAIN", "LOGIN", "LOGIN PLAIN"] {
        let (_, outcome) = outcome(Plan { auth: Some(auth), ..Plan::default() }, Tls::None, |config| {
            config.username = Some("someone".to_owned());
            config.password = Some("secret".to_owned());
        })
        .await;
        assert_eq!(outcome.as_str(), "accepted", "{auth}: {outcome:?}");
    }
    let (_, none) = outcome(Plan { auth: Some("CRAM-MD5"), ..Plan::default() }, Tls::None, |config| {
        config.username = Some("someone".to_owned());
        config.password = Some("secret".to_owned());
    })
    .await;
    assert_eq!(none.as_str(), "misconfigured", "{none:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_way_out() {
    let refused = |change: &dyn Fn(&mut SmtpConfig)| {
        let mut config = SmtpConfig::new("127.0.0.1", 25, Tls::None);
        change(&mut config);
        SmtpAdapter::new(config).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(&|c| c.host = "192.0.2.1".to_owned()), ConfigError::ClearText(_)));
    assert!(matches!(refused(&|c| c.host = "smtp://relay".to_owned()), ConfigError::Host(_)));
    assert!(matches!(refused(&|c| c.helo_name = "a b\r\n".to_owned()), ConfigError::HeloName(_)));
    assert!(matches!(refused(&|c| c.username = Some("a".to_owned())), ConfigError::HalfALogin));
    assert!(matches!(refused(&|c| c.pool_max = 0), ConfigError::Zero));
    assert!(matches!(refused(&|c| c.ca_file = Some("/nowhere.pem".into())), ConfigError::CaFile { .. }));
    assert!(
        SmtpAdapter::new(SmtpConfig {
            clear_text_declared: true,
            ..SmtpConfig::new("192.0.2.1", 25, Tls::None)
        })
        .is_ok()
    );
}
