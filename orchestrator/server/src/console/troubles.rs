//! What needs a person: unknown, quarantined, refused, not taken in, not understood yet, notices.

use super::role::Right;
use super::view::View;
use super::visit::{Failure, Visit, go};
use crate::api;
use axum::response::Response;
use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use store::{AuditKind, DeliveryKey, SettleByHand, TroubleRow};
use words::{CustomerId, DeliveryId, MessageId};

/// Of each kind.
const LISTED: usize = 50;

/// `GET /console/troubles`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let troubles = visit.store().troubles(LISTED).await?;
    let view = visit.view();
    let rows = |rows: &[TroubleRow]| rows.iter().map(|row| trouble(&view, row)).collect::<Vec<_>>();
    let rejected: Vec<Json> = troubles
        .rejected
        .iter()
        .map(|r| {
            json!({
                "id": HEXLOWER.encode(&r.id), "at": view.time(r.at), "source": r.source, "name": r.name,
                "code": r.code, "reason": view.refusal(&r.reason), "replayed": view.time_opt(r.replayed_at),
            })
        })
        .collect();
    let notices: Vec<Json> = troubles
        .notices
        .iter()
        .map(|n| {
            json!({
                "id": HEXLOWER.encode(&n.id), "at": view.time(n.at), "to": n.to, "text": n.text,
                "journey": n.journey, "journey_title": n.journey.as_deref().map(|name| view.journey(name)),
                "customer": n.customer.map(|c| c.to_string()),
                "mail": mail(n),
            })
        })
        .collect();
    let unknown_events: Vec<Json> = troubles
        .unknown_events
        .iter()
        .map(|e| {
            json!({
                "name": e.name, "count": view.number(e.count), "n": e.count,
                "first": view.time(e.first_at), "last": view.time(e.last_at), "draft": api::schema_draft(e),
            })
        })
        .collect();
    let waiting = super::sending::waiting(&visit, &view).await?;
    let quiet = waiting.is_empty()
        && troubles.unknown.is_empty()
        && troubles.quarantined.is_empty()
        && troubles.refused.is_empty()
        && rejected.is_empty()
        && notices.is_empty()
        && unknown_events.is_empty();
    let context = json!({
        "quiet": quiet,
        "waiting": waiting,
        "can_replay": visit.may(Right::Settle),
        "unknown": rows(&troubles.unknown),
        "quarantined": rows(&troubles.quarantined),
        "refused": rows(&troubles.refused),
        "rejected": rejected,
        "unknown_events": unknown_events,
        "notices": notices,
    });
    visit.page("troubles.html", context).await
}

fn trouble(view: &View<'_>, row: &TroubleRow) -> Json {
    json!({
        "customer": row.key.customer.to_string(), "message": row.key.message.to_string(),
        "delivery": row.key.delivery.to_string(),
        "state": view.state(row.state), "journey": view.journey(&row.journey), "name": row.name,
        "channel": view.channel(&row.channel), "at": view.time(row.planned_at),
        "why": view.why(row.why.as_deref()),
    })
}

/// `POST /console/troubles/settle`.
pub(crate) async fn settle(visit: Visit) -> Result<Response, Failure> {
    let key = DeliveryKey {
        customer: CustomerId::parse(visit.need("customer")?).map_err(|_| Failure::NotFound)?,
        message: MessageId::parse(visit.need("message")?).map_err(|_| Failure::NotFound)?,
        delivery: DeliveryId::parse(visit.need("delivery")?).map_err(|_| Failure::NotFound)?,
    };
    let how = match visit.need("how")? {
        "accepted" => SettleByHand::Accepted,
        "not_accepted" => SettleByHand::NotAccepted,
        "send_again" => SettleByHand::SendAgain,
        _ => return Err(Failure::Bad("fail-settle")),
    };
    let reason = visit.need("reason")?;
    visit.store().settle_by_hand(key, how, visit.name(), reason, visit.now()).await?;
    Ok(go("/console/troubles", Some("note-settled")))
}

/// `POST /console/troubles/replay`: takes in again what was refused, after schema or sender were mended.
pub(crate) async fn replay(visit: Visit) -> Result<Response, Failure> {
    let id = visit.need("rejected")?;
    let taken = api::replay_one(&visit.console.app, id)
        .await
        .map_err(|problem| Failure::Told(problem.detail().to_owned()))?;
    if let Err(reason) = taken {
        return Err(Failure::Told(reason));
    }
    visit
        .console
        .write_down(&visit, AuditKind::RejectedReplayed, None, None, json!({"rejected": id}))
        .await?;
    Ok(go("/console/troubles", Some("note-replayed")))
}

/// `POST /console/troubles/seen`.
pub(crate) async fn seen(visit: Visit) -> Result<Response, Failure> {
    let id = HEXLOWER.decode(visit.need("notice")?.as_bytes()).ok().and_then(|id| id.try_into().ok());
    visit.store().see_notice(id.ok_or(Failure::NotFound)?, visit.name(), visit.now()).await?;
    Ok(go("/console/troubles", Some("note-seen")))
}

/// What became of a notice's mail: a word of the phrase book, and what the provider answered.
fn mail(notice: &store::Notice) -> Json {
    let (word, answer) =
        match notice.mail_outcome.as_deref().map(|said| said.split_once(' ').unwrap_or((said, ""))) {
            None if notice.mail_due.is_none() => return Json::Null,
            None => ("notice-mail-due", ""),
            Some(("accepted", _)) => ("notice-mail-sent", ""),
            Some((channel::INBOX, _)) => ("notice-mail-inbox", ""),
            Some((_, answer)) if notice.mail_due.is_some() => ("notice-mail-again", answer),
            Some((_, answer)) => ("notice-mail-not", answer),
        };
    json!({"word": word, "answer": answer})
}
