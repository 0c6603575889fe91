//! What happened in a story, gathered by looking on.

use super::adapter::Script;
use crate::Observer;
use journey::story::Fact;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::{CustomerChange, DeliveryState, EnrollmentChange, MessageOutcome, SendWork, Settle};
use words::{Channel, CustomerId, DeliveryId, EnrollmentId, MessageId, Timestamp};

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    pub(super) at: Timestamp,
    pub(super) customer: CustomerId,
    pub(super) fact: Fact,
    /// Code and words of a refusal, to be looked through by `because`.
    pub(super) because: String,
}

/// The newest delivery of a customer's messages, for receipts.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) work: SendWork,
}

/// Where a live enrollment stands.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) customer: CustomerId,
    pub(super) journey: String,
    pub(super) pc: u32,
}

#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) happenings: Vec<Happening>,
    pub(super) sent: Vec<Sent>,
    pub(super) standing: BTreeMap<EnrollmentId, Standing>,
    journeys: BTreeMap<EnrollmentId, String>,
    deliveries: BTreeMap<DeliveryId, (MessageId, String)>,
}

/// The onlooker of one story.
#[derive(Debug, Default)]
pub(super) struct Onlooker {
    pub(super) gathered: Mutex<Gathered>,
    pub(super) script: Arc<Script>,
}

impl Onlooker {
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Gathered) -> R) -> R {
        f(&mut self.gathered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gathered {
    fn add(&mut self, at: Timestamp, customer: CustomerId, fact: Fact, because: &str) {
        self.happenings.push(Happening { at, customer, fact, because: because.to_owned() });
    }

    fn ended(
        &mut self,
        at: Timestamp,
        customer: CustomerId,
        id: EnrollmentId,
        state: &engine::State,
        reason: Option<&str>,
    ) {
        let journey = self.journeys.get(&id).cloned().unwrap_or_default();
        let engine::Status::Ended(how) = state.at.status else { return };
        self.standing.remove(&id);
        let fact = match how {
            engine::Ending::Finished => Fact::Finished { journey },
            _ => Fact::Stopped { journey: Some(journey), reason: reason.map(str::to_owned) },
        };
        self.add(at, customer, fact, reason.unwrap_or_default());
    }
}

impl Observer for Onlooker {
    fn stepped(&self, at: Timestamp, customer: CustomerId, change: &CustomerChange) {
        self.with(|seen| {
            for enrollment in &change.enrollments {
                match enrollment {
                    EnrollmentChange::New(new) => {
                        seen.journeys.insert(new.id, new.journey.clone());
                        seen.add(at, customer, Fact::Started { journey: new.journey.clone() }, "");
                        if new.state.is_live() {
                            let standing =
                                Standing { customer, journey: new.journey.clone(), pc: new.state.at.pc };
                            seen.standing.insert(new.id, standing);
                        }
                    }
                    EnrollmentChange::Moved { id, state, .. } => {
                        if let Some(standing) = seen.standing.get_mut(id) {
                            standing.pc = state.at.pc;
                        }
                    }
                }
            }
            for message in &change.messages {
                self.script.name(message.id, &message.name);
                for delivery in &message.deliveries {
                    seen.deliveries.insert(delivery.id, (message.id, message.name.clone()));
                }
                if message.outcome >= MessageOutcome::NotSent {
                    let fact = Fact::NotSent { message: message.name.clone(), because: None };
                    seen.add(at, customer, fact, &message.why);
                }
            }
            let mut cancelled = std::collections::BTreeSet::new();
            for (delivery, why) in &change.cancel {
                if let Some((message, name)) = seen.deliveries.get(delivery).cloned()
                    && cancelled.insert(message)
                {
                    seen.add(at, customer, Fact::NotSent { message: name, because: None }, why);
                }
            }
            for (_, journey, _, _) in &change.goals {
                seen.add(at, customer, Fact::Goal { journey: journey.clone() }, "");
            }
            for event in &change.events {
                seen.add(at, customer, Fact::Emitted { event: event.event.name.clone() }, "");
            }
            for call in &change.calls {
                seen.add(at, customer, Fact::Called { call: call.call.clone() }, "");
            }
            for notice in &change.notices {
                seen.add(at, customer, Fact::Notified { to: notice.to.clone() }, &notice.text);
            }
            for enrollment in &change.enrollments {
                match enrollment {
                    EnrollmentChange::New(new) => {
                        seen.ended(at, customer, new.id, &new.state, new.reason.as_deref())
                    }
                    EnrollmentChange::Moved { id, state, reason, .. } => {
                        seen.ended(at, customer, *id, state, reason.as_deref());
                    }
                }
            }
        });
    }

    fn closed(&self, at: Timestamp, work: &SendWork, settle: &Settle) {
        self.with(|seen| match settle.state {
            DeliveryState::Accepted => {
                let channel: Option<Channel> = Some(work.channel.clone());
                seen.add(at, work.customer.id, Fact::Sent { message: work.name.clone(), channel }, "");
                seen.sent.push(Sent { work: work.clone() });
            }
            DeliveryState::Planned => {}
            _ if settle.next.is_some() => {}
            _ => {
                let fact = Fact::NotSent { message: work.name.clone(), because: None };
                seen.add(at, work.customer.id, fact, &settle.why);
            }
        });
    }
}
