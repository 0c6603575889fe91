//! What is asked of a render, and what comes back.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use words::{Channel, Locale, Timestamp, Value, Zone};

/// One message for one customer on one channel. Everything that a template may see is in here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderRequest {
    /// The message's name.
    pub message: String,
    /// On which channel.
    pub channel: Channel,
    /// What the customer reads; the best of the brand's locales is taken. `None`: the brand's default.
    pub locale: Option<Locale>,
    /// The inputs, by name, of the types that the message declares.
    pub inputs: BTreeMap<String, Value>,
    /// The customer's traits; templates see those that `brand.yaml` lists under `customer`.
    pub customer: BTreeMap<String, Value>,
    /// This customer's own links.
    pub links: Links,
    /// The instant of sending, in business time.
    pub now: Timestamp,
    /// The customer's zone. `None`: the brand's.
    pub zone: Option<Zone>,
}

/// The links of one customer and message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Out of this purpose, in one click.
    pub unsubscribe_url: String,
    /// The page where the customer chooses what to receive.
    pub preferences_url: String,
    /// This message in a browser.
    pub view_url: String,
    /// The page of the survey that this message asks; empty where it asks none.
    #[serde(default)]
    pub survey_url: String,
}

/// A message as the customer gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The message's name.
    pub message: String,
    /// The channel it was rendered for.
    pub channel: Channel,
    /// The locale that was taken.
    pub locale: Locale,
    /// The parts.
    pub content: Content,
}

/// The parts of a message, by kind of channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// E-mail.
    Email(Email),
    /// A short message.
    Sms(Sms),
    /// A push notification.
    Push(Push),
    /// Any other channel: part name → text, as the folder has them (`body` of `body.json`).
    Parts(BTreeMap<String, String>),
}

/// An e-mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// One line.
    pub subject: String,
    /// The sender's name in the customer's language; may be empty.
    pub from_name: String,
    /// The sender's address.
    pub from_address: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// A whole HTML document.
    pub html: String,
    /// The same as plain text, wrapped by display width.
    pub text: String,
    /// Further headers: `Content-Language`, and for marketing `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058).
    pub headers: Vec<(String, String)>,
}

/// A short message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// The sender's number or name, where the brand has one.
    pub from: Option<String>,
    /// The text.
    pub text: String,
}

/// A push notification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// One line.
    pub title: String,
    /// The text under it.
    pub body: String,
    /// For the app: texts by name.
    pub data: BTreeMap<String, String>,
}

/// Why a message was not rendered, by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RenderError {
    /// This release has no such message, or not on this channel: the journey and the templates disagree.
    #[error("the release has no message `{message}` on {channel}")]
    Missing {
        /// The message asked for.
        message: String,
        /// The channel asked for.
        channel: Channel,
    },
    /// The inputs do not fit what the message declares: nothing but other inputs helps.
    #[error("input `{input}` of message `{message}`: {reason}")]
    Input {
        /// The message.
        message: String,
        /// The input, with the path to the field: `lines[2].price`.
        input: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The template failed on these values: quarantine the message.
    #[error("{place}: {reason}")]
    Template {
        /// `templates/…/body.mjml:12:5`, where known.
        place: String,
        /// What happened.
        reason: String,
    },
    /// The template took more time, output or memory than a message may: quarantine the message.
    #[error("message `{message}` was stopped: {reason}")]
    Bound {
        /// The message.
        message: String,
        /// Which bound.
        reason: String,
    },
    /// The renderer itself could not run; the same request may succeed later.
    #[error("the renderer is not available: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
}

impl Rendered {
    /// SHA-256 over the message's name, channel, locale and every part. Computed when asked for: it costs as much as half
    /// a render.
    pub fn content_hash(&self) -> [u8; 32] {
        hash(&self.message, &self.channel, &self.locale, &self.content)
    }

    /// The text that a person reads first: subject, push title, or the start of the text.
    pub fn headline(&self) -> &str {
        match &self.content {
            Content::Email(email) => &email.subject,
            Content::Sms(sms) => sms.text.lines().next().unwrap_or(""),
            Content::Push(push) => &push.title,
            Content::Parts(parts) => parts.values().next().map_or("", String::as_str),
        }
    }
}

/// SHA-256 over everything that the customer gets, each piece with its length before it.
fn hash(message: &str, channel: &Channel, locale: &Locale, content: &Content) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &str| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes.as_bytes());
    };
    for text in [message, channel.as_str(), locale.as_str()] {
        add(text);
    }
    match content {
        Content::Email(email) => {
            for text in [&email.subject, &email.from_name, &email.from_address, &email.html, &email.text] {
                add(text);
            }
            add(email.reply_to.as_deref().unwrap_or(""));
            for (name, value) in &email.headers {
                add(name);
                add(value);
            }
        }
        Content::Sms(sms) => {
            add(sms.from.as_deref().unwrap_or(""));
            add(&sms.text);
        }
        Content::Push(push) => {
            add(&push.title);
            add(&push.body);
            for (name, value) in &push.data {
                add(name);
                add(value);
            }
        }
        Content::Parts(parts) => {
            for (name, value) in parts {
                add(name);
                add(value);
            }
        }
    }
    hasher.finalize().into()
}
