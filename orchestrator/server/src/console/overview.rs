//! The first page: what has been sent, what not and why, what it brought.

use super::visit::{Failure, Visit, go};
use axum::response::Response;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use store::NotSentCount;

/// Reasons that have a line of their own; what is left is one line.
const REASONS: usize = 10;

/// Troubles of each kind that are counted.
const TROUBLES_MAX: usize = 50;

/// `GET /`.
pub(crate) async fn home(_: Visit) -> Result<Response, Failure> {
    Ok(go("/console", None))
}

/// Any other address below `/console`.
pub(crate) async fn nothing(_: Visit) -> Result<Response, Failure> {
    Err(Failure::NotFound)
}

/// `GET /console`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let view = visit.view();
    let totals = visit.store().totals(visit.now()).await?;
    let counts = visit.store().journey_counts(None).await?;
    let troubles = visit.store().troubles(TROUBLES_MAX).await?;
    let mut channels: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    let (mut sent, mut delivered, mut inbox) = (0, 0, 0);
    for message in counts.iter().flat_map(|c| &c.messages) {
        sent += message.sent;
        inbox += message.inbox;
        delivered += message.delivered;
        if !message.channel.is_empty() {
            let of = channels.entry(&message.channel).or_default();
            for (sum, n) in
                of.iter_mut().zip([message.sent, message.delivered, message.clicked, message.bounced])
            {
                *sum += n;
            }
        }
    }
    let mut revenue: BTreeMap<String, i64> = BTreeMap::new();
    for (currency, minor) in counts.iter().flat_map(|c| &c.revenue) {
        *revenue.entry(currency.clone()).or_default() += minor;
    }
    let revenue: Vec<(String, i64)> = revenue.into_iter().collect();
    let most = channels.values().map(|c| c[0]).max().unwrap_or(0).max(1);
    let channels: Vec<Json> = channels
        .iter()
        .filter(|(_, n)| n[0] > 0)
        .map(|(channel, n)| {
            json!({
                "channel": view.channel(channel), "sent": view.number(n[0]), "delivered": view.number(n[1]),
                "clicked": view.number(n[2]), "bounced": view.number(n[3]), "value": n[0], "most": most,
            })
        })
        .collect();
    let enrolled: u64 = counts.iter().map(|c| c.enrolled).sum();
    let converted: u64 = counts.iter().map(|c| c.converted).sum();
    let live: u64 = counts.iter().map(|c| c.live).sum();
    let held_back = visit.store().not_sent_counts(None).await?;
    let not_sent: u64 = held_back.iter().map(|count| count.n).sum();
    let (reasons, rest) = reasons(&visit, &held_back);
    let trouble = troubles.unknown.len()
        + troubles.quarantined.len()
        + troubles.rejected.iter().filter(|r| r.replayed_at.is_none()).count()
        + troubles.unknown_events.len()
        + troubles.notices.len()
        + troubles.paused.len();
    let context = json!({
        "customers": view.number(totals.customers),
        "enrolled": view.number(enrolled),
        "live": view.number(live),
        "sent": view.number(sent),
        "inbox": (inbox > 0).then(|| view.number(inbox)),
        "only_inbox": inbox > 0 && inbox >= sent,
        "delivered": view.number(delivered),
        "delivered_share": view.share(delivered, sent),
        "not_sent": view.number(not_sent),
        "converted": view.number(converted),
        "converted_share": view.share(converted, enrolled),
        "revenue": view.amounts(&revenue),
        "channels": channels,
        "reasons": reasons,
        "reasons_rest": (rest > 0).then(|| view.number(rest)),
        "troubles": trouble,
        "troubles_more": trouble >= TROUBLES_MAX,
        "journeys": super::journeys::rows(&visit, &counts),
        "imports": imports(&visit),
    });
    visit.page("overview.html", context).await
}

/// Imports under way, in words.
fn imports(visit: &Visit) -> Vec<Json> {
    let view = visit.view();
    let all = visit.console.app.imports.list();
    all.iter()
        .filter(|import| import.state == crate::import::State::Running)
        .map(|import| {
            let so_far = &import.progress;
            json!({
                "name": import.name, "rows": view.number(so_far.rows), "taken": view.number(so_far.taken),
                "rejected": view.number(so_far.rejected),
            })
        })
        .collect()
}

/// Why messages were not sent, the commonest reason first, and how many reasons have no line of their own.
fn reasons(visit: &Visit, counts: &[NotSentCount]) -> (Vec<Json>, u64) {
    let view = visit.view();
    let mut tally: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for count in counts {
        *tally.entry((view.reason_words(&count.code, count.outcome), &count.rule)).or_default() += count.n;
    }
    let mut tally: Vec<_> = tally.into_iter().collect();
    tally.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let most = tally.first().map_or(1, |(_, n)| *n);
    let rest = tally.iter().skip(REASONS).map(|(_, n)| n).sum();
    let shown = tally
        .into_iter()
        .take(REASONS)
        .map(|((text, rule), n)| json!({"text": text, "rule": rule, "n": view.number(n), "value": n, "most": most}))
        .collect();
    (shown, rest)
}
