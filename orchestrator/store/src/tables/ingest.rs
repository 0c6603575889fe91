//! What comes in: events in set-based statements, once each, in the customer's order.

use super::Store;
use super::ask::Ask;
use super::keys::{Keys, NOBODY, events_key};
use super::locks::lock_customers;
use super::open::shard;
use super::writer::Tx;
use crate::{Incoming, Ingested, StoreError};
use db::cell;
use db::{Rows, signed, unsigned};
use std::collections::{BTreeMap, HashMap, HashSet};
use words::{CustomerId, Event, EventKind, Value};

/// An event with everything computed that needs no look at the tables.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) customer: CustomerId,
    pub(crate) id: [u8; 16],
    pub(crate) name: i64,
    pub(crate) kind: i64,
    pub(crate) source: i64,
    pub(crate) occurred_at: i64,
    pub(crate) received_at: i64,
    pub(crate) properties: Option<Vec<u8>>,
    pub(crate) seen: Option<[u8; 16]>,
    pub(crate) listened: bool,
    /// Name and sealed sample of an event that nobody declared.
    pub(crate) unknown: Option<(String, Vec<u8>)>,
}

/// What became of a prepared event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Stored(u64),
    Duplicate,
    /// The customer was merged into this one meanwhile.
    Moved(CustomerId),
    Missing,
}

pub(crate) type IngestReply = Result<Vec<Written>, StoreError>;

impl Store {
    /// Stores events durably, in the order given, each once. Answers in the same order when the commit is durable.
    pub async fn ingest(&self, mut events: Vec<Incoming>) -> Result<Vec<Ingested>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = vec![None; events.len()];
        let mut open: Vec<usize> = (0..events.len()).collect();
        // A merge may move somebody between the look-up and the write; a chain of merges is short.
        for _ in 0..8 {
            let some: Vec<&Incoming> = open.iter().filter_map(|i| events.get(*i)).collect();
            let prepared = self.prepare_events(&some).await?;
            let written = self.writer()?.ingest(prepared).await?;
            let mut moved = Vec::new();
            for (index, outcome) in open.into_iter().zip(written) {
                match outcome {
                    Written::Stored(seq) => answers[index] = Some(Ingested::Stored { seq }),
                    Written::Duplicate => answers[index] = Some(Ingested::Duplicate),
                    Written::Moved(survivor) => {
                        events[index].customer = survivor;
                        moved.push(index);
                    }
                    Written::Missing => {
                        return Err(StoreError::NotFound(format!("customer {}", events[index].customer)));
                    }
                }
            }
            if moved.is_empty() {
                return answers
                    .into_iter()
                    .map(|answer| answer.ok_or_else(|| StoreError::corrupt("an event without an answer")))
                    .collect();
            }
            open = moved;
        }
        Err(StoreError::corrupt("redirects of a customer do not end"))
    }

    async fn prepare_events(&self, events: &[&Incoming]) -> Result<Vec<Prepared>, StoreError> {
        self.intern(events.iter().flat_map(|e| [e.event.name.as_str(), e.source.as_str()])).await?;
        let mut wanted = Vec::with_capacity(events.len());
        let mut now = words::Timestamp::default();
        for e in events {
            let at = e.event.received_at;
            now = now.max(at);
            if !e.event.properties.is_empty() {
                wanted.push(events_key(e.customer, at));
            }
            if !e.declared {
                wanted.push(events_key(NOBODY, at));
            }
        }
        let keys = self.keys(wanted, now).await?;
        events.iter().map(|incoming| self.prepare_event(&keys, incoming)).collect()
    }

    /// Seals one event; its names must be interned and its keys at hand.
    pub(crate) fn prepare_event(&self, keys: &Keys, incoming: &Incoming) -> Result<Prepared, StoreError> {
        let event = &incoming.event;
        let unknown = if incoming.declared {
            None
        } else {
            let key = events_key(NOBODY, event.received_at);
            let sample = sample(&event.properties);
            Some((
                event.name.clone(),
                keys.seal_json(key, "unknown_event", "sample", event.name.as_bytes(), &sample)?,
            ))
        };
        Ok(Prepared {
            customer: incoming.customer,
            id: event.id.0,
            name: self.sym(&event.name)?,
            kind: i64::from(event.kind == EventKind::History),
            source: self.sym(&incoming.source)?,
            occurred_at: event.occurred_at.as_micros(),
            received_at: event.received_at.as_micros(),
            properties: seal_properties(keys, incoming.customer, event)?,
            seen: incoming.message_id.as_deref().map(|id| seen_hash(&incoming.source, id)),
            listened: incoming.listened,
            unknown,
        })
    }
}

fn seal_properties(keys: &Keys, customer: CustomerId, event: &Event) -> Result<Option<Vec<u8>>, StoreError> {
    if event.properties.is_empty() {
        return Ok(None);
    }
    let key = events_key(customer, event.received_at);
    keys.seal_packed(key, "event", "properties", &event.id.0, &event.properties).map(Some)
}

/// 16 bytes over source and message id.
pub(crate) fn seen_hash(source: &str, message_id: &str) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source);
    hash.update(message_id);
    let mut out = [0; 16];
    out.copy_from_slice(&hash.finalize()[..16]);
    out
}

/// Property names and the types they came with.
fn sample(properties: &BTreeMap<String, Value>) -> BTreeMap<&str, &'static str> {
    properties
        .iter()
        .map(|(name, value)| {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Int(_) => "int",
                Value::Float(_) => "float",
                Value::Text(_) => "text",
                Value::Money(_) => "money",
                Value::Time(_) => "time",
                Value::Date(_) => "date",
                Value::Duration(_) => "duration",
                Value::List(_) => "list",
                Value::Map(_) => "map",
            };
            (name.as_str(), kind)
        })
        .collect()
}

/// The hot row of a customer, as far as events concern it.
struct Hot {
    next_seq: u64,
    /// How much the guard rises.
    raised: i64,
    due_at: Option<i64>,
    touched: bool,
}

/// Writes events, each once, in the order given.
pub(crate) async fn write_events(tx: &mut Tx, events: &[Prepared]) -> Result<Vec<Written>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    lock_customers(tx, events.iter().map(|event| event.customer))?;
    let (mut hot, moved) = load_hot(tx, events).await?;
    let fresh = mark_seen(tx, events, &hot)?;
    let mut taken: HashSet<(CustomerId, [u8; 16])> = HashSet::new();
    let mut rows = Rows::new();
    let mut unknown: BTreeMap<&str, (i64, i64, &[u8])> = BTreeMap::new();
    let mut answers = Vec::with_capacity(events.len());
    for event in events {
        let Some(row) = hot.get_mut(&event.customer) else {
            answers.push(moved.get(&event.customer).map_or(Written::Missing, |to| Written::Moved(*to)));
            continue;
        };
        if let Some(seen) = event.seen {
            let key = (event.customer, seen);
            if !fresh.contains(&key) || !taken.insert(key) {
                answers.push(Written::Duplicate);
                continue;
            }
        }
        let seq = row.next_seq;
        row.next_seq += 1;
        row.touched = true;
        // Whoever is new is looked at once, whatever it is that is said of them: dates and schedules hold from then on.
        if event.listened || seq == 1 {
            row.raised += 1;
            row.due_at = Some(row.due_at.map_or(event.received_at, |due| due.min(event.received_at)));
        }
        rows.row()
            .int(shard(event.customer))
            .blob(&event.customer.0)
            .int(signed(seq))
            .blob(&event.id)
            .int(event.name)
            .int(event.kind)
            .int(event.source)
            .int(event.occurred_at)
            .int(event.received_at)
            .opt_blob(event.properties.as_deref());
        if let Some((name, sample)) = &event.unknown {
            let entry = unknown.entry(name).or_insert((0, event.received_at, sample));
            entry.0 += 1;
            entry.1 = entry.1.max(event.received_at);
        }
        answers.push(Written::Stored(seq));
    }
    if rows.is_empty() {
        return Ok(answers);
    }
    tx.conn.each(
        "insert into event (shard, customer, seq, id, name, kind, source, occurred_at, received_at, properties) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &rows,
    )?;
    let mut rows = Rows::new();
    for (customer, row) in hot.iter().filter(|(_, row)| row.touched) {
        rows.row()
            .int(shard(*customer))
            .blob(&customer.0)
            .int(signed(row.next_seq))
            .int(row.raised)
            .opt_int(row.due_at);
        if let (Some(due), true) = (row.due_at, row.raised > 0) {
            tx.after.step_due(words::shard_of(*customer), due);
        }
    }
    tx.conn.each(
        "update customer set next_seq = ?3, guard_version = guard_version + ?4, due_at = ?5 where shard = ?1 and id = ?2",
        &rows,
    )?;
    if !unknown.is_empty() {
        let mut rows = Rows::new();
        for (name, (count, at, sample)) in unknown {
            rows.row().text(name).int(at).int(count).blob(sample);
        }
        tx.conn.each(
            "insert into unknown_event (name, first_at, last_at, count, sample) values (?1, ?2, ?2, ?3, ?4) \
             on conflict (name) do update set last_at = max(unknown_event.last_at, excluded.last_at), \
                count = unknown_event.count + excluded.count",
            &rows,
        )?;
    }
    Ok(answers)
}

async fn load_hot(
    tx: &mut Tx,
    events: &[Prepared],
) -> Result<(HashMap<CustomerId, Hot>, HashMap<CustomerId, CustomerId>), StoreError> {
    let mut rows = Rows::new();
    let mut order = Vec::new();
    let mut seen = HashSet::with_capacity(events.len());
    for event in events {
        if seen.insert(event.customer) {
            rows.row().int(shard(event.customer)).blob(&event.customer.0);
            order.push(event.customer);
        }
    }
    let mut hot = HashMap::with_capacity(order.len());
    let mut redirected = Vec::new();
    tx.conn.ask(
        "select next_seq, due_at, flags from customer where shard = ?1 and id = ?2",
        &rows,
        |place, row| {
            let customer = order[place];
            if cell::<i64>(row, 2)? & 1 != 0 {
                redirected.push(customer);
                return Ok(());
            }
            let (next_seq, due_at) = (unsigned(cell(row, 0)?), cell(row, 1)?);
            hot.insert(customer, Hot { next_seq, raised: 0, due_at, touched: false });
            Ok(())
        },
    )?;
    let mut moved = HashMap::new();
    for customer in redirected {
        let to = db::query("select redirect_to from customer_profile where shard = ? and id = ?")
            .bind(shard(customer))
            .bind(customer.0.as_slice())
            .fetch_one(&mut tx.conn)
            .await?;
        if let Some(to) = to.try_get::<Option<&[u8]>, _>(0)?.and_then(CustomerId::from_slice) {
            moved.insert(customer, to);
        }
    }
    Ok((hot, moved))
}

/// Of the message ids, those not seen before; they are marked as seen.
fn mark_seen(
    tx: &Tx,
    events: &[Prepared],
    hot: &HashMap<CustomerId, Hot>,
) -> Result<HashSet<(CustomerId, [u8; 16])>, StoreError> {
    let (mut rows, mut asked) = (Rows::new(), Vec::new());
    for event in events.iter().filter(|event| hot.contains_key(&event.customer)) {
        if let Some(seen) = &event.seen {
            rows.row().int(shard(event.customer)).blob(&event.customer.0).blob(seen).int(event.received_at);
            asked.push((event.customer, *seen));
        }
    }
    let fresh = tx.conn.each_changed(
        "insert into event_seen (shard, customer, hash, at) values (?, ?, ?, ?) on conflict do nothing",
        &rows,
    )?;
    Ok(asked.into_iter().zip(fresh).filter_map(|(key, fresh)| fresh.then_some(key)).collect())
}
