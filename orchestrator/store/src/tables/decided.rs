//! Decisions as stored: all that one step decided is one list in one row.
//!
//! What the engine decided is kept as it is and put into words when it is read: a step says three things where nobody may
//! ever ask, and words in two languages cost more than the decision.

use super::Store;
use crate::{NewDecision, Saying, StoreError, TimelineItem};
use serde::Deserialize;
use serde_json::value::RawValue;
use words::{EnrollmentId, Timestamp};

/// One decision of the list, as read. Names are symbols. Enrollment and journey are left out where they are those of the
/// decision before; empty and 0: none.
#[derive(Deserialize)]
struct Entry {
    /// Of which enrollment, in hex.
    #[serde(rename = "e")]
    enrollment: Option<String>,
    #[serde(rename = "j")]
    journey: Option<i64>,
    #[serde(rename = "s")]
    step: Option<i64>,
    #[serde(rename = "k")]
    kind: i64,
    /// The engine's decision …
    #[serde(rename = "d")]
    decision: Option<engine::Decision>,
    /// … or words.
    #[serde(rename = "w")]
    words: Option<Box<RawValue>>,
}

impl Store {
    /// The list of one step; the names are interned.
    pub(crate) fn decisions_body(&self, decisions: &[NewDecision]) -> Result<String, StoreError> {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(160 * decisions.len());
        let mut last = None;
        for decision in decisions {
            out.push_str(if out.is_empty() { "[{" } else { ",{" });
            let of = (decision.enrollment, decision.journey.as_deref());
            if last != Some(of) {
                out.push_str("\"e\":\"");
                if let Some(id) = decision.enrollment {
                    data_encoding::HEXLOWER.encode_append(&id.0, &mut out);
                }
                let journey = decision.journey.as_deref().map(|journey| self.sym(journey)).transpose()?;
                let _ = write!(out, "\",\"j\":{},", journey.unwrap_or(0));
                last = Some(of);
            }
            if let Some(step) = &decision.step {
                let _ = write!(out, "\"s\":{},", self.sym(step)?);
            }
            let _ = write!(out, "\"k\":{},", self.sym(decision.kind)?);
            match &decision.body {
                Saying::Engine(said) => {
                    out.push_str("\"d\":");
                    let said = serde_json::to_string(said.as_ref());
                    out.push_str(&said.map_err(|error| StoreError::Invalid(error.to_string()))?);
                }
                Saying::Words(json) => {
                    out.push_str("\"w\":");
                    out.push_str(json);
                }
            }
            out.push('}');
        }
        out.push_str(if out.is_empty() { "[]" } else { "]" });
        Ok(out)
    }

    /// The decisions of one row, newest first.
    pub(crate) fn decisions_of(&self, at: Timestamp, body: &str) -> Result<Vec<TimelineItem>, StoreError> {
        let list: Vec<Entry> = serde_json::from_str(body).map_err(StoreError::corrupt)?;
        let mut items = Vec::with_capacity(list.len());
        let (mut enrollment, mut journey) = (None, None);
        for entry in list {
            if let Some(hex) = entry.enrollment {
                let id = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(StoreError::corrupt)?;
                enrollment = EnrollmentId::from_slice(&id);
            }
            if let Some(symbol) = entry.journey {
                journey = self.opt_name(Some(symbol).filter(|symbol| *symbol != 0))?;
            }
            let said = match (entry.decision, entry.words) {
                (Some(decision), _) => Saying::Engine(Box::new(decision)),
                (None, Some(words)) => Saying::Words(words.get().to_owned()),
                (None, None) => return Err(StoreError::corrupt("a decision that says nothing")),
            };
            items.push(TimelineItem::Decision {
                at,
                enrollment,
                journey: journey.clone(),
                step: self.opt_name(entry.step)?,
                kind: self.name(entry.kind)?.to_string(),
                body: said.words(),
            });
        }
        items.reverse();
        Ok(items)
    }
}
