//! Which channel: the judge is asked at planning for each channel that the customer can be reached on.

use super::StepContext;
use crate::verdict;
use engine::{Choice, Known, Reason, Snapshot, View};
use journey::{Channels, Program, Send};
use policy::{CapUse, Decision, Facts, Stage, Verdict};
use std::{cell::RefCell, collections::BTreeMap};
use words::{Channel, Country, Customer, EnrollmentId, Event, Timestamp, Value, Zone};

/// What the engine may ask about one enrollment, and what was answered.
pub(super) struct RunView<'a> {
    pub(super) snapshot: Snapshot<'a>,
    pub(super) ctx: StepContext<'a>,
    pub(super) program: &'a Program,
    pub(super) enrollment: EnrollmentId,
    pub(super) key: &'a str,
    pub(super) start: Option<&'a Event>,
    pub(super) cap_uses: &'a [(Timestamp, Channel)],
    pub(super) suppressions: &'a [store::SuppressionRow],
    /// The verdicts of each choice, by message: what the record keeps.
    pub(super) verdicts: RefCell<BTreeMap<String, Vec<(Channel, Verdict)>>>,
}

impl Known for RunView<'_> {
    fn customer(&self) -> &Customer {
        self.snapshot.customer()
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.snapshot.fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.snapshot.fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.snapshot.in_segment(name, now)
    }
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.snapshot.item(catalog, id)
    }
    fn zone(&self) -> &Zone {
        self.snapshot.zone()
    }
    fn country(&self) -> Option<Country> {
        self.snapshot.country()
    }
    fn business_days(&self) -> words::calendar::BusinessCalendar {
        self.snapshot.business_days()
    }
}

impl View for RunView<'_> {
    fn enrollment(&self) -> EnrollmentId {
        self.enrollment
    }

    fn key(&self) -> &str {
        self.key
    }

    fn start_event(&self) -> Option<&Event> {
        self.start
    }

    fn choose(&self, send: &Send, now: Timestamp) -> Choice {
        let (wanted, all) = match &send.channels {
            Channels::FirstOf(channels) => (channels, false),
            Channels::AllOf(channels) => (channels, true),
        };
        let mut reasons = Vec::new();
        let mut verdicts = Vec::new();
        let (mut allowed, mut delayed) = (Vec::new(), Vec::new());
        for channel in wanted {
            if self.customer().reachable(channel).next().is_none() {
                reasons.push(no_address(channel));
                continue;
            }
            let verdict = self.judge(send, channel, now);
            match verdict.decision {
                Decision::Allow => allowed.push(channel.clone()),
                Decision::Delay { .. } => delayed.push(channel.clone()),
                Decision::Block => reasons.extend(verdict::blocking(&verdict)),
            }
            verdicts.push((channel.clone(), verdict));
        }
        // A message that may go out at once on a later channel is not kept waiting for an earlier one.
        let mut order = allowed;
        order.extend(delayed);
        self.verdicts.borrow_mut().insert(send.message.clone(), verdicts);
        if order.is_empty() {
            // Only a change of what is known can allow it: the engine asks again then.
            return Choice::Blocked { reasons, until: None };
        }
        if !all {
            order.truncate(1);
        }
        Choice::Go(order)
    }
}

impl RunView<'_> {
    fn judge(&self, send: &Send, channel: &Channel, now: Timestamp) -> Verdict {
        let caps: Vec<CapUse<'_>> =
            self.cap_uses.iter().map(|(at, channel)| CapUse { at: *at, channel }).collect();
        let suppressions: Vec<policy::Suppression> =
            self.suppressions.iter().filter(|s| s.channel == *channel).map(verdict::suppression).collect();
        let address = self.customer().reachable(channel).next();
        let facts = Facts {
            customer: self.customer(),
            consents_known: true,
            message: policy::Message {
                id: [0; 16],
                name: &send.message,
                journey: Some(&self.program.journey),
                class: self.program.class,
                purpose: &self.program.purpose,
                channel,
                address,
                address_seen_at: address.and_then(|address| address.seen_at),
                priority: send.priority,
                planned_at: now,
                due_at: now,
                expires_at: send.expires.map(|expires| now.plus(expires)),
                late_max: verdict::late_max(self.program.class),
            },
            brand: &self.ctx.release.brand,
            cap_uses: &caps,
            competitors: &[],
            suppressions: &suppressions,
            stops: &[],
            held: false,
        };
        policy::judge(&self.ctx.release.packs, &facts, Stage::Plan, now)
    }
}

fn no_address(channel: &Channel) -> Reason {
    Reason::new(
        "no_address",
        format!("not sent by {channel}, because we have no usable address of theirs there"),
        format!("{channel} で使える宛先がないため、{channel} では送っていません"),
    )
}
