//! Mails to the team: what `notify` tells an address. Never a customer's: the address stands in the journey.
//!
//! They take the way of messages out – the development inbox until go-live, the provider of e-mail from then on – and stand
//! still with it: held, or stopped as a whole or for e-mail. No consent, cap or quiet hour is asked; nobody is marketed to.

use crate::{Live, Machine};
use channel::{Adapter, Content, Outcome, Parcel};
use futures::future::join_all;
use std::collections::BTreeMap;
use store::{AuditEvent, AuditKind, Notice, NoticeWork, StopScope, StoreError};
use words::{Channel, DeliveryId, Elapsed, EmailAddress, Language, MessageClass, MessageId};

/// Notices per batch.
const LIMIT: usize = 16;

/// Tries until a mail is given up: over about a day.
const TRIES_MAX: u32 = 12;

impl Machine {
    /// Mails the notices that are due; how many.
    pub async fn notice_batch(&self) -> Result<usize, StoreError> {
        let Some(live) = self.live() else { return Ok(0) };
        let Some(adapter) = self.adapters().get(&Channel::EMAIL).cloned() else { return Ok(0) };
        if self.store.held().is_some() {
            return Ok(0);
        }
        let stopped = |scope: &StopScope| match scope {
            StopScope::All => true,
            StopScope::Channel(channel) => channel == Channel::EMAIL.as_str(),
            StopScope::Journey(_) | StopScope::Purpose(_) => false,
        };
        if self.store.stops().await?.iter().any(|stop| stopped(&stop.scope)) {
            return Ok(0);
        }
        let claimed = self.store.claim_notices(self.clock.now(), LIMIT, crate::machine::LEASE).await?;
        let count = claimed.len();
        // All at once: one after another, a slow mail server would outlast the leases of the last ones, and a stop.
        let mails = claimed.into_iter().map(|work| async {
            let outcome = hand_over(&live, &self.base_url, &work.notice, adapter.as_ref()).await;
            self.settle_mail(work, &outcome, adapter.provider()).await
        });
        join_all(mails).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(count)
    }

    async fn settle_mail(
        &self,
        work: NoticeWork,
        outcome: &Outcome,
        provider: &str,
    ) -> Result<(), StoreError> {
        let NoticeWork { notice, tries } = work;
        let now = self.clock.now();
        let later = match outcome {
            Outcome::Unavailable { .. }
            | Outcome::Misconfigured { .. }
            | Outcome::Deferred { after: None, .. } => Some(Elapsed::from_secs(30 * 2i64.pow(tries.min(8)))),
            Outcome::Throttled { after, .. } | Outcome::Deferred { after: Some(after), .. } => {
                Some(Elapsed::from_secs(i64::try_from(after.as_secs()).unwrap_or(3600)))
            }
            Outcome::Accepted { .. }
            | Outcome::AddressDead { .. }
            | Outcome::MessageRefused { .. }
            | Outcome::Unknown { .. } => None,
        };
        let again = later.filter(|_| tries < TRIES_MAX).map(|wait| now.plus(wait));
        let said = match outcome {
            Outcome::Accepted { .. } if provider == channel::INBOX => channel::INBOX.to_owned(),
            Outcome::Accepted { .. } => outcome.as_str().to_owned(),
            Outcome::AddressDead { answer }
            | Outcome::MessageRefused { answer }
            | Outcome::Misconfigured { answer }
            | Outcome::Throttled { answer, .. }
            | Outcome::Deferred { answer, .. }
            | Outcome::Unavailable { answer }
            | Outcome::Unknown { answer, .. } => format!("{} {answer}", outcome.as_str()),
        };
        let audit = AuditEvent {
            kind: AuditKind::NoticeMailed,
            at: now,
            // It was said to the team, and stays when the customer is forgotten.
            customer: None,
            subject: Some(notice.id),
            body: serde_json::json!({
                "journey": notice.journey, "outcome": outcome.as_str(), "provider": provider, "tries": tries,
            })
            .to_string(),
        };
        self.store.settle_notice(notice.id, again, &said, audit).await
    }
}

async fn hand_over(live: &Live, base_url: &str, notice: &Notice, adapter: &dyn Adapter) -> Outcome {
    let to = match EmailAddress::parse(&notice.to) {
        Ok(to) => to.as_str().to_owned(),
        Err(error) => return Outcome::AddressDead { answer: error.to_string() },
    };
    // Made of the notice alone, so that a second try is the same mail.
    let message = MessageId(notice.id);
    let parcel = Parcel {
        delivery: DeliveryId::derive(message, 1, Channel::EMAIL.as_str(), 0),
        message,
        class: MessageClass::Service,
        to,
        content: content(live, base_url, notice),
    };
    match adapter.compose(&parcel) {
        Ok(composed) => adapter.hand_over(&parcel, &composed.bytes, crate::HAND_OVER_DEADLINE).await,
        Err(answer) => Outcome::MessageRefused { answer },
    }
}

/// The mail: what the journey says, about whom, and why it came. In the brand's first language.
fn content(live: &Live, base_url: &str, notice: &Notice) -> Content {
    let brand = live.release.templates.brand();
    let locale = &brand.default_locale;
    let language = crate::watch::language(brand);
    let name = notice.journey.as_deref().unwrap_or_default();
    let program = live.release.project.programs.get(name);
    let title = program.map_or(name, |program| program.title.get(language));
    let about = notice.customer.map(|id| format!("{base_url}/console/customers/{id}")).unwrap_or_default();
    let (subject, why) = match (language, notice.journey.is_some()) {
        (Language::En, false) => {
            ("Tabi needs a person".to_owned(), "Addresses under `alerts` in tabi.yaml get this.".to_owned())
        }
        (Language::Ja, false) => (
            "Tabi：確認が必要です".to_owned(),
            "このメールは tabi.yaml の `alerts` にあるアドレスに届きます。".to_owned(),
        ),
        (Language::En, true) => (
            format!("Notice from the journey “{title}”"),
            format!("The journey “{title}” ({name}) notifies this address."),
        ),
        (Language::Ja, true) => (
            format!("ジャーニー「{title}」からのお知らせ"),
            format!("このメールは、ジャーニー「{title}」（{name}）の notify から届いています。"),
        ),
    };
    let lines = [notice.text.as_str(), about.as_str(), why.as_str()];
    let shown: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let html: String = shown
        .iter()
        .map(|line| format!("<p>{}</p>\n", render::escape_html(line).replace('\n', "<br>")))
        .collect();
    let mut sender = BTreeMap::new();
    if let Some(from) = brand.senders.get(&Channel::EMAIL) {
        let fields = [("from", &from.from), ("from_name", &from.name), ("reply_to", &from.reply_to)];
        for (field, text) in fields {
            sender.extend(text.get(locale).map(|text| (field.to_owned(), text.to_owned())));
        }
    }
    Content {
        parts: BTreeMap::from([
            ("subject".to_owned(), subject),
            ("text".to_owned(), format!("{}\n", shown.join("\n\n"))),
            ("html".to_owned(), html),
        ]),
        sender,
        unsubscribe_url: None,
        locale: locale.as_str().to_owned(),
        date: notice.at.to_string(),
    }
}
