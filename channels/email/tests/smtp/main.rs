//! The adapter against a relay that misbehaves on purpose.
#![allow(clippy::unwrap_used, clippy::panic)]

mod conformance;
mod faults;
mod kept;
mod relay;
mod tls;

use channel::{Content, Parcel};
use std::collections::BTreeMap;
use words::{DeliveryId, MessageClass, MessageId};

/// A parcel that every well-meaning relay takes.
fn parcel() -> Parcel {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let message = MessageId::derive(&[7; 16], "hello", 1);
    Parcel {
        delivery: DeliveryId::derive(message, 1, "email", 0),
        message,
        class: MessageClass::Marketing,
        to: "taro@example.jp".to_owned(),
        content: Content {
            parts: map(&[
                ("subject", "ご購入ありがとうございます"),
                ("text", "山田様\n\n.先頭の点\n"),
                ("html", "<p>山田様</p>\n"),
            ]),
            sender: map(&[
                ("from", "shop@shop.example"),
                ("from_name", "旅の店"),
                ("reply_to", "help@shop.example"),
            ]),
            unsubscribe_url: Some("https://shop.example/u/abc".to_owned()),
            locale: "ja".to_owned(),
            date: "2026-11-21T09:30:00Z".to_owned(),
        },
    }
}
