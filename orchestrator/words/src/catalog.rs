//! What a project's messages offer to a journey: their channels, inputs and languages.
//!
//! Plain data between the crate that compiles templates and the one that compiles journeys; neither knows the other.

use crate::{Channel, Locale, MessageClass, Type};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Every message of a project, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCatalog {
    /// Message name (the folder under `templates/`) → what it offers.
    pub messages: BTreeMap<String, MessageEntry>,
    /// The locales that the brand writes in; every message exists in each of them.
    pub locales: BTreeSet<Locale>,
    /// Whether links count clicks where neither message nor purpose says; `None`: yes, in marketing and service.
    #[serde(default)]
    pub clicks: Option<bool>,
}

/// One message, as a journey that wants to send it sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEntry {
    /// The channels that it has parts for.
    pub channels: BTreeSet<Channel>,
    /// What it is written as (`use:` in its `message.yaml`). `None`: nothing is known about that.
    #[serde(default)]
    pub class: Option<MessageClass>,
    /// Those of them whose parts carry what advertising must: a way out and, in e-mail, the sender block. A journey of
    /// a marketing purpose may use no other.
    #[serde(default)]
    pub marketing: BTreeSet<Channel>,
    /// Those of them whose parts lead to a survey's page (`links.survey_url`). Only a survey can send such a message.
    #[serde(default)]
    pub asks: BTreeSet<Channel>,
    /// Whether its links count clicks; `None`: as purpose and brand say.
    #[serde(default)]
    pub clicks: Option<bool>,
    /// The inputs that it declares, by name.
    pub inputs: BTreeMap<String, MessageInput>,
    /// The locales that it is written in.
    pub locales: BTreeSet<Locale>,
}

/// One declared input of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageInput {
    /// Its type.
    pub ty: Type,
    /// Whether a send has to give it. Where not, the template lives without it or has a default.
    pub required: bool,
}

/// Whether clicks on the links of a message count.
///
/// The message's own word goes before its purpose's, that before the brand's. Where nobody says anything, marketing and
/// service count, and transactional and regulatory messages keep their links as they are written. Security messages
/// always do: a link to a login must be what it looks like.
pub fn counts_clicks(
    own: Option<bool>,
    purpose: Option<bool>,
    brand: Option<bool>,
    class: MessageClass,
) -> bool {
    let usual = || matches!(class, MessageClass::Marketing | MessageClass::Service);
    class != MessageClass::Security && own.or(purpose).unwrap_or_else(|| brand.unwrap_or(true) && usual())
}

impl MessageCatalog {
    /// The message of this name.
    pub fn get(&self, message: &str) -> Option<&MessageEntry> {
        self.messages.get(message)
    }
}
