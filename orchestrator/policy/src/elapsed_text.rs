//! Lengths of time in packs and settings are written as people write them: `7 days`.

use serde::{Deserialize, Deserializer, Serializer};
use words::Elapsed;

pub(crate) fn serialize<S: Serializer>(value: &Elapsed, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Elapsed, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    Elapsed::parse(&text).map_err(serde::de::Error::custom)
}
