//! Claims of deliveries: fence, attempt and strike are counted and durable before anything can crash.

use super::Store;
use super::hints::NEVER;
use super::keys::{content_key, profile_key};
use super::open::shard;
use super::plan::{class_of, delivery_class_of};
use super::rows::{Rows, signed, unsigned};
use super::sql::Blobs;
use crate::pack::{self, Likeness};
use crate::{CapUseRow, ClaimFor, Competing, DeliveryKey, DeliveryState, FinalContent, SendWork, StoreError};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use std::collections::{BTreeMap, HashMap};
use words::{Channel, CustomerId, DeliveryId, EnrollmentId, MessageId, ReleaseId, SHARDS, Timestamp};

/// Strikes after which a delivery is set aside.
pub(crate) const STRIKES_MAX: i64 = 3;
/// Whose step comes first: looked at again so much later, in microseconds.
const STEP_FIRST: i64 = 50_000;

impl DeliveryState {
    /// From its number.
    pub(crate) fn of(no: i64) -> Result<Self, StoreError> {
        use DeliveryState as S;
        const ALL: [DeliveryState; 13] = [
            S::Planned,
            S::Claimed,
            S::HandingOver,
            S::Accepted,
            S::Unknown,
            S::Delivered,
            S::Bounced,
            S::Complained,
            S::Rejected,
            S::Quarantined,
            S::Suppressed,
            S::Expired,
            S::Cancelled,
        ];
        usize::try_from(no)
            .ok()
            .and_then(|no| ALL.get(no).copied())
            .ok_or_else(|| StoreError::corrupt(format!("delivery.state {no}")))
    }
}

/// What a look for due deliveries found.
struct Found {
    keys: Vec<DeliveryKey>,
    /// Customers who are due for a step come first with that.
    step_first: bool,
    /// Whose customers were merged meanwhile.
    moved: std::collections::BTreeSet<CustomerId>,
}

impl Store {
    /// Claims planned deliveries that are due. Fence, attempt and strike are counted and committed before this returns.
    /// Three strikes in a row quarantine instead. A customer who is due for a step is left until it is done: it may
    /// change what is sent. Nothing while held.
    pub async fn claim_sends(
        &self,
        now: Timestamp,
        limit: usize,
        channels: &[Channel],
        claim: ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        if self.is_held() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for channel in channels {
            let Some(lane) = self.0.symbols.id(channel.as_str()) else { continue };
            let left = limit - keys.len();
            if left == 0 {
                break;
            }
            let found = self.due_sends(lane, now, left).await?;
            keys.extend(found.keys);
            for loser in found.moved {
                self.bring_over(loser, now).await?;
            }
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let lease = claim.machine_now.plus(claim.lease).as_micros();
        let mut rows = Rows::new();
        for key in &keys {
            place(&mut rows, key).int(lease).at(now);
        }
        let found = keys.clone();
        let claimed = self
            .write(move |tx| {
                Box::pin(async move {
                    let mut struck = Rows::new();
                    for key in &found {
                        place(&mut struck, key).at(now).int(STRIKES_MAX);
                    }
                    quarantine(tx, &found, &struck, now).await?;
                    tx.conn.each_changed(
                        "update delivery set state = 1, fence = fence + 1, attempts = attempts + 1, \
                            strikes = strikes + 1, due_at = null, lease_until = ?5 \
                         where shard = ?1 and customer = ?2 and message = ?3 and id = ?4 and state = 0 \
                            and due_at <= ?6",
                        &rows,
                    )
                })
            })
            .await?;
        let mut claimed = claimed.into_iter();
        keys.retain(|_| claimed.next().unwrap_or(false));
        self.load_sends(&keys, now, claim.caps_since).await
    }

    async fn due_sends(&self, lane: i64, now: Timestamp, limit: usize) -> Result<Found, StoreError> {
        let hints = self.0.wakeups.hints.due(lane, now.as_micros());
        let mut found = Found { keys: Vec::new(), step_first: false, moved: Default::default() };
        if hints.is_empty() {
            return Ok(found);
        }
        let mut rows = Rows::new();
        for hint in hints.iter().take(usize::from(SHARDS)) {
            rows.row().int(hint.shard);
        }
        let mut conn = self.read().await?;
        let rows = sqlx::query(
            "select d.customer, d.message, d.id, c.due_at is not null and c.due_at <= ?2, c.flags & 1 from json_each(?1) j \
             cross join delivery d indexed by delivery_due on d.shard = j.value->>0 and d.channel = ?3 and d.due_at <= ?2 \
             cross join customer c on c.shard = d.shard and c.id = d.customer limit ?4",
        )
        .bind(rows.json())
        .bind(now.as_micros())
        .bind(lane)
        // Room for those whose step comes first.
        .bind(signed(limit as u64 + 256))
        .fetch_all(&mut *conn)
        .await?;
        let full = rows.len() >= limit + 256;
        let mut last = None;
        for row in &rows {
            let key = delivery_key(row, 0)?;
            last = Some(words::shard_of(key.customer));
            if row.try_get::<bool, _>(4)? {
                found.moved.insert(key.customer);
            } else if row.try_get::<bool, _>(3)? {
                found.step_first = true;
            } else if found.keys.len() < limit {
                found.keys.push(key);
            }
        }
        let through: Vec<_> =
            hints.iter().take_while(|hint| !full || Some(hint.shard) != last).copied().collect();
        if rows.len() > found.keys.len() && !found.step_first {
            // More is due than was asked for: the hints stand.
            return Ok(found);
        }
        let mut shards = Rows::new();
        for hint in &through {
            shards.row().int(hint.shard);
        }
        let next = sqlx::query(
            "select j.key, (select min(due_at) from delivery d indexed by delivery_due \
                where d.shard = j.value->>0 and d.channel = ?2 and d.due_at > ?3) from json_each(?1) j",
        )
        .bind(shards.json())
        .bind(lane)
        .bind(now.as_micros())
        .fetch_all(&mut *conn)
        .await?;
        for row in next {
            let hint = through.get(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX));
            let Some(hint) = hint else { continue };
            let mut due = row.try_get::<Option<i64>, _>(1)?.unwrap_or(NEVER);
            if found.step_first || rows.len() > found.keys.len() {
                due = due.min(now.as_micros() + STEP_FIRST);
            }
            self.0.wakeups.hints.raise(lane, *hint, due);
        }
        Ok(found)
    }

    /// Everything that judge and renderer need about claimed deliveries, in the order given.
    pub(crate) async fn load_sends(
        &self,
        keys: &[DeliveryKey],
        now: Timestamp,
        caps_since: Timestamp,
    ) -> Result<Vec<SendWork>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let stop_epoch = self.stop_epoch();
        let mut conn = self.read().await?;
        let mut tx = conn.begin().await?;
        let raw = self.load_raw_sends(&mut tx, keys, now, caps_since).await?;
        tx.rollback().await?;
        let wanted = keys.iter().zip(&raw).filter_map(|(key, raw)| Some((key, raw.as_ref()?))).flat_map(
            |(key, raw)| [profile_key(key.customer), content_key(key.customer, raw.work.planned_at)],
        );
        let sealing = self.old_keys(wanted.collect::<Vec<_>>()).await?;
        let (mut works, mut addresses) = (Vec::with_capacity(keys.len()), Rows::new());
        for (key, raw) in keys.iter().zip(raw) {
            let Some(raw) = raw else { continue };
            let secret = content_key(key.customer, raw.work.planned_at);
            let mut work = raw.work;
            let profile = profile_key(key.customer);
            let customer =
                sealing.open_packed(profile, "customer_profile", "profile", &key.customer.0, &raw.profile)?;
            let address = sealing.open(secret, "content", "address", &key.delivery.0, &raw.address)?;
            // Erased between plan and claim: the claim runs out and the sweep finds it cancelled.
            let (Some(customer), Some(address)) = (customer, address) else { continue };
            work.customer = customer;
            work.address = String::from_utf8(address).map_err(StoreError::corrupt)?;
            if let Some(inputs) = &raw.inputs {
                work.inputs = sealing
                    .open_packed(secret, "message", "inputs", &key.message.0, inputs)?
                    .unwrap_or_default();
            }
            if let Some(stored) = raw.content {
                let likeness = self.likeness_at_hand(&mut conn, stored.likeness).await?;
                work.content = stored.open(&sealing, secret, key.delivery, &likeness)?;
            }
            work.stop_epoch = stop_epoch;
            let (shard, bidx) = self.blind(work.channel.as_str(), &work.address);
            addresses.row().int(shard).blob(&bidx);
            works.push(work);
        }
        for (place, row) in self.suppressions_of(&mut conn, addresses).await? {
            if let Some(work) = works.get_mut(place) {
                work.suppressions.push(row);
            }
        }
        Ok(works)
    }

    async fn load_raw_sends(
        &self,
        conn: &mut SqliteConnection,
        keys: &[DeliveryKey],
        now: Timestamp,
        caps_since: Timestamp,
    ) -> Result<Vec<Option<RawSend>>, StoreError> {
        let (mut rows, mut customers) = (Rows::new(), Rows::new());
        let mut order: Vec<CustomerId> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for key in keys {
            rows.row()
                .int(shard(key.customer))
                .blob(&key.customer.0)
                .blob(&key.message.0)
                .blob(&key.delivery.0);
            if known.insert(key.customer) {
                customers.row().int(shard(key.customer)).blob(&key.customer.0);
                order.push(key.customer);
            }
        }
        let found = sqlx::query(
            "select j.key, d.fence, d.attempts, d.strikes, d.ordinal, d.channel, d.delivery_class, d.due_at, \
                c.guard_version, m.name, m.journey, m.step, m.enrollment, m.purpose, m.class, m.priority, m.planned_at, \
                m.expires_at, m.release, m.program, m.inputs, p.profile, x.address, x.media, x.body, x.likeness, x.locale, \
                x.release, d.handed_at, m.origin, m.visit \
             from json_each(?) j \
             cross join delivery d on d.shard = j.value->>0 and d.customer = unhex(j.value->>1) \
                and d.message = unhex(j.value->>2) and d.id = unhex(j.value->>3) \
             cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message \
             cross join customer c on c.shard = d.shard and c.id = d.customer \
             cross join customer_profile p on p.shard = d.shard and p.id = d.customer \
             cross join content x on x.shard = d.shard and x.customer = d.customer and x.delivery = d.id",
        )
        .bind(rows.json())
        .fetch_all(&mut *conn)
        .await?;
        let mut raw: Vec<Option<RawSend>> = std::iter::repeat_with(|| None).take(keys.len()).collect();
        for row in &found {
            let place = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
            if let (Some(slot), Some(key)) = (raw.get_mut(place), keys.get(place)) {
                *slot = Some(self.raw_send(row, *key)?);
            }
        }
        let json = customers.json();
        let uses = sqlx::query(
            "select j.key, u.at, u.channel from json_each(?1) j \
             cross join cap_use u on u.shard = j.value->>0 and u.customer = unhex(j.value->>1) and u.at >= ?2",
        )
        .bind(&json)
        .bind(caps_since.as_micros())
        .fetch_all(&mut *conn)
        .await?;
        let mut cap_uses: HashMap<CustomerId, Vec<CapUseRow>> = HashMap::new();
        for row in uses {
            let whose = order.get(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX));
            if let Some(whose) = whose {
                cap_uses.entry(*whose).or_default().push(CapUseRow {
                    at: Timestamp::from_micros(row.try_get(1)?),
                    channel: Channel::new(&*self.name(row.try_get(2)?)?),
                });
            }
        }
        let rivals = sqlx::query(
            "select j.key, m.id, m.name, m.journey, m.class, d.channel, m.priority, coalesce(d.due_at, d.planned_at) \
             from json_each(?1) j \
             cross join delivery d on d.shard = j.value->>0 and d.customer = unhex(j.value->>1) \
                and (d.state = 0 and d.due_at <= ?2 or d.state = 1) \
             cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message",
        )
        .bind(&json)
        .bind(now.as_micros())
        .fetch_all(&mut *conn)
        .await?;
        let mut competing: HashMap<CustomerId, Vec<Competing>> = HashMap::new();
        for row in rivals {
            let whose = order.get(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX));
            let message = MessageId::from_slice(row.try_get(1)?);
            if let (Some(whose), Some(message)) = (whose, message) {
                competing.entry(*whose).or_default().push(Competing {
                    message,
                    name: self.name(row.try_get(2)?)?.to_string(),
                    journey: self.name(row.try_get(3)?)?.to_string(),
                    class: class_of(row.try_get(4)?)?,
                    channel: Channel::new(&*self.name(row.try_get(5)?)?),
                    priority: i32::try_from(row.try_get::<i64, _>(6)?).unwrap_or(0),
                    due_at: Timestamp::from_micros(row.try_get(7)?),
                });
            }
        }
        for (slot, key) in raw.iter_mut().zip(keys) {
            if let Some(raw) = slot {
                raw.work.cap_uses = cap_uses.get(&key.customer).cloned().unwrap_or_default();
                raw.work.competing = competing
                    .get(&key.customer)
                    .map(|all| all.iter().filter(|rival| rival.message != key.message).cloned().collect())
                    .unwrap_or_default();
            }
        }
        Ok(raw)
    }

    fn raw_send(&self, row: &sqlx::sqlite::SqliteRow, key: DeliveryKey) -> Result<RawSend, StoreError> {
        let at = |n: usize| -> Result<Option<Timestamp>, StoreError> {
            Ok(row.try_get::<Option<i64>, _>(n)?.map(Timestamp::from_micros))
        };
        let planned_at = Timestamp::from_micros(row.try_get(16)?);
        let attempts: i64 = row.try_get(2)?;
        let work = SendWork {
            delivery: key.delivery,
            message: key.message,
            fence: unsigned(row.try_get(1)?),
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            strikes: u32::try_from(row.try_get::<i64, _>(3)? - 1).unwrap_or(0),
            ordinal: u16::try_from(row.try_get::<i64, _>(4)?).unwrap_or(0),
            channel: Channel::new(&*self.name(row.try_get(5)?)?),
            address: String::new(),
            delivery_class: delivery_class_of(row.try_get(6)?)?,
            resend: row.try_get::<Option<i64>, _>(28)?.is_some(),
            customer: words::Customer::new(key.customer, planned_at),
            guard_version: unsigned(row.try_get(8)?),
            stop_epoch: 0,
            name: self.name(row.try_get(9)?)?.to_string(),
            journey: self.name(row.try_get(10)?)?.to_string(),
            step: self.name(row.try_get(11)?)?.to_string(),
            enrollment: row.try_get::<Option<&[u8]>, _>(12)?.and_then(EnrollmentId::from_slice),
            purpose: self.name(row.try_get(13)?)?.to_string(),
            class: class_of(row.try_get(14)?)?,
            priority: i32::try_from(row.try_get::<i64, _>(15)?).unwrap_or(0),
            planned_at,
            due_at: at(7)?.unwrap_or(planned_at),
            expires_at: at(17)?,
            release: row.try_get::<Option<&[u8]>, _>(18)?.and_then(ReleaseId::from_slice),
            program: row.try_get(19)?,
            inputs: BTreeMap::new(),
            content: None,
            cap_uses: Vec::new(),
            competing: Vec::new(),
            suppressions: Vec::new(),
        };
        Ok(RawSend {
            work,
            inputs: row.try_get(20)?,
            profile: row.try_get(21)?,
            address: row.try_get(22)?,
            content: SealedContent::read(row, 23)?,
        })
    }
}

struct RawSend {
    work: SendWork,
    inputs: Option<Vec<u8>>,
    profile: Vec<u8>,
    address: Vec<u8>,
    content: Option<SealedContent>,
}

/// Final content, not yet opened.
pub(crate) struct SealedContent {
    media: String,
    body: Vec<u8>,
    pub(crate) likeness: Option<i64>,
    locale: String,
    release: Option<ReleaseId>,
}

impl SealedContent {
    /// Columns from `at`: media, body, likeness, locale, release. `None` where nothing was rendered yet.
    pub(crate) fn read(row: &sqlx::sqlite::SqliteRow, at: usize) -> Result<Option<Self>, StoreError> {
        let Some(body) = row.try_get::<Option<Vec<u8>>, _>(at + 1)? else { return Ok(None) };
        Ok(Some(Self {
            media: row.try_get::<Option<String>, _>(at)?.unwrap_or_default(),
            body,
            likeness: row.try_get(at + 2)?,
            locale: row.try_get::<Option<String>, _>(at + 3)?.unwrap_or_default(),
            release: row.try_get::<Option<&[u8]>, _>(at + 4)?.and_then(ReleaseId::from_slice),
        }))
    }

    /// `None`: the key was destroyed.
    pub(crate) fn open(
        self,
        keys: &super::keys::Keys,
        key: vault::KeyRef,
        delivery: DeliveryId,
        likeness: &Likeness,
    ) -> Result<Option<FinalContent>, StoreError> {
        let Some(packed) = keys.open(key, "content", "body", &delivery.0, &self.body)? else {
            return Ok(None);
        };
        let (bytes, parcel) = pack::unpack(&packed, likeness)?;
        Ok(Some(FinalContent {
            media: self.media,
            bytes,
            parcel,
            locale: self.locale,
            release: self.release,
            likeness: self.likeness,
        }))
    }
}

/// Columns from `at`: customer, message, delivery.
pub(crate) fn delivery_key(row: &impl Blobs, at: usize) -> Result<DeliveryKey, StoreError> {
    let wrong = || StoreError::corrupt("a delivery's key");
    Ok(DeliveryKey {
        customer: CustomerId::from_slice(row.blob(at)?).ok_or_else(wrong)?,
        message: MessageId::from_slice(row.blob(at + 1)?).ok_or_else(wrong)?,
        delivery: DeliveryId::from_slice(row.blob(at + 2)?).ok_or_else(wrong)?,
    })
}

/// A row that begins with a delivery's key.
fn place<'r>(rows: &'r mut Rows, key: &DeliveryKey) -> &'r mut Rows {
    rows.row().int(shard(key.customer)).blob(&key.customer.0).blob(&key.message.0).blob(&key.delivery.0)
}

/// Of planned deliveries, sets those aside that had their strikes.
async fn quarantine(
    tx: &mut super::writer::Tx,
    keys: &[DeliveryKey],
    rows: &Rows,
    now: Timestamp,
) -> Result<(), StoreError> {
    let struck = tx.conn.each_changed(
        "update delivery set state = 9, due_at = null, settled_at = ?5, \
            why = json_object('quarantined', json_object('strikes', strikes)) \
         where shard = ?1 and customer = ?2 and message = ?3 and id = ?4 and state = 0 and strikes >= ?6",
        rows,
    )?;
    for (key, struck) in keys.iter().zip(struck) {
        if struck {
            super::settle::message_outcome(tx, *key, crate::MessageOutcome::Quarantined, now).await?;
        }
    }
    Ok(())
}
