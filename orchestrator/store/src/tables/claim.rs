//! Claims of due customers: everything that a decision needs, in a handful of statements, by a connection that reads.
//!
//! Nobody else gets a claimed customer: their ids stay in a set in memory until the batch is committed or dropped. That
//! is enough where one process alone writes; several nodes lock shards besides (see `turn`).

use super::Store;
use super::ask::Ask;
use super::hints::{Due, NEVER, STEPS};
use super::keys::{Keys, events_key, profile_key};
use super::open::{aside, shard};
use super::sealed::SealedEvent;
use super::turn::{Turn, needed};
use crate::{
    Claim, CustomerWork, Deciding, LiveEnrollment, PastEnrollment, SegmentRow, StepBatch, StoreError,
    SuppressionRow,
};
use db::{Conn, Kind, bytes, cell};
use db::{Rows, signed, unsigned};
use engine::{Context, Ending, Facts, Position, State, Status};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use words::{Channel, Customer, CustomerId, DeliveryId, EnrollmentId, MessageId, Timestamp};

/// Shards that a node looks through at a time, where others look too.
const SHARDS_TOGETHER: usize = 32;

/// When a shard is looked at again that somebody else had.
const LATER: words::Elapsed = words::Elapsed::from_millis(20);

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
        if self.0.base.kind() == Kind::Postgres {
            let store = self.clone();
            return aside(move || store.claim_in_turn(&hints, now, limit, deciding)).await;
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
        let mut due = self.nobody(limit);
        let more = self.due_customers(conn, hints, now, limit, &mut due)?;
        let (work, kept, keys) = self.load_work(conn, &due.ids, deciding, Some(now))?;
        Ok(StepBatch { work, more, claim: self.claimed(due, kept, keys, now, None) })
    }

    /// The same where other nodes claim, too: of shards that none of them has.
    fn claim_in_turn(
        &self,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
        deciding: Deciding,
    ) -> Result<StepBatch, StoreError> {
        let turn = self.turn()?;
        let mut due = self.nobody(limit);
        let mut more = false;
        let mut left = hints;
        // A few at a time, and of them no more than are needed: the others are left to others.
        while !left.is_empty() && due.ids.len() < limit {
            let few = left.get(..SHARDS_TOGETHER).unwrap_or(left);
            let looked = needed(turn.conn()?, few, now, limit - due.ids.len())?;
            left = left.get(looked.len()..).unwrap_or_default();
            let mine = turn.lock(&looked)?;
            more |= self.due_customers(turn.conn()?, &mine, now, limit, &mut due)?;
            // Whoever has the others is at them: a look later is soon enough.
            for other in looked.iter().filter(|hint| !mine.contains(hint)) {
                self.0.wakeups.hints.raise(STEPS, *other, now.plus(LATER).as_micros());
            }
        }
        more |= !left.is_empty();
        if due.ids.is_empty() {
            return Ok(StepBatch { work: Vec::new(), more: false, claim: Claim::default() });
        }
        let (work, kept, keys) = self.load_work(turn.conn()?, &due.ids, deciding, Some(now))?;
        Ok(StepBatch { work, more, claim: self.claimed(due, kept, keys, now, Some(turn)) })
    }

    fn nobody(&self, limit: usize) -> InFlight {
        InFlight { set: self.0.in_flight.clone(), ids: Vec::with_capacity(limit) }
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
        if self.0.base.kind() == Kind::Postgres {
            let store = self.clone();
            return aside(move || store.claim_one_in_turn(id, in_flight, now, deciding)).await;
        }
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
        let claim = self.claimed(in_flight, kept, keys, now, None);
        Ok(Some(StepBatch { work, more: false, claim }))
    }

    fn claim_one_in_turn(
        &self,
        id: CustomerId,
        in_flight: InFlight,
        now: Timestamp,
        deciding: Deciding,
    ) -> Result<Option<StepBatch>, StoreError> {
        let turn = self.turn()?;
        if turn.lock(&[Due { shard: words::shard_of(id), due: 0, epoch: 0 }])?.is_empty() {
            return Ok(None);
        }
        let (work, kept, keys) = self.load_work(turn.conn()?, &[id], deciding, None)?;
        if work.is_empty() {
            return Ok(None);
        }
        let claim = self.claimed(in_flight, kept, keys, now, Some(turn));
        Ok(Some(StepBatch { work, more: false, claim }))
    }

    /// Wraps a claim so that a drop without commit leaves hints as low as the truth.
    fn claimed(
        &self,
        in_flight: InFlight,
        kept: Vec<Kept>,
        keys: Option<Keys>,
        now: Timestamp,
        turn: Option<Turn>,
    ) -> Claim {
        let shards: HashSet<u16> = kept.iter().map(|kept| words::shard_of(kept.id)).collect();
        let wakeups = self.0.wakeups.clone();
        let now = now.as_micros();
        Claim(Some(Box::new(GiveBack { turn, _in_flight: in_flight, kept, keys, shards, wakeups, now })))
    }

    /// Adds due customers whom nobody else has, until there are `limit`; whether there are more. Raises the hints of shards
    /// that were looked through to their end.
    fn due_customers(
        &self,
        conn: &Conn,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
        taken: &mut InFlight,
    ) -> Result<bool, StoreError> {
        let flying = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner).len();
        let most = limit + flying + 1;
        let mut shards = Rows::new();
        for hint in hints {
            shards.row().int(hint.shard).at(now).int(signed(most as u64));
        }
        let mut found = Vec::new();
        conn.ask_most(
            "select id from customer indexed by customer_due where shard = ?1 and due_at <= ?2 order by due_at limit ?3",
            &shards,
            most,
            |nth, row| {
                let id = CustomerId::from_slice(bytes(row, 0)?)
                    .ok_or_else(|| StoreError::corrupt("customer.id"))?;
                found.push((nth, id));
                Ok::<_, StoreError>(())
            },
        )?;
        // Shards from here on were not looked through.
        let mut end = if found.len() < most { hints.len() } else { found.last().map_or(0, |(nth, _)| *nth) };
        let mut more = found.len() >= most;
        {
            let mut set = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            for (nth, id) in found {
                if set.contains(&id) {
                    continue;
                }
                if taken.ids.len() == limit {
                    more = true;
                    end = end.min(nth);
                    break;
                }
                set.insert(id);
                taken.ids.push(id);
            }
        }
        let through = hints.get(..end).unwrap_or_default();
        let mut shards = Rows::new();
        for hint in through {
            shards.row().int(hint.shard).at(now);
        }
        conn.ask(
            "select min(due_at) from customer where shard = ?1 and due_at > ?2",
            &shards,
            |nth, row| {
                if let Some(hint) = through.get(nth) {
                    let after: Option<i64> = cell(row, 0)?;
                    self.0.wakeups.hints.raise(STEPS, *hint, after.unwrap_or(NEVER));
                }
                Ok(())
            },
        )?;
        Ok(more)
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
                    let event = SealedEvent::read(self, row, 0)?;
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
                    Some(_) => Some(SealedEvent::read(self, row, 13)?),
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

    /// The transaction that holds the claim's locks, where there is one: it is to write what was decided.
    pub(crate) fn turn(&mut self) -> Option<Turn> {
        self.0
            .as_mut()
            .and_then(|any| any.downcast_mut::<GiveBack>())
            .and_then(|give_back| give_back.turn.take())
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
    /// Ends before others may have the customers.
    turn: Option<Turn>,
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
