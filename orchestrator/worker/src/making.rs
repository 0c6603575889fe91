//! Making messages: rendered once, composed once; what was handed over is kept and taken again as it is.

use crate::{Live, Machine, content, links, settle, verdict};
use channel::{Adapter, Parcel};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use store::planted::{Bug, planted};
use store::{AuditEvent, AuditKind, DeliveryState, FinalContent, HandOver, SendWork, Settle};
use tracing::Instrument as _;
use words::{Elapsed, Timestamp};

/// Ready to be handed over.
pub(crate) struct Ready {
    pub(crate) work: SendWork,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) parcel: Parcel,
    pub(crate) bytes: Vec<u8>,
}

impl Machine {
    /// Renders and composes; what was rendered in an earlier attempt is taken as it is.
    pub(crate) async fn prepare(
        &self,
        allowed: Vec<(SendWork, policy::Verdict)>,
        live: &Live,
        now: Timestamp,
    ) -> (Vec<(Ready, HandOver)>, Vec<Settle>) {
        let adapters = self.adapters();
        let fresh: Vec<usize> = (0..allowed.len())
            .filter(|i| allowed[*i].0.content.is_none() || planted(Bug::BytesMadeAnew))
            .collect();
        let own: Vec<_> = fresh
            .iter()
            .map(|i| {
                let work = &allowed[*i].0;
                links::own(self.store.vault(), &self.base_url, work, survey(work, live))
            })
            .collect();
        let requests = fresh
            .iter()
            .zip(&own)
            .map(|(i, own)| content::request(&allowed[*i].0, own.clone(), now))
            .collect();
        let span = crate::traces::rendering(live, fresh.iter().map(|i| &allowed[*i].0));
        let mut rendered = self.renderer.render(&live.release, requests).instrument(span).await;
        // A renderer that breaks off answers for some: the others come round again.
        let missing =
            || Err(render::RenderError::Unavailable { reason: "the renderer gave no answer".to_owned() });
        rendered.resize_with(fresh.len(), missing);
        let mut rendered: std::collections::BTreeMap<usize, _> =
            fresh.into_iter().zip(rendered.into_iter().zip(own)).collect();
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for (index, (work, verdict)) in allowed.into_iter().enumerate() {
            let Some(adapter) = adapters.get(&work.channel).cloned() else {
                let why = reason(
                    "no_adapter",
                    "there is no adapter for this channel",
                    "このチャネルの送信手段がありません",
                );
                failed.push(settle::untried(
                    &work,
                    DeliveryState::Planned,
                    Some(now.plus(Elapsed::from_minutes(5))),
                    why,
                ));
                continue;
            };
            let made = match rendered.remove(&index) {
                None => kept(&work),
                Some((Ok(rendered), own)) => {
                    let mut content = content::content(&work, rendered, &own);
                    if counts_clicks(&work, live) {
                        links::count_clicks(self.store.vault(), &self.base_url, &work, &mut content.parts);
                    }
                    let likeness = self.likeness(&work, &content, adapter.as_ref(), live).await;
                    compose(&work, content, adapter.as_ref(), live, likeness)
                }
                Some((Err(render::RenderError::Unavailable { reason: what }), _)) => {
                    let due = now.plus(Elapsed::from_secs(5));
                    let why = reason("renderer_unavailable", &what, &what);
                    failed.push(settle::untried(&work, DeliveryState::Planned, Some(due), why));
                    continue;
                }
                Some((Err(error), _)) => Err(error.to_string()),
            };
            match made {
                Ok((parcel, content)) => {
                    let bytes = content.bytes.clone();
                    let hand_over = hand_over(&work, &verdict, adapter.as_ref(), content, now);
                    ready.push((Ready { work, adapter, parcel, bytes }, hand_over));
                }
                Err(what) => failed.push(quarantine(&work, &what, now)),
            }
        }
        (ready, failed)
    }
}

/// The survey that the message asks, by the step that sends it.
fn survey<'a>(work: &SendWork, live: &'a Live) -> Option<&'a str> {
    let program = live.programs.get(work.program?)?;
    program.nodes.iter().find_map(|node| match &node.op {
        journey::Op::Send { send, .. } if node.step == work.step => send.survey.as_deref(),
        _ => None,
    })
}

fn counts_clicks(work: &SendWork, live: &Live) -> bool {
    let purpose = live.release.project.schema.purposes.get(&work.purpose).and_then(|purpose| purpose.clicks);
    live.release.templates.counts_clicks(&work.name, purpose, work.class)
}

fn kept(work: &SendWork) -> Result<(Parcel, FinalContent), String> {
    let content = work.content.clone().ok_or("no content is kept")?;
    let parts: channel::Content = serde_json::from_str(&content.parcel).map_err(|e| e.to_string())?;
    Ok((parcel(work, parts), content))
}

fn compose(
    work: &SendWork,
    content: channel::Content,
    adapter: &dyn Adapter,
    live: &Live,
    likeness: Option<i64>,
) -> Result<(Parcel, FinalContent), String> {
    let parcel = parcel(work, content);
    // A message that cannot be composed is set aside; if it breaks the adapter its neighbours still go out.
    let composed = catch_unwind(AssertUnwindSafe(|| adapter.compose(&parcel)))
        .map_err(|_| "composing it broke off".to_owned())??;
    let kept = FinalContent {
        media: composed.media.to_owned(),
        bytes: composed.bytes,
        parcel: serde_json::to_string(&parcel.content).map_err(|e| e.to_string())?,
        locale: parcel.content.locale.clone(),
        release: Some(live.release.id),
        likeness,
    };
    Ok((parcel, kept))
}

fn parcel(work: &SendWork, content: channel::Content) -> Parcel {
    Parcel {
        delivery: work.delivery,
        message: work.message,
        class: work.class,
        to: work.address.clone(),
        content,
    }
}

fn hand_over(
    work: &SendWork,
    verdict: &policy::Verdict,
    adapter: &dyn Adapter,
    content: FinalContent,
    now: Timestamp,
) -> HandOver {
    HandOver {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        guard_version: work.guard_version,
        stop_epoch: work.stop_epoch,
        valid_until: verdict.valid_until,
        uses_cap: verdict.uses_cap,
        why: verdict::record(verdict).to_string(),
        content: work.content.is_none().then_some(content),
        provider: adapter.provider().to_owned(),
        audit: vec![AuditEvent {
            kind: AuditKind::MessageHandingOver,
            at: now,
            customer: Some(work.customer.id),
            subject: Some(work.message.0),
            body: serde_json::json!({
                "delivery": work.delivery, "channel": work.channel, "provider": adapter.provider(),
                "attempt": work.attempts, "consent": verdict.consent, "packs": verdict.packs.hex(),
            })
            .to_string(),
        }],
    }
}

fn quarantine(work: &SendWork, what: &str, now: Timestamp) -> Settle {
    tracing::warn!(
        message.id = %work.message, "Message {} ({}) is quarantined: it cannot be made. Why: `tabi log show {}`",
        work.message, work.name, work.message,
    );
    let why = reason(
        "cannot_be_made",
        &format!("quarantined, because it cannot be made: {what}"),
        &format!("作成できないため隔離しました: {what}"),
    );
    let mut settle = settle::untried(work, DeliveryState::Quarantined, None, why);
    settle.audit.push(AuditEvent {
        kind: AuditKind::MessageQuarantined,
        at: now,
        customer: Some(work.customer.id),
        subject: Some(work.message.0),
        body: serde_json::json!({"delivery": work.delivery, "message": work.name}).to_string(),
    });
    settle
}

fn reason(code: &str, en: &str, ja: &str) -> String {
    verdict::record_reasons(&[engine::Reason::new(code, en, ja)]).to_string()
}
