//! Money: whole minor units and an ISO 4217 code, never a float.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount in the minor unit of its currency: 1,000 yen is `1000`, ten dollars are `1000` too.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units (cents, yen, fils).
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why a text is no money, or two amounts do not add.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("`{0}` is not a currency: write its ISO 4217 code, like `JPY` or `USD`")]
    Currency(String),
    /// Not an amount and a currency.
    #[error(
        "`{0}` is not an amount of money: write an amount and a currency, like `3000 JPY` or `29.90 USD`"
    )]
    Amount(String),
    /// More decimals than the currency has.
    #[error("`{0}` has more decimals than its currency")]
    Decimals(String),
    /// Two currencies in one sum or comparison.
    #[error("{0} and {1} are different currencies and cannot be added or compared")]
    Mixed(Currency, Currency),
    /// Past 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");
    /// Japanese yen.
    pub const JPY: Self = Self(*b"JPY");

    /// Reads three letters A–Z.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|l| l.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::Currency(text.chars().take(16).collect())),
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimals of the minor unit, by the active codes of ISO 4217 (list one, 2024).
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl Money {
    /// From minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads `3000 JPY`, `29.90 USD`, `-5 EUR`.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::Amount(text.chars().take(64).collect());
        let (amount, code) = text.trim().split_once(' ').ok_or_else(wrong)?;
        Self::from_decimal(amount, Currency::parse(code.trim())?)
    }

    /// Reads a decimal amount (`29.9`, `1200`) in `currency`.
    pub fn from_decimal(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong =
            || MoneyError::Amount(format!("{} {currency}", amount.chars().take(64).collect::<String>()));
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
            return Err(wrong());
        }
        let decimals = currency.decimals() as usize;
        let part = part.trim_end_matches('0');
        if part.len() > decimals {
            return Err(MoneyError::Decimals(format!("{amount} {currency}")));
        }
        let minor: i64 = format!("{whole}{part:0<decimals$}").parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// The sum, or why there is none.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The amount as a plain decimal without grouping: `29.90`.
    pub fn decimal(self) -> String {
        let decimals = self.currency.decimals() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, part) = digits.split_at(digits.len() - decimals);
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

impl PartialOrd for Money {
    /// Amounts of different currencies have no order.
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl std::fmt::Debug for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_writes_in_its_own_decimals() {
        for (text, minor, shown) in [
            ("3000 JPY", 3000, "3000 JPY"),
            ("29.9 USD", 2990, "29.90 USD"),
            ("-0.05 USD", -5, "-0.05 USD"),
            ("1.234 KWD", 1234, "1.234 KWD"),
            ("29.900 USD", 2990, "29.90 USD"),
        ] {
            let money = Money::parse(text).expect(text);
            assert_eq!((money.minor, money.to_string().as_str()), (minor, shown));
        }
        for wrong in ["3000", "12.5 JPY", "x USD", "1 usd", "1,000 JPY", "99999999999999999999 JPY", ". USD"]
        {
            assert!(Money::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_currencies_neither_add_nor_compare() {
        let (yen, dollar) = (Money::new(1, Currency::JPY), Money::new(1, Currency::USD));
        assert!(yen.plus(dollar).is_err());
        assert_eq!(yen.partial_cmp(&dollar), None);
    }
}
