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
    let digits = number.unsigned_abs().to_string();
    let grouped = grouped(&digits, tongue);
    if number < 0 { format!("-{grouped}") } else { grouped }
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

/// The digits of an amount, grouped, with the decimals of its currency.
pub(super) fn money_digits(money: Money, tongue: Tongue) -> String {
    let text = money.decimal();
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let whole = grouped(whole, tongue);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{}{part}", signs(tongue).1) }
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
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * sign.len());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push_str(sign);
        }
        out.push(digit);
    }
    out
}
