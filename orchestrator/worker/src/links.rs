//! The links of a message: its own pages, and clicks that count.
//!
//! Links are signed and opaque and hold ids, never an address or a name; a link that counts clicks also holds where it
//! leads, so that it works as long as the message is kept anywhere.

use render::{rewrite_links, rewrite_text_links};
use std::collections::BTreeMap;
use store::SendWork;
use words::{Channel, TrackedLink, trackable};

/// The paths of a customer's own pages; links to them are left alone.
const OWN_PAGES: [&str; 5] = ["u", "p", "v", "s", "c"];

/// The own pages of one message. `survey`: the one that it asks.
pub(crate) fn own(
    vault: &vault::Vault,
    base_url: &str,
    work: &SendWork,
    survey: Option<&str>,
) -> render::Links {
    let mut payload = work.customer.id.0.to_vec();
    payload.extend(work.message.0);
    let link = |purpose: &str, path: &str, payload: &[u8]| {
        format!("{base_url}/{path}/{}", vault.sign_link(purpose, payload))
    };
    // With its name: steps may be renamed while the question lies unread.
    let survey = survey.map(|name| link("survey", "s", &[&payload, name.as_bytes()].concat()));
    render::Links {
        unsubscribe_url: link("unsubscribe", "u", &payload),
        preferences_url: link("preferences", "p", &payload),
        view_url: link("view", "v", &payload),
        survey_url: survey.unwrap_or_default(),
    }
}

/// Makes the links of a mail count clicks, in both of its forms. On other channels they stay as they are: a signed link is
/// longer than a text message, and an app opens its own links.
pub(crate) fn count_clicks(
    vault: &vault::Vault,
    base_url: &str,
    work: &SendWork,
    parts: &mut BTreeMap<String, String>,
) {
    if work.channel != Channel::EMAIL {
        return;
    }
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut tracked = |url: &str| {
        let url = trackable(url).filter(|url| !is_own(base_url, url))?;
        let number = u16::try_from(known.len() + 1).ok()?;
        let sign = || {
            let link =
                TrackedLink { message: work.message, delivery: work.delivery, number, url: url.clone() };
            format!("{base_url}/c/{}", vault.sign_link("click", &link.to_bytes()))
        };
        Some(known.entry(url.clone()).or_insert_with(sign).clone())
    };
    let mut written = Vec::new();
    let html = parts.get("html").map(|html| {
        rewrite_links(html, |_, url| {
            let new = tracked(url)?;
            written.push((url.to_owned(), new.clone()));
            Some(new)
        })
    });
    let text = parts.get("text").map(|text| rewrite_text_links(text, &written, tracked));
    parts.extend(html.map(|html| ("html".to_owned(), html)));
    parts.extend(text.map(|text| ("text".to_owned(), text)));
}

fn is_own(base_url: &str, url: &str) -> bool {
    let path = url.strip_prefix(base_url).and_then(|rest| rest.strip_prefix('/'));
    path.and_then(|path| path.split_once('/')).is_some_and(|(page, _)| OWN_PAGES.contains(&page))
}
