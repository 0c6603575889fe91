//! Hand-overs: the last look at the door, and the bytes kept before anybody else sees them.

use super::Store;
use super::ask::Ask;
use super::audit::PreparedAudit;
use super::keys::content_key;
use super::locks::{go_through, lock_customers};
use super::open::{setting, shard};
use super::writer::Tx;
use crate::pack::{self, Likeness};
use crate::planted::{Bug, planted};
use crate::{DeliveryKey, FinalContent, HandOver, HandOverRefused, StoreError};
use db::cell;
use db::{Rows, unsigned};
use std::collections::HashMap;
use words::{CustomerId, Timestamp};

/// Content as stored.
struct Sealed {
    media: String,
    body: Vec<u8>,
    likeness: Option<i64>,
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
    /// Whether it was handed over before, and not proven to have been turned down.
    handed: bool,
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
                    let likeness = self.likeness_at_hand(content.likeness).await?;
                    let key = content_key(*customer, *at);
                    match self.seal_content(&sealing, key, item.delivery, content, &likeness) {
                        // Erased meanwhile: the door turns it away, and its neighbours go on.
                        Err(StoreError::Erased) => None,
                        sealed => Some(sealed?),
                    }
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
                go_through(tx)?;
                lock_customers(tx, items.iter().map(|item| item.customer))?;
                let epoch: u64 = setting(&mut tx.conn, "stop_epoch")
                    .await?
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0);
                let doors = at_the_door(tx, &items)?;
                let mut guards: HashMap<CustomerId, u64> = HashMap::new();
                let mut answers = Vec::with_capacity(items.len());
                let mut rows = Doors::default();
                for ((item, door), (content, audit)) in
                    items.iter().zip(&doors).zip(contents.into_iter().zip(audit))
                {
                    let ours = |door: &&AtTheDoor| door.state == 1 && door.fence == item.fence;
                    let Some(door) = door.as_ref().filter(|door| ours(door) || planted(Bug::NoFence)) else {
                        answers.push(Err(HandOverRefused::Fence));
                        continue;
                    };
                    let guard = *guards.entry(item.customer).or_insert(door.guard_version);
                    let refused = if held || epoch != item.stop_epoch && !planted(Bug::StopEpochIgnored) {
                        Some(HandOverRefused::Stopped)
                    } else if guard != item.guard_version && !planted(Bug::GuardIgnoredAtHandOver) {
                        Some(HandOverRefused::Guard)
                    } else if now >= item.valid_until && !planted(Bug::ExpiryIgnoredAtHandOver) {
                        Some(HandOverRefused::Late)
                    } else {
                        None
                    };
                    let key = [item.message.0, item.delivery.0];
                    if let Some(why) = refused {
                        rows.back
                            .row()
                            .int(shard(item.customer))
                            .blob(&item.customer.0)
                            .blob(&key[0])
                            .blob(&key[1])
                            .at(now);
                        tx.after.send_due(door.channel, words::shard_of(item.customer), now.as_micros());
                        answers.push(Err(why));
                        continue;
                    }
                    let opened = if planted(Bug::RecordAfterSend) { &mut rows.late } else { &mut rows.open };
                    opened
                        .row()
                        .int(shard(item.customer))
                        .blob(&item.customer.0)
                        .blob(&key[0])
                        .blob(&key[1])
                        .at(now)
                        .text(&item.provider)
                        .text(&item.why);
                    rows.messages
                        .row()
                        .int(shard(item.customer))
                        .blob(&item.customer.0)
                        .blob(&key[0])
                        .text(&item.why);
                    if item.uses_cap && !planted(Bug::CapNotTaken) {
                        if door.handed {
                            rows.used.row().int(shard(item.customer)).blob(&item.customer.0).blob(&key[1]);
                        }
                        rows.uses
                            .row()
                            .int(shard(item.customer))
                            .blob(&item.customer.0)
                            .at(now)
                            .blob(&key[1])
                            .int(door.channel);
                        rows.raised.row().int(shard(item.customer)).blob(&item.customer.0);
                        guards.insert(item.customer, guard + 1);
                    }
                    if let Some(content) = content {
                        keep(&mut rows.contents, key_of(item), &content);
                    }
                    super::audit::insert(tx, PreparedAudit::new(audit)).await?;
                    answers.push(Ok(()));
                }
                rows.write(tx)?;
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
        let keys = keys.to_vec();
        self.aside(move |_, conn| {
            let mut planned: Vec<(CustomerId, Timestamp)> =
                keys.iter().map(|key| (key.customer, Timestamp::default())).collect();
            conn.ask(
                "select planned_at from message where shard = ? and customer = ? and id = ?",
                &rows,
                |place, row| {
                    if let Some(slot) = planned.get_mut(place) {
                        slot.1 = Timestamp::from_micros(cell(row, 0)?);
                    }
                    Ok(())
                },
            )?;
            Ok(planned)
        })
        .await
    }

    fn seal_content(
        &self,
        keys: &super::keys::Keys,
        key: vault::KeyRef,
        delivery: words::DeliveryId,
        content: &FinalContent,
        likeness: &Likeness,
    ) -> Result<Sealed, StoreError> {
        let salt = self.0.vault.salt(&delivery.0)?;
        let commitment = vault::commit(&salt, &content.bytes).to_vec();
        let packed = pack::pack(&salt, &content.bytes, &content.parcel, likeness)?;
        Ok(Sealed {
            media: content.media.clone(),
            body: keys.seal(key, "content", "body", &delivery.0, &packed)?,
            likeness: content.likeness,
            commitment,
            locale: content.locale.clone(),
            release: content.release.map(|release| release.0.to_vec()),
        })
    }
}

fn key_of(item: &HandOver) -> DeliveryKey {
    DeliveryKey { customer: item.customer, message: item.message, delivery: item.delivery }
}

fn at_the_door(tx: &Tx, items: &[HandOver]) -> Result<Vec<Option<AtTheDoor>>, StoreError> {
    let mut rows = Rows::new();
    for item in items {
        rows.row()
            .int(shard(item.customer))
            .blob(&item.customer.0)
            .blob(&item.message.0)
            .blob(&item.delivery.0);
    }
    let mut doors: Vec<Option<AtTheDoor>> = std::iter::repeat_with(|| None).take(items.len()).collect();
    tx.conn.ask(
        "select d.state, d.fence, d.channel, c.guard_version, d.handed_at is not null from delivery d \
         cross join customer c on c.shard = d.shard and c.id = d.customer \
         where d.shard = ?1 and d.customer = ?2 and d.message = ?3 and d.id = ?4",
        &rows,
        |place, row| {
            doors[place] = Some(AtTheDoor {
                state: cell(row, 0)?,
                fence: unsigned(cell(row, 1)?),
                channel: cell(row, 2)?,
                guard_version: unsigned(cell(row, 3)?),
                handed: cell(row, 4)?,
            });
            Ok(())
        },
    )?;
    Ok(doors)
}

fn keep(rows: &mut Rows, key: DeliveryKey, content: &Sealed) {
    rows.row()
        .int(shard(key.customer))
        .blob(&key.customer.0)
        .blob(&key.delivery.0)
        .text(&content.media)
        .blob(&content.body)
        .opt_int(content.likeness)
        .blob(&content.commitment)
        .text(&content.locale)
        .opt_blob(content.release.as_deref());
}

/// What a commit of hand-overs writes.
#[derive(Default)]
struct Doors {
    open: Rows,
    messages: Rows,
    contents: Rows,
    /// Uses of an earlier try: what is sent again counts from now.
    used: Rows,
    uses: Rows,
    raised: Rows,
    back: Rows,
    /// Of a planted mistake: never written.
    late: Rows,
}

impl Doors {
    fn write(&self, tx: &Tx) -> Result<(), StoreError> {
        for (sql, rows) in [
            (
                "update delivery set state = 2, handed_at = ?5, provider = ?6, why = ?7 \
                 where shard = ?1 and customer = ?2 and message = ?3 and id = ?4",
                &self.open,
            ),
            (
                "update message set outcome = 1, why = ?4 \
                 where shard = ?1 and customer = ?2 and id = ?3 and outcome in (0, 8)",
                &self.messages,
            ),
            (
                "update content set media = ?4, body = ?5, likeness = ?6, commitment = ?7, locale = ?8, release = ?9 \
                 where shard = ?1 and customer = ?2 and delivery = ?3",
                &self.contents,
            ),
            ("delete from cap_use where shard = ?1 and customer = ?2 and delivery = ?3", &self.used),
            (
                "insert into cap_use (shard, customer, at, delivery, channel) values (?, ?, ?, ?, ?) \
                 on conflict do nothing",
                &self.uses,
            ),
            (
                "update customer set guard_version = guard_version + 1 where shard = ?1 and id = ?2",
                &self.raised,
            ),
            (
                "update delivery set state = 0, due_at = ?5, lease_until = null, \
                    attempts = max(attempts - 1, 0), strikes = max(strikes - 1, 0) \
                 where shard = ?1 and customer = ?2 and message = ?3 and id = ?4",
                &self.back,
            ),
        ] {
            tx.conn.each(sql, rows)?;
        }
        Ok(())
    }
}
