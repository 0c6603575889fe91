//! What became of a delivery: the provider's answer under the fence of its claim, receipts, evidence by hand.

use super::Store;
use super::ask::Ask;
use super::audit::PreparedAudit;
use super::customer::suppress_in;
use super::ingest::{Prepared, Written, write_events};
use super::keys::{Keys, content_key, events_key};
use super::locks::lock_customers;
use super::open::{bidx_shard, shard};
use super::plan::{MessageRows, write_messages};
use super::tally::Kind;
use super::writer::{After, Tx};
use crate::planted::{Bug, planted};
use crate::{
    AuditEvent, AuditKind, DeliveryKey, DeliveryState, Incoming, MessageOutcome, NewEvent, NewReceipt,
    Settle, SettleByHand, StoreError,
};
use db::{Rows, signed};
use db::{bytes, cell};
use words::{CustomerId, DeliveryId, Timestamp};

/// A delivery by its id alone (`?1`), and the ids that its message can have (`?2` to `?3`).
pub(crate) const DELIVERY: &str = "select d.customer, d.message, d.id from message m indexed by message_id \
     cross join delivery d on d.shard = m.shard and d.customer = m.customer and d.message = m.id and d.id = ?1 \
     where m.id between ?2 and ?3";

/// A delivery as it stands, with what its figures go by.
struct Standing {
    state: i64,
    /// An earlier try of it may have been accepted, as far as anybody knows.
    perhaps: bool,
    channel: i64,
    address_bidx: [u8; 16],
    journey: i64,
    step: i64,
    name: i64,
}

/// What a message is, once a delivery of it stands so.
fn outcome_of(state: DeliveryState) -> MessageOutcome {
    match state {
        DeliveryState::Planned | DeliveryState::Claimed => MessageOutcome::Planned,
        DeliveryState::HandingOver => MessageOutcome::HandedOver,
        DeliveryState::Accepted => MessageOutcome::Accepted,
        DeliveryState::Unknown => MessageOutcome::Unknown,
        DeliveryState::Delivered => MessageOutcome::Delivered,
        DeliveryState::Bounced => MessageOutcome::Bounced,
        DeliveryState::Complained => MessageOutcome::Complained,
        DeliveryState::Rejected => MessageOutcome::Rejected,
        DeliveryState::Quarantined => MessageOutcome::Quarantined,
        DeliveryState::Suppressed => MessageOutcome::Suppressed,
        DeliveryState::Expired => MessageOutcome::Expired,
        DeliveryState::Cancelled => MessageOutcome::Cancelled,
    }
}

/// The message goes by its best delivery: one that is open or arrived outweighs one that is lost.
/// What it stood on stays: the outcome is written into the verdict, beside its reasons and the consent.
const OUTCOME: &str = "update message set outcome = ?4, settled_at = ?5, \
        why = case when json_valid(why) and json_valid(?6) then json_patch(why, ?6) else coalesce(?6, why) end \
     where shard = ?1 and customer = ?2 and id = ?3 and not (outcome = 3 and ?4 < 9) \
        and not (?4 >= 8 and exists (select 1 from delivery d where d.shard = ?1 and d.customer = ?2 \
            and d.message = ?3 and d.id <> ?7 and d.state in (0, 1, 2, 3, 5)))";

fn outcome_row(
    rows: &mut Rows,
    key: DeliveryKey,
    outcome: MessageOutcome,
    now: Timestamp,
    why: Option<&str>,
) {
    let settled = !matches!(outcome, MessageOutcome::Planned | MessageOutcome::HandedOver);
    rows.row()
        .int(shard(key.customer))
        .blob(&key.customer.0)
        .blob(&key.message.0)
        .int(outcome as i64)
        .opt_at(settled.then_some(now))
        .opt_text(why)
        .blob(&key.delivery.0);
}

/// What takes the reason of an outcome that is not known out of the record: now it is.
pub(crate) const KNOWN: &str = r#"{"because":null}"#;

/// Sets the outcome of one message; `why` is written into its record.
pub(crate) async fn message_outcome(
    tx: &mut Tx,
    key: DeliveryKey,
    outcome: MessageOutcome,
    now: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    outcome_row(&mut rows, key, outcome, now, Some(why));
    tx.conn.each(OUTCOME, &rows)?;
    Ok(())
}

fn standing(tx: &Tx, keys: &[(DeliveryKey, Option<u64>)]) -> Result<Vec<Option<Standing>>, StoreError> {
    let mut rows = Rows::new();
    for (key, fence) in keys {
        rows.row()
            .int(shard(key.customer))
            .blob(&key.customer.0)
            .blob(&key.message.0)
            .blob(&key.delivery.0)
            .opt_int(fence.map(signed));
    }
    let mut standing: Vec<Option<Standing>> = std::iter::repeat_with(|| None).take(keys.len()).collect();
    tx.conn.ask(
        "select d.state, d.channel, d.address_bidx, m.journey, m.step, m.name, d.handed_at is not null from delivery d \
         cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message \
         where d.shard = ?1 and d.customer = ?2 and d.message = ?3 and d.id = ?4 \
            and (?5 is null or d.fence = ?5 and d.state in (1, 2))",
        &rows,
        |place, row| {
            standing[place] = Some(Standing {
                state: cell(row, 0)?,
                channel: cell(row, 1)?,
                address_bidx: bytes(row, 2)?
                    .try_into()
                    .map_err(|_| StoreError::corrupt("delivery.address_bidx"))?,
                journey: cell(row, 3)?,
                step: cell(row, 4)?,
                name: cell(row, 5)?,
                perhaps: cell(row, 6)?,
            });
            Ok(())
        },
    )?;
    Ok(standing)
}

/// What was to be told to customers who were merged while their message was under way: their journeys go on with the
/// survivor.
fn elsewhere(items: &[Settle], events: &[Prepared], written: &[Written]) -> Vec<Incoming> {
    let moved: Vec<[u8; 16]> = events
        .iter()
        .zip(written)
        .filter(|(_, written)| matches!(written, Written::Moved(_)))
        .map(|(event, _)| event.id)
        .collect();
    if moved.is_empty() {
        return Vec::new();
    }
    items
        .iter()
        .flat_map(|item| item.events.iter().map(|new| (item.customer, new)))
        .filter(|(_, new)| moved.contains(&new.event.id.0))
        .map(|(customer, new)| Incoming {
            customer,
            event: new.event.clone(),
            source: "tabi".to_owned(),
            message_id: new.message_id.clone(),
            listened: true,
            declared: true,
        })
        .collect()
}

impl Store {
    /// Closes claims, each under its fence. `false`: somebody else has a newer fence, nothing was written for it. What is
    /// asked for while others are being written is written together.
    pub async fn settle(&self, items: Vec<Settle>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let items = items.into_iter().map(|item| (item, now)).collect();
        self.0.settling.write(items, |items| self.settle_together(items)).await
    }

    async fn settle_together(&self, items: Vec<(Settle, Timestamp)>) -> Result<Vec<bool>, StoreError> {
        let now = items.iter().map(|(_, now)| *now).max().unwrap_or_default();
        let items: Vec<Settle> = items.into_iter().map(|(item, _)| item).collect();
        let mut names: Vec<&str> = vec!["tabi"];
        for item in &items {
            names.extend(item.events.iter().map(|new| new.event.name.as_str()));
            names.extend(item.next.iter().map(|next| next.channel.as_str()));
            names.extend(item.audit.iter().map(|event| event.kind.as_str()));
        }
        self.intern(names).await?;
        let keys: Vec<DeliveryKey> = items
            .iter()
            .map(|i| DeliveryKey { customer: i.customer, message: i.message, delivery: i.delivery })
            .collect();
        let planned = if items.iter().any(|item| item.next.is_some()) {
            self.planned_at(&keys).await?
        } else {
            keys.iter().map(|key| (key.customer, now)).collect()
        };
        let mut wanted = Vec::new();
        for (item, (customer, at)) in items.iter().zip(&planned) {
            if item.next.is_some() {
                wanted.push(content_key(*customer, *at));
            }
            wanted.extend(item.events.iter().map(|new| events_key(*customer, new.event.received_at)));
        }
        let sealing = self.keys(wanted, now).await?;
        let (mut extras, mut gone) = (Vec::with_capacity(items.len()), Vec::new());
        for (item, (customer, at)) in items.iter().zip(&planned) {
            // Whoever was erased meanwhile is told nothing more, and gets nothing more; their neighbours are.
            let events = match self.own_events(&sealing, *customer, &item.events) {
                Err(StoreError::Erased) => Vec::new(),
                events => events?,
            };
            let (mut rows, mut after, mut audit) = (MessageRows::default(), After::default(), Rows::new());
            if let Some(next) = &item.next {
                let laid_out = self.delivery_rows(
                    &mut rows,
                    &mut after,
                    &sealing,
                    *customer,
                    item.message,
                    *at,
                    next,
                    None,
                    None,
                );
                match laid_out {
                    Err(StoreError::Erased) => gone.push(item.delivery),
                    laid_out => laid_out?,
                }
            }
            self.audit_rows(&mut audit, &item.audit)?;
            extras.push((events, rows, after, audit));
        }
        let settled = self.write(move |tx| {
            Box::pin(async move {
                let asked: Vec<_> = keys
                    .iter()
                    .zip(&items)
                    .map(|(key, item)| {
                        (*key, Some(item.fence).filter(|_| !planted(Bug::AnswerOverwritesSuccessor)))
                    })
                    .collect();
                lock_customers(tx, keys.iter().map(|key| key.customer))?;
                let standing = standing(tx, &asked)?;
                let proven = proven_refused(tx, &items).await?;
                let mut answers = Vec::with_capacity(items.len());
                let (mut deliveries, mut attempts, mut outcomes, mut caps) =
                    (Rows::new(), Rows::new(), Rows::new(), Rows::new());
                let mut events = Vec::new();
                for ((((item, key), stood), (mine, rows, after, audit)), goes_on) in
                    items.iter().zip(keys).zip(standing).zip(extras).zip(proven)
                {
                    let Some(stood) = stood else {
                        answers.push(false);
                        continue;
                    };
                    answers.push(true);
                    let goes_on = goes_on && !gone.contains(&item.delivery);
                    settle_rows(tx, item, key, &stood, goes_on, now, &mut deliveries, &mut outcomes);
                    if let Some(attempt) = &item.attempt {
                        attempts
                            .row()
                            .int(shard(key.customer))
                            .blob(&key.customer.0)
                            .blob(&key.delivery.0)
                            .int(signed(item.fence))
                            .at(attempt.started_at)
                            .at(attempt.ended_at)
                            .int(signed(item.fence))
                            .text(&attempt.outcome)
                            .opt_text(attempt.stage.as_deref())
                            .text(&attempt.answer)
                            .opt_text(attempt.provider_id.as_deref());
                    }
                    if item.give_back_cap && !planted(Bug::CapNotGivenBack) {
                        caps.row().int(shard(key.customer)).blob(&key.customer.0).blob(&key.delivery.0);
                    }
                    if let Some(row) = item.suppress.as_ref().filter(|_| !planted(Bug::DeadAddressForgotten))
                    {
                        suppress_in(
                            tx,
                            bidx_shard(&stood.address_bidx),
                            &stood.address_bidx,
                            stood.channel,
                            row,
                        )
                        .await?;
                    }
                    if goes_on {
                        write_messages(tx, rows).await?;
                        tx.after.append(after);
                    }
                    super::audit::insert(tx, PreparedAudit::new(audit)).await?;
                    events.extend(mine);
                }
                write_settled(tx, &deliveries, &attempts, &outcomes, &caps)?;
                let written = write_events(tx, &events).await?;
                Ok((answers, elsewhere(&items, &events, &written)))
            })
        });
        let (answers, moved) = settled.await?;
        if !moved.is_empty() {
            self.ingest(moved).await?;
        }
        Ok(answers)
    }

    /// Our own events about a customer, sealed.
    fn own_events(
        &self,
        keys: &Keys,
        customer: CustomerId,
        events: &[NewEvent],
    ) -> Result<Vec<Prepared>, StoreError> {
        events
            .iter()
            .map(|new| {
                let incoming = Incoming {
                    customer,
                    event: new.event.clone(),
                    source: "tabi".to_owned(),
                    message_id: new.message_id.clone(),
                    listened: true,
                    declared: true,
                };
                self.prepare_event(keys, &incoming)
            })
            .collect()
    }

    /// Takes receipts in. `false`: known already, or no such delivery.
    pub async fn receipts(
        &self,
        mut items: Vec<NewReceipt>,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut names: Vec<&str> = vec!["tabi"];
        for item in &items {
            names.push(&item.kind);
            names.extend(item.events.iter().map(|new| new.event.name.as_str()));
            names.extend(item.audit.iter().map(|event| event.kind.as_str()));
        }
        self.intern(names).await?;
        {
            // What was planned may have moved with a merge.
            let mut conn = self.read().await?;
            for item in &mut items {
                let here = db::query(
                    "select 1 from delivery where shard = ? and customer = ? and message = ? and id = ?",
                )
                .bind(shard(item.customer))
                .bind(item.customer.0.to_vec())
                .bind(item.message.0.to_vec())
                .bind(item.delivery.0.to_vec())
                .fetch_optional(&mut *conn)
                .await?;
                if here.is_none()
                    && let Some(survivor) = super::customer::follow(&mut conn, item.customer).await?
                {
                    item.customer = survivor;
                }
            }
        }
        // Journeys of a merged customer go on with the survivor.
        let mut whose = Vec::with_capacity(items.len());
        {
            let mut conn = self.read().await?;
            for item in &items {
                whose.push(super::customer::follow(&mut conn, item.customer).await?.unwrap_or(item.customer));
            }
        }
        let wanted = items
            .iter()
            .zip(&whose)
            .flat_map(|(item, id)| item.events.iter().map(|new| events_key(*id, new.event.received_at)));
        let keys = self.keys(wanted.collect::<Vec<_>>(), now).await?;
        let mut extras = Vec::with_capacity(items.len());
        for (item, id) in items.iter().zip(&whose) {
            let mut audit = Rows::new();
            self.audit_rows(&mut audit, &item.audit)?;
            extras.push((self.own_events(&keys, *id, &item.events)?, audit, self.sym(&item.kind)?));
        }
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, whose.iter().copied())?;
                let mut answers = Vec::with_capacity(items.len());
                let mut all = Vec::new();
                for (item, (events, audit, kind)) in items.iter().zip(extras) {
                    let fresh = one_receipt(tx, item, kind, now).await?;
                    if fresh {
                        super::audit::insert(tx, PreparedAudit::new(audit)).await?;
                        all.extend(events);
                    }
                    answers.push(fresh);
                }
                write_events(tx, &all).await?;
                Ok(answers)
            })
        })
        .await
    }

    /// The delivery of this id.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryKey>, StoreError> {
        let mut conn = self.read().await?;
        self.delivery_in(&mut conn, id).await
    }

    pub(crate) async fn delivery_in(
        &self,
        conn: &mut db::Reader,
        id: DeliveryId,
    ) -> Result<Option<DeliveryKey>, StoreError> {
        let (first, last) = id.messages();
        let row = db::query(DELIVERY)
            .bind(id.0.to_vec())
            .bind(first.0.to_vec())
            .bind(last.0.to_vec())
            .fetch_optional(conn)
            .await?;
        row.map(|row| super::ledger::delivery_key(&row)).transpose()
    }

    /// A person settles what is unknown or quarantined, by name.
    pub async fn settle_by_hand(
        &self,
        key: DeliveryKey,
        how: SettleByHand,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if by.trim().is_empty() {
            return Err(StoreError::Invalid("say who settles it".to_owned()));
        }
        let kind = match how {
            SettleByHand::Accepted => AuditKind::DeliverySettledAccepted,
            SettleByHand::NotAccepted => AuditKind::DeliverySettledNotAccepted,
            SettleByHand::SendAgain => AuditKind::DeliveryPlannedAgain,
        };
        let mut why = serde_json::json!({"settled_by": by, "reason": reason});
        match how {
            SettleByHand::Accepted => why["outcome"] = "accepted".into(),
            SettleByHand::NotAccepted => why["outcome"] = "not_accepted".into(),
            SettleByHand::SendAgain => {}
        }
        let why = why.to_string();
        let audit = AuditEvent {
            kind,
            at: now,
            // A deed of whoever settles it: listed with the others, and with the delivery that it concerns.
            customer: None,
            subject: Some(key.delivery.0),
            body: why.clone(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, [key.customer])?;
                let found = standing(tx, &[(key, None)])?.pop().flatten();
                let Some(stood) = found else {
                    return Err(StoreError::NotFound(format!("delivery {}", key.delivery)));
                };
                if stood.state != 4 && stood.state != 9 {
                    return Err(StoreError::Conflict(format!(
                        "delivery {} is neither unknown nor quarantined",
                        key.delivery
                    )));
                }
                let (state, due) = match how {
                    SettleByHand::Accepted => (DeliveryState::Accepted, None),
                    SettleByHand::NotAccepted => (DeliveryState::Rejected, None),
                    SettleByHand::SendAgain => (DeliveryState::Planned, Some(now)),
                };
                db::query(
                    "update delivery set state = ?, due_at = ?, strikes = 0, settled_at = ?, why = ? \
                     where shard = ? and customer = ? and message = ? and id = ?",
                )
                .bind(state as i64)
                .bind(due.map(Timestamp::as_micros))
                .bind(due.is_none().then_some(now.as_micros()))
                .bind(why.clone())
                .bind(shard(key.customer))
                .bind(key.customer.0.to_vec())
                .bind(key.message.0.to_vec())
                .bind(key.delivery.0.to_vec())
                .execute(&mut tx.conn)
                .await?;
                if let Some(due) = due {
                    tx.after.send_due(stood.channel, words::shard_of(key.customer), due.as_micros());
                }
                if how == SettleByHand::Accepted {
                    tx.tally.message(stood.journey, Kind::Sent, stood.step, stood.name, stood.channel);
                }
                let mut outcomes = Rows::new();
                outcome_row(&mut outcomes, key, outcome_of(state), now, Some(&why));
                tx.conn.each(OUTCOME, &outcomes)?;
                super::audit::insert(tx, prepared).await
            })
        })
        .await
    }
}

/// Whether the message of each item goes on with `next`: only where everything that it was handed over as is proven not
/// to have been accepted. One token of a customer's devices may be dead while another one rings.
async fn proven_refused(tx: &mut Tx, items: &[Settle]) -> Result<Vec<bool>, StoreError> {
    let mut proven = Vec::with_capacity(items.len());
    for item in items {
        if item.next.is_none() {
            proven.push(false);
            continue;
        }
        let rows = db::query(
            "select id from delivery where shard = ? and customer = ? and message = ? and id <> ? \
                and state in (0, 1, 2, 3, 4, 5)",
        )
        .bind(shard(item.customer))
        .bind(item.customer.0.to_vec())
        .bind(item.message.0.to_vec())
        .bind(item.delivery.0.to_vec())
        .fetch_all(&mut tx.conn)
        .await?;
        let mut open = false;
        for row in rows {
            let id: &[u8] = row.try_get(0)?;
            // Its neighbours in this very commit may be refused as well.
            let refused_too =
                |other: &Settle| other.delivery.0 == id && other.state >= DeliveryState::Rejected;
            open |= !items.iter().any(refused_too);
        }
        proven.push(!open);
    }
    Ok(proven)
}

#[expect(clippy::too_many_arguments, reason = "one row in two tables")]
fn settle_rows(
    tx: &mut Tx,
    item: &Settle,
    key: DeliveryKey,
    stood: &Standing,
    goes_on: bool,
    now: Timestamp,
    deliveries: &mut Rows,
    outcomes: &mut Rows,
) {
    let due = item.due_at.filter(|_| item.state == DeliveryState::Planned);
    deliveries
        .row()
        .int(shard(key.customer))
        .blob(&key.customer.0)
        .blob(&key.message.0)
        .blob(&key.delivery.0)
        .int(item.state as i64)
        .opt_at(due)
        .opt_at((item.state > DeliveryState::HandingOver).then_some(now))
        .text(&item.why)
        .int(i64::from(item.uncount))
        .int(i64::from(item.clear_strikes))
        .int(i64::from(item.give_back_cap));
    if let Some(due) = due {
        tx.after.send_due(stood.channel, words::shard_of(key.customer), due.as_micros());
    }
    let outcome = if goes_on { MessageOutcome::Planned } else { outcome_of(item.state) };
    outcome_row(outcomes, key, outcome, now, Some(&item.why));
    if let Some(kind) = figure(item.state) {
        tx.tally.message(stood.journey, kind, stood.step, stood.name, stood.channel);
    }
    if item.in_inbox && item.state == DeliveryState::Accepted {
        tx.tally.message(stood.journey, Kind::Inbox, stood.step, stood.name, stood.channel);
    }
}

/// The figure that a delivery counts for, once it stands so.
fn figure(state: DeliveryState) -> Option<Kind> {
    match state {
        DeliveryState::Accepted => Some(Kind::Sent),
        DeliveryState::Delivered => Some(Kind::Delivered),
        DeliveryState::Bounced => Some(Kind::Bounced),
        DeliveryState::Complained => Some(Kind::Complained),
        _ => None,
    }
}

/// Proven not to have been accepted, it was not handed over: its next attempt is no resend and uses its cap anew.
fn write_settled(
    tx: &Tx,
    deliveries: &Rows,
    attempts: &Rows,
    outcomes: &Rows,
    caps: &Rows,
) -> Result<(), StoreError> {
    for (sql, rows) in [
        (
            "update delivery set state = ?5, due_at = ?6, lease_until = null, settled_at = ?7, \
                why = case when json_valid(why) and json_valid(?8) then json_patch(why, ?8) else ?8 end, \
                attempts = max(attempts - ?9, 0), strikes = case when ?10 <> 0 then 0 else max(strikes - ?9, 0) end, \
                handed_at = case when ?11 <> 0 then null else handed_at end \
             where shard = ?1 and customer = ?2 and message = ?3 and id = ?4",
            deliveries,
        ),
        (
            "insert into attempt (shard, customer, delivery, n, started_at, ended_at, fence, outcome, stage, answer, \
                provider_id, node) \
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') on conflict do nothing",
            attempts,
        ),
        (OUTCOME, outcomes),
        ("delete from cap_use where shard = ?1 and customer = ?2 and delivery = ?3", caps),
    ] {
        tx.conn.each(sql, rows)?;
    }
    Ok(())
}

async fn one_receipt(tx: &mut Tx, item: &NewReceipt, kind: i64, now: Timestamp) -> Result<bool, StoreError> {
    let key = DeliveryKey { customer: item.customer, message: item.message, delivery: item.delivery };
    let Some(stood) = standing(tx, &[(key, None)])?.pop().flatten() else { return Ok(false) };
    let rows = db::query(
        "select n, kind, at, detail from receipt where shard = ? and customer = ? and delivery = ? order by n",
    )
    .bind(shard(key.customer))
    .bind(key.customer.0.to_vec())
    .bind(key.delivery.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    // Each link of a delivery is followed once, however often it is.
    let once = matches!(item.kind.as_str(), "clicked" | "scanned") && !item.detail.is_empty();
    let (mut next, mut first) = (1_i64, true);
    for row in &rows {
        next = row.try_get::<i64, _>(0)? + 1;
        let same_kind = row.try_get::<i64, _>(1)? == kind;
        first &= !same_kind;
        let same_time = row.try_get::<i64, _>(2)? == item.at.as_micros();
        if same_kind && (same_time || once) && row.try_get::<&str, _>(3)? == item.detail {
            return Ok(false);
        }
    }
    db::query(
        "insert into receipt (shard, customer, delivery, n, kind, at, recorded_at, detail) values (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(shard(key.customer))
    .bind(key.customer.0.to_vec())
    .bind(key.delivery.0.to_vec())
    .bind(next)
    .bind(kind)
    .bind(item.at.as_micros())
    .bind(now.as_micros())
    .bind(item.detail.clone())
    .execute(&mut tx.conn)
    .await?;
    // Evidence settles what is unknown, and what would be sent again or was set aside because an answer was lost.
    let lost = stood.state == 4 || stood.perhaps && matches!(stood.state, 0 | 1 | 9);
    let (state, counted) = match item.kind.as_str() {
        "accepted" => (lost.then_some(DeliveryState::Accepted), lost.then_some(Kind::Sent)),
        "delivered" => {
            let settles = lost || matches!(stood.state, 2 | 3);
            (settles.then_some(DeliveryState::Delivered), Some(Kind::Delivered))
        }
        "bounced" => (matches!(stood.state, 2..=6).then_some(DeliveryState::Bounced), Some(Kind::Bounced)),
        "complained" => {
            (matches!(stood.state, 2..=6).then_some(DeliveryState::Complained), Some(Kind::Complained))
        }
        // Whoever reads it has it, also where the next try of it is under way.
        "opened" => ((lost || stood.state == 2).then_some(DeliveryState::Delivered), Some(Kind::Opened)),
        "clicked" => ((lost || stood.state == 2).then_some(DeliveryState::Delivered), Some(Kind::Clicked)),
        _ => (None, None),
    };
    // What arrived was sent, also where nobody had written that down yet.
    if (lost || stood.state == 2) && state == Some(DeliveryState::Delivered) {
        tx.tally.message(stood.journey, Kind::Sent, stood.step, stood.name, stood.channel);
    }
    if let (Some(figure), true) = (counted, first) {
        tx.tally.message(stood.journey, figure, stood.step, stood.name, stood.channel);
    }
    if let Some(state) = state {
        db::query(
            // A claim that evidence has settled is over: a lease that went on would be given back, and the message sent again.
            "update delivery set state = ?, settled_at = ?, due_at = null, lease_until = null, \
                why = case when json_valid(why) then json_remove(why, '$.because') else why end where shard = ? and customer = ? \
                and message = ? and id = ?",
        )
        .bind(state as i64)
        .bind(now.as_micros())
        .bind(shard(key.customer))
        .bind(key.customer.0.to_vec())
        .bind(key.message.0.to_vec())
        .bind(key.delivery.0.to_vec())
        .execute(&mut tx.conn)
        .await?;
        message_outcome(tx, key, outcome_of(state), now, KNOWN).await?;
    }
    if let Some(row) = &item.suppress {
        suppress_in(tx, bidx_shard(&stood.address_bidx), &stood.address_bidx, stood.channel, row).await?;
    }
    Ok(true)
}
