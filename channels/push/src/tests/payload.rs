//! What is sent.

use super::{DEVICE, parcel};
use crate::{Lifetimes, payload::compose};
use channel::Parcel;
use serde_json::{Value, json};
use words::MessageClass;

fn composed(parcel: &Parcel) -> Value {
    serde_json::from_slice(&compose(parcel, &Lifetimes::default()).unwrap().bytes).unwrap()
}

fn with(part: &str, text: &str) -> Parcel {
    let mut parcel = parcel();
    parcel.content.parts.insert(part.to_owned(), text.to_owned());
    parcel
}

#[track_caller]
fn check_refused(parcel: &Parcel, word: &str) {
    let why = compose(parcel, &Lifetimes::default()).unwrap_err();
    assert!(why.contains(word), "{why}");
}

#[test]
fn a_message_has_its_words_its_data_and_its_end() {
    assert_eq!(
        composed(&with(
            "data",
            r#"{"open": "/orders/1", "collapse_key": "order-1", "image": "https://shop.example/1.png"}"#
        )),
        json!({"message": {
            "token": DEVICE,
            "notification": {
                "title": "発送しました",
                "body": "ご注文の品は明日届きます",
                "image": "https://shop.example/1.png",
            },
            "data": {"open": "/orders/1", "tabi_delivery": parcel().delivery.to_string()},
            "android": {"priority": "HIGH", "ttl": "1209600s", "collapse_key": "order-1"},
            "apns": {"headers": {
                "apns-priority": "10",
                "apns-expiration": "1796464800",
                "apns-collapse-id": "order-1",
            }},
            "webpush": {"headers": {"TTL": "1209600", "Urgency": "high"}},
        }})
    );
}

#[test]
fn only_what_is_urgent_wakes_a_device_and_a_code_is_short_lived() {
    for (class, priority, ttl) in [
        (MessageClass::Marketing, "NORMAL", "86400s"),
        (MessageClass::Service, "NORMAL", "259200s"),
        (MessageClass::Transactional, "HIGH", "1209600s"),
        (MessageClass::Regulatory, "HIGH", "2419200s"),
        (MessageClass::Security, "HIGH", "600s"),
    ] {
        let android = composed(&Parcel { class, ..parcel() })["message"]["android"].clone();
        assert_eq!(android, json!({"priority": priority, "ttl": ttl}), "{class:?}");
    }
}

#[test]
fn four_kilobytes_are_the_end() {
    let mut fits = parcel();
    let mut length = 4096;
    // The longest body that fits, by trial; one more byte does not.
    while compose(&fits_with(&mut fits, length), &Lifetimes::default()).is_err() {
        length -= 1;
    }
    assert!(length > 3800, "{length}");
    check_refused(&fits_with(&mut fits, length + 1), "4097 bytes together");
    // Three bytes a character, whatever it looks like.
    check_refused(&with("body", &"旅".repeat(1400)), "shorten");
}

fn fits_with(parcel: &mut Parcel, length: usize) -> Parcel {
    parcel.content.parts.insert("body".to_owned(), "x".repeat(length));
    parcel.clone()
}

#[test]
fn data_that_fcm_would_refuse_is_refused_here() {
    check_refused(&with("data", "[1]"), "not a JSON object");
    check_refused(&with("data", r#"{"n": 1}"#), "`n`, which is not a text");
    for key in ["from", "google.x", "gcm.y", "message_type", "tabi_delivery"] {
        check_refused(&with("data", &json!({key: "x"}).to_string()), "reserved");
    }
    check_refused(&with("data", &json!({"collapse_key": "x".repeat(65)}).to_string()), "collapse_key");
    check_refused(&with("data", r#"{"image": "http://a.example/"}"#), "image");
    check_refused(&with("title", " "), "`title`");
    for to in ["", "a b", "a\nb", "é"] {
        check_refused(&Parcel { to: to.to_owned(), ..parcel() }, "registration token");
    }
}
