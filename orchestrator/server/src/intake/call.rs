//! What is said about a customer, after it was read and before it is stored.

use super::Why;
use serde_json::{Map, Value as Json};
use words::{Basis, Channel, Evidence, Timestamp};

/// Ids are at most so long, in characters.
pub(crate) const ID_MAX: usize = 256;
/// Names are.
pub(crate) const NAME_MAX: usize = 128;

/// What kind of thing is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallKind {
    /// Who the customer is.
    Identify,
    /// What the customer did; the name as the sender has it.
    Track(String),
    /// Which account the customer belongs to; `traits` are the account's.
    Group(String),
    /// The customer was known as this before.
    Alias(String),
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) kind: CallKind,
    pub(crate) user_id: Option<String>,
    pub(crate) anonymous_id: Option<String>,
    pub(crate) properties: Map<String, Json>,
    /// About the customer; of a group, about the account.
    pub(crate) traits: Map<String, Json>,
    pub(crate) message_id: Option<String>,
    /// `None`: when it was received.
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) locale: Option<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) push_token: Option<String>,
    pub(crate) consents: Vec<ConsentWord>,
}

/// A word of consent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConsentWord {
    /// `None`: every purpose.
    pub(crate) purpose: Option<String>,
    /// `None`: every channel.
    pub(crate) channel: Option<Channel>,
    pub(crate) granted: bool,
    pub(crate) basis: Basis,
    /// `None`: when the call was made.
    pub(crate) at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) evidence: Evidence,
    /// Repeated with every call by a consent banner: says nothing new where it agrees with what is known, and never
    /// lifts a refusal that was given in another way.
    pub(crate) stamped: bool,
}

impl Call {
    /// An empty call of this kind.
    pub(crate) fn new(kind: CallKind) -> Self {
        Self {
            kind,
            user_id: None,
            anonymous_id: None,
            properties: Map::new(),
            traits: Map::new(),
            message_id: None,
            occurred_at: None,
            locale: None,
            timezone: None,
            push_token: None,
            consents: Vec::new(),
        }
    }

    /// Whether its ids and its name are no longer than every door allows, and of one line.
    pub(crate) fn within_limits(&self) -> Result<(), Refusal> {
        let name = match &self.kind {
            CallKind::Track(name) => Some(("the name of the event", name, NAME_MAX)),
            CallKind::Group(group) => Some(("the id of the group", group, ID_MAX)),
            CallKind::Alias(previous) => Some(("the previous id", previous, ID_MAX)),
            CallKind::Identify => None,
        };
        let ids = [
            ("the user id", &self.user_id),
            ("the anonymous id", &self.anonymous_id),
            ("the message id", &self.message_id),
        ];
        let ids = ids.into_iter().filter_map(|(what, id)| Some((what, id.as_ref()?, ID_MAX)));
        for (what, text, max) in ids.chain(name) {
            let refuse = |why: String| Refusal::new(Why::NotAMessage, self.name(), format!("{what} {why}"));
            if text.chars().count() > max {
                return Err(refuse(format!("has more than {max} characters")));
            }
            if text.chars().any(char::is_control) {
                return Err(refuse("has a control character in it".to_owned()));
            }
        }
        Ok(())
    }

    /// For the list of what was refused.
    pub(crate) fn name(&self) -> &str {
        match &self.kind {
            CallKind::Identify => "identify",
            CallKind::Track(event) => event,
            CallKind::Group(_) => "group",
            CallKind::Alias(_) => "alias",
        }
    }
}

/// Through which door it came.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// As in [`store::Incoming::source`]: `api`, `browser`, `import`, the name of a shop.
    pub(crate) source: String,
    /// Anybody may hold the key: see `change.rs` for what it may not do.
    pub(crate) browser: bool,
    /// History: feeds facts, starts nothing.
    pub(crate) history: bool,
    /// What is refused is kept with its reason, to be replayed.
    pub(crate) keep: bool,
}

/// Why something was not taken in. Free of personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Stable, with a page of its own.
    pub(crate) code: Why,
    /// The event's name or the call's type, as far as it could be read.
    pub(crate) name: String,
    /// In words.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: Why, name: impl Into<String>, reason: impl Into<String>) -> Self {
        let name: String = name.into();
        let name = name.chars().filter(|c| !c.is_control()).take(128).collect();
        Self { code, name, reason: reason.into() }
    }
}

/// One thing to take in: what it says, or why that could not be read; and the text as received, for replay.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) call: Result<Call, Refusal>,
    pub(crate) body: Vec<u8>,
}
