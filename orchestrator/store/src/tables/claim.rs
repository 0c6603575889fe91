//! Claims of due customers: everything that a decision needs, in a handful of statements, by a connection that reads.
//!
//! Nobody else gets a claimed customer: their ids stay in a set in memory until the batch is committed or dropped. That
//! is enough, since one process alone writes.

use super::Store;
use super::hints::{Due, NEVER, STEPS};
use super::keys::{Keys, events_key, profile_key};
use super::open::shard;
use super::rows::{Rows, signed, unsigned};
use super::sql::{Conn, bytes, cell};
use crate::{
    Claim, CustomerWork, Deciding, LiveEnrollment, PastEnrollment, SegmentRow, StepBatch, StoreError,
    SuppressionRow,
};
use engine::{Context, Ending, Facts, Position, State, Status};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use words::{
    Channel, Customer, CustomerId, DeliveryId, EnrollmentId, Event, EventId, EventKind, MessageId, Timestamp,
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

    /// The same of a row that our own thread reads.
    fn read_here(store: &Store, row: &rusqlite::Row<'_>, at: usize) -> Result<Self, StoreError> {
        Ok(Self {
            seq: unsigned(cell(row, at)?),
            id: EventId::from_slice(bytes(row, at + 1)?).ok_or_else(|| StoreError::corrupt("event.id"))?,
            name: store.name(cell(row, at + 2)?)?,
            kind: if cell::<i64>(row, at + 3)? == 1 { EventKind::History } else { EventKind::Live },
            occurred_at: Timestamp::from_micros(cell(row, at + 4)?),
            received_at: Timestamp::from_micros(cell(row, at + 5)?),
            properties: cell(row, at + 6)?,
        })
    }

    /// Opened; without properties where its key was destroyed.
    pub(crate) fn open(self, keys: &Keys, customer: CustomerId) -> Result<(u64, Event), StoreError> {
        let properties = match &self.properties {
            Some(sealed) => keys
                .open_packed(
                    events_key(customer, self.received_at),
                    "event",
                    "properties",
                    &self.id.0,
                    sealed,
                )?
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
    last_decision: Option<[u8; 16]>,
    events: Vec<SealedEvent>,
    enrollments: Vec<SealedEnrollment>,
    segments: BTreeMap<String, SegmentRow>,
    cap_uses: Vec<(Timestamp, Channel)>,
    open: Vec<(DeliveryId, MessageId, Option<EnrollmentId>)>,
}

/// Work, what stays here of it, and the keys that it was opened by.
type Loaded = (Vec<CustomerWork>, Vec<Kept>, Option<Keys>);

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
        self.aside(move |store, conn| {
            conn.run("begin")?;
            let claimed = store.claim_in(conn, &hints, now, limit, deciding);
            conn.run("commit")?;
            claimed
        })
        .await
    }

    fn claim_in(
        &self,
        conn: &Conn,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
        deciding: Deciding,
    ) -> Result<StepBatch, StoreError> {
        let (in_flight, more) = self.due_customers(conn, hints, now, limit)?;
        let (work, kept, keys) = self.load_work(conn, &in_flight.ids, deciding, Some(now))?;
        let claim = self.claimed(in_flight, kept, keys, now);
        Ok(StepBatch { work, more, claim })
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
        drop(conn);
        let in_flight = InFlight { set: self.0.in_flight.clone(), ids: vec![id] };
        let (work, kept, keys) = self
            .aside(move |store, conn| {
                conn.run("begin")?;
                let loaded = store.load_work(conn, &[id], deciding, None);
                conn.run("commit")?;
                loaded
            })
            .await?;
        if work.is_empty() {
            return Ok(None);
        }
        let claim = self.claimed(in_flight, kept, keys, now);
        Ok(Some(StepBatch { work, more: false, claim }))
    }

    /// Wraps a claim so that a drop without commit leaves hints as low as the truth.
    fn claimed(&self, in_flight: InFlight, kept: Vec<Kept>, keys: Option<Keys>, now: Timestamp) -> Claim {
        let shards: HashSet<u16> = kept.iter().map(|kept| words::shard_of(kept.id)).collect();
        let wakeups = self.0.wakeups.clone();
        let now = now.as_micros();
        Claim(Some(Box::new(GiveBack { _in_flight: in_flight, kept, keys, shards, wakeups, now })))
    }

    /// Due customers whom nobody else has, at most `limit`, and whether there are more. Raises the hints of shards that
    /// were looked through to their end.
    fn due_customers(
        &self,
        conn: &Conn,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
    ) -> Result<(InFlight, bool), StoreError> {
        let mut due = conn.prepared(
            "select id from customer indexed by customer_due where shard = ?1 and due_at <= ?2 order by due_at",
        )?;
        let mut next = conn.prepared("select min(due_at) from customer where shard = ?1 and due_at > ?2")?;
        // Before the lock on the set, so that after an error it is given back once the lock is.
        let mut taken = InFlight { set: self.0.in_flight.clone(), ids: Vec::with_capacity(limit) };
        let mut set = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        for hint in hints {
            let mut rows = due.query((hint.shard, now.as_micros()))?;
            while let Some(row) = rows.next()? {
                let id = CustomerId::from_slice(bytes(row, 0)?)
                    .ok_or_else(|| StoreError::corrupt("customer.id"))?;
                if set.contains(&id) {
                    continue;
                }
                if taken.ids.len() == limit {
                    drop(rows);
                    drop(set);
                    return Ok((taken, true));
                }
                set.insert(id);
                taken.ids.push(id);
            }
            let after: Option<i64> = next.query_row((hint.shard, now.as_micros()), |row| row.get(0))?;
            self.0.wakeups.hints.raise(STEPS, *hint, after.unwrap_or(NEVER));
        }
        drop(set);
        Ok((taken, false))
    }

    fn load_work(
        &self,
        conn: &Conn,
        ids: &[CustomerId],
        deciding: Deciding,
        due_at: Option<Timestamp>,
    ) -> Result<Loaded, StoreError> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new(), None));
        }
        let raw = self.load_raw(conn, ids, deciding)?;
        let wanted = ids.iter().zip(&raw).flat_map(|(id, raw)| {
            let events = raw.events.iter().chain(raw.enrollments.iter().filter_map(|e| e.cause.as_ref()));
            std::iter::once(profile_key(*id)).chain(events.map(|e| events_key(*id, e.received_at)))
        });
        let keys = self.old_keys_at_once(wanted)?;
        let (mut work, mut kept) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
        for (id, raw) in ids.iter().zip(raw) {
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
        self.load_suppressions(conn, &mut work)?;
        Ok((work, kept, Some(keys)))
    }

    fn load_raw(&self, conn: &Conn, ids: &[CustomerId], deciding: Deciding) -> Result<Vec<Raw>, StoreError> {
        let mut rows = Rows::new();
        for id in ids {
            rows.row().int(shard(*id)).blob(&id.0);
        }
        let mut raw: Vec<Raw> = std::iter::repeat_with(Raw::default).take(ids.len()).collect();
        let mut pending = false;
        conn.ask(
            "select c.due_at, c.flags, c.guard_version, c.profile_version, c.next_seq, c.applied_seq, c.next_n, \
                p.profile, p.facts, c.last_decision \
             from customer c cross join customer_profile p on p.shard = c.shard and p.id = c.id \
             where c.shard = ?1 and c.id = ?2",
            &rows,
            |place, row| {
                let Some(raw) = raw.get_mut(place) else { return Ok(()) };
                raw.due_at = cell(row, 0)?;
                raw.flags = cell(row, 1)?;
                raw.guard_version = unsigned(cell(row, 2)?);
                raw.profile_version = unsigned(cell(row, 3)?);
                raw.next_seq = unsigned(cell(row, 4)?);
                raw.applied_seq = unsigned(cell(row, 5)?);
                raw.next_n = unsigned(cell(row, 6)?);
                raw.profile = cell(row, 7)?;
                raw.facts = cell(row, 8)?;
                raw.last_decision = cell(row, 9)?;
                pending |= raw.next_seq > raw.applied_seq + 1;
                Ok(())
            },
        )?;
        if pending {
            let most = deciding.events_max.max(1) as u64;
            let mut places = Vec::new();
            let mut rows = Rows::new();
            for (place, (id, raw)) in ids.iter().zip(&raw).enumerate() {
                if raw.next_seq > raw.applied_seq + 1 {
                    let through = raw.applied_seq.saturating_add(most);
                    rows.row().int(shard(*id)).blob(&id.0).int(signed(raw.applied_seq)).int(signed(through));
                    places.push(place);
                }
            }
            conn.ask(
                "select seq, id, name, kind, occurred_at, received_at, properties from event \
                 where shard = ?1 and customer = ?2 and seq > ?3 and seq <= ?4 order by seq",
                &rows,
                |nth, row| {
                    let event = SealedEvent::read_here(self, row, 0)?;
                    if let Some(raw) = places.get(nth).and_then(|place| raw.get_mut(*place)) {
                        raw.events.push(event);
                    }
                    Ok(())
                },
            )?;
        }
        self.load_enrollments(conn, &rows, &mut raw)?;
        conn.ask(
            "select segment, member, since, flip_at from customer_segment where shard = ?1 and customer = ?2",
            &rows,
            |place, row| {
                let name = self.name(cell(row, 0)?)?.to_string();
                let segment = SegmentRow {
                    member: cell::<i64>(row, 1)? != 0,
                    since: Timestamp::from_micros(cell(row, 2)?),
                    flip_at: cell::<Option<i64>>(row, 3)?.map(Timestamp::from_micros),
                };
                if let Some(raw) = raw.get_mut(place) {
                    raw.segments.insert(name, segment);
                }
                Ok(())
            },
        )?;
        conn.ask(
            "select d.id, d.message, m.enrollment from delivery d indexed by delivery_open \
             cross join message m on m.shard = d.shard and m.id = d.message \
             where d.shard = ?1 and d.customer = ?2 and d.state in (0, 1, 2) and d.state <> 2",
            &rows,
            |place, row| {
                let delivery = DeliveryId::from_slice(bytes(row, 0)?);
                let message = MessageId::from_slice(bytes(row, 1)?);
                let enrollment = EnrollmentId::from_slice(bytes(row, 2)?);
                if let (Some(raw), Some(delivery), Some(message)) = (raw.get_mut(place), delivery, message) {
                    raw.open.push((delivery, message, enrollment));
                }
                Ok(())
            },
        )?;
        let mut since = Rows::new();
        for id in ids {
            since.row().int(shard(*id)).blob(&id.0).at(deciding.caps_since);
        }
        conn.ask(
            "select at, channel from cap_use where shard = ?1 and customer = ?2 and at >= ?3",
            &since,
            |place, row| {
                let at = Timestamp::from_micros(cell(row, 0)?);
                let channel = Channel::new(&*self.name(cell(row, 1)?)?);
                if let Some(raw) = raw.get_mut(place) {
                    raw.cap_uses.push((at, channel));
                }
                Ok(())
            },
        )?;
        Ok(raw)
    }

    fn load_enrollments(&self, conn: &Conn, ids: &Rows, raw: &mut [Raw]) -> Result<(), StoreError> {
        conn.ask(
            "select e.id, e.program, e.journey, e.key, e.status, e.pc, e.waiting, e.due_at, e.started_at, e.since, \
                e.arrived_at, e.ended_at, x.body, v.seq, v.id, v.name, v.kind, v.occurred_at, v.received_at, v.properties \
             from enrollment e \
             left join enrollment_context x on x.shard = e.shard and x.customer = e.customer and x.id = e.id \
             left join event v on e.cause_seq <> 0 and (e.status = 0 or x.body is not null) \
                and v.shard = e.shard and v.customer = e.customer and v.seq = e.cause_seq \
             where e.shard = ?1 and e.customer = ?2",
            ids,
            |place, row| {
                let status: i64 = cell(row, 4)?;
                let at = Position {
                    pc: u32::try_from(cell::<i64>(row, 5)?).unwrap_or(0),
                    waiting: cell::<i64>(row, 6)? != 0,
                    status: if status == 0 { Status::Live } else { Status::Ended(ending(status)?) },
                    due_at: cell::<Option<i64>>(row, 7)?.map(Timestamp::from_micros),
                    started_at: Timestamp::from_micros(cell(row, 8)?),
                    since: Timestamp::from_micros(cell(row, 9)?),
                    arrived_at: Timestamp::from_micros(cell(row, 10)?),
                };
                let cause = match cell::<Option<i64>>(row, 13)? {
                    Some(_) => Some(SealedEvent::read_here(self, row, 13)?),
                    None => None,
                };
                let enrollment = SealedEnrollment {
                    live: LiveEnrollment {
                        id: EnrollmentId::from_slice(bytes(row, 0)?)
                            .ok_or_else(|| StoreError::corrupt("enrollment.id"))?,
                        program: cell(row, 1)?,
                        journey: self.name(cell(row, 2)?)?.to_string(),
                        key: bytes(row, 3)?.try_into().map_err(|_| StoreError::corrupt("enrollment.key"))?,
                        state: State { at, context: Context::default() },
                        cause: None,
                    },
                    ended_at: cell::<Option<i64>>(row, 11)?.map(Timestamp::from_micros),
                    context: cell(row, 12)?,
                    cause,
                };
                if let Some(raw) = raw.get_mut(place) {
                    raw.enrollments.push(enrollment);
                }
                Ok(())
            },
        )
    }

    /// What speaks against the addresses of these customers.
    fn load_suppressions(&self, conn: &Conn, work: &mut [CustomerWork]) -> Result<(), StoreError> {
        let (mut places, mut whose) = (Vec::new(), Vec::new());
        for (index, one) in work.iter().enumerate() {
            for address in &one.customer.addresses {
                places.push(self.blind(address.channel.as_str(), &address.value));
                whose.push(index);
            }
        }
        self.suppressed(conn, &places, |place, suppression| {
            if let Some(one) = whose.get(place).and_then(|index| work.get_mut(*index)) {
                one.suppressions.push(suppression);
            }
        })
    }

    /// Suppressions of blind indexes (shard, index); `found` gets the place in the list and what was found there.
    pub(crate) fn suppressed(
        &self,
        conn: &Conn,
        places: &[(i64, [u8; 16])],
        mut found: impl FnMut(usize, SuppressionRow),
    ) -> Result<(), StoreError> {
        let mut rows = Rows::new();
        for (shard, bidx) in places {
            rows.row().int(*shard).blob(bidx);
        }
        conn.ask(
            "select channel, reason, at, expires_at, source from suppression where shard = ?1 and bidx = ?2",
            &rows,
            |place, row| {
                let suppression = SuppressionRow {
                    channel: Channel::new(&*self.name(cell(row, 0)?)?),
                    reason: cell(row, 1)?,
                    at: Timestamp::from_micros(cell(row, 2)?),
                    expires_at: cell::<Option<i64>>(row, 3)?.map(Timestamp::from_micros),
                    source: cell(row, 4)?,
                };
                found(place, suppression);
                Ok(())
            },
        )
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
    pub(crate) last_decision: Option<[u8; 16]>,
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

    /// The keys that the claimed customers were opened with.
    pub(crate) fn keys(&mut self) -> Option<Keys> {
        self.0
            .as_mut()
            .and_then(|any| any.downcast_mut::<GiveBack>())
            .and_then(|give_back| give_back.keys.take())
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
    /// What was opened by these is sealed by them again.
    keys: Option<Keys>,
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
        keys.open_packed::<Customer>(key, "customer_profile", "profile", &id.0, &raw.profile)?
    else {
        return Ok(None);
    };
    let facts = match &raw.facts {
        Some(sealed) => keys.open_packed::<Facts>(key, "customer_profile", "facts", &id.0, sealed)?,
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
                keys.open_packed(key, "enrollment_context", "body", &live.id.0, body)?.unwrap_or_default();
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
        last_decision: raw.last_decision,
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
