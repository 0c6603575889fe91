//! Decisions as stored: all that one step decided is one list in one row.
//!
//! What the engine decided is kept as it is and put into words when it is read: a step says three things where nobody may
//! ever ask, and words in two languages cost more than the decision.

use super::Store;
use crate::{NewDecision, Saying, StoreError, TimelineItem};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use words::{EnrollmentId, Timestamp};

/// One decision of the list. Names are symbols.
#[derive(Serialize, Deserialize)]
struct Entry<'d> {
    /// Of which enrollment, in hex.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    enrollment: Option<String>,
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    journey: Option<i64>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    #[serde(rename = "k")]
    kind: i64,
    /// The engine's decision …
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", borrow)]
    decision: Option<std::borrow::Cow<'d, RawValue>>,
    /// … or words.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none", borrow)]
    words: Option<std::borrow::Cow<'d, RawValue>>,
}

fn raw(json: String) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(json).map_err(|error| StoreError::Invalid(error.to_string()))
}

impl Store {
    /// The list of one step; the names are interned.
    pub(crate) fn decisions_body(&self, decisions: &[NewDecision]) -> Result<String, StoreError> {
        let mut out = Vec::with_capacity(128 * decisions.len());
        let mut list = Vec::with_capacity(decisions.len());
        for decision in decisions {
            let enrollment = decision.enrollment.map(|id| data_encoding::HEXLOWER.encode(&id.0));
            let (said, words) = match &decision.body {
                Saying::Engine(said) => {
                    let json = serde_json::to_string(said.as_ref());
                    (Some(raw(json.map_err(|error| StoreError::Invalid(error.to_string()))?)?), None)
                }
                Saying::Words(json) => (None, Some(raw(json.clone())?)),
            };
            list.push(Entry {
                enrollment,
                journey: decision.journey.as_deref().map(|journey| self.sym(journey)).transpose()?,
                step: decision.step.as_deref().map(|step| self.sym(step)).transpose()?,
                kind: self.sym(decision.kind)?,
                decision: said.map(std::borrow::Cow::Owned),
                words: words.map(std::borrow::Cow::Owned),
            });
        }
        serde_json::to_writer(&mut out, &list).map_err(|error| StoreError::Invalid(error.to_string()))?;
        String::from_utf8(out).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    /// The decisions of one row, newest first.
    pub(crate) fn decisions_of(&self, at: Timestamp, body: &str) -> Result<Vec<TimelineItem>, StoreError> {
        let list: Vec<Entry<'_>> = serde_json::from_str(body).map_err(StoreError::corrupt)?;
        let mut items = Vec::with_capacity(list.len());
        for entry in list.into_iter().rev() {
            let said = match (entry.decision, entry.words) {
                (Some(decision), _) => Saying::Engine(Box::new(
                    serde_json::from_str(decision.get()).map_err(StoreError::corrupt)?,
                )),
                (None, Some(words)) => Saying::Words(words.get().to_owned()),
                (None, None) => return Err(StoreError::corrupt("a decision that says nothing")),
            };
            let enrollment = entry.enrollment.and_then(|hex| {
                EnrollmentId::from_slice(&data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?)
            });
            items.push(TimelineItem::Decision {
                at,
                enrollment,
                journey: self.opt_name(entry.journey)?,
                step: self.opt_name(entry.step)?,
                kind: self.name(entry.kind)?.to_string(),
                body: said.words(),
            });
        }
        Ok(items)
    }
}
