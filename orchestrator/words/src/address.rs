//! Channels and the addresses on them.

use serde::{Deserialize, Serialize};

/// The name of a channel (`email`, `sms`, `push`, `webhook`, …). An open set: an adapter brings its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channel(std::borrow::Cow<'static, str>);

impl Channel {
    /// E-mail.
    pub const EMAIL: Self = Self(std::borrow::Cow::Borrowed("email"));
    /// Short messages to a phone number.
    pub const SMS: Self = Self(std::borrow::Cow::Borrowed("sms"));
    /// Push notifications to app tokens.
    pub const PUSH: Self = Self(std::borrow::Cow::Borrowed("push"));
    /// Calls to a customer's own HTTP endpoint.
    pub const WEBHOOK: Self = Self(std::borrow::Cow::Borrowed("webhook"));

    /// A channel by name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        match name.as_str() {
            "email" => Self::EMAIL,
            "sms" => Self::SMS,
            "push" => Self::PUSH,
            "webhook" => Self::WEBHOOK,
            _ => Self(std::borrow::Cow::Owned(name)),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an address may be written to, apart from consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressState {
    /// Nothing speaks against it.
    Active,
    /// The provider said that it will never accept a message.
    Dead,
}

/// One address of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// On which channel.
    pub channel: Channel,
    /// In its normal form: see [`EmailAddress`] and [`PhoneNumber`]; tokens as given.
    pub value: String,
    /// Whether it may be written to.
    pub state: AddressState,
    /// The first of a channel is the preferred one.
    pub added_at: crate::Timestamp,
    /// When its app or the shop last said that it is in use, to the day; `None`: not since it was added. Push services
    /// keep the tokens of apps that are gone.
    #[serde(default)]
    pub seen_at: Option<crate::Timestamp>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No e-mail address.
    #[error("this is not an e-mail address: {0}")]
    Email(&'static str),
    /// No phone number.
    #[error("this is not a phone number: {0}")]
    Phone(&'static str),
}

/// An e-mail address in its normal form: NFKC, trimmed, the domain in lower case.
///
/// The local part keeps its case and may break RFC 5321's dot rules (`a..b@docomo.ne.jp`, `a.@ezweb.ne.jp` are
/// real mailboxes in Japan): the SMTP adapter quotes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads and normalises an address. Limits: local part 64 octets, whole 254 (RFC 5321 section 4.5.3.1).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        use unicode_normalization::UnicodeNormalization;
        let text: String = text.trim().nfkc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Email("it has no @"))?;
        if local.is_empty() || local.len() > 64 {
            return Err(AddressError::Email("the part before @ must have 1 to 64 characters"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
        if !local.chars().all(plain) {
            return Err(AddressError::Email(
                "the part before @ has a character that mail servers do not take",
            ));
        }
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if !domain.contains('.') || !domain.split('.').all(label) {
            return Err(AddressError::Email("the part after @ is not a domain"));
        }
        if text.len() > 254 {
            return Err(AddressError::Email("it is longer than 254 characters"));
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// A phone number in E.164: `+` and 7 to 15 digits (ITU-T E.164 section 6). National numbers are read with a country
/// by the edge that knows it, with a real library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Accepts the E.164 form alone.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let digits = text
            .strip_prefix('+')
            .ok_or(AddressError::Phone("it does not start with + and a country code"))?;
        if !(7..=15).contains(&digits.len())
            || !digits.bytes().all(|b| b.is_ascii_digit())
            || digits.starts_with('0')
        {
            return Err(AddressError::Phone("after + come 7 to 15 digits"));
        }
        Ok(Self(text.to_owned()))
    }

    /// As text, with `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        for (text, normal) in [
            ("Ann@Example.COM", "Ann@example.com"),
            (" a..b@docomo.ne.jp ", "a..b@docomo.ne.jp"),
            ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
        ] {
            assert_eq!(EmailAddress::parse(text).map(|a| a.0), Ok(normal.to_owned()));
        }
        for wrong in
            ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b..c", "a@-b.c", "a\r\n@b.c", "a\"@b.c", "a@b@c.d"]
        {
            assert!(EmailAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
