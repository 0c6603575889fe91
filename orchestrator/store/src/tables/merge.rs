//! Merge of two customers who turned out to be one.
//!
//! The loser becomes a redirect and keeps its history under its own keys; what still moves (identities, enrollments and
//! their calls, planned messages, memberships, caps, facts, consents, message ids seen) goes over to the survivor.

mod calls;
mod enrollments;
mod events;
mod messages;

use super::Store;
use super::audit::PreparedAudit;
use super::customer::{follow, load};
use super::ingest::write_events;
use super::keys::{Keys, content_key, events_key, profile_key};
use super::locks::lock_customers;
use super::open::shard;
use super::writer::Tx;
use crate::planted::{Bug, planted};
use crate::{AuditEvent, AuditKind, Merged, StoreError};
use db::Rows;
use engine::Facts;
use words::{ConsentState, Customer, CustomerId, Timestamp};

impl Store {
    /// Merges `loser` into `survivor`. Of two live enrollments with one key the older stays; a revocation on either side
    /// wins; cap uses and facts unite; planned messages keep their ids. Both are looked at again at once.
    pub async fn merge(
        &self,
        loser: CustomerId,
        survivor: CustomerId,
        schema: &journey::Schema,
        now: Timestamp,
        mut audit: Vec<AuditEvent>,
    ) -> Result<Merged, StoreError> {
        let (loser, survivor) = {
            let mut conn = self.read().await?;
            let missing = |id| StoreError::NotFound(format!("customer {id}"));
            (
                follow(&mut conn, loser).await?.ok_or_else(|| missing(loser))?,
                follow(&mut conn, survivor).await?.ok_or_else(|| missing(survivor))?,
            )
        };
        let same = Merged { survivor, changed: false, enrollments_moved: 0, enrollments_merged: 0 };
        if loser == survivor {
            return Ok(same);
        }
        audit.push(AuditEvent {
            kind: AuditKind::CustomerMerged,
            at: now,
            customer: Some(survivor),
            subject: Some(loser.0),
            body: serde_json::json!({"from": loser, "into": survivor}).to_string(),
        });
        self.intern(audit.iter().map(|event| event.kind.as_str())).await?;
        self.intern([
            words::internal::CUSTOMERS_MERGED,
            "tabi",
            AuditKind::EnrollmentEnded.as_str(),
            AuditKind::MessageCancelled.as_str(),
        ])
        .await?;
        // Messages on their way were sealed in the years they were planned in; events that no step has seen yet, and those
        // that enrollments began with, in the years they came in.
        let (years, pending) = {
            let mut conn = self.read().await?;
            let years = messages::planned_in(&mut conn, loser).await?;
            let rows = db::query(
                "select distinct e.received_at from customer c cross join event e on e.shard = c.shard \
                    and e.customer = c.id and e.seq > c.applied_seq where c.shard = ?1 and c.id = ?2 \
                 union select e.received_at from enrollment r cross join event e on e.shard = r.shard \
                    and e.customer = r.customer and e.seq = r.cause_seq \
                 where r.shard = ?1 and r.customer = ?2 and r.cause_seq <> 0",
            )
            .bind(shard(loser))
            .bind(loser.0.to_vec())
            .fetch_all(&mut *conn)
            .await?;
            let pending = rows
                .iter()
                .map(|row| Ok(Timestamp::from_micros(row.try_get(0)?)))
                .chain(std::iter::once(Ok(now)))
                .collect::<Result<Vec<Timestamp>, StoreError>>()?;
            (years, pending)
        };
        let wanted = [loser, survivor].into_iter().flat_map(|id| {
            std::iter::once(profile_key(id))
                .chain(years.iter().map(move |at| content_key(id, *at)))
                .chain(pending.iter().map(move |at| events_key(id, *at)))
        });
        let keys = self.keys(wanted.collect::<Vec<_>>(), now).await?;
        let (store, schema) = (self.clone(), schema.clone());
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, [loser, survivor])?;
                // Both are claimed by nobody from here on: their profile versions rise.
                let lost = load(tx, &keys, loser).await?.customer;
                let mut kept = load(tx, &keys, survivor).await?.customer;
                unite(&mut kept, lost);
                unite_facts(tx, &keys, &schema, loser, survivor).await?;
                let profile = keys.seal_packed(
                    profile_key(survivor),
                    "customer_profile",
                    "profile",
                    &survivor.0,
                    &kept,
                )?;
                db::query(
                    "update customer_profile set profile = ?, updated_at = ? where shard = ? and id = ?",
                )
                .bind(profile)
                .bind(now.as_micros())
                .bind(shard(survivor))
                .bind(survivor.0.to_vec())
                .execute(&mut tx.conn)
                .await?;
                let (moved, merged) =
                    enrollments::move_enrollments(tx, &store, &keys, loser, survivor, now).await?;
                messages::move_messages(tx, &keys, loser, survivor, now).await?;
                if planted(Bug::MergeLosesPlanned) {
                    let whose = data_encoding::HEXLOWER.encode(&survivor.0);
                    tx.conn.run(&format!(
                        "update delivery set due_at = null where state = 0 and customer = x'{whose}'"
                    ))?;
                }
                let mut pending = events::pending_events(tx, &keys, loser, survivor).await?;
                pending.push(events::merged_event(&store, loser, survivor, now)?);
                move_rest(tx, loser, survivor, now).await?;
                write_events(tx, &pending).await?;
                let mut rows = Rows::new();
                store.audit_rows(&mut rows, &audit)?;
                super::audit::insert(tx, PreparedAudit::new(rows)).await?;
                tx.after.step_due(words::shard_of(survivor), now.as_micros());
                Ok(Merged { survivor, changed: true, enrollments_moved: moved, enrollments_merged: merged })
            })
        })
        .await
    }
}

/// Pure: what the survivor is afterwards. Where both say something, the survivor's word stays, but for a revocation.
fn unite(kept: &mut Customer, lost: Customer) {
    for (name, value) in lost.traits {
        kept.traits.entry(name).or_insert(value);
    }
    for address in lost.addresses {
        match kept.addresses.iter_mut().find(|a| a.channel == address.channel && a.value == address.value) {
            Some(same) if address.state != words::AddressState::Active => same.state = address.state,
            Some(_) => {}
            None => kept.addresses.push(address),
        }
    }
    kept.user_id = kept.user_id.take().or(lost.user_id);
    kept.zone = kept.zone.take().or(lost.zone);
    kept.country = kept.country.take().or(lost.country);
    kept.locale = kept.locale.take().or(lost.locale);
    kept.account = kept.account.take().or(lost.account);
    kept.created_at = kept.created_at.min(lost.created_at);
    for theirs in lost.consents {
        let mine =
            kept.consents.iter_mut().find(|c| c.purpose == theirs.purpose && c.channel == theirs.channel);
        match mine {
            None => kept.consents.push(theirs),
            Some(mine) => {
                let revoked = (mine.state == ConsentState::Revoked, theirs.state == ConsentState::Revoked);
                let take = match revoked {
                    (false, true) => !planted(Bug::MergeRevivesConsent),
                    (true, false) => false,
                    _ => theirs.at > mine.at,
                };
                if take {
                    *mine = theirs;
                }
            }
        }
    }
}

async fn unite_facts(
    tx: &mut Tx,
    keys: &Keys,
    schema: &journey::Schema,
    loser: CustomerId,
    survivor: CustomerId,
) -> Result<(), StoreError> {
    let mut facts = Vec::new();
    for id in [survivor, loser] {
        let row = db::query("select facts from customer_profile where shard = ? and id = ?")
            .bind(shard(id))
            .bind(id.0.to_vec())
            .fetch_one(&mut tx.conn)
            .await?;
        let sealed: Option<Vec<u8>> = row.try_get(0)?;
        facts.push(match sealed {
            Some(sealed) => {
                keys.open_packed::<Facts>(profile_key(id), "customer_profile", "facts", &id.0, &sealed)?
            }
            None => None,
        });
    }
    let Some(theirs) = facts.pop().flatten() else { return Ok(()) };
    let mut mine = facts.pop().flatten().unwrap_or_default();
    mine.unite(schema, theirs);
    let sealed = keys.seal_packed(profile_key(survivor), "customer_profile", "facts", &survivor.0, &mine)?;
    db::query("update customer_profile set facts = ? where shard = ? and id = ?")
        .bind(sealed)
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .execute(&mut tx.conn)
        .await?;
    Ok(())
}

async fn move_rest(
    tx: &mut Tx,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "delete from identity where customer = ?1 and exists (select 1 from identity o where o.shard = identity.shard \
            and o.bidx = identity.bidx and o.customer = ?2)",
        "update identity set customer = ?2 where customer = ?1",
        // What was said about the one was said about the other: the same event again has no effect.
        "update event_seen set shard = ?4, customer = ?2 where shard = ?3 and customer = ?1 and not exists ( \
            select 1 from event_seen o where o.shard = ?4 and o.customer = ?2 and o.hash = event_seen.hash)",
        "update goal set shard = ?4, customer = ?2 where shard = ?3 and customer = ?1 and not exists ( \
            select 1 from goal o where o.shard = ?4 and o.customer = ?2 and o.enrollment = goal.enrollment)",
        // Whoever was in a segment on either side is in it, and does not join it by the merge; the look that follows may
        // find that they have left.
        "insert into customer_segment (shard, customer, segment, member, since, flip_at) \
            select ?4, ?2, segment, member, since, flip_at from customer_segment where shard = ?3 and customer = ?1 \
            on conflict (shard, customer, segment) do update set member = excluded.member, since = excluded.since, flip_at = excluded.flip_at \
                where excluded.member > customer_segment.member",
        "update cap_use set shard = ?4, customer = ?2 where shard = ?3 and customer = ?1 and not exists ( \
            select 1 from cap_use o where o.shard = ?4 and o.customer = ?2 and o.at = cap_use.at \
                and o.delivery = cap_use.delivery)",
        "delete from customer_segment where shard = ?3 and customer = ?1",
        "update customer_profile set redirect_to = ?2 where shard = ?3 and id = ?1",
        "update customer set due_at = null, flags = flags | 1, guard_version = guard_version + 1, \
            profile_version = profile_version + 1 where shard = ?3 and id = ?1",
    ] {
        db::query(sql)
            .bind(loser.0.to_vec())
            .bind(survivor.0.to_vec())
            .bind(shard(loser))
            .bind(shard(survivor))
            .execute(&mut tx.conn)
            .await?;
    }
    db::query(
        "update customer set guard_version = guard_version + 1, profile_version = profile_version + 1, \
            due_at = min(coalesce(due_at, ?3), ?3) where shard = ?1 and id = ?2",
    )
    .bind(shard(survivor))
    .bind(survivor.0.to_vec())
    .bind(now.as_micros())
    .execute(&mut tx.conn)
    .await?;
    Ok(())
}
