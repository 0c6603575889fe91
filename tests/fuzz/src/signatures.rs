//! Calls of the SMS provider, and our own signatures: believed with the right signature alone.

use crate::parts::{NOW, lines, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Adapter, Call, CallRefused};
use sms::{SmsAdapter, SmsConfig, form_pairs, sign};
use std::sync::LazyLock;
use webhook::Key;

pub(crate) const OURS: &str = "https://tabi.example/callbacks/sms";
pub(crate) const TOKEN: &str = "an auth token of the provider's";

pub(crate) static SMS: LazyLock<SmsAdapter> = LazyLock::new(|| {
    let config =
        SmsConfig { callback_url: Some(OURS.to_owned()), ..SmsConfig::twilio("AC0123456789abcdef", TOKEN) };
    SmsAdapter::new(config).expect("the settings are right")
});

/// A signature, a query, a time, and the body.
pub(crate) fn run(bytes: &[u8]) {
    let [signature, query, time, body] = lines(bytes);
    let (signature, query) = (text(signature), text(query));
    of_the_provider(&signature, &query, body);
    standard(&signature, &query, &text(time), body);
}

fn of_the_provider(signature: &str, query: &str, body: &[u8]) {
    let url = if query.is_empty() { OURS.to_owned() } else { format!("{OURS}?{query}") };
    let right = sign(TOKEN, &url, &form_pairs(body));
    let believed = |signature: &str| {
        let headers = [("x-twilio-signature".to_owned(), signature.to_owned())];
        let call = Call { query, headers: &headers, body, at: NOW };
        SMS.callback(&call) != Err(CallRefused::Forged)
    };
    assert_eq!(believed(signature), signature == right, "{signature}");
    assert!(believed(&right), "a true one is not believed");
    assert!(!believed(""), "one without a signature is believed");
    assert!(!believed(&sign("another token", &url, &form_pairs(body))));
    assert!(!believed(&sign(TOKEN, OURS, &[("a".to_owned(), "b".to_owned())])) || url == OURS);
}

fn standard(header: &str, id: &str, time: &str, body: &[u8]) {
    let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
    let now = NOW.as_micros() / 1_000_000;
    let time = time.trim().parse().unwrap_or(now);
    let right = webhook::sign(std::slice::from_ref(&key), id, time, body);
    let tag = |text: &str| text.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
    let believed = webhook::verify(&key, id, time, body, header, now);
    let near = time.abs_diff(now) <= 300;
    let says = header.split(' ').any(|one| tag(one).is_some() && tag(one) == tag(&right));
    assert_eq!(believed, near && says, "{header}");
    assert_eq!(webhook::verify(&key, id, time, body, &right, now), near);
    assert!(!webhook::verify(&key, id, time, &[body, b"x"].concat(), &right, now));
    assert!(!webhook::verify(&key.of_endpoint("https://b.example/"), id, time, body, &right, now));
    // Any text is a key or an error.
    if let Ok(key) = Key::parse(header) {
        assert_eq!(Key::parse(&key.to_text()).map(|key| key.to_text()), Ok(key.to_text()));
    }
}
