//! Hand-overs: the last look at the door, and the bytes kept before anybody else sees them.

use super::Store;
use super::audit::PreparedAudit;
use super::keys::content_key;
use super::open::{setting_in, shard};
use super::rows::{Rows, unsigned};
use super::sql;
use super::writer::Tx;
use crate::{DeliveryKey, FinalContent, HandOver, HandOverRefused, StoreError};
use sqlx::Row;
use std::collections::HashMap;
use words::{CustomerId, Timestamp};

/// Content as stored.
struct Sealed {
    media: String,
    body: Vec<u8>,
    parcel: Vec<u8>,
    commitment: Vec<u8>,
    locale: String,
    release: Option<Vec<u8>>,
}

/// A delivery as it stands at the door.
struct AtTheDoor {
    state: i64,
    fence: u64,
    channel: i64,
    guard_version: u64,
}

impl Store {
    /// Opens hand-overs in one commit: guard, stop epoch, fence and validity are checked under the write lock, a cap is
    /// used, the final bytes are kept. Those refused are planned again at once, uncounted (but for a lost fence).
    pub async fn hand_over(
        &self,
        items: Vec<HandOver>,
        now: Timestamp,
    ) -> Result<Vec<Result<(), HandOverRefused>>, StoreError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        self.intern(items.iter().flat_map(|item| item.audit.iter().map(|event| event.kind.as_str()))).await?;
        let keys: Vec<DeliveryKey> = items.iter().map(key_of).collect();
        let planned = self.planned_at(&keys).await?;
        let wanted = planned.iter().map(|(customer, at)| content_key(*customer, *at));
        let sealing = self.keys(wanted.collect::<Vec<_>>(), now).await?;
        let mut contents = Vec::with_capacity(items.len());
        let mut audit = Vec::with_capacity(items.len());
        for (item, (customer, at)) in items.iter().zip(&planned) {
            contents.push(match &item.content {
                Some(content) => {
                    Some(self.seal_content(&sealing, content_key(*customer, *at), item.delivery, content)?)
                }
                None => None,
            });
            let mut rows = Rows::new();
            self.audit_rows(&mut rows, &item.audit)?;
            audit.push(rows);
        }
        let held = self.is_held();
        self.write(move |tx| {
            Box::pin(async move {
                let epoch: u64 = setting_in(&mut tx.conn, "stop_epoch")
                    .await?
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0);
                let doors = at_the_door(tx, &items).await?;
                let mut guards: HashMap<CustomerId, u64> = HashMap::new();
                let mut answers = Vec::with_capacity(items.len());
                let (mut open, mut uses, mut raised, mut back, mut messages) =
                    (Rows::new(), Rows::new(), Rows::new(), Rows::new(), Rows::new());
                for ((item, door), (content, audit)) in
                    items.iter().zip(&doors).zip(contents.into_iter().zip(audit))
                {
                    let Some(door) = door.as_ref().filter(|door| door.state == 1 && door.fence == item.fence)
                    else {
                        answers.push(Err(HandOverRefused::Fence));
                        continue;
                    };
                    let guard = *guards.entry(item.customer).or_insert(door.guard_version);
                    let refused = if held || epoch != item.stop_epoch {
                        Some(HandOverRefused::Stopped)
                    } else if guard != item.guard_version {
                        Some(HandOverRefused::Guard)
                    } else if now >= item.valid_until {
                        Some(HandOverRefused::Late)
                    } else {
                        None
                    };
                    let key = [item.message.0, item.delivery.0];
                    if let Some(why) = refused {
                        back.row()
                            .int(shard(item.customer))
                            .blob(&item.customer.0)
                            .blob(&key[0])
                            .blob(&key[1])
                            .at(now);
                        tx.after.send_due(door.channel, words::shard_of(item.customer), now.as_micros());
                        answers.push(Err(why));
                        continue;
                    }
                    open.row()
                        .int(shard(item.customer))
                        .blob(&item.customer.0)
                        .blob(&key[0])
                        .blob(&key[1])
                        .at(now)
                        .text(&item.provider)
                        .text(&item.why);
                    messages
                        .row()
                        .int(shard(item.customer))
                        .blob(&item.customer.0)
                        .blob(&key[0])
                        .text(&item.why);
                    if item.uses_cap {
                        uses.row()
                            .int(shard(item.customer))
                            .blob(&item.customer.0)
                            .at(now)
                            .blob(&key[1])
                            .int(door.channel);
                        raised.row().int(shard(item.customer)).blob(&item.customer.0);
                        guards.insert(item.customer, guard + 1);
                    }
                    if let Some(content) = content {
                        keep(tx, key_of(item), content).await?;
                    }
                    super::audit::insert(tx, PreparedAudit::new(audit)).await?;
                    answers.push(Ok(()));
                }
                write_doors(tx, open, messages, uses, raised, back).await?;
                Ok(answers)
            })
        })
        .await
    }

    /// When the messages were planned, by delivery; the customer where unknown is the one given.
    pub(crate) async fn planned_at(
        &self,
        keys: &[DeliveryKey],
    ) -> Result<Vec<(CustomerId, Timestamp)>, StoreError> {
        let mut rows = Rows::new();
        for key in keys {
            rows.row().int(shard(key.customer)).blob(&key.customer.0).blob(&key.message.0);
        }
        let mut conn = self.read().await?;
        let found = sqlx::query(
            "select j.key, m.planned_at from json_each(?) j cross join message m on m.shard = j.value->>0 \
             and m.customer = unhex(j.value->>1) and m.id = unhex(j.value->>2)",
        )
        .bind(rows.json())
        .fetch_all(&mut *conn)
        .await?;
        let mut planned: Vec<(CustomerId, Timestamp)> =
            keys.iter().map(|key| (key.customer, Timestamp::default())).collect();
        for row in found {
            if let Some(slot) =
                planned.get_mut(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX))
            {
                slot.1 = Timestamp::from_micros(row.try_get(1)?);
            }
        }
        Ok(planned)
    }

    fn seal_content(
        &self,
        keys: &super::keys::Keys,
        key: vault::KeyRef,
        delivery: words::DeliveryId,
        content: &FinalContent,
    ) -> Result<Sealed, StoreError> {
        let salt = self.0.vault.salt(&delivery.0)?;
        let commitment = vault::commit(&salt, &content.bytes).to_vec();
        let mut salted = Vec::with_capacity(32 + content.bytes.len());
        salted.extend_from_slice(&salt);
        salted.extend_from_slice(&content.bytes);
        Ok(Sealed {
            media: content.media.clone(),
            body: keys.seal(key, "content", "body", &delivery.0, &salted)?,
            parcel: keys.seal(key, "content", "parcel", &delivery.0, content.parcel.as_bytes())?,
            commitment,
            locale: content.locale.clone(),
            release: content.release.map(|release| release.0.to_vec()),
        })
    }
}

fn key_of(item: &HandOver) -> DeliveryKey {
    DeliveryKey { customer: item.customer, message: item.message, delivery: item.delivery }
}

async fn at_the_door(tx: &mut Tx, items: &[HandOver]) -> Result<Vec<Option<AtTheDoor>>, StoreError> {
    let mut rows = Rows::new();
    for item in items {
        rows.row()
            .int(shard(item.customer))
            .blob(&item.customer.0)
            .blob(&item.message.0)
            .blob(&item.delivery.0);
    }
    let found = sql::query(
        "select j.key, d.state, d.fence, d.channel, c.guard_version from json_each(?) j \
         cross join delivery d on d.shard = j.value->>0 and d.customer = unhex(j.value->>1) \
            and d.message = unhex(j.value->>2) and d.id = unhex(j.value->>3) \
         cross join customer c on c.shard = d.shard and c.id = d.customer",
    )
    .bind(rows.json())
    .fetch_all(&mut tx.conn)
    .await?;
    let mut doors: Vec<Option<AtTheDoor>> = std::iter::repeat_with(|| None).take(items.len()).collect();
    for row in found {
        let place = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
        if let Some(door) = doors.get_mut(place) {
            *door = Some(AtTheDoor {
                state: row.try_get(1)?,
                fence: unsigned(row.try_get(2)?),
                channel: row.try_get(3)?,
                guard_version: unsigned(row.try_get(4)?),
            });
        }
    }
    Ok(doors)
}

/// Bytes are bound as they are: too long to travel as hex.
async fn keep(tx: &mut Tx, key: DeliveryKey, content: Sealed) -> Result<(), StoreError> {
    sql::query(
        "update content set media = ?, body = ?, parcel = ?, commitment = ?, locale = ?, release = ? \
         where shard = ? and customer = ? and delivery = ?",
    )
    .bind(content.media)
    .bind(content.body)
    .bind(content.parcel)
    .bind(content.commitment)
    .bind(content.locale)
    .bind(content.release)
    .bind(shard(key.customer))
    .bind(key.customer.0.to_vec())
    .bind(key.delivery.0.to_vec())
    .execute(&mut tx.conn)
    .await?;
    Ok(())
}

async fn write_doors(
    tx: &mut Tx,
    open: Rows,
    messages: Rows,
    uses: Rows,
    raised: Rows,
    back: Rows,
) -> Result<(), StoreError> {
    for (sql, rows) in [
        (
            "update delivery as d set state = 2, handed_at = j.value->>4, provider = j.value->>5, why = j.value->>6 \
             from json_each(?) j where d.shard = j.value->>0 and d.customer = unhex(j.value->>1) \
                and d.message = unhex(j.value->>2) and d.id = unhex(j.value->>3)",
            open,
        ),
        (
            "update message as m set outcome = 1, why = j.value->>3 from json_each(?) j \
             where m.shard = j.value->>0 and m.customer = unhex(j.value->>1) and m.id = unhex(j.value->>2) \
                and m.outcome in (0, 8)",
            messages,
        ),
        (
            "insert into cap_use (shard, customer, at, delivery, channel) \
             select value->>0, unhex(value->>1), value->>2, unhex(value->>3), value->>4 from json_each(?) where true \
             on conflict do nothing",
            uses,
        ),
        (
            "update customer as c set guard_version = guard_version + j.value->>2 \
             from (select json_array(value->>0, value->>1, count(*)) as value from json_each(?) group by value) j \
             where c.shard = j.value->>0 and c.id = unhex(j.value->>1)",
            raised,
        ),
        (
            "update delivery as d set state = 0, due_at = j.value->>4, lease_until = null, \
                attempts = max(attempts - 1, 0), strikes = max(strikes - 1, 0) \
             from json_each(?) j where d.shard = j.value->>0 and d.customer = unhex(j.value->>1) \
                and d.message = unhex(j.value->>2) and d.id = unhex(j.value->>3)",
            back,
        ),
    ] {
        if !rows.is_empty() {
            sql::query(sql).bind(rows.json()).execute(&mut tx.conn).await?;
        }
    }
    Ok(())
}
