//! Webhooks of shops: believed with the right signature alone, and the record of one says what it said.

use crate::parts::{lines, number};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue};
use release::Files;
use ring::hmac;
use server::fuzz::{headers, shop, shop_believed, shop_signature};
use server::sources::{Sources, compile};
use std::sync::LazyLock;

const SECRET: &[u8] = b"a secret of the shop's";
const NAMES: [&str; 2] = ["shopify", "woocommerce"];

static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    let file = |name: &str, text: &str| (format!("journeys/sources/{name}.yaml"), text.as_bytes().to_vec());
    let files = Files::from([
        file("shopify", include_str!("../../../journeys/sources/shopify.yaml")),
        file("woocommerce", include_str!("../../../journeys/sources/woocommerce.yaml")),
    ]);
    let (sources, _) = compile(&files, &declared());
    sources
});

/// What the shipped project declares.
fn declared() -> journey::Schema {
    let files = [
        ("customer", include_str!("../../../journeys/customer.yaml")),
        ("events", include_str!("../../../journeys/events.yaml")),
        ("purposes", include_str!("../../../journeys/purposes.yaml")),
        ("segments", include_str!("../../../journeys/segments.yaml")),
    ];
    let files = files.map(|(name, text)| (format!("journeys/{name}.yaml"), text.as_bytes().to_vec())).into();
    let (project, problems) = journey::compile(&files, &words::MessageCatalog::default());
    project.unwrap_or_else(|| panic!("{problems:#?}")).schema
}

/// Two lines of headers, and the body.
pub(crate) fn run(bytes: &[u8]) {
    let [first, second, body] = lines(bytes);
    let mut headers = headers(&[first, second].join(&b'\n'));
    for source in NAMES {
        let (name, hex) = shop_signature(&SOURCES, source).expect("the shipped mappings compile");
        if let Some((read, again)) = shop(&SOURCES, source, &headers, body) {
            match (read, again) {
                (Ok(read), Ok(again)) => {
                    assert_eq!(read.whole, again.whole, "its record says something else")
                }
                (read, again) => assert_eq!(read.map(|_| ()), again.map(|_| ())),
            }
        }
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), body);
        let written = if hex {
            tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            STANDARD.encode(tag.as_ref())
        };
        let believes = |headers: &http::HeaderMap, body: &[u8]| {
            shop_believed(&SOURCES, source, SECRET, headers, body).unwrap_or(true)
        };
        let given = headers.get(name.as_str()).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let same = given.trim() == written || hex && given.trim().eq_ignore_ascii_case(&written);
        assert_eq!(believes(&headers, body), same, "{source}: {given}");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.insert(name.clone(), HeaderValue::from_str(&written).expect("ASCII"));
        assert!(believes(&headers, body), "{source}: a true one is not believed");
        let mut other = body.to_vec();
        match number(bytes) % 3 {
            0 => other.push(b' '),
            1 => drop(other.pop()),
            _ => other.iter_mut().take(1).for_each(|byte| *byte ^= 1),
        }
        assert!(other == body || !believes(&headers, &other), "{source}: a changed one is believed");
        headers.remove(&name);
        assert!(!believes(&headers, body), "{source}: one without a signature is believed");
    }
}
