//! Storing calls: in their order per customer, in few commits, each once.

use super::change::{Delta, unread_phone};
use super::person::{self, Said};
use super::{Call, CallKind, Door, Item, Refusal, Why, World, lenient, typed};
use crate::App;
use crate::problem::Problem;
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;
use store::{CustomerUpdate, Identity, Incoming, Ingested, NewRejected, StoreError};
use tracing::Instrument as _;
use words::{Channel, CustomerId, Event, EventKind, Timestamp};

/// So many customers of a batch are named in a trace.
const TRACED_MAX: usize = 16;

/// Names that only Tabi itself may use.
static RESERVED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    journey::builtin::events().into_keys().chain(words::internal::ALL.map(str::to_owned)).collect()
});

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Stored durably.
    Taken,
    /// Seen before; nothing changed.
    Duplicate,
    /// Not taken; kept with its reason.
    Refused(Refusal),
}

/// A call that passed every check that needs no look at the tables.
struct Ready {
    identities: Vec<Identity>,
    delta: Delta,
    event: Option<(Event, bool)>,
    message_id: Option<String>,
    merge: Option<String>,
    account: Option<(String, std::collections::BTreeMap<String, words::Value>)>,
}

/// Takes items in and says, in the same order, what became of each. When it returns everything is durable, the refused
/// ones with their reasons too. An error means that the rest may be sent again: what carries a message id is done once.
pub(crate) async fn take(
    app: &App,
    world: &World,
    door: &Door,
    items: Vec<Item>,
) -> Result<Vec<Fate>, Problem> {
    let now = app.now();
    let mut fates: Vec<Option<Fate>> = vec![None; items.len()];
    let mut ready = Vec::with_capacity(items.len());
    let mut bodies = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        bodies.push(item.body);
        match item.call.and_then(|call| prepare(app, world, door, call, now)) {
            Ok(one) => ready.push((index, one)),
            Err(refusal) => fates[index] = Some(Fate::Refused(refusal)),
        }
    }
    let mut notes = Vec::new();
    store_ready(app, world, door, ready, now, &mut fates, &mut notes).await?;
    let refused = fates.iter().enumerate().filter_map(|(index, fate)| match fate {
        Some(Fate::Refused(refusal)) => Some((index, refusal.clone())),
        _ => None,
    });
    let rejected: Vec<NewRejected> = refused
        .chain(notes)
        .map(|(index, refusal)| NewRejected {
            at: now,
            source: door.source.clone(),
            name: refusal.name,
            code: refusal.code.as_str().to_owned(),
            reason: refusal.reason,
            body: std::mem::take(&mut bodies[index]),
        })
        .collect();
    if door.keep && !rejected.is_empty() {
        app.store.reject(rejected, &app.ids).await?;
    }
    Ok(fates.into_iter().map(|fate| fate.unwrap_or(Fate::Taken)).collect())
}

/// What would become of items, without storing anything.
pub(crate) fn check(app: &App, world: &World, door: &Door, items: Vec<Item>) -> Vec<Fate> {
    let now = app.now();
    let fate = |item: Item| match item.call.and_then(|call| prepare(app, world, door, call, now)) {
        Ok(_) => Fate::Taken,
        Err(refusal) => Fate::Refused(refusal),
    };
    items.into_iter().map(fate).collect()
}

/// Checks one call against the schema and the rules of its door.
fn prepare(app: &App, world: &World, door: &Door, call: Call, now: Timestamp) -> Result<Ready, Refusal> {
    call.within_limits()?;
    let at = call.occurred_at.unwrap_or(now).min(now);
    let browser_may = matches!(call.kind, CallKind::Identify | CallKind::Track(_));
    if door.browser && !browser_may {
        return Err(Refusal::new(
            Why::NotFromBrowser,
            call.name(),
            "browser keys may only identify and track",
        ));
    }
    let mut event = None;
    let (mut merge, mut account) = (None, None);
    let about_person = match &call.kind {
        CallKind::Track(name) => {
            event = Some(declared_event(app, world, door, &call, name, at, now)?);
            said_of(world, &call)?
        }
        CallKind::Identify => said_of(world, &call)?,
        CallKind::Group(group) => {
            let traits = call.traits.iter();
            account = Some((
                group.clone(),
                traits.map(|(k, v)| (k.clone(), words::Value::from_plain_json(v))).collect(),
            ));
            Said::default()
        }
        CallKind::Alias(previous) => {
            merge = Some(previous.clone());
            Said::default()
        }
    };
    let consents = if door.browser { Vec::new() } else { known_purposes(world, &call)? };
    let mut identities = Vec::with_capacity(2);
    identities.extend(call.user_id.clone().map(Identity::user_id));
    identities.extend(call.anonymous_id.clone().map(Identity::anonymous_id));
    if identities.is_empty() && !door.browser {
        // A guest of a shop, or a line of an import, may be known by an address alone.
        if let Some(Some(email)) = &about_person.email {
            identities.push(Identity::address(&Channel::EMAIL, email.as_str()));
        } else if let Some(person::Phone::Number(number)) = &about_person.phone {
            identities.push(Identity::address(&Channel::SMS, number.as_str()));
        }
    }
    if let Some(previous) = &merge {
        identities.push(Identity::anonymous_id(previous.clone()));
    }
    if identities.is_empty() || (merge.is_some() && call.user_id.is_none()) {
        let reason = if merge.is_some() {
            "it does not say which id stays: give `userId`"
        } else {
            "it says nothing about whom: give `userId` or `anonymousId`"
        };
        return Err(Refusal::new(Why::MissingIdentity, call.name(), reason));
    }
    let delta = Delta {
        said: about_person,
        user_id: call.user_id.clone(),
        account: account.as_ref().map(|(group, _)| group.clone()),
        consents,
        timid: false,
        at,
        now,
    };
    Ok(Ready { identities, delta, event, message_id: call.message_id, merge, account })
}

fn said_of(world: &World, call: &Call) -> Result<Said, Refusal> {
    person::said(world, call, &call.traits)
}

/// The words of consent about purposes that there are. A banner's categories may mean nothing here; whoever says a word
/// on purpose hears that there is no such purpose.
fn known_purposes(world: &World, call: &Call) -> Result<Vec<super::ConsentWord>, Refusal> {
    let purposes = &world.schema().purposes;
    let mut out = Vec::with_capacity(call.consents.len());
    for word in &call.consents {
        let mut word = word.clone();
        if let Some(purpose) = &word.purpose {
            let name = typed::declared_name(purpose, |name| purposes.contains_key(name)).into_owned();
            if !purposes.contains_key(&name) {
                if word.stamped {
                    continue;
                }
                let known: Vec<&str> = purposes.keys().map(String::as_str).collect();
                let reason = format!("there is no such purpose; declared are: {}", known.join(", "));
                return Err(Refusal::new(Why::UnknownPurpose, call.name(), reason));
            }
            word.purpose = Some(name);
        }
        if let Some(channel) =
            word.channel.as_ref().filter(|channel| !world.channels().contains(channel.as_str()))
        {
            let known: Vec<String> = world.channels().into_iter().collect();
            let shown: String = channel.as_str().chars().filter(|c| !c.is_control()).take(32).collect();
            let reason = format!("there is no channel `{shown}`; there are: {}", known.join(", "));
            return Err(Refusal::new(Why::UnknownChannel, call.name(), reason));
        }
        out.push(word);
    }
    Ok(out)
}

fn declared_event(
    app: &App,
    world: &World,
    door: &Door,
    call: &Call,
    name: &str,
    at: Timestamp,
    now: Timestamp,
) -> Result<(Event, bool), Refusal> {
    let schema = world.schema();
    let mut canonical = world.canonical(name).to_owned();
    if !schema.events.contains_key(&canonical) {
        let snake = typed::snake_case(name);
        if schema.events.contains_key(&snake) {
            canonical = snake;
        }
    }
    if RESERVED.contains(&canonical) {
        let reason = "Tabi itself tells events of this name; nobody outside may. Choose another name";
        return Err(Refusal::new(Why::ReservedName, canonical, reason));
    }
    let declared = schema.events.get(&canonical);
    if door.browser && !declared.is_some_and(|event| event.from_browser) {
        let reason = "browser keys may only send events that the schema marks `from_browser: true`";
        return Err(Refusal::new(Why::NotFromBrowser, canonical, reason));
    }
    let none = std::collections::BTreeMap::new();
    let fields = declared.map_or(&none, |event| &event.properties);
    let properties = lenient(&call.properties, fields, "property")
        .map_err(|problems| Refusal::new(Why::PropertyType, canonical.as_str(), problems.join("; ")))?;
    let kind = if door.history { EventKind::History } else { EventKind::Live };
    let event = Event {
        id: app.ids.event(now),
        name: canonical,
        occurred_at: at,
        received_at: now,
        properties,
        kind,
    };
    Ok((event, declared.is_some()))
}

/// What waits to be written together. Two things about one customer keep their order: whoever comes after something of
/// the other kind about the same customer waits for it to be written.
#[derive(Default)]
struct Waiting {
    events: Vec<(usize, Incoming)>,
    with_event: HashSet<CustomerId>,
    updates: Vec<(usize, CustomerId, Delta, bool)>,
    with_update: HashSet<CustomerId>,
}

async fn store_ready(
    app: &App,
    world: &World,
    door: &Door,
    ready: Vec<(usize, Ready)>,
    now: Timestamp,
    fates: &mut [Option<Fate>],
    notes: &mut Vec<(usize, Refusal)>,
) -> Result<(), Problem> {
    if ready.is_empty() {
        return Ok(());
    }
    let keys: Vec<Vec<Identity>> = ready.iter().map(|(_, one)| one.identities.clone()).collect();
    let resolved = app.store.get_or_create_many(&keys, now, &app.ids).await?;
    let mut waiting = Waiting::default();
    for ((index, one), whom) in ready.into_iter().zip(resolved) {
        let customer = whom.customer;
        for other in whom.others {
            if one.merge.is_some() || may_merge(app, door, other).await? {
                flush(app, world, door, &mut waiting, now, fates, notes).await?;
                app.store.merge(other, customer, world.schema(), now, Vec::new()).await?;
            }
        }
        if let Some(previous) = &one.merge
            && let Some(known) = app.store.resolve(&[Identity::user_id(previous.clone())]).await?
            && known != customer
        {
            flush(app, world, door, &mut waiting, now, fates, notes).await?;
            app.store.merge(known, customer, world.schema(), now, Vec::new()).await?;
        }
        if let Some((group, traits)) = &one.account {
            app.store.put_account(group, traits, now).await?;
        }
        if whom.created && one.delta.user_id.is_some() {
            app.named.add(customer);
        }
        // Of history each row is counted, also where it says nothing new.
        let known_already = !door.history && only_user_id(&one.delta) && app.named.has(customer);
        if !one.delta.is_empty() && !known_already {
            if waiting.with_event.contains(&customer) {
                flush(app, world, door, &mut waiting, now, fates, notes).await?;
            }
            waiting.with_update.insert(customer);
            waiting.updates.push((index, customer, one.delta, whom.created));
        }
        if let Some((event, declared)) = one.event {
            if waiting.with_update.contains(&customer) {
                flush(app, world, door, &mut waiting, now, fates, notes).await?;
            }
            let listened = world.listens(&event.name);
            waiting.with_event.insert(customer);
            waiting.events.push((
                index,
                Incoming {
                    customer,
                    event,
                    source: door.source.clone(),
                    message_id: one.message_id,
                    listened,
                    declared,
                },
            ));
        }
    }
    flush(app, world, door, &mut waiting, now, fates, notes).await
}

/// Whether nothing is said about a customer but the user id by which they were found.
fn only_user_id(delta: &Delta) -> bool {
    delta.user_id.is_some() && delta.said.is_empty() && delta.account.is_none() && delta.consents.is_empty()
}

/// Whether somebody whom a second identity points to is the same person: only who has no user id of their own (two people
/// at one browser stay two), and by a browser's word only who has no address (else anybody could add theirs to others).
async fn may_merge(app: &App, door: &Door, other: CustomerId) -> Result<bool, Problem> {
    let Some(other) = app.store.customer(other).await? else { return Ok(false) };
    Ok(other.user_id.is_none() && (!door.browser || other.addresses.is_empty()))
}

async fn flush(
    app: &App,
    world: &World,
    door: &Door,
    waiting: &mut Waiting,
    now: Timestamp,
    fates: &mut [Option<Fate>],
    notes: &mut Vec<(usize, Refusal)>,
) -> Result<(), Problem> {
    let Waiting { events, updates, .. } = std::mem::take(waiting);
    if !updates.is_empty() {
        let mut about = Vec::with_capacity(updates.len());
        let mut batch = Vec::with_capacity(updates.len());
        for (index, customer, delta, created) in updates {
            about.push((index, delta.said.clone()));
            let browser = door.browser;
            let change = move |customer: &mut words::Customer| {
                let known = customer.user_id.is_some()
                    || !customer.addresses.is_empty()
                    || !customer.consents.is_empty();
                Delta { timid: browser && !created && known, ..delta }.apply(customer)
            };
            batch.push(CustomerUpdate {
                customer,
                change: Box::new(change),
                announce: Some(if door.history { EventKind::History } else { EventKind::Live }),
                audit: Vec::new(),
            });
        }
        let done = app.store.update_customers(batch, now).await?;
        for ((index, said), result) in about.into_iter().zip(done) {
            match result {
                Ok(updated) => {
                    if updated.customer.user_id.is_some() {
                        app.named.add(updated.customer.id);
                    }
                    // Of history each row is counted: one that says nothing new was known.
                    if door.history && !updated.changed {
                        fates[index] = Some(Fate::Duplicate);
                    }
                    if let Some(reason) = unread_phone(world, &said, &updated.customer) {
                        notes.push((index, Refusal::new(Why::PhoneWithoutCountry, "identify", reason)));
                    }
                }
                Err(StoreError::Erased | StoreError::NotFound(_)) => {
                    let reason = "this customer was erased; a new customer needs a new user id";
                    fates[index] = Some(Fate::Refused(Refusal::new(Why::Erased, "identify", reason)));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    if !events.is_empty() {
        let (indexes, batch): (Vec<usize>, Vec<Incoming>) = events.into_iter().unzip();
        let span = tracing::trace_span!(
            target: words::TRACES, "ingest", events = batch.len(), customer.ids = tracing::field::Empty,
        );
        if !span.is_disabled() {
            let ids: std::collections::BTreeSet<String> =
                batch.iter().take(TRACED_MAX).map(|one| one.customer.to_string()).collect();
            span.record("customer.ids", ids.into_iter().collect::<Vec<_>>().join(" "));
        }
        for (index, outcome) in indexes.into_iter().zip(app.store.ingest(batch).instrument(span).await?) {
            // An event that is new is news, whatever its row says about the customer, who was written before it.
            match outcome {
                Ingested::Duplicate => fates[index] = Some(Fate::Duplicate),
                Ingested::Stored { .. } if fates[index] == Some(Fate::Duplicate) => fates[index] = None,
                Ingested::Stored { .. } => {}
            }
        }
    }
    Ok(())
}
