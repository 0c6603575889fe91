//! What the messages of one template resemble: the same message made from its sample, so that kept content is small.
//!
//! A sample names nobody, so what is made from it may outlive every customer. It changes no message: it is made beside
//! the first one of its kind, and a kind without a sample goes without.

use crate::{Live, Machine};
use channel::{Adapter, Parcel};
use render::RenderRequest;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};
use store::SendWork;
use words::{Channel, DeliveryId, Locale, MessageId, ReleaseId, Timestamp};

/// Release, message, channel, locale.
type Kind = (ReleaseId, String, Channel, String);

/// So many kinds are remembered.
const KINDS_MAX: usize = 4096;

/// When a sample is made: one instant for all, so that the same template gives the same bytes after every start.
const WHEN: &str = "2026-01-01T00:00:00Z";

/// The kinds seen so far, with their number in the store.
#[derive(Default)]
pub(crate) struct Likenesses(Mutex<BTreeMap<Kind, Option<i64>>>);

impl Likenesses {
    fn get(&self, kind: &Kind) -> Option<Option<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(kind).copied()
    }

    fn put(&self, kind: Kind, number: Option<i64>) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() >= KINDS_MAX {
            kinds.clear();
        }
        kinds.insert(kind, number);
    }
}

impl Machine {
    /// The number of what `content` resembles; made where it is the first of its kind.
    pub(crate) async fn likeness(
        &self,
        work: &SendWork,
        content: &channel::Content,
        adapter: &dyn Adapter,
        live: &Live,
    ) -> Option<i64> {
        let kind = (live.release.id, work.name.clone(), work.channel.clone(), content.locale.clone());
        if let Some(known) = self.likenesses.get(&kind) {
            return known;
        }
        let number = match self.sample(work, content, adapter, live).await {
            Some((bytes, parcel)) => match self.store.likeness(&bytes, &parcel).await {
                Ok(number) => Some(number),
                // The next message of this kind tries again.
                Err(error) => {
                    tracing::warn!("Messages {} are kept without likeness for now: {error}", work.name);
                    return None;
                }
            },
            None => None,
        };
        self.likenesses.put(kind, number);
        number
    }

    /// Bytes and parts of the message made from its first sample, to nobody.
    async fn sample(
        &self,
        work: &SendWork,
        content: &channel::Content,
        adapter: &dyn Adapter,
        live: &Live,
    ) -> Option<(Vec<u8>, String)> {
        let sample = live.release.templates.samples(&work.name)?.values().next()?;
        let link = |path: &str| format!("{}/{path}/", self.base_url);
        let links = render::Links {
            unsubscribe_url: link("u"),
            preferences_url: link("p"),
            view_url: link("v"),
            survey_url: link("s"),
        };
        let request = RenderRequest {
            message: work.name.clone(),
            channel: work.channel.clone(),
            locale: Locale::parse(&content.locale).ok(),
            inputs: sample.inputs.clone(),
            customer: sample.customer.clone(),
            links: links.clone(),
            now: Timestamp::parse(WHEN).unwrap_or_default(),
            zone: sample.zone.clone(),
        };
        let rendered = self.renderer.render(&live.release, vec![request]).await.pop()?.ok()?;
        let mut content = crate::content::content(work, rendered, &links);
        WHEN.clone_into(&mut content.date);
        let parcel = Parcel {
            delivery: DeliveryId([0; 16]),
            message: MessageId([0; 16]),
            class: work.class,
            to: nobody(&work.channel),
            content,
        };
        let composed = catch_unwind(AssertUnwindSafe(|| adapter.compose(&parcel))).ok()?.ok()?;
        Some((composed.bytes, serde_json::to_string(&parcel.content).ok()?))
    }
}

/// An address of the channel's form that is nobody's (RFC 2606, ITU E.164.1).
fn nobody(channel: &Channel) -> String {
    if *channel == Channel::EMAIL {
        "nobody@example.com".to_owned()
    } else if *channel == Channel::SMS {
        "+99900000000".to_owned()
    } else {
        "https://example.com/".to_owned()
    }
}
