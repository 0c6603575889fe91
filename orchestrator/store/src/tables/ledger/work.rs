//! What judge and renderer need about claimed deliveries, read by a connection that blocks its own thread.

use super::super::Store;
use super::super::ask::Ask;
use super::super::keys::{Keys, content_key, profile_key};
use super::super::open::shard;
use super::super::plan::{class_of, delivery_class_of};
use crate::pack::{self, Likeness};
use crate::{CapUseRow, Competing, DeliveryKey, FinalContent, SendWork, StoreError};
use db::{Conn, bytes, cell};
use db::{Rows, unsigned};
use std::collections::{BTreeMap, HashMap};
use words::{Channel, CustomerId, DeliveryId, EnrollmentId, MessageId, ReleaseId, Timestamp};

/// What else customers got, within the span of a cap, and what else of theirs is due.
type Neighbours = HashMap<CustomerId, (Vec<CapUseRow>, Vec<Competing>)>;

impl Store {
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
        let keys = keys.to_vec();
        self.aside(move |store, conn| {
            conn.run("begin")?;
            let loaded = store.load_sends_in(conn, &keys, now, caps_since);
            conn.run("commit")?;
            loaded
        })
        .await
    }

    fn load_sends_in(
        &self,
        conn: &Conn,
        keys: &[DeliveryKey],
        now: Timestamp,
        caps_since: Timestamp,
    ) -> Result<Vec<SendWork>, StoreError> {
        let stop_epoch = self.stop_epoch();
        let raw = self.load_raw_sends(conn, keys)?;
        let wanted = keys.iter().zip(&raw).filter_map(|(key, raw)| Some((key, raw.as_ref()?))).flat_map(
            |(key, raw)| [profile_key(key.customer), content_key(key.customer, raw.work.planned_at)],
        );
        let sealing = self.old_keys_at_once(wanted)?;
        let mut neighbours = self.load_neighbours(conn, keys, now, caps_since)?;
        let (mut works, mut addresses) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (key, raw) in keys.iter().zip(raw) {
            // Erased between plan and claim: the claim runs out and the sweep finds it cancelled.
            let Some(mut work) =
                raw.map(|raw| self.open_send(conn, &sealing, *key, raw)).transpose()?.flatten()
            else {
                continue;
            };
            work.stop_epoch = stop_epoch;
            if let Some((cap_uses, competing)) = neighbours.get_mut(&key.customer) {
                work.cap_uses.clone_from(cap_uses);
                work.competing =
                    competing.iter().filter(|rival| rival.message != key.message).cloned().collect();
            }
            addresses.push(self.blind(work.channel.as_str(), &work.address));
            works.push(work);
        }
        self.suppressed(conn, &addresses, |place, row| {
            if let Some(work) = works.get_mut(place) {
                work.suppressions.push(row);
            }
        })?;
        Ok(works)
    }

    fn load_raw_sends(&self, conn: &Conn, keys: &[DeliveryKey]) -> Result<Vec<Option<RawSend>>, StoreError> {
        let mut rows = Rows::new();
        for key in keys {
            rows.row()
                .int(shard(key.customer))
                .blob(&key.customer.0)
                .blob(&key.message.0)
                .blob(&key.delivery.0);
        }
        let mut raw: Vec<Option<RawSend>> = std::iter::repeat_with(|| None).take(keys.len()).collect();
        conn.ask(
            "select d.fence, d.attempts, d.strikes, d.ordinal, d.channel, d.delivery_class, d.due_at, c.guard_version, \
                m.name, m.journey, m.step, m.enrollment, m.purpose, m.class, m.priority, m.planned_at, m.expires_at, \
                m.release, m.program, m.inputs, p.profile, x.address, x.media, x.body, x.likeness, x.locale, x.release, \
                d.handed_at \
             from delivery d \
             cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message \
             cross join customer c on c.shard = d.shard and c.id = d.customer \
             cross join customer_profile p on p.shard = d.shard and p.id = d.customer \
             cross join content x on x.shard = d.shard and x.customer = d.customer and x.delivery = d.id \
             where d.shard = ?1 and d.customer = ?2 and d.message = ?3 and d.id = ?4",
            &rows,
            |place, row| {
                if let (Some(slot), Some(key)) = (raw.get_mut(place), keys.get(place)) {
                    *slot = Some(self.raw_send(row, *key)?);
                }
                Ok(())
            },
        )?;
        Ok(raw)
    }

    /// What else the customers of these deliveries got and are about to get.
    fn load_neighbours(
        &self,
        conn: &Conn,
        keys: &[DeliveryKey],
        now: Timestamp,
        caps_since: Timestamp,
    ) -> Result<Neighbours, StoreError> {
        let mut neighbours = Neighbours::new();
        let (mut since, mut due, mut order) = (Rows::new(), Rows::new(), Vec::new());
        for key in keys {
            if neighbours.insert(key.customer, (Vec::new(), Vec::new())).is_none() {
                since.row().int(shard(key.customer)).blob(&key.customer.0).at(caps_since);
                due.row().int(shard(key.customer)).blob(&key.customer.0).at(now);
                order.push(key.customer);
            }
        }
        conn.ask(
            "select at, channel from cap_use where shard = ?1 and customer = ?2 and at >= ?3",
            &since,
            |place, row| {
                let usage = CapUseRow {
                    at: Timestamp::from_micros(cell(row, 0)?),
                    channel: Channel::new(&*self.name(cell(row, 1)?)?),
                };
                if let Some((uses, _)) = order.get(place).and_then(|whose| neighbours.get_mut(whose)) {
                    uses.push(usage);
                }
                Ok(())
            },
        )?;
        conn.ask(
            "select m.id, m.name, m.journey, m.class, d.channel, m.priority, coalesce(d.due_at, d.planned_at) \
             from delivery d indexed by delivery_open \
             cross join message m on m.shard = d.shard and m.id = d.message \
             where d.shard = ?1 and d.customer = ?2 and d.state in (0, 1, 2) \
                and (d.state = 0 and d.due_at <= ?3 or d.state = 1)",
            &due,
            |place, row| {
                let rival = Competing {
                    message: MessageId::from_slice(bytes(row, 0)?)
                        .ok_or_else(|| StoreError::corrupt("message.id"))?,
                    name: self.name(cell(row, 1)?)?.to_string(),
                    journey: self.name(cell(row, 2)?)?.to_string(),
                    class: class_of(cell(row, 3)?)?,
                    channel: Channel::new(&*self.name(cell(row, 4)?)?),
                    priority: i32::try_from(cell::<i64>(row, 5)?).unwrap_or(0),
                    due_at: Timestamp::from_micros(cell(row, 6)?),
                };
                if let Some((_, rivals)) = order.get(place).and_then(|whose| neighbours.get_mut(whose)) {
                    rivals.push(rival);
                }
                Ok(())
            },
        )?;
        Ok(neighbours)
    }

    fn raw_send(&self, row: &db::Found<'_>, key: DeliveryKey) -> Result<RawSend, StoreError> {
        let at = |n: usize| -> Result<Option<Timestamp>, StoreError> {
            Ok(cell::<Option<i64>>(row, n)?.map(Timestamp::from_micros))
        };
        let planned_at = Timestamp::from_micros(cell(row, 15)?);
        let work = SendWork {
            delivery: key.delivery,
            message: key.message,
            fence: unsigned(cell(row, 0)?),
            attempts: u32::try_from(cell::<i64>(row, 1)?).unwrap_or(u32::MAX),
            strikes: u32::try_from(cell::<i64>(row, 2)? - 1).unwrap_or(0),
            ordinal: u16::try_from(cell::<i64>(row, 3)?).unwrap_or(0),
            channel: Channel::new(&*self.name(cell(row, 4)?)?),
            address: String::new(),
            delivery_class: delivery_class_of(cell(row, 5)?)?,
            resend: cell::<Option<i64>>(row, 27)?.is_some(),
            customer: words::Customer::new(key.customer, planned_at),
            guard_version: unsigned(cell(row, 7)?),
            stop_epoch: 0,
            name: self.name(cell(row, 8)?)?.to_string(),
            journey: self.name(cell(row, 9)?)?.to_string(),
            step: self.name(cell(row, 10)?)?.to_string(),
            enrollment: EnrollmentId::from_slice(bytes(row, 11)?),
            purpose: self.name(cell(row, 12)?)?.to_string(),
            class: class_of(cell(row, 13)?)?,
            priority: i32::try_from(cell::<i64>(row, 14)?).unwrap_or(0),
            planned_at,
            due_at: at(6)?.unwrap_or(planned_at),
            expires_at: at(16)?,
            release: ReleaseId::from_slice(bytes(row, 17)?),
            program: cell(row, 18)?,
            inputs: BTreeMap::new(),
            content: None,
            cap_uses: Vec::new(),
            competing: Vec::new(),
            suppressions: Vec::new(),
            taken: None,
        };
        Ok(RawSend {
            work,
            inputs: cell(row, 19)?,
            profile: cell(row, 20)?,
            address: cell(row, 21)?,
            content: SealedContent::read(row, 22)?,
        })
    }

    /// `None`: the customer's keys were destroyed.
    fn open_send(
        &self,
        conn: &Conn,
        keys: &Keys,
        key: DeliveryKey,
        raw: RawSend,
    ) -> Result<Option<SendWork>, StoreError> {
        let RawSend { mut work, inputs, profile, address, content } = raw;
        let secret = content_key(key.customer, work.planned_at);
        let who = profile_key(key.customer);
        let customer = keys.open_packed(who, "customer_profile", "profile", &key.customer.0, &profile)?;
        let address = keys.open(secret, "content", "address", &key.delivery.0, &address)?;
        let (Some(customer), Some(address)) = (customer, address) else { return Ok(None) };
        work.customer = customer;
        work.address = String::from_utf8(address).map_err(StoreError::corrupt)?;
        if let Some(inputs) = &inputs {
            work.inputs =
                keys.open_packed(secret, "message", "inputs", &key.message.0, inputs)?.unwrap_or_default();
        }
        if let Some(stored) = content {
            let likeness = self.likeness_in(conn, stored.likeness)?;
            work.content = stored.open(keys, secret, key.delivery, &likeness)?;
        }
        Ok(Some(work))
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
    pub(crate) fn read(row: &db::Found<'_>, at: usize) -> Result<Option<Self>, StoreError> {
        let Some(body) = cell::<Option<Vec<u8>>>(row, at + 1)? else { return Ok(None) };
        Ok(Some(Self {
            media: cell::<Option<String>>(row, at)?.unwrap_or_default(),
            body,
            likeness: cell(row, at + 2)?,
            locale: cell::<Option<String>>(row, at + 3)?.unwrap_or_default(),
            release: ReleaseId::from_slice(bytes(row, at + 4)?),
        }))
    }

    /// `None`: the key was destroyed.
    pub(crate) fn open(
        self,
        keys: &Keys,
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
