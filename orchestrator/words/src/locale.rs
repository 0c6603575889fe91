//! Languages and locales.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A locale as BCP 47 text: a language, perhaps a script and a region (`ja`, `en-US`, `zh-Hant-TW`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(String);

/// Why a text is no locale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a locale: write a language code, perhaps with a region, like `ja` or `en-US`")]
pub struct LocaleError(String);

impl Locale {
    /// Reads `ja`, `en-US`, `en_us`; sets the usual case.
    pub fn parse(text: &str) -> Result<Self, LocaleError> {
        let wrong = || LocaleError(text.chars().take(32).collect());
        let mut out = String::with_capacity(text.len());
        for (index, part) in text.split(['-', '_']).enumerate() {
            let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
            let shaped = match (index, part.len()) {
                (0, 2 | 3) if letters => part.to_ascii_lowercase(),
                (1, 4) if letters => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
                (1 | 2, 2) if letters => part.to_ascii_uppercase(),
                (1 | 2, 3) if part.bytes().all(|b| b.is_ascii_digit()) => part.to_owned(),
                _ => return Err(wrong()),
            };
            if index > 0 {
                out.push('-');
            }
            out.push_str(&shaped);
        }
        Ok(Self(out))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone: `en` of `en-US`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// The region, where there is one: `US` of `en-US`.
    pub fn region(&self) -> Option<&str> {
        self.0.split('-').skip(1).find(|part| part.len() == 2)
    }

    /// Of `available`, the best for this locale: itself, then one with the same language. `None`: use the default.
    pub fn best_of<'a>(&self, available: &'a [Self]) -> Option<&'a Self> {
        available
            .iter()
            .find(|other| *other == self)
            .or_else(|| available.iter().find(|other| other.0 == self.language()))
            .or_else(|| available.iter().find(|other| other.language() == self.language()))
    }
}

/// The two languages that Tabi itself speaks to its operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Language {
    /// From `LANG`, `Accept-Language` or a locale: Japanese where it starts with `ja`, else English.
    pub fn guess(text: &str) -> Self {
        if text.trim_start().to_ascii_lowercase().starts_with("ja") { Self::Ja } else { Self::En }
    }
}

impl std::fmt::Display for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Locale {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
