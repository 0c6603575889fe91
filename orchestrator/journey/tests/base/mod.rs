//! What the journeys of the tests stand on: a shop's declarations and messages.
#![allow(unreachable_pub, dead_code)]

use std::collections::BTreeSet;
use words::{Channel, Locale, MessageCatalog, MessageClass, MessageEntry, MessageInput, Type};

/// What the journeys of the tests stand on.
pub const SCHEMA: &str = include_str!("schema.yaml");

/// Messages for the tests: name, channels, inputs.
pub fn messages() -> MessageCatalog {
    let locales = ["en", "ja"].into_iter().filter_map(|locale| Locale::parse(locale).ok()).collect();
    let mut catalog = MessageCatalog { locales, ..MessageCatalog::default() };
    let mut add = |name: &str, channels: &[&str], inputs: &[(&str, Type, bool)]| {
        let channels: BTreeSet<Channel> = channels.iter().map(|c| Channel::new(*c)).collect();
        let inputs = inputs
            .iter()
            .map(|(name, ty, required)| {
                ((*name).to_owned(), MessageInput { ty: ty.clone(), required: *required })
            })
            .collect();
        let marketing = channels.clone();
        catalog
            .messages
            .insert(name.to_owned(), MessageEntry { channels, marketing, inputs, ..MessageEntry::default() });
    };
    let all = ["email", "push", "sms"];
    add(
        "thank_you",
        &all,
        &[("order_id", Type::Text, true), ("total", Type::Money(None), true), ("coupon", Type::Text, false)],
    );
    add("thanks_again", &all, &[]);
    add("how_to_use", &["email"], &[("tracking", Type::Text, true)]);
    add("review_request", &["email"], &[("order_id", Type::Text, true)]);
    for name in [
        "whats_new",
        "favourites",
        "come_back_offer",
        "welcome",
        "tips",
        "reminder",
        "birthday",
        "ask_nps",
        "newsletter",
    ] {
        add(name, &all, &[]);
    }
    add("price_drop", &["email", "push"], &[("title", Type::Text, true), ("price", Type::Money(None), true)]);
    add("receipt", &["email"], &[]);
    add("reset", &["email"], &[("code", Type::Text, true)]);
    // Leads to the page of its survey.
    if let Some(ask) = catalog.messages.get_mut("ask_nps") {
        ask.asks = ask.channels.clone();
    }
    // Advertising, and says so.
    if let Some(offer) = catalog.messages.get_mut("come_back_offer") {
        offer.class = Some(MessageClass::Marketing);
    }
    // Written without the marketing layout.
    if let Some(receipt) = catalog.messages.get_mut("receipt") {
        receipt.marketing.clear();
    }
    catalog
}
