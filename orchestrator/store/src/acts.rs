//! What people did: releases, stops, keys, erasures, exports, readings; who, when and why.

use words::{CustomerId, MessageId, Timestamp};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its id; newer ones are greater.
    pub id: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// What, by the name of its kind: `sending.stopped`.
    pub kind: audit::AuditKind,
    /// Who; `key NAME` where it came through the API.
    pub by: String,
    /// Why; empty where none was given.
    pub reason: String,
    /// About what: a customer, message, delivery or release, by the kind of the act.
    pub subject: Option<[u8; 16]>,
    /// The particulars, a JSON object; free of personal data.
    pub detail: String,
}

impl Act {
    /// The customer whom it concerns.
    pub fn customer(&self) -> Option<CustomerId> {
        use audit::AuditKind::{CustomerErased, CustomerMergeAsked, CustomerRead, LogExported, LogSearched};
        let about = matches!(
            self.kind,
            CustomerErased | CustomerMergeAsked | CustomerRead | LogExported | LogSearched
        );
        self.subject.filter(|_| about).map(CustomerId)
    }

    /// The message that it concerns.
    pub fn message(&self) -> Option<MessageId> {
        self.subject.filter(|_| self.kind == audit::AuditKind::MessageRead).map(MessageId)
    }
}

/// Which acts to look for; all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActFilter {
    /// By this person.
    pub by: Option<String>,
    /// Of this kind (`sending.stopped`), or of this group of kinds (`sending`).
    pub kind: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

impl ActFilter {
    /// Whether `text` names a kind of act, or a group of them.
    pub fn knows(text: &str) -> bool {
        audit::AuditKind::ALL.iter().any(|kind| kind.is_act() && of_kind(*kind, text))
    }
}

/// Whether a kind is the one named, or of the group named.
pub(crate) fn of_kind(kind: audit::AuditKind, text: &str) -> bool {
    let name = kind.as_str();
    name == text || name.split('.').next() == Some(text)
}

/// A page of acts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActPage {
    /// Newest first.
    pub rows: Vec<Act>,
    /// Where it goes on; a page may hold fewer rows than asked for and still go on.
    pub next: Option<[u8; 16]>,
}

/// A test message that somebody had sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSend {
    /// Its id.
    pub message: MessageId,
    /// The message's name.
    pub name: String,
    /// The channel.
    pub channel: words::Channel,
    /// The address, in its normal form. Kept as a mark that only this address gives again, and as what may be shown.
    pub to: String,
    /// The provider that it was handed to; `inbox` where it stayed on this machine.
    pub provider: String,
    /// What came of it, by name: `accepted`, `message_refused` …
    pub outcome: String,
    /// Who had it sent.
    pub by: String,
}
