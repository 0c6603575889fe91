//! Status callbacks, as Twilio sends them («Track the message status of outbound messages», «Validating requests»).

use base64::{Engine, engine::general_purpose::STANDARD};
use egress::{Client, Reach, Request, Settings};
use ring::hmac;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// How long a callback may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a text is under way: the answer to its request comes first, as with a provider.
const UNDER_WAY: Duration = Duration::from_millis(500);
/// Callbacks at once; the rest waits.
const AT_ONCE: usize = 4;

/// Calls back, on this machine alone.
#[derive(Clone)]
pub(crate) struct Receipts {
    client: Option<Client>,
    places: Arc<Semaphore>,
}

impl Receipts {
    pub(crate) fn new() -> Self {
        let client = Client::new(&Settings::reaching(Reach::Loopback))
            .inspect_err(|error| tracing::warn!("The inbox cannot send status callbacks: {error}"))
            .ok();
        Self { client, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Tells `url`, in the background, that a message was sent and delivered.
    pub(crate) fn delivered(&self, url: &str, secret: &str, fields: [(&str, &str); 4]) {
        let Some(client) = self.client.clone() else { return };
        let mut fields: BTreeMap<String, String> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        fields.insert("ApiVersion".to_owned(), "2010-04-01".to_owned());
        let (url, secret, places) = (url.to_owned(), secret.to_owned(), self.places.clone());
        tokio::spawn(async move {
            tokio::time::sleep(UNDER_WAY).await;
            let Ok(_place) = places.acquire_owned().await else { return };
            for status in ["sent", "delivered"] {
                fields.insert("MessageStatus".to_owned(), status.to_owned());
                fields.insert("SmsStatus".to_owned(), status.to_owned());
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
                let headers = vec![
                    ("content-type", "application/x-www-form-urlencoded".to_owned()),
                    ("x-twilio-signature", sign(&secret, &url, &fields)),
                ];
                let reply =
                    client.post(Request { url: &url, headers, body: body.as_bytes() }, DEADLINE).await;
                tracing::debug!("A status callback «{status}» came to {reply:?}");
            }
        });
    }
}

/// Base64 of HMAC-SHA1 over the URL and every name and value, sorted by name.
fn sign(secret: &str, url: &str, fields: &BTreeMap<String, String>) -> String {
    let mut message = url.to_owned();
    for (name, value) in fields {
        message.push_str(name);
        message.push_str(value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, message.as_bytes()))
}
