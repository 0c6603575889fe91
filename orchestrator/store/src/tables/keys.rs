//! Sealing and opening: which key of whom seals what.

use super::Store;
use super::packed::Packed;
use crate::StoreError;
use futures::future::BoxFuture;
use std::collections::HashMap;
use vault::{Cell, DataKey, KeyClass, KeyRef};
use words::{CustomerId, Timestamp};

/// The subject of what is about nobody in particular.
pub(crate) const NOBODY: CustomerId = CustomerId([0; 16]);

/// The year of business time in UTC, by the calendar (Howard Hinnant's `civil_from_days`).
pub(crate) fn year(at: Timestamp) -> i16 {
    let days = at.as_micros().div_euclid(86_400_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let months = (5 * day_of_year + 2) / 153;
    i16::try_from(era * 400 + year + i64::from(months >= 10)).unwrap_or(0)
}

/// The key of who somebody is.
pub(crate) fn profile_key(customer: CustomerId) -> KeyRef {
    KeyRef { subject: customer.0, class: KeyClass::Profile, year: 0 }
}

/// The key of what somebody did.
pub(crate) fn events_key(customer: CustomerId, at: Timestamp) -> KeyRef {
    KeyRef { subject: customer.0, class: KeyClass::Events, year: year(at) }
}

/// The key of what we said to somebody.
pub(crate) fn content_key(customer: CustomerId, at: Timestamp) -> KeyRef {
    KeyRef { subject: customer.0, class: KeyClass::Content, year: year(at) }
}

/// Keys at hand.
#[derive(Clone)]
pub(crate) struct Keys {
    vault: vault::Vault,
    keys: std::sync::Arc<HashMap<KeyRef, DataKey>>,
}

impl Store {
    /// Keys for writing: missing ones are made and committed first.
    pub(crate) fn keys<'s>(
        &'s self,
        wanted: impl IntoIterator<Item = KeyRef>,
        now: Timestamp,
    ) -> BoxFuture<'s, Result<Keys, StoreError>> {
        let wanted = distinct(wanted);
        Box::pin(async move {
            let mut found = self.find_keys(&wanted).await?;
            let missing: Vec<usize> = (0..wanted.len()).filter(|at| found[*at].is_none()).collect();
            if !missing.is_empty() {
                let made = self.make_keys(missing.iter().map(|at| (wanted[*at], now)).collect()).await?;
                for (at, key) in missing.into_iter().zip(made) {
                    found[at] = key;
                }
            }
            Ok(self.at_hand(&wanted, found))
        })
    }

    /// The same for customers that are being made: nobody looks whether they have keys.
    pub(crate) fn first_keys<'s>(
        &'s self,
        wanted: impl IntoIterator<Item = KeyRef>,
        now: Timestamp,
    ) -> BoxFuture<'s, Result<Keys, StoreError>> {
        let wanted = distinct(wanted);
        Box::pin(async move {
            let made = self.make_keys(wanted.iter().map(|key| (*key, now)).collect()).await?;
            Ok(self.at_hand(&wanted, made))
        })
    }

    /// Those that are not in memory are looked up together with those that other requests miss meanwhile.
    async fn find_keys(&self, wanted: &[KeyRef]) -> Result<Vec<Option<DataKey>>, StoreError> {
        if let Some(found) = self.0.vault.keys_in_memory(wanted) {
            return Ok(found);
        }
        let find = |wanted: Vec<KeyRef>| async move { Ok(self.0.vault.existing_keys(&wanted).await?) };
        self.0.finding_keys.write(wanted.to_vec(), find).await
    }

    /// Keys that several requests want at once are made in one commit of the vault. `None`: destroyed.
    async fn make_keys(&self, wanted: Vec<(KeyRef, Timestamp)>) -> Result<Vec<Option<DataKey>>, StoreError> {
        let make = |wanted: Vec<(KeyRef, Timestamp)>| async move {
            let now = wanted.iter().map(|(_, now)| *now).max().unwrap_or_default();
            let wanted: Vec<KeyRef> = wanted.into_iter().map(|(key, _)| key).collect();
            Ok(self.0.vault.keys_for(&wanted, now).await?)
        };
        self.0.making_keys.write(wanted, make).await
    }

    /// Keys for reading; those destroyed are not there.
    pub(crate) fn old_keys<'s>(
        &'s self,
        wanted: impl IntoIterator<Item = KeyRef>,
    ) -> BoxFuture<'s, Result<Keys, StoreError>> {
        let wanted = distinct(wanted);
        Box::pin(async move {
            let found = self.find_keys(&wanted).await?;
            Ok(self.at_hand(&wanted, found))
        })
    }

    /// The same for whoever may block their thread.
    pub(crate) fn old_keys_at_once(
        &self,
        wanted: impl IntoIterator<Item = KeyRef>,
    ) -> Result<Keys, StoreError> {
        let wanted = distinct(wanted);
        let found = self.0.vault.keys_at_once(&wanted)?;
        Ok(self.at_hand(&wanted, found))
    }

    fn at_hand(&self, wanted: &[KeyRef], found: Vec<Option<DataKey>>) -> Keys {
        let keys: HashMap<_, _> =
            wanted.iter().zip(found).filter_map(|(key, data)| Some((*key, data?))).collect();
        Keys { vault: self.0.vault.clone(), keys: std::sync::Arc::new(keys) }
    }
}

fn distinct(wanted: impl IntoIterator<Item = KeyRef>) -> Vec<KeyRef> {
    let mut wanted: Vec<KeyRef> = wanted.into_iter().collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl Keys {
    /// Whether all of these are at hand.
    pub(crate) fn have(&self, wanted: &[KeyRef]) -> bool {
        wanted.iter().all(|key| self.keys.contains_key(key))
    }

    pub(crate) fn seal(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let data = self.keys.get(&key).ok_or(StoreError::Erased)?;
        Ok(self.vault.seal(data, Cell::new(table, column, row), plain)?)
    }

    /// `None`: the key was destroyed.
    pub(crate) fn open(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(data) = self.keys.get(&key) else { return Ok(None) };
        Ok(Some(self.vault.open_sealed(data, Cell::new(table, column, row), sealed)?))
    }

    /// Packed.
    pub(crate) fn seal_packed<T: Packed>(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        value: &T,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(key, table, column, row, &value.pack()?)
    }

    /// What was packed; `None`: the key was destroyed.
    pub(crate) fn open_packed<T: Packed>(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Option<T>, StoreError> {
        self.open(key, table, column, row, sealed)?.map(|plain| T::unpack(&plain)).transpose()
    }

    /// As JSON.
    pub(crate) fn seal_json<T: serde::Serialize>(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        value: &T,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(value).map_err(|e| StoreError::Invalid(e.to_string()))?;
        self.seal(key, table, column, row, &plain)
    }

    /// From JSON; `None`: the key was destroyed.
    pub(crate) fn open_json<T: serde::de::DeserializeOwned>(
        &self,
        key: KeyRef,
        table: &str,
        column: &str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Option<T>, StoreError> {
        match self.open(key, table, column, row, sealed)? {
            Some(plain) => serde_json::from_slice(&plain)
                .map(Some)
                .map_err(|e| StoreError::corrupt(format!("{table}.{column} at {}:{}", e.line(), e.column()))),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_begins_at_new_year_in_utc() {
        for (text, expected) in [
            ("2026-12-31T23:59:59Z", 2026),
            ("2027-01-01T00:00:00Z", 2027),
            ("2024-02-29T12:00:00Z", 2024),
            ("1999-12-31T23:59:59Z", 1999),
            ("2000-03-01T00:00:00Z", 2000),
        ] {
            assert_eq!(year(Timestamp::parse(text).unwrap_or_default()), expected, "{text}");
        }
    }
}
