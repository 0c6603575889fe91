//! How numbers, money, dates, times and names are written in a language.
//!
//! A table of our own for the languages that brands write in most, the unambiguous ISO form for every other: an
//! internationalisation library of full size would cost more to build than everything else in this crate.

mod date;
mod name;
mod number;

pub(crate) use date::{DateStyle, date, date_time, duration, time};
pub(crate) use name::{Name, full, greeting};
pub(crate) use number::{decimal, group, percent};

use std::collections::BTreeMap;
use words::{Currency, Locale, Money};

/// A language that the tables know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    Japanese,
    Chinese,
    Korean,
    German,
    French,
    Spanish,
    Other,
}

/// What a locale of a brand needs to write its values.
#[derive(Debug, Clone)]
pub(crate) struct Formats {
    pub(crate) tongue: Tongue,
    /// Day before month, 24 hours: English outside North America.
    pub(crate) day_first: bool,
    /// The brand's own way to write amounts, by currency: `{amount}円`.
    pub(crate) money: BTreeMap<Currency, String>,
    /// What stands for an unknown name.
    pub(crate) greeting: String,
}

impl Formats {
    /// For a locale, with the brand's choices.
    pub(crate) fn new(locale: &Locale, money: BTreeMap<Currency, String>, greeting: String) -> Self {
        let tongue = match locale.language() {
            "en" => Tongue::English,
            "ja" => Tongue::Japanese,
            "zh" => Tongue::Chinese,
            "ko" => Tongue::Korean,
            "de" => Tongue::German,
            "fr" => Tongue::French,
            "es" => Tongue::Spanish,
            _ => Tongue::Other,
        };
        let day_first =
            tongue == Tongue::English && !matches!(locale.region(), None | Some("US" | "CA" | "PH"));
        Self { tongue, day_first, money, greeting }
    }

    /// An amount, as the brand writes it, else as the language does.
    pub(crate) fn money(&self, money: Money) -> String {
        let digits = number::money_digits(money, self.tongue);
        let sign = if money.minor < 0 { "-" } else { "" };
        if let Some((before, after)) = self.money.get(&money.currency).and_then(|p| p.split_once("{amount}"))
        {
            return [sign, before, &digits, after].concat();
        }
        let symbol = number::symbol(money.currency);
        let code = money.currency.as_str();
        match (self.tongue, symbol) {
            (Tongue::German | Tongue::French | Tongue::Spanish, symbol) => {
                [sign, &digits, "\u{a0}", symbol.unwrap_or(code)].concat()
            }
            (_, Some(symbol)) => [sign, symbol, &digits].concat(),
            (_, None) => [sign, code, "\u{a0}", &digits].concat(),
        }
    }

    /// An amount with the currency's code: `3,000 JPY`.
    pub(crate) fn money_code(&self, money: Money) -> String {
        let sign = if money.minor < 0 { "-" } else { "" };
        [sign, &number::money_digits(money, self.tongue), " ", money.currency.as_str()].concat()
    }
}

#[cfg(test)]
mod tests;
