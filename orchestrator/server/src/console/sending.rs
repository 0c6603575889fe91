//! The big switches: stop, resume, go live, release what is held; and the demo's clock.

use super::view::View;
use super::visit::{Failure, Visit, go};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use store::{StopScope, Store, StoreError};
use words::{Elapsed, Timestamp};

/// How far the demo's clock may be moved at once.
const DAYS_MAX: i64 = 366;

/// `GET /console/sending`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let release = visit.console.app.current.release();
    let programs = release.as_ref().map(|r| &r.project.programs);
    let programs = programs.into_iter().flatten();
    let view = visit.view();
    let journeys = view.choices(programs.clone().map(|(name, _)| name.clone()), None, View::journey);
    let purposes = view.choices(programs.map(|(_, program)| program.purpose.clone()), None, View::purpose);
    let channels = ["email", "sms", "push", "webhook"].map(|c| view.channel(c));
    let taken_over = TakenOver::of(visit.store(), visit.now()).await?;
    let taken_over = taken_over.map(|of| {
        let [customers, under_way, planned] =
            [of.customers, of.under_way, of.planned].map(|n| view.number(n));
        json!({"customers": customers, "under_way": under_way, "planned": planned})
    });
    let waiting = waiting(&visit, &view).await?;
    let context = json!({
        "journeys": journeys, "purposes": purposes, "channels": channels, "taken_over": taken_over, "waiting": waiting,
        "nodes": nodes(&visit, &view).await?,
    });
    visit.page("sending.html", context).await
}

/// Channels that wait as a whole, and why.
pub(crate) async fn waiting(visit: &Visit, view: &View<'_>) -> Result<Vec<serde_json::Value>, Failure> {
    let waiting = visit.store().waiting_channels().await?;
    let shown = |(channel, wait): &(words::Channel, channel::pace::Wait)| json!({"channel": view.channel(channel.as_str()), "why": view.told(&wait.words())});
    Ok(waiting.iter().map(shown).collect())
}

/// The processes at work, and those that were and are silent.
async fn nodes(visit: &Visit, view: &View<'_>) -> Result<Vec<serde_json::Value>, Failure> {
    let nodes = visit.store().nodes(visit.console.app.clock.machine_now()).await?;
    let shown = |node: &store::Node| {
        let place = format!("{}/{}", node.host, node.process);
        json!({
            "place": if node.host.is_empty() { node.name.get(..8).unwrap_or_default() } else { place.as_str() },
            "does": node.role.map_or_else(String::new, |role| view.words.named("node-does", role.as_str())), "listens": node.listens,
            "version": node.version, "since": view.time(node.started_at), "seen": view.time(node.seen_at),
            "silent": node.is_silent(),
        })
    };
    Ok(nodes.iter().map(shown).collect())
}

/// What testing leaves behind when an installation goes live: it is taken over as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TakenOver {
    /// Who is known.
    pub customers: u64,
    /// Enrollments that have not ended.
    pub under_way: u64,
    /// Messages that have not gone out and have not ended.
    pub planned: u64,
}

impl TakenOver {
    /// `None`: there is nothing, or sending is released already.
    pub async fn of(store: &Store, now: Timestamp) -> Result<Option<Self>, StoreError> {
        if store.sending_live().await?.is_some() {
            return Ok(None);
        }
        let totals = store.totals(now).await?;
        let under_way = store.journey_counts(None).await?.iter().map(|of| of.live).sum();
        let planned = totals.sends_due + totals.sends_waiting;
        let found = Self { customers: totals.customers, under_way, planned };
        Ok((found.customers + under_way + planned > 0).then_some(found))
    }
}

fn scope(text: &str) -> Result<StopScope, Failure> {
    let (kind, what) = text.split_once(':').unwrap_or((text, ""));
    match (kind, what) {
        ("all", "") => Ok(StopScope::All),
        ("journey", what) if !what.is_empty() => Ok(StopScope::Journey(what.to_owned())),
        ("channel", what) if !what.is_empty() => Ok(StopScope::Channel(what.to_owned())),
        ("purpose", what) if !what.is_empty() => Ok(StopScope::Purpose(what.to_owned())),
        _ => Err(Failure::Bad("fail-scope")),
    }
}

/// `POST /console/sending/stop`.
pub(crate) async fn stop(visit: Visit) -> Result<Response, Failure> {
    let scope = scope(visit.need("scope")?)?;
    let reason = visit.need("reason")?;
    visit.console.app.hooks.stop(scope, visit.name(), reason).await?;
    Ok(go("/console/sending", Some("note-stopped")))
}

/// `POST /console/sending/resume`.
pub(crate) async fn resume(visit: Visit) -> Result<Response, Failure> {
    let scope = scope(visit.need("scope")?)?;
    visit.console.app.hooks.resume(scope, visit.name()).await?;
    Ok(go("/console/sending", Some("note-resumed")))
}

/// `POST /console/sending/go-live`: by somebody who types their own name, so that nobody does it by a slip.
pub(crate) async fn go_live(visit: Visit) -> Result<Response, Failure> {
    if visit.need("confirm")? != visit.name() {
        return Err(Failure::Bad("fail-confirm"));
    }
    visit.console.app.hooks.go_live(visit.name()).await?;
    Ok(go("/console/sending", Some("note-live")))
}

/// `POST /console/sending/end-live`.
pub(crate) async fn end_live(visit: Visit) -> Result<Response, Failure> {
    visit.console.app.hooks.end_live(visit.name()).await?;
    Ok(go("/console/sending", Some("note-not-live")))
}

/// `POST /console/sending/release`: what was held may send again.
pub(crate) async fn release_held(visit: Visit) -> Result<Response, Failure> {
    let reason = visit.need("reason")?;
    visit.store().release_held(visit.name(), reason, visit.now()).await?;
    Ok(go("/console/sending", Some("note-released")))
}

/// `POST /console/advance`.
pub(crate) async fn advance(visit: Visit) -> Result<Response, Failure> {
    let days: i64 = visit.need("days")?.parse().map_err(|_| Failure::Bad("fail-days"))?;
    if !(1..=DAYS_MAX).contains(&days) || !visit.console.app.hooks.can_advance() {
        return Err(Failure::Bad("fail-days"));
    }
    visit.console.app.hooks.advance(Elapsed::from_days(days)).await?;
    let back = visit.form.get("back").filter(|b| *b == "/console" || b.starts_with("/console/"));
    Ok(go(back.unwrap_or("/console"), Some("note-advanced")))
}
