//! Locales, zones, countries, money, times, addresses, ids and typed values: what reads is written so that it reads the same.

use crate::parts::{lines, text};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use words::{
    Country, Currency, CustomerId, DeliveryId, Elapsed, EmailAddress, Locale, MessageId, Money, PhoneNumber,
    Timestamp, Type, Value, Zone,
};

/// A text, and JSON.
pub(crate) fn run(bytes: &[u8]) {
    let [one, json] = lines(bytes);
    let said = text(one);
    same(&said, Locale::parse);
    same(&said, Zone::parse);
    same(&said, Currency::parse);
    same(&said, |text| Country::parse(text).ok_or(()));
    same(&said, CustomerId::parse);
    same(&said, MessageId::parse);
    same(&said, DeliveryId::parse);
    same(&said, Timestamp::parse);
    money(&said);
    addresses(&said);
    if let Ok(length) = Elapsed::parse(&said) {
        assert!(length >= Elapsed::ZERO);
        if length != Elapsed::ZERO {
            assert_eq!(Elapsed::parse(&length.to_string()), Ok(length), "{said:?}");
        }
        let _ =
            (Timestamp::MAX.plus(length), Timestamp::from_secs(0).minus(length).to_jiff(), length.roughly());
    }
    for json in
        [serde_json::from_slice(json).ok(), Some(Json::String(said)), serde_json::from_slice(bytes).ok()]
    {
        typed(&json.unwrap_or_default());
    }
}

#[track_caller]
fn same<T: Display + PartialEq + Debug, E: Debug + PartialEq>(
    said: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) {
    let Ok(read) = parse(said) else { return };
    let written = read.to_string();
    assert_eq!(parse(&written), Ok(read), "{said:?} is written as {written:?}");
}

fn money(said: &str) {
    same(said, Money::parse);
    let Ok(money) = Money::parse(said) else { return };
    let _ = money.plus(money).map(|twice| twice.decimal());
    assert_eq!(Money::from_decimal(&money.decimal(), money.currency), Ok(money));
}

fn addresses(said: &str) {
    if let Ok(mail) = EmailAddress::parse(said) {
        let text = mail.as_str();
        assert_eq!(EmailAddress::parse(text).as_ref(), Ok(&mail));
        assert!(text.len() <= 254 && text.is_ascii(), "{text:?}");
        assert!(!text.contains(|c: char| c.is_control() || " <>\"(),:;\\[]".contains(c)), "{text:?}");
        assert_eq!(text.matches('@').count(), 1, "{text:?}");
    }
    if let Ok(phone) = PhoneNumber::parse(said) {
        let text = phone.as_str();
        assert_eq!(PhoneNumber::parse(text).as_ref(), Ok(&phone));
        assert!(
            text.starts_with('+') && text[1..].bytes().all(|b| b.is_ascii_digit()) && text.len() <= 16,
            "{text:?}"
        );
    }
    for country in ["JP", "US", "DE", "AQ"] {
        let country = Country::parse(country).expect("a country");
        if let Some(phone) = server::national(said, country) {
            assert_eq!(PhoneNumber::parse(phone.as_str()), Ok(phone));
        }
    }
}

/// Whatever the type: a value of that type, which reads the same from what is written of it, or a reason without the value.
fn typed(json: &Json) {
    let list = |ty: Type| Type::List(Box::new(ty));
    let map = BTreeMap::from([("a".to_owned(), (Type::Int, true)), ("b".to_owned(), (Type::Text, false))]);
    let types = [
        Type::Bool,
        Type::Int,
        Type::Float,
        Type::Text,
        Type::Time,
        Type::Date,
        Type::Any,
        Type::OneOf(vec!["free".to_owned(), "pro".to_owned()]),
        Type::Money(None),
        Type::Money(Some(Currency::JPY)),
        Type::Money(Some(Currency::USD)),
        list(Type::Int),
        list(list(Type::Text)),
        Type::Map(map.clone()),
        list(Type::Map(map)),
    ];
    for ty in types {
        match Value::from_json(json, &ty) {
            Ok(value) => {
                let written = value.to_plain_json();
                let again = Value::from_json(&written, &ty);
                assert_eq!(again.as_ref(), Ok(&value), "{ty}: {written}");
            }
            Err(reason) => assert!(!reason.is_empty() && !reason.contains('\n')),
        }
    }
}
