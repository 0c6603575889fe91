//! What shops send, and what it becomes; and every page of the codes, whose wrong example gives its code and whose right
//! one gives none.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::mapping::{Mapping, Sources};
use super::{Heard, compile, hear, hear_again, verified};
use crate::intake::{Call, CallKind};
use http::HeaderMap;
use journey::Schema;
use release::Files;
use serde_json::json;
use words::Timestamp;

const DECLARED: &str = "
events:
  order_placed:
    properties: {order_id: text}
purposes:
  offers: {title: {en: Offers, ja: お得なご案内}, class: marketing}
";

fn schema(files: &Files) -> Schema {
    let (project, problems) = journey::compile(files, &words::MessageCatalog::default());
    assert_eq!(problems, []);
    project.unwrap().schema
}

fn blocks(page: &str) -> Vec<String> {
    page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// An example is one file, or several, each below its name.
fn files_of(text: &str) -> Files {
    const NAME: &str = "# journeys/sources/";
    if !text.starts_with(NAME) {
        return Files::from([("journeys/sources/shop.yaml".to_owned(), text.as_bytes().to_vec())]);
    }
    let parts = text.split(NAME).skip(1).map(|part| part.split_once('\n').unwrap());
    parts.map(|(name, text)| (format!("journeys/sources/{name}"), text.as_bytes().to_vec())).collect()
}

#[test]
fn two_mappings_of_one_source_are_an_error_that_names_both_places() {
    let declared = Files::from([("journeys/declared.yaml".to_owned(), DECLARED.as_bytes().to_vec())]);
    let page = include_str!("../../codes/S006.md");
    let (sources, problems) = compile(&files_of(&blocks(page)[0]), &schema(&declared));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].code.as_str(), problems[0].file.as_str()), ("S006", "journeys/sources/b.yaml"));
    assert!(problems[0].title.en.contains("journeys/sources/a.yaml:1:9"), "{problems:?}");
    assert_eq!(sources.0.len(), 1);
}

#[test]
fn what_a_mapping_gives_and_nobody_declares_is_told_once_an_event_with_what_to_declare() {
    let declared = Files::from([("journeys/declared.yaml".to_owned(), DECLARED.as_bytes().to_vec())]);
    let text = "source: shop\nsignature: {header: X-Sign, secret: SHOP_SECRET}\ntopic: {header: X-Topic}\n\
        message_id: {header: X-Id}\non:\n  orders/create:\n    customer: {email: email}\n    event: order_placed\n    \
        properties:\n      order_id: id\n      total: {money: total, currency: currency}\n      coupon: code\n  \
        refunds/create:\n    customer: {email: email}\n    event: refunded\n    properties:\n      order_id: id\n";
    let (_, problems) = compile(&files_of(text), &schema(&declared));
    let said: Vec<&str> =
        problems.iter().filter_map(|problem| Some(problem.help.as_ref()?.en.as_str())).collect();
    assert_eq!(said.len(), 2, "{problems:?}");
    assert!(
        said[0].contains("`coupon: text?, total: money?`") && said[0].contains("it has: order_id"),
        "{said:?}"
    );
    assert!(said[1].contains("`refunded: {properties: {order_id: text?}}`"), "{said:?}");
    assert!(!said[1].contains("message_sent"), "what Tabi tells itself is no offer: {said:?}");
}

#[test]
fn every_page_of_a_code_is_true() {
    let declared = Files::from([("journeys/declared.yaml".to_owned(), DECLARED.as_bytes().to_vec())]);
    let schema = schema(&declared);
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/codes")).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let run = |text: &str| {
            let files = files_of(text);
            let (_, problems) = compile(&files, &schema);
            problems.into_iter().map(|problem| problem.code).collect::<Vec<_>>()
        };
        assert!(run(&blocks[0]).contains(&code), "{code}: {:?}", run(&blocks[0]));
        assert_eq!(run(&blocks[1]), Vec::<String>::new(), "{code}");
    }
}

/// The mappings that the project ships, read against what it declares.
fn shipped() -> Sources {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut files = release::files::read(root.as_ref()).unwrap();
    let mappings = files.clone();
    files.retain(|file, _| {
        ["events.yaml", "customer.yaml", "purposes.yaml"].iter().any(|end| file.ends_with(end))
    });
    let (sources, problems) = compile(&mappings, &schema(&files));
    assert_eq!(problems, []);
    sources
}

#[track_caller]
fn heard(mapping: &Mapping, topic: (&'static str, &'static str), body: &serde_json::Value) -> Option<Call> {
    let mut headers = HeaderMap::new();
    headers.insert(topic.0, topic.1.parse().unwrap());
    headers.insert("x-shopify-webhook-id", "b54557e4".parse().unwrap());
    headers.insert("x-wc-webhook-delivery-id", "b54557e4".parse().unwrap());
    match hear(mapping, &headers, body.to_string().as_bytes()) {
        Heard::Item(item) => {
            let call = item.call.unwrap();
            // What is kept of it says the same once more.
            let Heard::Item(again) = hear_again(mapping, &item.body) else { panic!("heard no more") };
            assert_eq!(again.call.unwrap().properties, call.properties);
            Some(call)
        }
        Heard::Nothing => None,
    }
}

#[test]
fn a_paid_order_of_shopify_is_an_order_with_its_money_and_its_buyer() {
    let sources = shipped();
    let body = json!({
        "id": 450_789_469, "email": "hana@example.jp", "created_at": "2026-11-21T09:30:00+09:00",
        "processed_at": "2026-11-21T09:31:00+09:00", "total_price": "27.98", "currency": "USD",
        "customer": {"id": 207_119_551, "first_name": "Hana", "last_name": "Mori"},
        "line_items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}], "discount_codes": [],
    });
    let call = heard(&sources.0["shopify"], ("x-shopify-topic", "orders/paid"), &body).unwrap();
    assert_eq!(call.kind, CallKind::Track("order_placed".to_owned()));
    assert_eq!(call.user_id.as_deref(), Some("207119551"));
    assert_eq!(call.message_id.as_deref(), Some("order_placed:450789469"));
    assert_eq!(call.occurred_at, Some(Timestamp::parse("2026-11-21T00:31:00Z").unwrap()));
    assert_eq!(
        serde_json::Value::Object(call.properties),
        json!({"cds": 3, "order_id": 450_789_469, "total": {"amount": "27.98", "currency": "USD"}})
    );
    assert_eq!(call.traits["given_name"], "Hana");
}

#[test]
fn what_shopify_knows_of_consent_is_a_word_with_its_time() {
    let sources = shipped();
    let body = json!({
        "id": 1, "email": "hana@example.jp",
        "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": "2026-11-20T00:00:00Z"},
        "sms_marketing_consent": null,
    });
    let call = heard(&sources.0["shopify"], ("x-shopify-topic", "customers/update"), &body).unwrap();
    assert_eq!(call.kind, CallKind::Identify);
    assert_eq!(call.consents.len(), 1);
    assert!(!call.consents[0].granted && !call.consents[0].stamped);
    assert_eq!(call.consents[0].at, Some(Timestamp::parse("2026-11-20T00:00:00Z").unwrap()));
}

#[test]
fn a_guest_of_woocommerce_is_known_by_the_address_and_an_unpaid_order_is_none() {
    let sources = shipped();
    let order = |status: &str| {
        json!({
            "id": 727, "status": status, "currency": "USD", "total": "29.35", "customer_id": 0,
            "date_created_gmt": "2026-11-21T09:30:00",
            "billing": {"first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "country": "US"},
            "line_items": [{"quantity": 2}],
        })
    };
    let topic = ("x-wc-webhook-topic", "order.created");
    let call = heard(&sources.0["woocommerce"], topic, &order("processing")).unwrap();
    assert_eq!(call.user_id, None);
    assert_eq!(call.traits["email"], "john.doe@example.com");
    assert_eq!(call.occurred_at, Some(Timestamp::parse("2026-11-21T09:30:00Z").unwrap()));
    assert!(heard(&sources.0["woocommerce"], topic, &order("pending")).is_none());
    assert!(heard(&sources.0["woocommerce"], ("x-wc-webhook-topic", "coupon.created"), &json!({})).is_none());
}

#[test]
fn a_body_that_was_changed_on_its_way_is_not_the_shops() {
    let sources = shipped();
    let signature = &sources.0["shopify"].signature;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
    let tag = data_encoding::BASE64.encode(ring::hmac::sign(&key, b"{}").as_ref());
    let mut headers = HeaderMap::new();
    assert!(!verified(signature, b"secret", &headers, b"{}"));
    headers.insert("x-shopify-hmac-sha256", tag.parse().unwrap());
    assert!(verified(signature, b"secret", &headers, b"{}"));
    assert!(!verified(signature, b"secret", &headers, b"{ }"));
    assert!(!verified(signature, b"other", &headers, b"{}"));
}
