//! Why something did not happen, for machines and for people.

use serde::{Deserialize, Serialize};
use words::Text;

/// One reason. The policy's reasons are carried through unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable, for machines: `no_consent`, `quiet_hours`, `cap` …
    pub code: String,
    /// The policy rule it comes from (`CNS-001`); `None`: the journey's own doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// For people.
    pub words: Text,
}

impl Reason {
    /// A reason from its code and its words.
    pub fn new(code: impl Into<String>, en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self { code: code.into(), rule: None, words: Text::new(en, ja) }
    }
}
