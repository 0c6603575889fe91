//! What an expression sees: its place.

use super::{field, null};
use crate::Known;
use journey::Root;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use words::{Channel, Event, Timestamp, Value};

/// What an expression sees.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The customer, facts, segments, catalogues.
    pub known: &'a dyn Known,
    /// The business clock.
    pub now: Timestamp,
    /// The event that started the enrollment.
    pub event: Option<&'a Event>,
    /// The event being matched.
    pub it: Option<&'a Event>,
    /// The catalogue item that changed.
    pub item: Option<&'a Value>,
    /// That item as it was.
    pub before: Option<&'a Value>,
    /// What `as:` bound.
    pub bindings: Option<&'a BTreeMap<String, Value>>,
    /// Which turn of the enclosing loop, from 1.
    pub turn: Option<u32>,
    /// Receipts of the enrollment's messages.
    pub engaged: Option<&'a BTreeSet<(String, String)>>,
    /// Variables of the `exists`, `all`, `filter` and `map` around it.
    pub(crate) locals: Option<&'a Locals<'a>>,
}

/// One variable of a comprehension, and those around it.
#[derive(Clone, Copy)]
pub(crate) struct Locals<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a Value,
    pub(crate) outer: Option<&'a Locals<'a>>,
}

impl<'a> Env<'a> {
    /// Sees the customer and the clock alone.
    pub fn new(known: &'a dyn Known, now: Timestamp) -> Self {
        Self {
            known,
            now,
            event: None,
            it: None,
            item: None,
            before: None,
            bindings: None,
            turn: None,
            engaged: None,
            locals: None,
        }
    }

    /// The same place, and the event being matched.
    #[must_use]
    pub fn with_it(self, it: &'a Event) -> Self {
        Self { it: Some(it), ..self }
    }
}

/// A name alone.
pub(super) fn root<'a>(root: &Root, env: &Env<'a>) -> Cow<'a, Value> {
    match root {
        Root::Event => env.event.map_or_else(null, |event| Cow::Owned(event_value(event))),
        Root::It => env.it.map_or_else(null, |event| Cow::Owned(event_value(event))),
        Root::Customer => Cow::Owned(customer_value(env)),
        Root::Fact(name) => Cow::Owned(env.known.fact(name, env.now)),
        Root::Segment(name) => Cow::Owned(Value::Bool(env.known.in_segment(name, env.now))),
        Root::Binding(name) => binding(name, env),
        Root::Item => env.item.map_or_else(null, Cow::Borrowed),
        Root::Before => env.before.map_or_else(null, Cow::Borrowed),
        Root::Now => Cow::Owned(Value::Time(env.now)),
        Root::Turn => Cow::Owned(env.turn.map_or(Value::Null, |turn| Value::Int(i64::from(turn)))),
    }
}

/// A field of a name: copies that field at most.
pub(super) fn root_field<'a>(of: &Root, name: &str, env: &Env<'a>) -> Cow<'a, Value> {
    match of {
        Root::Event => env.event.map_or_else(null, |event| event_field(event, name)),
        Root::It => env.it.map_or_else(null, |event| event_field(event, name)),
        Root::Customer => customer_field(name, env),
        _ => field(root(of, env), name),
    }
}

fn binding<'a>(name: &str, env: &Env<'a>) -> Cow<'a, Value> {
    let mut locals = env.locals;
    while let Some(local) = locals {
        if local.name == name {
            return Cow::Borrowed(local.value);
        }
        locals = local.outer;
    }
    env.bindings.and_then(|bindings| bindings.get(name)).map_or_else(null, Cow::Borrowed)
}

/// A property; or, where the event has none of this name, what every event has: `name`, `occurred_at`, `received_at`.
fn event_field<'a>(event: &'a Event, name: &str) -> Cow<'a, Value> {
    match (event.properties.get(name), name) {
        (Some(value), _) => Cow::Borrowed(value),
        (None, "name") => Cow::Owned(Value::Text(event.name.clone())),
        (None, "occurred_at") => Cow::Owned(Value::Time(event.occurred_at)),
        (None, "received_at") => Cow::Owned(Value::Time(event.received_at)),
        (None, _) => null(),
    }
}

/// An event as a value: what `as:` binds.
pub(crate) fn event_value(event: &Event) -> Value {
    let mut map = event.properties.clone();
    map.entry("name".to_owned()).or_insert_with(|| Value::Text(event.name.clone()));
    map.entry("occurred_at".to_owned()).or_insert(Value::Time(event.occurred_at));
    map.entry("received_at".to_owned()).or_insert(Value::Time(event.received_at));
    Value::Map(map)
}

/// What Tabi itself knows of a customer comes first, then traits, then facts, then the preferred address of a channel
/// under its usual name (`email`, `phone`).
fn customer_field<'a>(name: &str, env: &Env<'a>) -> Cow<'a, Value> {
    let customer = env.known.customer();
    if let Some(value) = own_field(name, env) {
        return Cow::Owned(value);
    }
    if let Some(value) = customer.traits.get(name) {
        return Cow::Borrowed(value);
    }
    let address = |channel: &Channel| {
        customer.reachable(channel).next().map_or(Value::Null, |address| Value::Text(address.value.clone()))
    };
    match (env.known.fact(name, env.now), name) {
        (Value::Null, "email") => Cow::Owned(address(&Channel::EMAIL)),
        (Value::Null, "phone") => Cow::Owned(address(&Channel::SMS)),
        (value, _) => Cow::Owned(value),
    }
}

const OWN: [&str; 7] = ["id", "user_id", "created_at", "locale", "country", "zone", "account"];

fn own_field(name: &str, env: &Env<'_>) -> Option<Value> {
    let customer = env.known.customer();
    match name {
        "id" => Some(Value::Text(customer.id.to_string())),
        "user_id" => customer.user_id.clone().map(Value::Text),
        "created_at" => Some(Value::Time(customer.created_at)),
        "locale" => customer.locale.as_ref().map(|locale| Value::Text(locale.to_string())),
        "country" => customer.country.map(|country| Value::Text(country.to_string())),
        "zone" => customer.zone.as_ref().map(|(zone, _)| Value::Text(zone.to_string())),
        "account" => customer.account.clone().map(Value::Text),
        _ => None,
    }
}

fn customer_value(env: &Env<'_>) -> Value {
    let mut map = env.known.customer().traits.clone();
    for name in OWN {
        if let Some(value) = own_field(name, env) {
            map.insert(name.to_owned(), value);
        }
    }
    Value::Map(map)
}
