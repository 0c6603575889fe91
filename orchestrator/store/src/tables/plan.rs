//! Messages planned: with their deliveries, or with the reason why there are none.

use super::Store;
use super::audit::PreparedAudit;
use super::keys::{Keys, content_key};
use super::locks::lock_customers;
use super::open::shard;
use super::tally::{Kind, Tally};
use super::writer::{After, Tx};
use crate::planted::{Bug, planted};
use crate::{AuditEvent, ClaimFor, DeliveryKey, MessageOutcome, NewDelivery, NewMessage, StoreError};
use db::{Rows, signed};
use words::{CustomerId, DeliveryClass, MessageClass, Timestamp};

/// Rows of messages, deliveries and their addresses.
#[derive(Default)]
pub(crate) struct MessageRows {
    messages: Rows,
    deliveries: Rows,
    contents: Rows,
    addressed: Rows,
    /// Claimed in the commit that plans them.
    pub(crate) claimed: Vec<DeliveryKey>,
}

/// The number of a class.
pub(crate) fn class_no(class: MessageClass) -> i64 {
    MessageClass::ALL.iter().position(|c| *c == class).and_then(|n| i64::try_from(n).ok()).unwrap_or(0)
}

/// The class of a number.
pub(crate) fn class_of(no: i64) -> Result<MessageClass, StoreError> {
    usize::try_from(no)
        .ok()
        .and_then(|no| MessageClass::ALL.get(no).copied())
        .ok_or_else(|| StoreError::corrupt(format!("message.class {no}")))
}

/// The number of a delivery class.
pub(crate) fn delivery_class_no(class: DeliveryClass) -> i64 {
    match class {
        DeliveryClass::NeverTwice => 0,
        DeliveryClass::NeverLost => 1,
        DeliveryClass::Keyed => 2,
    }
}

/// The delivery class of a number.
pub(crate) fn delivery_class_of(no: i64) -> Result<DeliveryClass, StoreError> {
    Ok(match no {
        0 => DeliveryClass::NeverTwice,
        1 => DeliveryClass::NeverLost,
        2 => DeliveryClass::Keyed,
        other => return Err(StoreError::corrupt(format!("delivery.delivery_class {other}"))),
    })
}

impl Store {
    /// Lays out one message. Names must be interned, keys at hand.
    #[expect(clippy::too_many_arguments, reason = "all of it goes into one commit")]
    pub(crate) fn message_rows(
        &self,
        rows: &mut MessageRows,
        after: &mut After,
        tally: &mut Tally,
        keys: &Keys,
        customer: CustomerId,
        message: &NewMessage,
        now: Timestamp,
        claim: Option<&ClaimFor>,
    ) -> Result<(), StoreError> {
        let key = content_key(customer, message.planned_at);
        let inputs = if message.inputs.is_empty() {
            None
        } else {
            Some(keys.seal_packed(key, "message", "inputs", &message.id.0, &message.inputs)?)
        };
        let planned = message.outcome == MessageOutcome::Planned;
        let (journey, step, name) =
            (self.sym(&message.journey)?, self.sym(&message.step)?, self.sym(&message.name)?);
        rows.messages
            .row()
            .int(shard(customer))
            .blob(&customer.0)
            .blob(&message.id.0)
            .int(message.origin as i64)
            .opt_blob(message.enrollment.as_ref().map(|e| e.0.as_slice()))
            .int(journey)
            .int(step)
            .int(message.visit)
            .int(name)
            .int(self.sym(&message.purpose)?)
            .int(class_no(message.class))
            .int(message.priority)
            .opt_int(message.program)
            .opt_blob(message.release.as_ref().map(|r| r.0.as_slice()))
            .int(signed(message.cause_seq))
            .at(message.planned_at)
            .opt_at(message.expires_at)
            .int(message.outcome as i64)
            .opt_at((!planned).then_some(message.planned_at))
            .text(&message.why)
            .opt_blob(inputs.as_deref());
        // What is not sent is counted with its reason, where the row is written.
        if planned {
            tally.message(journey, Kind::Planned, step, name, 0);
        }
        for delivery in &message.deliveries {
            let claim = claim.filter(|_| planned && delivery.due_at <= now);
            let (id, at, class) = (message.id, message.planned_at, Some(message.class));
            self.delivery_rows(rows, after, keys, customer, id, at, delivery, class, claim)?;
        }
        Ok(())
    }

    /// Lays out one delivery. `class`: of its message; `None`: as its other deliveries say.
    #[expect(clippy::too_many_arguments, reason = "all of it goes into one commit")]
    pub(crate) fn delivery_rows(
        &self,
        rows: &mut MessageRows,
        after: &mut After,
        keys: &Keys,
        customer: CustomerId,
        message: words::MessageId,
        planned_at: Timestamp,
        delivery: &NewDelivery,
        class: Option<MessageClass>,
        claim: Option<&ClaimFor>,
    ) -> Result<(), StoreError> {
        let (bidx_shard, bidx) = self.blind(delivery.channel.as_str(), &delivery.address);
        let channel = self.sym(delivery.channel.as_str())?;
        let key = content_key(customer, planned_at);
        let address = keys.seal(key, "content", "address", &delivery.id.0, delivery.address.as_bytes())?;
        // Where its provider bears only so much, it waits for its turn.
        let claim = claim.filter(|_| !self.0.paces.apart(channel));
        let out = rows.deliveries.row();
        out.int(shard(customer))
            .blob(&customer.0)
            .blob(&message.0)
            .blob(&delivery.id.0)
            .int(delivery.ordinal)
            .int(channel)
            .blob(&bidx);
        match claim {
            Some(claim) => {
                let lease = self.by_the_server(claim.machine_now).plus(claim.lease);
                out.int(1)
                    .opt_int(None)
                    .int(1)
                    .at(lease)
                    .int(1)
                    .int(i64::from(!planted(Bug::AttemptsCountedAfter)));
                rows.claimed.push(DeliveryKey { customer, message, delivery: delivery.id });
            }
            None => {
                out.int(0).at(delivery.due_at).int(0).opt_int(None).int(0).int(0);
                after.send_due(channel, words::shard_of(customer), delivery.due_at.as_micros());
            }
        }
        let urgent = class.map(|class| class.delivery_class(false) == DeliveryClass::NeverLost);
        out.at(planned_at).int(delivery_class_no(delivery.class)).opt_int(urgent.map(i64::from));
        rows.addressed.row().int(bidx_shard).blob(&bidx).blob(&customer.0);
        rows.contents.row().int(shard(customer)).blob(&customer.0).blob(&delivery.id.0).blob(&address);
        Ok(())
    }

    /// Plans messages that no journey means: API and system messages. A message planned before stays as it is,
    /// with the deliveries that it has.
    pub async fn plan_messages(
        &self,
        customer: CustomerId,
        messages: Vec<NewMessage>,
        audit: Vec<AuditEvent>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut names: Vec<&str> = audit.iter().map(|event| event.kind.as_str()).collect();
        for m in &messages {
            names.extend([m.journey.as_str(), m.step.as_str(), m.name.as_str(), m.purpose.as_str()]);
            names.extend(m.deliveries.iter().map(|d| d.channel.as_str()));
        }
        self.intern(names).await?;
        let keys = self.keys(messages.iter().map(|m| content_key(customer, m.planned_at)), now).await?;
        let mut planned = Vec::with_capacity(messages.len());
        for message in &messages {
            let (mut rows, mut after, mut tally) =
                (MessageRows::default(), After::default(), Tally::default());
            self.message_rows(&mut rows, &mut after, &mut tally, &keys, customer, message, now, None)?;
            planned.push((message.id, rows, after, tally));
        }
        let mut audit_rows = Rows::new();
        self.audit_rows(&mut audit_rows, &audit)?;
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, [customer])?;
                let mut fresh = false;
                for (id, rows, after, tally) in planned {
                    // Planned before: asked for again it gets no second delivery, also where another channel would be
                    // chosen now.
                    let known = db::query("select 1 from message indexed by message_id where id = ?")
                        .bind(id.0.to_vec())
                        .fetch_optional(&mut tx.conn)
                        .await?;
                    if known.is_none() {
                        fresh = true;
                        write_messages(tx, rows).await?;
                        tx.after.append(after);
                        tx.tally.append(tally);
                    }
                }
                if fresh {
                    super::audit::insert(tx, PreparedAudit::new(audit_rows)).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// A message with its place in the log: the next one.
macro_rules! message {
    ($place:literal) => {
        concat!(
            "insert into message (shard, customer, id, origin, enrollment, journey, step, visit, name, purpose, class, \
                priority, program, release, cause_seq, planned_at, expires_at, outcome, settled_at, why, inputs, n) \
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ",
            $place,
            ") on conflict do nothing"
        )
    };
}
const PLACED: &str = message!("(select coalesce(max(n), 0) + 1 from message indexed by message_place)");
/// Nobody waits for a number: a transaction that is taken back leaves its own unused.
const PLACED_THERE: &str = message!("nextval('message_n')");

/// Writes messages and deliveries; those that are there already stay as they are.
pub(crate) async fn write_messages(tx: &mut Tx, rows: MessageRows) -> Result<(), StoreError> {
    let place = if tx.conn.is_postgres() { PLACED_THERE } else { PLACED };
    tx.conn.each(place, &rows.messages)?;
    tx.conn.each(
        "insert into delivery (shard, customer, message, id, ordinal, channel, address_bidx, state, due_at, fence, \
            lease_until, attempts, strikes, planned_at, delivery_class, urgent) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?16, (select max(e.urgent) from delivery e \
            where e.shard = ?1 and e.message = ?3), 0)) on conflict do nothing",
        &rows.deliveries,
    )?;
    tx.conn.each(
        "insert into addressed (shard, bidx, customer) values (?, ?, ?) on conflict do nothing",
        &rows.addressed,
    )?;
    tx.conn.each(
        "insert into content (shard, customer, delivery, address) values (?, ?, ?, ?) on conflict do nothing",
        &rows.contents,
    )?;
    Ok(())
}

/// Cancels deliveries `[shard, customer, message, delivery, why, at]` that are not under way, and messages that have none
/// left. What was to be sent again because its answer was lost may have arrived: that is unknown, and not "not sent".
pub(crate) async fn cancel(tx: &mut Tx, rows: Rows) -> Result<(), StoreError> {
    tx.conn.each(
        "update delivery set state = case when handed_at is null then 12 else 4 end, due_at = null, lease_until = null, \
            settled_at = ?6, why = ?5 \
         where shard = ?1 and customer = ?2 and message = ?3 and id = ?4 and state in (0, 1)",
        &rows,
    )?;
    // Once none of its deliveries may still go out, or has arrived.
    tx.conn.each(
        "update message as m set settled_at = ?6, why = ?5, outcome = case when exists ( \
            select 1 from delivery d where d.shard = m.shard and d.customer = m.customer and d.message = m.id \
                and d.state = 4) then 8 else 19 end \
         where m.shard = ?1 and m.customer = ?2 and m.id = ?3 and ?4 is not null and m.outcome in (0, 1) and not exists ( \
            select 1 from delivery d where d.shard = m.shard and d.customer = m.customer and d.message = m.id \
                and d.state in (0, 1, 2, 3, 5))",
        &rows,
    )?;
    Ok(())
}
