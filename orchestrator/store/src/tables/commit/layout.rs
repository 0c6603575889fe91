//! Rows of a step batch: what each customer's change writes into which table.

use super::super::Store;
use super::super::claim::status_no;
use super::super::keys::Keys;
use super::super::open::{bidx_shard, shard};
use super::super::plan::MessageRows;
use super::super::tally::{Kind, Tally};
use super::super::writer::After;
use super::Item;
use crate::{ClaimFor, EnrollmentChange, StoreError, key_hash};
use db::{Rows, signed};
use engine::{State, Status};
use words::Timestamp;

/// Rows for all customers but those skipped.
pub(super) struct Tables {
    pub(super) customers: Rows,
    pub(super) profiles: Rows,
    pub(super) facts: Rows,
    pub(super) new: Rows,
    /// Those that live on.
    pub(super) moved: Rows,
    pub(super) ended: Rows,
    pub(super) contexts: Rows,
    pub(super) contexts_gone: Rows,
    pub(super) segments: Rows,
    pub(super) messages: MessageRows,
    pub(super) cancels: Rows,
    pub(super) calls: Rows,
    pub(super) notices: Rows,
    pub(super) decisions: Rows,
    pub(super) goals: Rows,
    pub(super) audit: Rows,
    pub(super) after: After,
    pub(super) tally: Tally,
}

impl Store {
    pub(super) fn lay_out<'i>(
        &self,
        items: impl Iterator<Item = &'i Item>,
        keys: &Keys,
        now: Timestamp,
        claim: Option<&ClaimFor>,
    ) -> Result<Tables, StoreError> {
        let mut tables = Tables {
            customers: Rows::new(),
            profiles: Rows::new(),
            facts: Rows::new(),
            new: Rows::new(),
            moved: Rows::new(),
            ended: Rows::new(),
            contexts: Rows::new(),
            contexts_gone: Rows::new(),
            segments: Rows::new(),
            messages: MessageRows::default(),
            cancels: Rows::new(),
            calls: Rows::new(),
            notices: Rows::new(),
            decisions: Rows::new(),
            goals: Rows::new(),
            audit: Rows::new(),
            after: After::default(),
            tally: Tally::default(),
        };
        for item in items {
            self.lay_out_one(&mut tables, item, keys, now, claim)?;
        }
        Ok(tables)
    }

    fn lay_out_one(
        &self,
        tables: &mut Tables,
        item: &Item,
        keys: &Keys,
        now: Timestamp,
        claim: Option<&ClaimFor>,
    ) -> Result<(), StoreError> {
        let Item { work, change, .. } = item;
        let id = work.id;
        let at_shard = shard(id);
        // Events that did not fit into the claim are still waiting.
        let pending = work.next_seq > change.applied_seq + 1;
        let due = if pending { Some(now) } else { change.due_at };
        if let Some(due) = due {
            tables.after.step_due(words::shard_of(id), due.as_micros());
        }
        tables
            .customers
            .row()
            .int(at_shard)
            .blob(&id.0)
            .int(signed(change.applied_seq))
            .opt_at(due)
            .int(signed(work.guard_version))
            .int(i64::from(change.customer.is_some()))
            .int(signed(item.next_n()))
            .int(signed(work.profile_version))
            .int(signed(work.applied_seq))
            .opt_blob(item.last_decision());
        if let Some(profile) = &item.profile {
            tables.profiles.row().int(at_shard).blob(&id.0).blob(profile).at(now);
        }
        if let Some(facts) = &item.facts {
            tables.facts.row().int(at_shard).blob(&id.0).blob(facts);
        }
        self.lay_out_enrollments(tables, item, now)?;
        for (name, segment) in &change.segments {
            tables
                .segments
                .row()
                .int(at_shard)
                .blob(&id.0)
                .int(self.sym(name)?)
                .int(i64::from(segment.member))
                .at(segment.since)
                .opt_at(segment.flip_at);
        }
        // What is planned goes out in its order: the first at once, where nothing of theirs is on its way, the others after.
        let mut claim = claim.filter(|_| work.open.is_empty());
        for message in &change.messages {
            let claim = if message.deliveries.is_empty() { None } else { claim.take() };
            self.message_rows(
                &mut tables.messages,
                &mut tables.after,
                &mut tables.tally,
                keys,
                id,
                message,
                now,
                claim,
            )?;
        }
        for (delivery, why) in &change.cancel {
            if let Some((_, message)) = work.open.iter().find(|(open, _)| open == delivery) {
                tables
                    .cancels
                    .row()
                    .int(at_shard)
                    .blob(&id.0)
                    .blob(&message.0)
                    .blob(&delivery.0)
                    .text(why)
                    .at(now);
            }
        }
        for (call, sealed) in change.calls.iter().zip(&item.calls) {
            tables
                .calls
                .row()
                .int(at_shard)
                .blob(&id.0)
                .blob(&call.enrollment.0)
                .int(self.sym(&call.step)?)
                .int(call.visit)
                .int(self.sym(&call.call)?)
                .at(now)
                .at(call.give_up_at)
                .blob(sealed);
        }
        for (notice, (notice_id, sealed)) in change.notices.iter().zip(&item.notices) {
            tables
                .notices
                .row()
                .int(bidx_shard(notice_id))
                .blob(notice_id)
                .at(now)
                .text(&notice.to)
                .blob(&id.0)
                .opt_int(notice.journey.as_deref().map(|journey| self.sym(journey)).transpose()?)
                .blob(sealed)
                .opt_int(notice.mail.then_some(now.as_micros()));
        }
        if let Some(decided) = &item.decided {
            tables
                .decisions
                .row()
                .int(at_shard)
                .blob(decided)
                .blob(&id.0)
                .at(now)
                .opt_blob(work.last_decision.as_ref().map(<[u8; 16]>::as_slice))
                .text(&self.decisions_body(&change.decisions)?);
        }
        for (enrollment, journey, at, revenue) in &change.goals {
            let journey = self.sym(journey)?;
            tables
                .goals
                .row()
                .int(at_shard)
                .blob(&id.0)
                .blob(&enrollment.0)
                .int(journey)
                .at(*at)
                .opt_int(revenue.as_ref().map(|money| money.minor))
                .opt_text(revenue.as_ref().map(|money| money.currency.as_str()));
            tables.tally.journey(journey, Kind::Converted, 0, 1);
            if let Some(money) = revenue {
                let currency = self.sym(money.currency.as_str())?;
                tables.tally.journey(journey, Kind::Revenue, currency, money.minor);
            }
        }
        self.audit_rows(&mut tables.audit, &change.audit)
    }

    fn lay_out_enrollments(
        &self,
        tables: &mut Tables,
        item: &Item,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Item { work, change, contexts, .. } = item;
        let id = work.id;
        for (enrollment, context) in change.enrollments.iter().zip(contexts) {
            match enrollment {
                EnrollmentChange::New(new) => {
                    let journey = self.sym(&new.journey)?;
                    let rows = tables.new.row();
                    rows.int(shard(id)).blob(&id.0).blob(&new.id.0).int(new.program).int(journey);
                    rows.blob(&key_hash(&new.key)).int(signed(new.cause_seq));
                    position(rows, &new.state, new.reason.as_deref(), now);
                    if let Some(context) = context {
                        tables.contexts.row().int(shard(id)).blob(&id.0).blob(&new.id.0).blob(context);
                    }
                    tables.tally.journey(journey, Kind::Enrolled, 0, 1);
                    if new.state.is_live() {
                        tables.tally.place(new.program, i64::from(new.state.at.pc), 1);
                    } else {
                        ended(&mut tables.tally, journey, &new.state);
                    }
                }
                EnrollmentChange::Moved { id: enrollment, state, context_changed, reason } => {
                    let before = work.places.iter().find(|(live, ..)| live == enrollment);
                    if state.is_live() {
                        let at = &state.at;
                        tables
                            .moved
                            .row()
                            .int(shard(id))
                            .blob(&id.0)
                            .blob(&enrollment.0)
                            .int(at.pc)
                            .int(i64::from(at.waiting))
                            .opt_at(at.due_at)
                            .at(at.arrived_at)
                            .opt_at(state.context.goal_at);
                    } else {
                        let rows = tables.ended.row();
                        rows.int(shard(id)).blob(&id.0).blob(&enrollment.0);
                        position(rows, state, reason.as_deref(), now);
                    }
                    match context {
                        Some(context) if *context_changed => {
                            tables
                                .contexts
                                .row()
                                .int(shard(id))
                                .blob(&id.0)
                                .blob(&enrollment.0)
                                .blob(context);
                        }
                        None if *context_changed || !state.is_live() => {
                            tables.contexts_gone.row().int(shard(id)).blob(&id.0).blob(&enrollment.0);
                        }
                        _ => {}
                    }
                    if let Some((_, program, pc, journey)) = before {
                        tables.tally.place(*program, i64::from(*pc), -1);
                        if state.is_live() {
                            tables.tally.place(*program, i64::from(state.at.pc), 1);
                        } else {
                            ended(&mut tables.tally, self.sym(journey)?, state);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn ended(tally: &mut Tally, journey: i64, state: &State) {
    let kind = match state.at.status {
        Status::Live => return,
        Status::Ended(engine::Ending::Finished | engine::Ending::Goal) => Kind::Finished,
        Status::Ended(_) => Kind::Stopped,
    };
    tally.journey(journey, kind, 0, 1);
}

/// The columns of a position, from `status` on.
fn position(rows: &mut Rows, state: &State, reason: Option<&str>, now: Timestamp) {
    let at = &state.at;
    let ended_at = (!state.is_live()).then_some(now);
    rows.int(status_no(at.status))
        .int(at.pc)
        .int(i64::from(at.waiting))
        .opt_at(at.due_at)
        .at(at.started_at)
        .at(at.since)
        .at(at.arrived_at)
        .opt_at(ended_at)
        .opt_at(state.context.goal_at)
        .opt_text(reason);
}

/// The row of a call in its sealed cell.
pub(in crate::tables) fn call_cell(enrollment: &[u8; 16], visit: u32) -> [u8; 20] {
    let mut cell = [0; 20];
    cell[..16].copy_from_slice(enrollment);
    cell[16..].copy_from_slice(&visit.to_be_bytes());
    cell
}
