//! Customers: finding one by what the shop or the customer calls them, and everything about them on one page.

use super::journeys;
use super::view::View;
use super::visit::{Failure, Visit, go};
use axum::response::Response;
use serde_json::{Value as Json, json};
use store::{CustomerPage, Identity, ReadKind, TimelineItem};
use words::{
    AddressState, Channel, Consent, ConsentState, Customer, CustomerId, EmailAddress, EventKind, PhoneNumber,
    Timestamp, ZoneSource,
};

/// Items of the timeline on one page.
const ITEMS: usize = 100;
/// Customers that the list shows.
const LISTED: usize = 25;

/// What `text` may name, the likeliest first.
pub(crate) fn identities(text: &str) -> Vec<Identity> {
    let mut keys = vec![Identity::user_id(text)];
    if let Ok(email) = EmailAddress::parse(text) {
        keys.push(Identity::address(&Channel::EMAIL, email.as_str()));
    }
    let digits: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    if let Ok(phone) = PhoneNumber::parse(&digits) {
        keys.push(Identity::address(&Channel::SMS, phone.as_str()));
    }
    keys.push(Identity::anonymous_id(text));
    keys
}

/// The customers whom `text` names: by our id, the shop's id, an e-mail address or a phone number, which several may share.
pub(crate) async fn named(visit: &Visit, text: &str) -> Result<Vec<CustomerId>, Failure> {
    if let Ok(id) = CustomerId::parse(text) {
        return Ok(vec![id]);
    }
    for key in identities(text) {
        let found = visit.store().everybody(&key).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// `GET /console/customers`.
pub(crate) async fn search(visit: Visit) -> Result<Response, Failure> {
    let text = visit.query.get("q").unwrap_or_default().to_owned();
    let found = if text.is_empty() { Vec::new() } else { named(&visit, &text).await? };
    if let [id] = found.as_slice() {
        return Ok(go(&format!("/console/customers/{id}"), None));
    }
    let after = visit.query.get("after").and_then(|t| CustomerId::parse(t).ok());
    let mut customers = Vec::new();
    if text.is_empty() {
        customers = visit.store().customers(after, LISTED).await?;
    }
    for id in found.iter().take(LISTED - 1) {
        customers.extend(visit.store().customer(*id).await?);
    }
    let next = (customers.len() == LISTED).then(|| customers.last().map(|c| c.id.to_string())).flatten();
    let view = visit.view();
    let rows: Vec<Json> = customers
        .iter()
        .map(|customer| {
            json!({
                "id": customer.id.to_string(),
                "user_id": customer.user_id,
                "channels": customer.addresses.iter().filter(|a| a.state == AddressState::Active)
                    .map(|a| view.channel(a.channel.as_str())).collect::<Vec<_>>(),
                "locale": customer.locale.as_ref().map(ToString::to_string),
                "country": customer.country.map(|c| c.to_string()),
                "since": view.time(customer.created_at),
            })
        })
        .collect();
    visit
        .page("customers.html", json!({"q": text, "customers": rows, "next": next, "first": after.is_none()}))
        .await
}

/// `GET /console/customers/{id}`. That somebody looked is written down.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let asked = CustomerId::parse(visit.path("id")).map_err(|_| Failure::NotFound)?;
    let before = visit.query.get("before").and_then(|t| t.parse::<i64>().ok()).map(Timestamp::from_micros);
    let page = visit.store().customer_page(asked, ITEMS).await?.ok_or(Failure::NotFound)?;
    if page.id != asked {
        return Ok(go(&format!("/console/customers/{}", page.id), None));
    }
    let (by, now) = (visit.name(), visit.now());
    visit.store().note_read(ReadKind::Customer, by, "", Some(page.id.0), json!({}), now).await?;
    let timeline = match before {
        None => page.timeline.clone(),
        Some(before) => visit.store().customer_timeline(page.id, Some(before), ITEMS).await?,
    };
    let view = visit.view();
    let mut enrollments = Vec::new();
    for row in page.enrollments.iter().take(50) {
        enrollments.push(journeys::enrollment(&visit, row).await?);
    }
    let next = (timeline.len() >= ITEMS).then(|| timeline.last().map(|i| i.at().as_micros())).flatten();
    let context = json!({
        "id": page.id.to_string(),
        "erased": page.customer.is_none(),
        "erasure": page.erasure.as_ref().map(|act| json!({
            "by": act.by, "at": view.time(act.at), "reason": act.reason,
        })),
        "consents_earlier": earlier(&view, &page),
        "name": page.customer.as_ref().map(name),
        "customer": page.customer.as_ref().map(|c| customer(&view, c, &page)),
        "enrollments": enrollments,
        "segments": page.segments.iter().map(|s| s.split('#').next().unwrap_or(s)).collect::<Vec<_>>(),
        "timeline": days(&view, &timeline),
        "next": next,
        "before": before.is_some(),
    });
    visit.page("customer.html", context).await
}

/// What to call a customer on their page.
fn name(customer: &Customer) -> String {
    let of = |key: &str| match customer.traits.get(key) {
        Some(words::Value::Text(text)) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    };
    let japanese = customer.locale.as_ref().is_some_and(|l| l.language() == "ja");
    let parts = match (of("first_name"), of("last_name")) {
        (Some(first), Some(last)) if japanese => Some(format!("{last} {first}")),
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    };
    of("name").or(parts).or_else(|| customer.user_id.clone()).unwrap_or_else(|| customer.id.to_string())
}

/// The name under which the words say where a zone came from.
pub fn zone_source(source: ZoneSource) -> &'static str {
    match source {
        ZoneSource::Stated => "stated",
        ZoneSource::PhonePrefix => "phone",
        ZoneSource::Country => "country",
        ZoneSource::BrandDefault => "brand",
    }
}

fn customer(view: &View<'_>, customer: &Customer, page: &CustomerPage) -> Json {
    let traits: Vec<Json> =
        customer.traits.iter().map(|(key, value)| json!({"key": key, "value": view.value(value)})).collect();
    let addresses: Vec<Json> = customer
        .addresses
        .iter()
        .map(|a| {
            let against = page.suppressions.iter().find(|s| s.channel == a.channel);
            json!({
                "channel": view.channel(a.channel.as_str()), "value": a.value,
                "dead": a.state == AddressState::Dead,
                "since": view.time(a.added_at),
                "suppressed": against.map(|s| view.words.named("suppression", &s.reason)),
            })
        })
        .collect();
    let source = customer.zone.as_ref().map(|(_, source)| zone_source(*source));
    json!({
        "user_id": customer.user_id,
        "traits": traits,
        "addresses": addresses,
        "zone": customer.zone.as_ref().map(|(zone, _)| zone.name()),
        "zone_source": source.map(|s| view.words.named("zone", s)),
        "country": customer.country.map(|c| c.to_string()),
        "locale": customer.locale.as_ref().map(ToString::to_string),
        "account": customer.account,
        "since": view.time(customer.created_at),
        "consents": customer.consents.iter().map(|c| consent(view, c)).collect::<Vec<_>>(),
    })
}

/// Words on consent that a later one took the place of.
fn earlier(view: &View<'_>, page: &CustomerPage) -> Vec<Json> {
    let now = page.customer.as_ref().map(|customer| customer.consents.as_slice()).unwrap_or_default();
    page.words.iter().filter(|word| !now.contains(word)).map(|word| consent(view, word)).collect()
}

/// A word on consent, with how it can be proved.
pub(crate) fn consent(view: &View<'_>, consent: &Consent) -> Json {
    let granted = consent.state == ConsentState::Granted;
    json!({
        "purpose": consent.purpose.as_deref().map(|purpose| view.purpose(purpose)),
        "channel": consent.channel.as_ref().map(|c| view.channel(c.as_str())),
        "granted": granted,
        "basis": view.words.named("basis", json!(consent.basis).as_str().unwrap_or_default()),
        "at": view.time(consent.at),
        "expires": view.time_opt(consent.expires_at),
        "method": consent.evidence.method,
        "source": consent.evidence.source,
        "wording": consent.evidence.text,
        "text_hash": consent.evidence.text_hash.as_ref().map(|h| h.chars().take(12).collect::<String>()),
    })
}

/// The timeline by days, newest first.
fn days(view: &View<'_>, timeline: &[TimelineItem]) -> Vec<Json> {
    let mut days: Vec<(String, Vec<Json>)> = Vec::new();
    for item in timeline {
        let at = view.time(item.at());
        let day = at["day"].as_str().unwrap_or_default().to_owned();
        let mut shown = shown(view, item);
        shown["at"] = at;
        match days.last_mut() {
            Some((last, items)) if *last == day => items.push(shown),
            _ => days.push((day, vec![shown])),
        }
    }
    days.into_iter().map(|(day, items)| json!({"day": day, "items": items})).collect()
}

fn shown(view: &View<'_>, item: &TimelineItem) -> Json {
    match item {
        TimelineItem::Event { source, event, .. } => {
            let properties: Vec<Json> =
                event.properties.iter().map(|(k, v)| json!({"key": k, "value": view.value(v)})).collect();
            json!({
                "what": "event", "own": source == "tabi" || source == "receipt", "name": event.name, "source": source, "properties": properties,
                "history": event.kind == EventKind::History,
                "occurred": (event.occurred_at != event.received_at).then(|| view.time(event.occurred_at)),
            })
        }
        TimelineItem::Message(row) => {
            let mut shown = view.row(row);
            shown["what"] = "message".into();
            shown
        }
        TimelineItem::Decision { journey, step, kind, body, .. } => {
            let body: Json = serde_json::from_str(body).unwrap_or_default();
            json!({
                "what": "decision", "journey": journey.as_deref().map(|name| view.journey(name)), "step": step,
                "kind": view.words.named("decision", kind),
                "text": view.text(&body),
            })
        }
        TimelineItem::Consent { consent: word, .. } => {
            json!({"what": "consent", "consent": consent(view, word)})
        }
    }
}
