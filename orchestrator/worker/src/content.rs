//! From a rendered message to the content that an adapter composes.

use render::{Content as Parts, RenderRequest, Rendered};
use std::collections::BTreeMap;
use store::SendWork;
use words::{MessageClass, Timestamp};

/// What is asked of the renderer.
pub fn request(work: &SendWork, links: render::Links, now: Timestamp) -> RenderRequest {
    RenderRequest {
        message: work.name.clone(),
        channel: work.channel.clone(),
        locale: work.customer.locale.clone(),
        inputs: work.inputs.clone(),
        customer: work.customer.traits.clone(),
        links,
        now,
        zone: work.customer.zone.as_ref().map(|(zone, _)| zone.clone()),
    }
}

/// The content for the adapter.
pub fn content(work: &SendWork, rendered: Rendered, links: &render::Links) -> channel::Content {
    let mut parts = BTreeMap::new();
    let mut sender = BTreeMap::new();
    match rendered.content {
        Parts::Email(email) => {
            parts.insert("subject".to_owned(), email.subject);
            parts.insert("html".to_owned(), email.html);
            parts.insert("text".to_owned(), email.text);
            sender.insert("from".to_owned(), email.from_address);
            sender.insert("from_name".to_owned(), email.from_name);
            if let Some(reply_to) = email.reply_to {
                sender.insert("reply_to".to_owned(), reply_to);
            }
        }
        Parts::Sms(sms) => {
            parts.insert("body".to_owned(), sms.text);
            if let Some(from) = sms.from {
                sender.insert("from".to_owned(), from);
            }
        }
        Parts::Push(push) => {
            parts.insert("title".to_owned(), push.title);
            parts.insert("body".to_owned(), push.body);
            if !push.data.is_empty() {
                parts.insert("data".to_owned(), serde_json::json!(push.data).to_string());
            }
        }
        Parts::Parts(other) => parts = other,
    }
    let one_click = matches!(work.class, MessageClass::Marketing | MessageClass::Service);
    channel::Content {
        parts,
        sender,
        unsubscribe_url: one_click.then(|| links.unsubscribe_url.clone()),
        locale: rendered.locale.to_string(),
        date: work.planned_at.to_string(),
    }
}
