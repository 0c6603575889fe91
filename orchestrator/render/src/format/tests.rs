#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use words::Locale;

fn formats(locale: &str) -> Formats {
    let greeting = if locale.starts_with("ja") { "お客様" } else { "there" };
    Formats::new(&Locale::parse(locale).unwrap(), BTreeMap::new(), greeting.to_owned())
}

#[test]
fn amounts_are_written_as_the_language_does() {
    for (locale, amount, written) in [
        ("en", "29.90 USD", "$29.90"),
        ("en", "1000 JPY", "¥1,000"),
        ("en", "-1234567.5 USD", "-$1,234,567.50"),
        ("en", "1.234 KWD", "KWD\u{a0}1.234"),
        ("ja", "1000 JPY", "¥1,000"),
        ("ja", "29.90 USD", "$29.90"),
        ("de", "1234.5 EUR", "1.234,50\u{a0}€"),
        ("fr", "1234.5 EUR", "1\u{202f}234,50\u{a0}€"),
    ] {
        assert_eq!(formats(locale).money(Money::parse(amount).unwrap()), written);
    }
}

#[test]
fn a_brand_writes_amounts_its_own_way() {
    let mut ja = formats("ja");
    ja.money.insert(Currency::JPY, "{amount}円".to_owned());
    assert_eq!(ja.money(Money::new(1000, Currency::JPY)), "1,000円");
    assert_eq!(ja.money(Money::new(-1000, Currency::JPY)), "-1,000円");
    assert_eq!(ja.money_code(Money::new(3000, Currency::JPY)), "3,000 JPY");
}

#[test]
fn numbers_are_grouped() {
    assert_eq!(group(1_234_567, Tongue::English), "1,234,567");
    assert_eq!(group(-1_234, Tongue::German), "-1.234");
    assert_eq!(group(i64::MIN, Tongue::English), "-9,223,372,036,854,775,808");
    assert_eq!(decimal(1234.5, None, Tongue::French), "1\u{202f}234,5");
    assert_eq!(decimal(0.1 + 0.2, None, Tongue::English), "0.3");
    assert_eq!(decimal(2.0, None, Tongue::English), "2");
    assert_eq!(percent(0.125, 1, Tongue::Japanese), "12.5%");
}

#[test]
fn dates_and_times_read_as_if_born_there() {
    let at = jiff::civil::date(2026, 11, 21).at(19, 5, 0, 0);
    for (locale, long, full, short, clock) in [
        ("en", "November 21, 2026", "Saturday, November 21, 2026", "11/21/2026", "7:05\u{a0}PM"),
        ("en-GB", "21 November 2026", "Saturday, 21 November 2026", "21/11/2026", "19:05"),
        ("ja", "2026年11月21日", "2026年11月21日(土)", "2026/11/21", "19:05"),
        ("de", "21. November 2026", "Samstag, 21. November 2026", "21.11.2026", "19:05"),
        ("sv", "2026-11-21", "2026-11-21", "2026-11-21", "19:05"),
    ] {
        let formats = formats(locale);
        assert_eq!(date(at.date(), DateStyle::Long, &formats), long);
        assert_eq!(date(at.date(), DateStyle::Full, &formats), full);
        assert_eq!(date(at.date(), DateStyle::Short, &formats), short);
        assert_eq!(time(at.time(), &formats), clock);
    }
    assert_eq!(date_time(at, DateStyle::Long, &formats("ja")), "2026年11月21日 19:05");
    assert_eq!(date_time(at, DateStyle::Long, &formats("en")), "November 21, 2026 at 7:05\u{a0}PM");
    assert_eq!(duration(words::Elapsed::from_days(3), Tongue::Japanese), "3日間");
}

#[test]
fn people_are_addressed_as_their_language_does() {
    let yamada = Name { whole: "", family: "山田", given: "花子" };
    let ann = Name { whole: "Ann Smith", family: "", given: "" };
    let whole = Name { whole: "山田 花子", family: "", given: "" };
    for (locale, name, greeted, in_full) in [
        ("ja", yamada, "山田様", "山田花子様"),
        ("ja", whole, "山田 花子様", "山田 花子様"),
        ("ja", ann, "Ann Smith 様", "Ann Smith 様"),
        ("ja", Name::default(), "お客様", "お客様"),
        ("en", yamada, "花子", "山田花子"),
        ("en", whole, "山田 花子", "山田 花子"),
        ("en", ann, "Ann", "Ann Smith"),
        ("en", Name { whole: "", family: "Smith", given: "Ann" }, "Ann", "Ann Smith"),
        ("en", Name::default(), "there", "there"),
    ] {
        let formats = formats(locale);
        assert_eq!(greeting(name, &formats), greeted, "{locale}");
        assert_eq!(full(name, &formats), in_full, "{locale}");
    }
}
