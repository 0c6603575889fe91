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
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", digits.as_str()),
        };
        if let Some(pattern) = self.money.get(&money.currency) {
            return format!("{sign}{}", pattern.replace("{amount}", digits));
        }
        let symbol = number::symbol(money.currency);
        match self.tongue {
            Tongue::German | Tongue::French | Tongue::Spanish => {
                format!("{sign}{digits}\u{a0}{}", symbol.unwrap_or(money.currency.as_str()))
            }
            _ => match symbol {
                Some(symbol) => format!("{sign}{symbol}{digits}"),
                None => format!("{sign}{}\u{a0}{digits}", money.currency),
            },
        }
    }

    /// An amount with the currency's code: `3,000 JPY`.
    pub(crate) fn money_code(&self, money: Money) -> String {
        format!("{} {}", number::money_digits(money, self.tongue), money.currency)
    }
}

#[cfg(test)]
mod tests;
