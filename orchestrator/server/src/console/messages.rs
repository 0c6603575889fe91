//! The sent-message log: what a reviewer asks, one message with its proof, and selections to take away.

use super::customers;
use super::view::View;
use super::visit::{Failure, Fields, Visit};
use super::{acts, content, page, reads};
use crate::export::{self, Format};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jiff::civil::Date;
use serde_json::{Value as Json, json};
use store::{LogCursor, LogDelivery, LogEntry, LogFilter, MessageOutcome, ReadKind};
use words::{Channel, EmailAddress, MessageId, PhoneNumber, Timestamp, Zone};

/// Messages on one page.
const ROWS: usize = 50;

/// What a form asked for; `None` in place of a filter: it names a customer whom nobody knows.
struct Asked {
    filter: Option<LogFilter>,
    wrong: Vec<&'static str>,
}

/// Reads the filter. What cannot be read is said, and nothing is searched.
async fn asked(visit: &Visit, query: &Fields) -> Result<Asked, Failure> {
    let zone = visit.view().zone.clone();
    let mut wrong = Vec::new();
    let mut filter = LogFilter {
        journey: query.get("journey").map(str::to_owned),
        purpose: query.get("purpose").map(str::to_owned),
        channel: query.get("channel").map(Channel::new),
        text: query.get("message").map(str::to_owned),
        ..LogFilter::default()
    };
    (filter.from, filter.to) = period(query, &zone, &mut wrong);
    match query.get("outcome") {
        None => {}
        Some("any_sent") => filter.not_sent = Some(false),
        Some("any_not_sent") => filter.not_sent = Some(true),
        Some(name) => match MessageOutcome::parse(name) {
            Some(outcome) => filter.outcome = Some(outcome),
            None => wrong.push("filter-wrong-outcome"),
        },
    }
    if let Some(text) = query.get("address") {
        filter.address = address(text, filter.channel.as_ref());
    }
    let mut known = true;
    if let Some(text) = query.get("customer") {
        let found = customers::named(visit, text).await?;
        if found.len() > 1 {
            wrong.push("filter-wrong-customer");
        }
        filter.customer = found.first().copied();
        known = filter.customer.is_some();
    }
    Ok(Asked { filter: (known && wrong.is_empty()).then_some(filter), wrong })
}

/// The days `from` and `to` of a form, the last one included. What is no day is said.
pub(crate) fn period(
    query: &Fields,
    zone: &Zone,
    wrong: &mut Vec<&'static str>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut bound = |name: &str, next: bool| {
        let text = query.get(name)?;
        let at = day(text, zone, next);
        if at.is_none() {
            wrong.push("filter-wrong-date");
        }
        at
    };
    (bound("from", false), bound("to", true))
}

/// The beginning of a day in the brand's zone, or of the next one.
pub(crate) fn day(text: &str, zone: &Zone, next: bool) -> Option<Timestamp> {
    let date: Date = text.parse().ok()?;
    let date = if next { date.tomorrow().ok()? } else { date };
    let zoned = date.to_zoned(zone.to_jiff().clone()).ok()?;
    Some(Timestamp::from_jiff(zoned.timestamp()))
}

/// An address in its normal form, on the channel that it looks like.
pub(crate) fn address(text: &str, channel: Option<&Channel>) -> Option<(Channel, String)> {
    if let Ok(email) = EmailAddress::parse(text) {
        return Some((Channel::EMAIL, email.as_str().to_owned()));
    }
    let digits: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    if let Ok(phone) = PhoneNumber::parse(&digits) {
        return Some((Channel::SMS, phone.as_str().to_owned()));
    }
    Some((channel.cloned().unwrap_or(Channel::PUSH), text.to_owned()))
}

/// `GET /console/messages`.
pub(crate) async fn list(visit: Visit) -> Result<Response, Failure> {
    let asked = asked(&visit, &visit.query).await?;
    let view = visit.view();
    let after = visit.query.get("after").and_then(|text| text.parse().ok()).map(LogCursor);
    if let Some(filter) = asked.filter.as_ref().filter(|_| after.is_none())
        && (filter.customer.is_some() || filter.address.is_some())
    {
        let about = filter.customer.map(|id| id.0);
        let (by, detail) = (visit.name(), json!({"fields": asked_fields(&visit.query)}));
        visit.store().note_read(ReadKind::Search, by, "", about, detail, visit.now()).await?;
    }
    let tests = match asked.filter.as_ref().and_then(|filter| filter.address.as_ref()) {
        Some((channel, address)) => visit.store().tests_to(channel, address).await?,
        None => Vec::new(),
    };
    let found = match &asked.filter {
        Some(filter) => visit.store().log_search(filter, after, ROWS).await?,
        None => store::LogPage { rows: Vec::new(), next: None },
    };
    let field = |name: &str| visit.query.get(name).unwrap_or_default().to_owned();
    let release = visit.console.app.current.release();
    // Of the log too: what is no longer released was sent all the same.
    let past = visit.store().journey_counts(None).await?.into_iter().map(|counts| counts.journey);
    let programs = release.iter().flat_map(|r| r.project.programs.keys().cloned());
    let journeys = view.choices(
        programs.chain(past.filter(|name| !name.is_empty())),
        visit.query.get("journey"),
        View::journey,
    );
    let declared = release.iter().flat_map(|r| r.project.schema.purposes.keys().cloned());
    let purposes = view.choices(declared, visit.query.get("purpose"), View::purpose);
    let outcomes: Vec<Json> = MessageOutcome::ALL
        .into_iter()
        .map(MessageOutcome::as_str)
        .chain(["any_sent", "any_not_sent"])
        .map(|name| json!({"name": name, "text": view.words.named("outcome", name)}))
        .collect();
    let channels = ["email", "sms", "push", "webhook"].map(|c| view.channel(c));
    let narrow = visit.query.query_without(&["after", "lang", "note"]);
    let context = json!({
        "asked": {
            "customer": field("customer"), "address": field("address"), "from": field("from"), "to": field("to"),
            "channel": field("channel"), "journey": field("journey"), "purpose": field("purpose"),
            "outcome": field("outcome"), "message": field("message"),
        },
        "narrowed": !narrow.is_empty(),
        "wrong": asked.wrong,
        "unknown_customer": asked.filter.is_none() && asked.wrong.is_empty(),
        "rows": found.rows.iter().map(|row| view.row(row)).collect::<Vec<_>>(),
        "tests": tests.iter().map(|act| acts::shown(&view, act)).collect::<Vec<_>>(),
        "next": found.next.map(|LogCursor(n)| n.to_string()),
        "first": after.is_none(),
        "query": narrow,
        "journeys": journeys, "purposes": purposes, "outcomes": outcomes, "channels": channels,
    });
    let status = if asked.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page::render(&visit, status, "messages.html", context).await
}

/// `GET /console/messages/{id}`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let id = MessageId::parse(visit.path("id")).map_err(|_| Failure::NotFound)?;
    let entry = visit.store().log_entry(id).await?.ok_or(Failure::NotFound)?;
    // To whom it went stands on the page: that somebody looked is written down.
    let (by, now) = (visit.name(), visit.now());
    visit.store().note_read(ReadKind::Message, by, "", Some(id.0), json!({}), now).await?;
    let view = visit.view();
    let opened = visit.query.get("open").and_then(|key| {
        let opening = visit.console.openings.get(&visit, key)?;
        (opening.message == id).then(|| (key.to_owned(), content::shown(&opening)))
    });
    let tab = visit.query.get("tab").unwrap_or_default();
    let tab = match (&opened, tab) {
        (Some((_, o)), "html" | "") if o["has_html"] == true => "html",
        (Some(_), "raw") => "raw",
        _ => "text",
    };
    let mut shown = entry_json(&view, &entry);
    for (nth, delivery) in entry.deliveries.iter().enumerate() {
        if delivery.state == store::DeliveryState::Planned
            && let Some(why) = visit.store().why_due_waits(&delivery.channel, delivery.due_at, now).await?
        {
            shown["deliveries"][nth]["waits"] = view.told(&why).into();
        }
    }
    let context = json!({
        "entry": shown,
        "open_key": opened.as_ref().map(|(key, _)| key),
        "opened": opened.as_ref().map(|(_, shown)| shown),
        "expired": opened.is_none() && visit.query.get("open").is_some(),
        "tab": tab,
    });
    visit.page("message.html", context).await
}

fn entry_json(view: &View<'_>, entry: &LogEntry) -> Json {
    let audit: Vec<Json> =
        entry.audit.iter().map(|a| json!({"kind": a.kind, "at": view.time(a.at), "body": a.body})).collect();
    json!({
        "row": view.row(&entry.row),
        "why": view.why(entry.row.why.as_deref()),
        "consent_words": entry.consent.as_ref().map(|word| customers::consent(view, word)),
        "not_sent": entry.row.outcome.is_not_sent(),
        "step": entry.row.step,
        "enrollment": entry.row.enrollment.map(|e| e.to_string()),
        "release": entry.release.map(|r| r.to_string()),
        "program": entry.program_hash.as_ref().map(|h| h.chars().take(12).collect::<String>()),
        "priority": entry.priority,
        "expires": view.time_opt(entry.expires_at),
        "cause": entry.cause.as_ref().map(|(seq, name, at)| json!({"seq": seq, "name": name, "at": view.time(*at)})),
        "enrolled": view.time_opt(entry.enrolled_at),
        "deliveries": entry.deliveries.iter().map(|d| delivery(view, d)).collect::<Vec<_>>(),
        "audit": audit,
        "reads": entry.reads.iter().map(|read| reads::shown(view, read)).collect::<Vec<_>>(),
    })
}

fn delivery(view: &View<'_>, delivery: &LogDelivery) -> Json {
    let attempts: Vec<Json> = delivery
        .attempts
        .iter()
        .map(|a| {
            json!({
                "n": a.n, "started": view.time(a.started_at), "ended": view.time_opt(a.ended_at),
                "outcome": a.outcome.as_deref().map(|o| view.words.named("attempt", o)),
                "stage": a.stage, "answer": a.answer, "provider_id": a.provider_id, "node": a.node,
            })
        })
        .collect();
    let receipts: Vec<Json> = delivery
        .receipts
        .iter()
        .map(|r| json!({"kind": view.words.named("receipt", &r.kind), "at": view.time(r.at), "detail": r.detail}))
        .collect();
    json!({
        "id": delivery.id.to_string(),
        "ordinal": delivery.ordinal,
        "channel": view.channel(delivery.channel.as_str()),
        "address": delivery.address,
        "state": view.state_in(delivery.state, delivery.in_inbox()),
        "due": view.time_opt(delivery.due_at),
        "handed": view.time_opt(delivery.handed_at),
        "settled": view.time_opt(delivery.settled_at),
        "provider": delivery.provider.as_deref().map(|name| view.provider(name)),
        "why": view.why(delivery.why.as_deref()),
        "has_content": delivery.has_content,
        "commitment": delivery.commitment,
        "locale": delivery.locale,
        "release": delivery.release.map(|r| r.to_string()),
        "attempts": attempts,
        "receipts": receipts,
    })
}

/// `POST /console/messages/export`: the selection, streamed; written down first, with what was asked for. No link can do it:
/// it would write down a reason that nobody gave.
pub(crate) async fn export(visit: Visit) -> Result<Response, Failure> {
    let format = visit.form.get("format").and_then(Format::parse).ok_or(Failure::Bad("fail-format"))?;
    let asked = asked(&visit, &visit.form).await?;
    let Some(filter) = asked.filter else { return Err(Failure::Bad("fail-filter")) };
    let Some(reason) = visit.form.get("reason").map(str::to_owned) else {
        return Err(Failure::Missing("reason".to_owned()));
    };
    let detail = json!({"format": format.as_str(), "fields": asked_fields(&visit.form)});
    let by = visit.name().to_owned();
    visit
        .store()
        .note_read(ReadKind::Export, &by, &reason, filter.customer.map(|id| id.0), detail, visit.now())
        .await?;
    let stream = export::stream(visit.store().clone(), filter, format, by, reason, visit.now());
    let headers = [
        (CONTENT_TYPE, format.media().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"tabi-messages.{}\"", format.extension())),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Which fields were filled in: the record holds no addresses, only that one was asked for.
fn asked_fields(query: &Fields) -> Json {
    let mut out = serde_json::Map::new();
    for name in ["from", "to", "channel", "journey", "purpose", "outcome", "message"] {
        if let Some(value) = query.get(name) {
            out.insert(name.to_owned(), value.into());
        }
    }
    for name in ["customer", "address"] {
        if query.get(name).is_some() {
            out.insert(name.to_owned(), true.into());
        }
    }
    out.into()
}
