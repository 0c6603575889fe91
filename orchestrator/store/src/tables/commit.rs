//! The commit of a step batch: what was decided about hundreds of customers, in a handful of statements.
//!
//! Everything is sealed and laid out in rows before the writer is asked. The writer compares versions first; only where
//! somebody moved meanwhile are the rows laid out again, without them.

mod layout;

use super::Store;
use super::ask::Ask;
use super::audit::{self, PreparedAudit};
use super::claim::Kept;
use super::customer::{keep_identities, record_consents};
use super::ingest::{Prepared, write_events};
use super::keys::{Keys, content_key, events_key, profile_key};
use super::locks::lock_customers;
use super::open::shard;
use super::writer::{Tx, apart};
use crate::planted::{Bug, planted};
use crate::{
    AuditKind, ClaimFor, CustomerChange, DeliveryKey, EnrollmentChange, Incoming, NewDecision, StepBatch,
    StepCommit, StoreError,
};
use db::cell;
use db::{Rows, signed, unsigned};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;
use words::{CustomerId, Timestamp};

use layout::Tables;
pub(super) use layout::call_cell;

/// Who was skipped, and the deliveries claimed, on their way into the tables.
type Writing<'t> = BoxFuture<'t, Result<(Vec<CustomerId>, Vec<DeliveryKey>), StoreError>>;

/// Says what kind of function this is.
fn at_once<F: for<'t> FnOnce(&'t mut Tx) -> Writing<'t>>(work: F) -> F {
    work
}

/// The same for what is done after an error.
fn by_itself<F: for<'t> FnOnce(&'t mut Tx, StoreError) -> Writing<'t>>(work: F) -> F {
    work
}

/// How long a customer waits whose step cannot be written down.
const PUT_OFF: words::Elapsed = words::Elapsed::from_secs(600);

/// One customer of the batch with what was sealed for them.
struct Item {
    work: Kept,
    change: CustomerChange,
    profile: Option<Vec<u8>>,
    facts: Option<Vec<u8>>,
    /// As `change.enrollments`: the context to be kept.
    contexts: Vec<Option<Vec<u8>>>,
    events: Vec<Prepared>,
    /// As `change.calls`.
    calls: Vec<Vec<u8>>,
    /// As `change.notices`: id and text.
    notices: Vec<([u8; 16], Vec<u8>)>,
    /// The id of the decisions' row, where anything was decided.
    decided: Option<[u8; 16]>,
}

impl Item {
    /// The newest decision, after this step.
    fn last_decision(&self) -> Option<&[u8]> {
        self.decided.as_ref().or(self.work.last_decision.as_ref()).map(<[u8; 16]>::as_slice)
    }

    /// The next place among words of consent, after this step.
    fn next_n(&self) -> u64 {
        self.work.next_n + self.change.consents.len() as u64
    }
}

/// What was decided about a claim, sealed and laid out: only the writing is left.
pub struct PreparedSteps {
    items: Arc<Vec<Item>>,
    keys: Keys,
    tables: Tables,
    now: Timestamp,
    claim: Option<ClaimFor>,
    held: crate::Claim,
}

impl std::fmt::Debug for PreparedSteps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedSteps").field("customers", &self.items.len()).finish_non_exhaustive()
    }
}

impl Store {
    /// Writes what was decided, one change for each entry of `batch.work`, in one transaction. A customer with newer
    /// events stays due; one whom somebody else changed meanwhile is skipped, stays due and is named in the answer.
    /// Planned deliveries that are due at `now` are claimed in the same commit where `claim` asks for it.
    pub async fn commit_steps(
        &self,
        batch: StepBatch,
        changes: Vec<CustomerChange>,
        now: Timestamp,
        claim: Option<ClaimFor>,
    ) -> Result<StepCommit, StoreError> {
        let prepared = self.prepare_steps(batch, changes, now, claim).await?;
        self.commit_prepared(prepared).await
    }

    /// The first half of [`Store::commit_steps`]: all that can be done while somebody else is writing. Dropping it leaves
    /// the customers due.
    pub async fn prepare_steps(
        &self,
        batch: StepBatch,
        changes: Vec<CustomerChange>,
        now: Timestamp,
        claim: Option<ClaimFor>,
    ) -> Result<PreparedSteps, StoreError> {
        let StepBatch { work, claim: mut held, .. } = batch;
        if work.len() != changes.len() {
            return Err(StoreError::Invalid(format!(
                "{} changes for {} customers",
                changes.len(),
                work.len()
            )));
        }
        let mut kept: HashMap<CustomerId, Kept> =
            held.kept().into_iter().map(|kept| (kept.id, kept)).collect();
        let work: Vec<Kept> = work.iter().filter_map(|work| kept.remove(&work.customer.id)).collect();
        if work.len() != changes.len() {
            return Err(StoreError::Invalid("the work is not what this claim gave out".to_owned()));
        }
        self.intern_changes(&changes).await?;
        let claim = claim.filter(|_| !self.is_held());
        let (items, keys) = self.seal_changes(work, changes, held.keys(), now).await?;
        let tables = self.lay_out(items.iter(), &keys, now, claim.as_ref())?;
        Ok(PreparedSteps { items, keys, tables, now, claim, held })
    }

    /// The second half: one transaction. Where that fails, each customer is written by themselves, so that one whose rows
    /// the database does not take stays behind alone.
    pub async fn commit_prepared(&self, prepared: PreparedSteps) -> Result<StepCommit, StoreError> {
        let PreparedSteps { items, keys, tables, now, claim, mut held } = prepared;
        if items.is_empty() {
            return Ok(StepCommit::default());
        }
        let (store, batch, sealing, for_claim) = (self.clone(), items.clone(), keys.clone(), claim.clone());
        let all = at_once(move |tx| {
            Box::pin(async move {
                let all: Vec<&Item> = batch.iter().collect();
                store.write_items(tx, all, Some(tables), &sealing, now, for_claim.as_ref()).await
            })
        });
        let (store, count, for_claim) = (self.clone(), items.len(), claim.clone());
        let each = by_itself(move |tx, error| {
            tracing::warn!("A batch of {count} steps failed, each is tried by itself: {error}");
            Box::pin(async move { store.write_one_by_one(tx, items, keys, now, for_claim, error).await })
        });
        let (conflicted, claimed) = match held.turn() {
            Some(turn) => self.write_in_turn(turn, all, each).await?,
            None => match self.write(all).await {
                Ok(done) => done,
                Err(error) => self.write(move |tx| each(tx, error)).await?,
            },
        };
        held.committed();
        drop(held);
        let claimed = match claim {
            Some(claim) if !claimed.is_empty() => self.load_sends(&claimed, now, claim.caps_since).await?,
            _ => Vec::new(),
        };
        Ok(StepCommit { conflicted, claimed })
    }

    /// In one commit, each under a savepoint. Those that fail are put off, with the reason in the log and on their page.
    async fn write_one_by_one(
        &self,
        tx: &mut Tx,
        items: Arc<Vec<Item>>,
        keys: Keys,
        now: Timestamp,
        claim: Option<ClaimFor>,
        error: StoreError,
    ) -> Result<(Vec<CustomerId>, Vec<DeliveryKey>), StoreError> {
        let (mut behind, mut claimed, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for place in 0..items.len() {
            let (store, items, keys, claim) = (self.clone(), items.clone(), keys.clone(), claim.clone());
            let done = apart(tx, move |tx| {
                Box::pin(async move {
                    let one = items.get(place).into_iter().collect();
                    store.write_items(tx, one, None, &keys, now, claim.as_ref()).await
                })
            });
            match done.await {
                Ok((skipped, mut deliveries)) => {
                    behind.extend(skipped);
                    claimed.append(&mut deliveries);
                }
                Err(why) => failed.push((place, why)),
            }
        }
        // Nobody could be written: that is not about a customer.
        if failed.len() == items.len() && items.len() > 1 {
            return Err(error);
        }
        for (place, why) in failed {
            if let Some(item) = items.get(place) {
                self.put_off(tx, item, &why, now)?;
                behind.push(item.work.id);
            }
        }
        Ok((behind, claimed))
    }

    /// A customer whose step cannot be written down is asked again later.
    fn put_off(&self, tx: &mut Tx, item: &Item, why: &StoreError, now: Timestamp) -> Result<(), StoreError> {
        let id = item.work.id;
        tracing::error!(
            customer.id = %id,
            "The step of customer {id} cannot be written down; they wait for ten minutes, then it is tried again: {why}",
        );
        let again = now.plus(PUT_OFF);
        let decision = NewDecision {
            at: now,
            enrollment: None,
            journey: None,
            step: None,
            kind: "broken",
            body: words::Text::new(
                "this step could not be written down; it is tried again in ten minutes",
                "この処理を記録できませんでした。10分後にもう一度試します",
            )
            .into(),
        };
        let mut row = Rows::new();
        let decided = self.0.ids.next(now);
        row.row().int(shard(id)).blob(&decided).blob(&id.0).at(now).text(&self.decisions_body(&[decision])?);
        tx.conn.each(
            "insert into decision (shard, id, customer, at, prior, body) \
             select ?1, ?2, ?3, ?4, last_decision, ?5 from customer where shard = ?1 and id = ?3",
            &row,
        )?;
        let mut row = Rows::new();
        row.row().int(shard(id)).blob(&id.0).at(again).blob(&decided);
        tx.conn
            .each("update customer set due_at = ?3, last_decision = ?4 where shard = ?1 and id = ?2", &row)?;
        tx.after.step_due(words::shard_of(id), again.as_micros());
        Ok(())
    }

    /// Writes these customers, all or none of them; `tables` are theirs, where they were laid out before. Returns those
    /// who were skipped, and the deliveries claimed.
    async fn write_items(
        &self,
        tx: &mut Tx,
        mut items: Vec<&Item>,
        tables: Option<Tables>,
        keys: &Keys,
        now: Timestamp,
        claim: Option<&ClaimFor>,
    ) -> Result<(Vec<CustomerId>, Vec<DeliveryKey>), StoreError> {
        lock_customers(tx, items.iter().map(|item| item.work.id))?;
        let mut tables = match tables {
            Some(tables) => tables,
            None => self.lay_out(items.iter().copied(), keys, now, claim)?,
        };
        let skip = move_customers(tx, &items, &tables.customers, now)?;
        if !skip.is_empty() {
            items.retain(|item| !skip.contains(&item.work.id));
            tables = self.lay_out(items.iter().copied(), keys, now, claim)?;
            for id in &skip {
                tx.after.step_due(words::shard_of(*id), now.as_micros());
            }
        }
        let claimed = std::mem::take(&mut tables.messages.claimed);
        self.write_tables(tx, tables, &items, keys, now).await?;
        Ok((skip, claimed))
    }

    async fn intern_changes(&self, changes: &[CustomerChange]) -> Result<(), StoreError> {
        let mut names: Vec<&str> =
            vec!["tabi", "broken", AuditKind::ConsentGranted.as_str(), AuditKind::ConsentRevoked.as_str()];
        for change in changes {
            for enrollment in &change.enrollments {
                if let EnrollmentChange::New(new) = enrollment {
                    names.push(&new.journey);
                }
            }
            names.extend(change.segments.keys().map(String::as_str));
            for message in &change.messages {
                names.extend([
                    message.journey.as_str(),
                    message.step.as_str(),
                    message.name.as_str(),
                    message.purpose.as_str(),
                ]);
                names.extend(message.deliveries.iter().map(|delivery| delivery.channel.as_str()));
            }
            names.extend(change.events.iter().map(|new| new.event.name.as_str()));
            for call in &change.calls {
                names.extend([call.step.as_str(), call.call.as_str()]);
            }
            names.extend(change.notices.iter().filter_map(|notice| notice.journey.as_deref()));
            for decision in &change.decisions {
                names.push(decision.kind);
                names.extend(decision.journey.as_deref());
                names.extend(decision.step.as_deref());
            }
            for (_, journey, _, revenue) in &change.goals {
                names.push(journey);
                names.extend(revenue.iter().map(|money| money.currency.as_str()));
            }
            names.extend(change.audit.iter().map(|event| event.kind.as_str()));
        }
        self.intern(names).await
    }

    async fn seal_changes(
        &self,
        work: Vec<Kept>,
        changes: Vec<CustomerChange>,
        opened: Option<Keys>,
        now: Timestamp,
    ) -> Result<(Arc<Vec<Item>>, Keys), StoreError> {
        let mut wanted = Vec::new();
        for (work, change) in work.iter().zip(&changes) {
            let id = work.id;
            wanted.push(profile_key(id));
            wanted.extend(change.events.iter().map(|new| events_key(id, new.event.received_at)));
            wanted.extend(change.messages.iter().map(|message| content_key(id, message.planned_at)));
            if !change.calls.is_empty() || !change.notices.is_empty() {
                wanted.push(events_key(id, now));
            }
        }
        let keys = match opened.filter(|keys| keys.have(&wanted)) {
            Some(keys) => keys,
            None => self.keys(wanted, now).await?,
        };
        let mut items = Vec::with_capacity(work.len());
        for (work, change) in work.into_iter().zip(changes) {
            items.push(self.seal_change(&keys, work, change, now)?);
        }
        Ok((Arc::new(items), keys))
    }

    fn seal_change(
        &self,
        keys: &Keys,
        work: Kept,
        change: CustomerChange,
        now: Timestamp,
    ) -> Result<Item, StoreError> {
        let id = work.id;
        let key = profile_key(id);
        let profile = match &change.customer {
            Some(customer) => {
                Some(keys.seal_packed(key, "customer_profile", "profile", &id.0, customer.as_ref())?)
            }
            None => None,
        };
        let facts = match &change.facts {
            Some(facts) => Some(keys.seal_packed(key, "customer_profile", "facts", &id.0, facts)?),
            None => None,
        };
        let mut contexts = Vec::with_capacity(change.enrollments.len());
        for enrollment in &change.enrollments {
            let (enrollment, state) = match enrollment {
                EnrollmentChange::New(new) => (new.id, &new.state),
                EnrollmentChange::Moved { id, state, .. } => (*id, state.as_ref()),
            };
            contexts.push(if state.context.is_empty() {
                None
            } else {
                Some(keys.seal_packed(key, "enrollment_context", "body", &enrollment.0, &state.context)?)
            });
        }
        let mut events = Vec::with_capacity(change.events.len());
        for new in &change.events {
            let incoming = Incoming {
                customer: id,
                event: new.event.clone(),
                source: "tabi".to_owned(),
                message_id: new.message_id.clone(),
                listened: true,
                declared: true,
            };
            events.push(self.prepare_event(keys, &incoming)?);
        }
        let mut calls = Vec::with_capacity(change.calls.len());
        for call in &change.calls {
            let row = call_cell(&call.enrollment.0, call.visit);
            calls.push(keys.seal_json(key, "call", "request", &row, &call.with)?);
        }
        let mut notices = Vec::with_capacity(change.notices.len());
        for notice in &change.notices {
            let notice_id = self.0.ids.next(now);
            let sealed =
                keys.seal(events_key(id, now), "notice", "body", &notice_id, notice.text.as_bytes())?;
            notices.push((notice_id, sealed));
        }
        let decided = (!change.decisions.is_empty()).then(|| self.0.ids.next(now));
        Ok(Item { work, change, profile, facts, contexts, events, calls, notices, decided })
    }

    async fn write_tables(
        &self,
        tx: &mut Tx,
        tables: Tables,
        items: &[&Item],
        keys: &Keys,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sqls = [
            (
                "update customer_profile set profile = ?3, updated_at = ?4 where shard = ?1 and id = ?2",
                &tables.profiles,
            ),
            ("update customer_profile set facts = ?3 where shard = ?1 and id = ?2", &tables.facts),
            // Of one that lives on, only what no index holds: the index by journey lies elsewhere, a page for each of them.
            // Ended before new: a restart ends the old one before the next may take its key.
            (
                "update enrollment set pc = ?4, waiting = ?5, due_at = ?6, arrived_at = ?7, goal_at = ?8 \
                 where shard = ?1 and customer = ?2 and id = ?3",
                &tables.moved,
            ),
            (
                "update enrollment set status = ?4, pc = ?5, waiting = ?6, due_at = ?7, started_at = ?8, since = ?9, \
                    arrived_at = ?10, ended_at = ?11, goal_at = ?12, reason = ?13 \
                 where shard = ?1 and customer = ?2 and id = ?3",
                &tables.ended,
            ),
            (
                "insert into enrollment (shard, customer, id, program, journey, key, cause_seq, status, pc, waiting, \
                    due_at, started_at, since, arrived_at, ended_at, goal_at, reason) \
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &tables.new,
            ),
            (
                "insert into enrollment_context (shard, customer, id, body) values (?, ?, ?, ?) \
                 on conflict (shard, customer, id) do update set body = excluded.body",
                &tables.contexts,
            ),
            (
                "delete from enrollment_context where shard = ?1 and customer = ?2 and id = ?3",
                &tables.contexts_gone,
            ),
            (
                "insert into customer_segment (shard, customer, segment, member, since, flip_at) \
                 values (?, ?, ?, ?, ?, ?) on conflict (shard, customer, segment) do update set member = excluded.member, \
                    since = excluded.since, flip_at = excluded.flip_at",
                &tables.segments,
            ),
            (
                "insert into call (shard, customer, enrollment, step, visit, name, due_at, fence, lease_until, \
                    attempts, give_up_at, state, request) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, null, 0, ?8, 0, ?9) on conflict do nothing",
                &tables.calls,
            ),
            (
                "insert into notice (shard, id, at, to_whom, customer, journey, body, mail_due) \
                 values (?, ?, ?, ?, ?, ?, ?, ?)",
                &tables.notices,
            ),
            (
                "insert into decision (shard, id, customer, at, prior, body) values (?, ?, ?, ?, ?, ?)",
                &tables.decisions,
            ),
            (
                "insert into goal (shard, customer, enrollment, journey, at, minor, currency) \
                 values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                &tables.goals,
            ),
        ];
        for (sql, rows) in sqls {
            tx.conn.each(sql, rows)?;
        }
        super::plan::cancel(tx, tables.cancels).await?;
        super::plan::write_messages(tx, tables.messages).await?;
        audit::insert(tx, PreparedAudit::new(tables.audit)).await?;
        tx.after.append(tables.after);
        tx.tally.append(tables.tally);
        let mut events = Vec::new();
        for item in items {
            let id = item.work.id;
            events.extend(item.events.iter().cloned());
            if !item.change.consents.is_empty() {
                let mut next_n = item.work.next_n;
                record_consents(self, tx, keys, id, &item.change.consents, &mut next_n, now).await?;
            }
            if let Some(customer) = &item.change.customer
                && (customer.addresses != item.work.customer.addresses
                    || customer.user_id != item.work.customer.user_id)
            {
                keep_identities(self, tx, &item.work.customer, customer, now).await?;
            }
        }
        write_events(tx, &events).await?;
        Ok(())
    }
}

/// Moves the hot rows of all customers on; returns those whom somebody else changed since the claim: nothing of theirs
/// may be written.
fn move_customers(
    tx: &mut Tx,
    items: &[&Item],
    rows: &Rows,
    now: Timestamp,
) -> Result<Vec<CustomerId>, StoreError> {
    let mut skip = Vec::new();
    let unchanged = tx.conn.each_changed(MOVE_CUSTOMER, rows)?;
    for (item, _) in items.iter().zip(unchanged).filter(|(_, changed)| !changed) {
        let id = item.work.id;
        let mut row = Rows::new();
        row.row().int(shard(id)).blob(&id.0);
        let mut same = false;
        tx.conn.ask(
            "select profile_version, applied_seq from customer where shard = ? and id = ?",
            &row,
            |_, found| {
                same = (unsigned(cell(found, 0)?) == item.work.profile_version
                    || planted(Bug::StaleStepCommits))
                    && unsigned(cell(found, 1)?) == item.work.applied_seq;
                Ok(())
            },
        )?;
        if !same {
            skip.push(id);
            continue;
        }
        // Something came in meanwhile that the decision did not see: they stay due.
        let mut row = Rows::new();
        row.row()
            .int(shard(id))
            .blob(&id.0)
            .int(signed(item.change.applied_seq))
            .at(now)
            .int(i64::from(item.change.customer.is_some()))
            .int(signed(item.next_n()))
            .opt_blob(item.last_decision());
        tx.conn.each(
            "update customer set applied_seq = ?3, due_at = ?4, guard_version = guard_version + ?5, next_n = ?6, \
                last_decision = ?7 where shard = ?1 and id = ?2",
            &row,
        )?;
        tx.after.step_due(words::shard_of(id), 0);
    }
    Ok(skip)
}

/// A customer whom nobody changed since the claim.
const MOVE_CUSTOMER: &str = "update customer set applied_seq = ?3, due_at = ?4, guard_version = ?5 + ?6, next_n = ?7, \
    last_decision = ?10 where shard = ?1 and id = ?2 and guard_version = ?5 and profile_version = ?8 and applied_seq = ?9";
