//! Digits: grouping and decimals.

use super::Tongue;
use words::{Currency, Money};

/// The grouping and the decimal sign of a language.
fn signs(tongue: Tongue) -> (&'static str, &'static str) {
    match tongue {
        Tongue::German => (".", ","),
        Tongue::Spanish => (".", ","),
        Tongue::French => ("\u{202f}", ","),
        _ => (",", "."),
    }
}

/// A whole number, its digits in groups of three.
pub(crate) fn group(number: i64, tongue: Tongue) -> String {
    let mut grouped = grouped(Digits::new(number.unsigned_abs()).as_str(), tongue);
    if number < 0 {
        grouped.insert(0, '-');
    }
    grouped
}

/// A number with `decimals` digits after the sign; `None`: as many as it has, at most six.
pub(crate) fn decimal(number: f64, decimals: Option<usize>, tongue: Tongue) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let text = match decimals {
        Some(decimals) => format!("{number:.decimals$}", decimals = decimals.min(12)),
        None => {
            let text = format!("{number:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let whole = grouped(whole, tongue);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{}{part}", signs(tongue).1) }
}

/// A share of one as per cent.
pub(crate) fn percent(share: f64, decimals: usize, tongue: Tongue) -> String {
    let number = decimal(share * 100.0, Some(decimals), tongue);
    match tongue {
        Tongue::German | Tongue::French | Tongue::Spanish => format!("{number}\u{a0}%"),
        _ => format!("{number}%"),
    }
}

/// The digits of an amount without its sign, grouped, with the decimals of its currency.
pub(super) fn money_digits(money: Money, tongue: Tongue) -> String {
    let decimals = money.currency.decimals();
    let minor = money.minor.unsigned_abs();
    let unit = 10u64.pow(decimals);
    let mut out = grouped(Digits::new(minor / unit).as_str(), tongue);
    if decimals > 0 {
        out.push_str(signs(tongue).1);
        let part = Digits::new(minor % unit);
        for _ in part.as_str().len()..decimals as usize {
            out.push('0');
        }
        out.push_str(part.as_str());
    }
    out
}

/// The digits of a number, without an allocation: amounts are written many times in a mail.
struct Digits {
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    fn new(mut number: u64) -> Self {
        let mut digits = Self { bytes: [b'0'; 20], start: 20 };
        loop {
            digits.start -= 1;
            digits.bytes[digits.start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                return digits;
            }
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or("0")
    }
}

/// The sign of a currency, where everybody knows it.
pub(super) fn symbol(currency: Currency) -> Option<&'static str> {
    Some(match currency.as_str() {
        "USD" => "$",
        "JPY" => "¥",
        "EUR" => "€",
        "GBP" => "£",
        "KRW" => "₩",
        "INR" => "₹",
        _ => return None,
    })
}

fn grouped(digits: &str, tongue: Tongue) -> String {
    let sign = signs(tongue).0;
    // Room for a symbol and decimals too.
    let mut out = String::with_capacity(digits.len() * 2 + 8);
    let mut rest = digits;
    while !rest.is_empty() {
        let (group, after) = rest.split_at(match rest.len() % 3 {
            0 => 3,
            short => short,
        });
        if !out.is_empty() {
            out.push_str(sign);
        }
        out.push_str(group);
        rest = after;
    }
    out
}
