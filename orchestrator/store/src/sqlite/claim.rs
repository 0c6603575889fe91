//! Claims of due customers: everything that a decision needs, in a handful of statements, by a connection that reads.
//!
//! Nobody else gets a claimed customer: their ids stay in a set in memory until the batch is committed or dropped. That
//! is enough, since one process alone writes.

use super::Store;
use super::hints::{Due, NEVER, STEPS};
use super::keys::{Keys, events_key, profile_key};
use super::open::shard;
use super::rows::{Rows, signed, unsigned};
use crate::{
    Claim, CustomerWork, Deciding, LiveEnrollment, PastEnrollment, SegmentRow, StepBatch, StoreError,
    SuppressionRow,
};
use engine::{Context, Ending, Facts, Position, State, Status};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use words::{
    Channel, Customer, CustomerId, DeliveryId, EnrollmentId, Event, EventId, EventKind, MessageId, SHARDS,
    Timestamp,
};

/// Customers kept apart; given back on drop.
pub(crate) struct InFlight {
    set: Arc<Mutex<HashSet<CustomerId>>>,
    ids: Vec<CustomerId>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            set.remove(id);
        }
    }
}

/// An event as stored, not yet opened.
pub(crate) struct SealedEvent {
    pub(crate) seq: u64,
    pub(crate) id: EventId,
    pub(crate) name: Arc<str>,
    pub(crate) kind: EventKind,
    pub(crate) occurred_at: Timestamp,
    pub(crate) received_at: Timestamp,
    pub(crate) properties: Option<Vec<u8>>,
}

impl SealedEvent {
    /// Columns from `at`: seq, id, name, kind, occurred_at, received_at, properties.
    pub(crate) fn read(store: &Store, row: &SqliteRow, at: usize) -> Result<Self, StoreError> {
        Ok(Self {
            seq: unsigned(row.try_get(at)?),
            id: EventId::from_slice(row.try_get(at + 1)?).ok_or_else(|| StoreError::corrupt("event.id"))?,
            name: store.name(row.try_get(at + 2)?)?,
            kind: if row.try_get::<i64, _>(at + 3)? == 1 { EventKind::History } else { EventKind::Live },
            occurred_at: Timestamp::from_micros(row.try_get(at + 4)?),
            received_at: Timestamp::from_micros(row.try_get(at + 5)?),
            properties: row.try_get(at + 6)?,
        })
    }

    /// Opened; without properties where its key was destroyed.
    pub(crate) fn open(self, keys: &Keys, customer: CustomerId) -> Result<(u64, Event), StoreError> {
        let properties = match &self.properties {
            Some(sealed) => keys
                .open_json(events_key(customer, self.received_at), "event", "properties", &self.id.0, sealed)?
                .unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let event = Event {
            id: self.id,
            name: self.name.to_string(),
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            properties,
            kind: self.kind,
        };
        Ok((self.seq, event))
    }
}

/// An enrollment row, its context not yet opened.
struct SealedEnrollment {
    live: LiveEnrollment,
    ended_at: Option<Timestamp>,
    context: Option<Vec<u8>>,
    cause: Option<SealedEvent>,
}

/// A customer's rows, not yet opened.
#[derive(Default)]
struct Raw {
    due_at: Option<i64>,
    flags: i64,
    guard_version: u64,
    profile_version: u64,
    next_seq: u64,
    applied_seq: u64,
    next_n: u64,
    profile: Vec<u8>,
    facts: Option<Vec<u8>>,
    events: Vec<SealedEvent>,
    enrollments: Vec<SealedEnrollment>,
    segments: BTreeMap<String, SegmentRow>,
    cap_uses: Vec<(Timestamp, Channel)>,
    open: Vec<(DeliveryId, MessageId, Option<EnrollmentId>)>,
}

impl Store {
    /// Due customers, at most `limit`, with everything that deciding about them needs. Nobody else gets them until the
    /// batch is committed or dropped. Reads only; an empty batch costs nothing.
    pub async fn claim_steps(
        &self,
        now: Timestamp,
        limit: usize,
        deciding: Deciding,
    ) -> Result<StepBatch, StoreError> {
        let hints = self.0.wakeups.hints.due(STEPS, now.as_micros());
        if hints.is_empty() || limit == 0 {
            return Ok(StepBatch { work: Vec::new(), more: false, claim: Claim::default() });
        }
        let mut conn = self.read().await?;
        let busy = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner).len();
        let wanted = limit + busy;
        let found = due_customers(&mut conn, &hints, now, wanted).await?;
        let full = found.len() >= wanted;
        self.raise_hints(&mut conn, &hints, &found, full, now).await?;
        let mut ids = Vec::with_capacity(limit.min(found.len()));
        let mut left_over = false;
        {
            let mut set = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            for id in found {
                if ids.len() == limit {
                    left_over = true;
                    break;
                }
                if set.insert(id) {
                    ids.push(id);
                }
            }
        }
        let in_flight = InFlight { set: self.0.in_flight.clone(), ids: ids.clone() };
        let work = self.load_work(&mut conn, &ids, deciding, Some(now)).await;
        drop(conn);
        let (work, kept) = work?;
        let claim = self.claimed(in_flight, kept, now);
        Ok(StepBatch { work, more: full || left_over, claim })
    }

    /// The same for one customer, due or not; `None`: no such customer, or claimed just now.
    pub async fn claim_customer(
        &self,
        id: CustomerId,
        now: Timestamp,
        deciding: Deciding,
    ) -> Result<Option<StepBatch>, StoreError> {
        let mut conn = self.read().await?;
        let Some(id) = super::customer::follow(&mut conn, id).await? else { return Ok(None) };
        if !self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return Ok(None);
        }
        let in_flight = InFlight { set: self.0.in_flight.clone(), ids: vec![id] };
        let (work, kept) = self.load_work(&mut conn, &[id], deciding, None).await?;
        if work.is_empty() {
            return Ok(None);
        }
        let claim = self.claimed(in_flight, kept, now);
        Ok(Some(StepBatch { work, more: false, claim }))
    }

    /// Wraps a claim so that a drop without commit leaves hints as low as the truth.
    fn claimed(&self, in_flight: InFlight, kept: Vec<Kept>, now: Timestamp) -> Claim {
        let shards: HashSet<u16> = kept.iter().map(|kept| words::shard_of(kept.id)).collect();
        let wakeups = self.0.wakeups.clone();
        let now = now.as_micros();
        Claim(Some(Box::new(GiveBack { _in_flight: in_flight, kept, shards, wakeups, now })))
    }

    /// Shards that were looked through to their end have nothing due before what comes after `now`.
    async fn raise_hints(
        &self,
        conn: &mut SqliteConnection,
        hints: &[Due],
        found: &[CustomerId],
        full: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let last = found.last().filter(|_| full).map(|id| words::shard_of(*id));
        let through: Vec<&Due> = hints.iter().take_while(|hint| Some(hint.shard) != last).collect();
        if through.is_empty() {
            return Ok(());
        }
        let mut rows = Rows::new();
        for hint in &through {
            rows.row().int(hint.shard);
        }
        let next = sqlx::query(
            "select j.key, (select min(due_at) from customer where shard = j.value->>0 and due_at > ?2) \
             from json_each(?1) j",
        )
        .bind(rows.json())
        .bind(now.as_micros())
        .fetch_all(conn)
        .await?;
        for row in next {
            let hint = through.get(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX));
            if let Some(hint) = hint {
                let due: Option<i64> = row.try_get(1)?;
                self.0.wakeups.hints.raise(STEPS, **hint, due.unwrap_or(NEVER));
            }
        }
        Ok(())
    }

    async fn load_work(
        &self,
        conn: &mut SqliteConnection,
        ids: &[CustomerId],
        deciding: Deciding,
        due_at: Option<Timestamp>,
    ) -> Result<(Vec<CustomerWork>, Vec<Kept>), StoreError> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        // One snapshot for all of it.
        let mut tx = conn.begin().await?;
        let mut raw = self.load_raw(&mut tx, ids, deciding).await?;
        tx.rollback().await?;
        let wanted = ids.iter().zip(&raw).flat_map(|(id, raw)| {
            let events = raw.events.iter().chain(raw.enrollments.iter().filter_map(|e| e.cause.as_ref()));
            std::iter::once(profile_key(*id)).chain(events.map(|e| events_key(*id, e.received_at)))
        });
        let keys = self.old_keys(wanted.collect::<Vec<_>>()).await?;
        let (mut work, mut kept) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
        for (id, raw) in ids.iter().zip(raw.drain(..)) {
            let due = due_at.is_none_or(|now| raw.due_at.is_some_and(|due| due <= now.as_micros()));
            if due && raw.flags == 0 && !raw.profile.is_empty() {
                if let Some((one, what)) = open_work(&keys, *id, raw)? {
                    work.push(one);
                    kept.push(what);
                } else {
                    tracing::warn!(customer.id = %id, "Customer {id} is due, but their keys are gone");
                }
            }
        }
        self.load_suppressions(conn, &mut work).await?;
        Ok((work, kept))
    }

    async fn load_raw(
        &self,
        conn: &mut SqliteConnection,
        ids: &[CustomerId],
        deciding: Deciding,
    ) -> Result<Vec<Raw>, StoreError> {
        let mut rows = Rows::new();
        for id in ids {
            rows.row().int(shard(*id)).blob(&id.0);
        }
        let json = rows.json();
        let mut raw: Vec<Raw> = std::iter::repeat_with(Raw::default).take(ids.len()).collect();
        let rows = sqlx::query(
            "select j.key, c.due_at, c.flags, c.guard_version, c.profile_version, c.next_seq, c.applied_seq, c.next_n, \
                p.profile, p.facts \
             from json_each(?) j cross join customer c on c.shard = j.value->>0 and c.id = unhex(j.value->>1) \
             cross join customer_profile p on p.shard = c.shard and p.id = c.id",
        )
        .bind(&json)
        .fetch_all(&mut *conn)
        .await?;
        let mut pending = false;
        for row in rows {
            let Some(raw) = slot(&mut raw, &row)? else { continue };
            raw.due_at = row.try_get(1)?;
            raw.flags = row.try_get(2)?;
            raw.guard_version = unsigned(row.try_get(3)?);
            raw.profile_version = unsigned(row.try_get(4)?);
            raw.next_seq = unsigned(row.try_get(5)?);
            raw.applied_seq = unsigned(row.try_get(6)?);
            raw.next_n = unsigned(row.try_get(7)?);
            raw.profile = row.try_get(8)?;
            raw.facts = row.try_get(9)?;
            pending |= raw.next_seq > raw.applied_seq + 1;
        }
        if pending {
            let rows = sqlx::query(
                "select j.key, e.seq, e.id, e.name, e.kind, e.occurred_at, e.received_at, e.properties \
                 from json_each(?1) j cross join customer c on c.shard = j.value->>0 and c.id = unhex(j.value->>1) \
                 cross join event e on e.shard = c.shard and e.customer = c.id \
                    and e.seq > c.applied_seq and e.seq <= c.applied_seq + ?2 \
                 order by j.key, e.seq",
            )
            .bind(&json)
            .bind(i64::try_from(deciding.events_max.max(1)).unwrap_or(i64::MAX))
            .fetch_all(&mut *conn)
            .await?;
            for row in rows {
                let event = SealedEvent::read(self, &row, 1)?;
                if let Some(raw) = slot(&mut raw, &row)? {
                    raw.events.push(event);
                }
            }
        }
        self.load_enrollments(conn, &json, &mut raw).await?;
        let rows = sqlx::query(
            "select j.key, s.segment, s.member, s.since, s.flip_at from json_each(?) j \
             cross join customer_segment s on s.shard = j.value->>0 and s.customer = unhex(j.value->>1)",
        )
        .bind(&json)
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let name = self.name(row.try_get(1)?)?.to_string();
            let segment = SegmentRow {
                member: row.try_get::<i64, _>(2)? != 0,
                since: Timestamp::from_micros(row.try_get(3)?),
                flip_at: row.try_get::<Option<i64>, _>(4)?.map(Timestamp::from_micros),
            };
            if let Some(raw) = slot(&mut raw, &row)? {
                raw.segments.insert(name, segment);
            }
        }
        let rows = sqlx::query(
            "select j.key, u.at, u.channel from json_each(?1) j \
             cross join cap_use u on u.shard = j.value->>0 and u.customer = unhex(j.value->>1) and u.at >= ?2",
        )
        .bind(&json)
        .bind(deciding.caps_since.as_micros())
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let channel = Channel::new(&*self.name(row.try_get(2)?)?);
            let at = Timestamp::from_micros(row.try_get(1)?);
            if let Some(raw) = slot(&mut raw, &row)? {
                raw.cap_uses.push((at, channel));
            }
        }
        let rows = sqlx::query(
            "select j.key, d.id, d.message, m.enrollment from json_each(?) j \
             cross join delivery d on d.shard = j.value->>0 and d.customer = unhex(j.value->>1) and d.state in (0, 1) \
             cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message",
        )
        .bind(&json)
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let delivery = DeliveryId::from_slice(row.try_get(1)?);
            let message = MessageId::from_slice(row.try_get(2)?);
            let enrollment = row.try_get::<Option<&[u8]>, _>(3)?.and_then(EnrollmentId::from_slice);
            if let (Some(raw), Some(delivery), Some(message)) = (slot(&mut raw, &row)?, delivery, message) {
                raw.open.push((delivery, message, enrollment));
            }
        }
        Ok(raw)
    }

    async fn load_enrollments(
        &self,
        conn: &mut SqliteConnection,
        json: &str,
        raw: &mut [Raw],
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "select j.key, e.id, e.program, e.journey, e.key, e.status, e.pc, e.waiting, e.due_at, e.started_at, e.since, \
                e.arrived_at, e.ended_at, x.body, v.seq, v.id, v.name, v.kind, v.occurred_at, v.received_at, v.properties \
             from json_each(?) j cross join enrollment e on e.shard = j.value->>0 and e.customer = unhex(j.value->>1) \
             left join enrollment_context x on x.shard = e.shard and x.customer = e.customer and x.id = e.id \
             left join event v on e.cause_seq > 0 and (e.status = 0 or x.body is not null) \
                and v.shard = e.shard and v.customer = e.customer and v.seq = e.cause_seq",
        )
        .bind(json.to_owned())
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let status: i64 = row.try_get(5)?;
            let at = Position {
                pc: u32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(0),
                waiting: row.try_get::<i64, _>(7)? != 0,
                status: if status == 0 { Status::Live } else { Status::Ended(ending(status)?) },
                due_at: row.try_get::<Option<i64>, _>(8)?.map(Timestamp::from_micros),
                started_at: Timestamp::from_micros(row.try_get(9)?),
                since: Timestamp::from_micros(row.try_get(10)?),
                arrived_at: Timestamp::from_micros(row.try_get(11)?),
            };
            let cause = match row.try_get::<Option<i64>, _>(14)? {
                Some(_) => Some(SealedEvent::read(self, &row, 14)?),
                None => None,
            };
            let enrollment = SealedEnrollment {
                live: LiveEnrollment {
                    id: EnrollmentId::from_slice(row.try_get(1)?)
                        .ok_or_else(|| StoreError::corrupt("enrollment.id"))?,
                    program: row.try_get(2)?,
                    journey: self.name(row.try_get(3)?)?.to_string(),
                    key: row
                        .try_get::<&[u8], _>(4)?
                        .try_into()
                        .map_err(|_| StoreError::corrupt("enrollment.key"))?,
                    state: State { at, context: Context::default() },
                    cause: None,
                },
                ended_at: row.try_get::<Option<i64>, _>(12)?.map(Timestamp::from_micros),
                context: row.try_get(13)?,
                cause,
            };
            if let Some(raw) = slot(raw, &row)? {
                raw.enrollments.push(enrollment);
            }
        }
        Ok(())
    }

    /// What speaks against the addresses of these customers.
    async fn load_suppressions(
        &self,
        conn: &mut SqliteConnection,
        work: &mut [CustomerWork],
    ) -> Result<(), StoreError> {
        let mut rows = Rows::new();
        let mut whose = Vec::new();
        for (index, one) in work.iter().enumerate() {
            for address in &one.customer.addresses {
                let (shard, bidx) = self.blind(address.channel.as_str(), &address.value);
                rows.row().int(shard).blob(&bidx);
                whose.push(index);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        for (place, row) in self.suppressions_of(conn, rows).await? {
            if let Some(one) = whose.get(place).and_then(|index| work.get_mut(*index)) {
                one.suppressions.push(row);
            }
        }
        Ok(())
    }

    /// Suppressions of blind indexes `[shard, bidx]`, with their place in the list.
    pub(crate) async fn suppressions_of(
        &self,
        conn: &mut SqliteConnection,
        rows: Rows,
    ) -> Result<Vec<(usize, SuppressionRow)>, StoreError> {
        let rows = sqlx::query(
            "select j.key, s.channel, s.reason, s.at, s.expires_at, s.source from json_each(?) j \
             cross join suppression s on s.shard = j.value->>0 and s.bidx = unhex(j.value->>1)",
        )
        .bind(rows.json())
        .fetch_all(conn)
        .await?;
        rows.iter()
            .map(|row| {
                let suppression = SuppressionRow {
                    channel: Channel::new(&*self.name(row.try_get(1)?)?),
                    reason: row.try_get(2)?,
                    at: Timestamp::from_micros(row.try_get(3)?),
                    expires_at: row.try_get::<Option<i64>, _>(4)?.map(Timestamp::from_micros),
                    source: row.try_get(5)?,
                };
                Ok((usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX), suppression))
            })
            .collect()
    }
}

/// What the commit has to know about a claimed customer; stays with the store, whatever the caller does to the work.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: CustomerId,
    pub(crate) guard_version: u64,
    pub(crate) profile_version: u64,
    pub(crate) next_seq: u64,
    pub(crate) applied_seq: u64,
    pub(crate) next_n: u64,
    /// Addresses and user id alone.
    pub(crate) customer: Customer,
    /// Live enrollments: id, program, node, journey.
    pub(crate) places: Vec<(EnrollmentId, i64, u32, String)>,
    pub(crate) open: Vec<(DeliveryId, MessageId)>,
}

impl Claim {
    /// What was kept about the claimed customers.
    pub(crate) fn kept(&mut self) -> Vec<Kept> {
        self.0
            .as_mut()
            .and_then(|any| any.downcast_mut::<GiveBack>())
            .map(|give_back| std::mem::take(&mut give_back.kept))
            .unwrap_or_default()
    }

    /// The commit has said what is due next.
    pub(crate) fn committed(&mut self) {
        if let Some(give_back) = self.0.as_mut().and_then(|any| any.downcast_mut::<GiveBack>()) {
            give_back.shards.clear();
        }
    }
}

/// On drop without a commit the customers are due as before.
struct GiveBack {
    _in_flight: InFlight,
    kept: Vec<Kept>,
    shards: HashSet<u16>,
    wakeups: Arc<super::writer::Wakeups>,
    now: i64,
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        let mut woken = false;
        for shard in &self.shards {
            woken |= self.wakeups.lower(STEPS, *shard, self.now);
        }
        if woken {
            self.wakeups.steps.send_modify(|n| *n += 1);
        }
    }
}

fn slot<'r>(raw: &'r mut [Raw], row: &SqliteRow) -> Result<Option<&'r mut Raw>, StoreError> {
    Ok(raw.get_mut(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX)))
}

async fn due_customers(
    conn: &mut SqliteConnection,
    hints: &[Due],
    now: Timestamp,
    limit: usize,
) -> Result<Vec<CustomerId>, StoreError> {
    let mut rows = Rows::new();
    for hint in hints.iter().take(usize::from(SHARDS)) {
        rows.row().int(hint.shard);
    }
    let rows = sqlx::query(
        "select c.id from json_each(?) j cross join customer c indexed by customer_due \
         on c.shard = j.value->>0 and c.due_at <= ? limit ?",
    )
    .bind(rows.json())
    .bind(now.as_micros())
    .bind(signed(limit as u64))
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| CustomerId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("customer.id")))
        .collect()
}

/// How an ended enrollment ended, from its number.
pub(crate) fn ending(status: i64) -> Result<Ending, StoreError> {
    Ok(match status {
        1 => Ending::Finished,
        2 => Ending::Stopped,
        3 => Ending::Superseded,
        4 => Ending::Merged,
        5 => Ending::Goal,
        other => return Err(StoreError::corrupt(format!("enrollment.status {other}"))),
    })
}

/// The number of a status.
pub(crate) fn status_no(status: Status) -> i64 {
    match status {
        Status::Live => 0,
        Status::Ended(Ending::Finished) => 1,
        Status::Ended(Ending::Stopped) => 2,
        Status::Ended(Ending::Superseded) => 3,
        Status::Ended(Ending::Merged) => 4,
        Status::Ended(Ending::Goal) => 5,
    }
}

fn open_work(keys: &Keys, id: CustomerId, raw: Raw) -> Result<Option<(CustomerWork, Kept)>, StoreError> {
    let key = profile_key(id);
    let Some(customer) =
        keys.open_json::<Customer>(key, "customer_profile", "profile", &id.0, &raw.profile)?
    else {
        return Ok(None);
    };
    let facts = match &raw.facts {
        Some(sealed) => match keys.open(key, "customer_profile", "facts", &id.0, sealed)? {
            Some(plain) => Some(Facts::from_bytes(&plain).map_err(StoreError::corrupt)?),
            None => None,
        },
        None => None,
    };
    let mut events = Vec::with_capacity(raw.events.len());
    for event in raw.events {
        events.push(event.open(keys, id)?);
    }
    let (mut enrollments, mut past) = (Vec::new(), Vec::new());
    for sealed in raw.enrollments {
        let mut live = sealed.live;
        let open = sealed.context.is_some();
        if let Some(body) = &sealed.context {
            live.state.context =
                keys.open_json(key, "enrollment_context", "body", &live.id.0, body)?.unwrap_or_default();
        }
        live.cause = sealed.cause.map(|cause| cause.open(keys, id)).transpose()?;
        if live.state.is_live() {
            enrollments.push(live);
        } else {
            past.push(PastEnrollment {
                journey: live.journey.clone(),
                key: live.key,
                started_at: live.state.at.started_at,
                ended_at: sealed.ended_at.unwrap_or(live.state.at.arrived_at),
                open: open.then(|| Box::new(live)),
            });
        }
    }
    past.sort_by_key(|enrollment| std::cmp::Reverse(enrollment.started_at));
    let mut of_journey: HashMap<String, usize> = HashMap::new();
    past.retain(|enrollment| {
        let count = of_journey.entry(enrollment.journey.clone()).or_default();
        *count += 1;
        *count <= 64 || enrollment.open.is_some()
    });
    let kept = Kept {
        id,
        guard_version: raw.guard_version,
        profile_version: raw.profile_version,
        next_seq: raw.next_seq,
        applied_seq: raw.applied_seq,
        next_n: raw.next_n,
        customer: Customer {
            user_id: customer.user_id.clone(),
            addresses: customer.addresses.clone(),
            ..Customer::new(id, customer.created_at)
        },
        places: enrollments
            .iter()
            .map(|live| (live.id, live.program, live.state.at.pc, live.journey.clone()))
            .collect(),
        open: raw.open.iter().map(|(delivery, message, _)| (*delivery, *message)).collect(),
    };
    let work = CustomerWork {
        customer,
        guard_version: raw.guard_version,
        profile_version: raw.profile_version,
        next_seq: raw.next_seq,
        applied_seq: raw.applied_seq,
        facts,
        events,
        enrollments,
        past,
        segments: raw.segments,
        cap_uses: raw.cap_uses,
        open_deliveries: raw.open,
        suppressions: Vec::new(),
    };
    Ok(Some((work, kept)))
}
