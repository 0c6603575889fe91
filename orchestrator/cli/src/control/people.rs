//! Customers and their events.

use super::{Desk, Who};
use crate::exit::Fault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::{AuditEvent, AuditKind, Identity, Incoming, Ingested};
use words::{Address, AddressState, Customer, CustomerId, DeliveryId, Event, EventKind, Timestamp};

impl Desk {
    /// Takes in one event. A customer of the shop's that is not known yet is made, as the API would.
    pub(super) async fn event(
        &self,
        who: &Who,
        name: &str,
        properties: &Value,
        id: Option<String>,
        occurred_at: Option<Timestamp>,
    ) -> anyhow::Result<Value> {
        let instance = &self.instance;
        let release = instance.release().await?;
        let name = release.listeners.canonical(name);
        if words::internal::ALL.contains(&name) {
            return Err(Fault::refused(format!(
                "`{name}` is an event of Tabi's own: nobody else can report it"
            ))
            .into());
        }
        let Some(schema) = release.project.schema.events.get(name) else {
            let known: Vec<&str> = release.project.schema.events.keys().map(String::as_str).collect();
            return Err(Fault::problem(format!(
                "the live release declares no event `{name}`; it has: {}. `tabi event schema {name}` writes a declaration",
                known.join(", ")
            ))
            .into());
        };
        let properties = typed(schema, properties).map_err(Fault::problem)?;
        let now = instance.now();
        let (customer, created) = self.whoever(who, now).await?;
        let event = Event {
            id: instance.ids.event(now),
            name: name.to_owned(),
            occurred_at: occurred_at.unwrap_or(now),
            received_at: now,
            properties,
            kind: EventKind::Live,
        };
        let listened = release.listeners.listens(name);
        let incoming =
            Incoming { customer, event, source: "cli".to_owned(), message_id: id, listened, declared: true };
        let ingested = instance.store.ingest(vec![incoming]).await?;
        let stored = matches!(ingested.first(), Some(Ingested::Stored { .. }));
        Ok(json!({
            "customer": customer.to_string(), "created": created, "event": name, "stored": stored, "listened": listened,
        }))
    }

    /// The customer meant, made where there is none yet; whoever is named by an address can be reached by it.
    async fn whoever(&self, who: &Who, now: Timestamp) -> anyhow::Result<(CustomerId, bool)> {
        let (store, ids) = (&self.instance.store, &self.instance.ids);
        match who {
            Who::Id(_) => Ok((self.who(who).await?, false)),
            Who::UserId(id) => {
                let found = store.get_or_create(&[Identity::user_id(id)], now, ids).await?;
                Ok((found.customer, found.created))
            }
            Who::Address(channel, value) => {
                let found = store.get_or_create(&[Identity::address(channel, value)], now, ids).await?;
                let address = Address {
                    channel: channel.clone(),
                    value: value.clone(),
                    state: AddressState::Active,
                    added_at: now,
                    seen_at: None,
                };
                let adds = move |customer: &mut Customer| {
                    let same = |a: &Address| a.channel == address.channel && a.value == address.value;
                    if !customer.addresses.iter().any(same) {
                        customer.addresses.push(address);
                    }
                    Vec::new()
                };
                store.update_customer(found.customer, now, adds, Vec::new()).await?;
                Ok((found.customer, found.created))
            }
        }
    }

    pub(super) async fn erase(&self, customer: CustomerId, by: &str, reason: &str) -> anyhow::Result<Value> {
        let now = self.instance.now();
        let audit = vec![AuditEvent {
            kind: AuditKind::CustomerErased,
            at: now,
            // A deed of whoever asked: listed with the others, about the one it concerns.
            customer: None,
            subject: Some(customer.0),
            body: json!({"by": by, "reason": reason}).to_string(),
        }];
        self.instance.store.erase(customer, now, audit).await?;
        Ok(json!({"erased": customer.to_string()}))
    }

    pub(super) async fn merge(
        &self,
        loser: CustomerId,
        survivor: CustomerId,
        by: &str,
    ) -> anyhow::Result<Value> {
        let release = self.instance.release().await?;
        let now = self.instance.now();
        let audit = vec![AuditEvent {
            kind: AuditKind::CustomerMergeAsked,
            at: now,
            customer: None,
            subject: Some(survivor.0),
            body: json!({"by": by, "loser": loser}).to_string(),
        }];
        let merged = self.instance.store.merge(loser, survivor, &release.project.schema, now, audit).await?;
        Ok(json!({
            "survivor": merged.survivor.to_string(), "changed": merged.changed,
            "enrollments_moved": merged.enrollments_moved, "enrollments_merged": merged.enrollments_merged,
        }))
    }

    pub(super) async fn content(
        &self,
        delivery: DeliveryId,
        reader: &str,
        reason: &str,
    ) -> anyhow::Result<Value> {
        let content = self.instance.store.log_content(delivery, reader, reason, self.instance.now()).await?;
        let Some(content) = content else {
            return Err(Fault::problem(format!(
                "no content of {delivery} is kept: it was never handed over, or its time of keeping has ended, or the \
                 customer was erased"
            ))
            .into());
        };
        Ok(json!({
            "delivery": delivery.to_string(), "media": content.media, "locale": content.locale,
            "bytes": STANDARD.encode(&content.bytes),
        }))
    }
}

/// Properties by their declared types; what is not declared is refused, as the API does.
fn typed(schema: &journey::EventSchema, given: &Value) -> Result<BTreeMap<String, words::Value>, String> {
    let Value::Object(given) = given else {
        return Err("properties are a JSON object, like '{\"order_id\": \"A-1\"}'".to_owned());
    };
    let mut properties = BTreeMap::new();
    for (name, value) in given {
        let field = schema.properties.get(name).ok_or_else(|| {
            let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
            format!("the event has no property `{name}`; it has: {}", known.join(", "))
        })?;
        if value.is_null() {
            continue;
        }
        let value = words::Value::from_json(value, &field.ty).map_err(|why| format!("`{name}`: {why}"))?;
        properties.insert(name.clone(), value);
    }
    match schema.properties.iter().find(|(name, field)| field.required && !properties.contains_key(*name)) {
        Some((name, _)) => Err(format!("the property `{name}` is missing")),
        None => Ok(properties),
    }
}
