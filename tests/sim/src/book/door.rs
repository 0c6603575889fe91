//! The door: what providers get, and whether it may come to them at this instant.

use super::Book;
use crate::clock::{HOUR, SECOND};
use words::{DeliveryId, MessageId};

/// What a provider made of a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Took it and said so.
    Accepted,
    /// Took it, and the answer was lost.
    LostTaken,
    /// Did not take it, and the answer was lost.
    LostNot,
    /// Refused the message for good.
    Refused,
    /// The address is dead.
    Dead,
    /// Cannot just now.
    Away,
    /// Not before so many seconds.
    Throttled(i64),
}

/// One hand-over.
#[derive(Debug, Clone)]
pub struct Handed {
    /// When it began, in business time.
    pub at: i64,
    /// The same by the machine clock.
    pub machine_at: i64,
    /// The bytes, folded.
    pub bytes: u64,
    /// To which address.
    pub to: String,
    /// Marketing, and so under caps.
    pub marketing: bool,
    /// Under which class it was planned: 0 never twice, 1 never lost, 2 keyed.
    pub class: i64,
    /// Of which group.
    pub group: usize,
    /// Whether the provider took it.
    pub taken: bool,
    /// What it said, once it said it.
    pub said: Option<Said>,
    /// Whether whoever asked lived to write it down.
    pub written: bool,
    /// Whether its lease ran out meanwhile.
    pub overrun: bool,
}

/// What the tables say about a delivery that comes to the door.
#[derive(Debug, Clone)]
pub struct AtDoor {
    /// Journey.
    pub journey: String,
    /// Step.
    pub step: String,
    /// Purpose.
    pub purpose: String,
    /// Class, by place: marketing, service, transactional, regulatory, security.
    pub class: i64,
    /// When it was planned.
    pub planned_at: i64,
    /// Its own end.
    pub expires_at: Option<i64>,
    /// What an unknown outcome means.
    pub delivery_class: i64,
    /// The enrollment's key, folded.
    pub key: Option<[u8; 16]>,
    /// The program's number.
    pub program: Option<i64>,
    /// How its passage stands: 0 live, 1 at its own end, from 2 on ended otherwise.
    pub passage: i64,
    /// Under which customer it stands.
    pub customer: [u8; 16],
}

/// Messages that count, in a week.
const CAP: usize = 3;
/// A lease is two minutes, and the clocks of two nodes may be most of a minute apart.
const LEASE_LEAST: i64 = 60 * SECOND;
const WEEK: i64 = 7 * 24 * HOUR;

impl Book {
    /// A hand-over has begun: every law that speaks of its beginning.
    #[expect(clippy::too_many_arguments, reason = "all that is seen of one hand-over")]
    pub fn begun(
        &mut self,
        (at, machine_at): (i64, i64),
        channel: &str,
        to: &str,
        message: MessageId,
        delivery: DeliveryId,
        bytes: u64,
        door: &AtDoor,
    ) {
        let person = self.people.iter().find(|p| p.email == to || p.phone.as_deref() == Some(to));
        let Some(person) = person else {
            return self.breach("I3", format!("a message to {to}, who is nobody"));
        };
        let (nth, group) = (person.nth, person.group);
        let who = format!("{} of {} to c{nth} by {channel}", door.step, door.journey);
        self.note(format!("{at} begins {who}"));
        self.may_begin(at, channel, to, group, &who, door);
        self.never_again(at, message, delivery, bytes, &who, door);
        let held =
            |tried: &Handed| !tried.written && !tried.overrun && machine_at - tried.machine_at < LEASE_LEAST;
        if self.handed.get(&delivery).is_some_and(|tries| tries.iter().any(held)) {
            self.breach("F11", format!("{who}: begun while somebody else held it, whose lease was not over"));
        }
        let marketing = door.class == 0;
        if marketing {
            let used = self.uses(group, at, Some(delivery), |h| {
                h.taken || h.said.is_none() || matches!(h.said, Some(Said::LostNot | Said::LostTaken))
            });
            if used >= CAP {
                self.breach("I8", format!("{who}: {used} marketing messages in a week, and one more"));
            }
        }
        self.handed.entry(delivery).or_default().push(Handed {
            at,
            machine_at,
            bytes,
            to: to.to_owned(),
            marketing,
            class: door.delivery_class,
            group,
            taken: false,
            said: None,
            written: false,
            overrun: false,
        });
        self.of_message.entry(message).or_default().insert(delivery);
    }

    /// Deliveries of a group that count as uses of a cap at `at`.
    pub fn uses(
        &self,
        group: usize,
        at: i64,
        but: Option<DeliveryId>,
        counts: impl Fn(&Handed) -> bool,
    ) -> usize {
        let members = self.groups.get(group).map(|g| g.members.clone()).unwrap_or_default();
        let of_group = |handed: &Handed| {
            members.iter().any(|m| self.group(*m) == group) && {
                self.people.iter().any(|p| {
                    p.group == group && (p.email == handed.to || p.phone.as_deref() == Some(&handed.to))
                })
            }
        };
        self.handed
            .iter()
            .filter(|(id, _)| Some(**id) != but)
            .filter(|(_, tries)| {
                tries
                    .iter()
                    .any(|h| h.marketing && h.at + WEEK > at && h.at <= at && counts(h) && of_group(h))
            })
            .count()
    }

    /// Consent, stops, hours, ends.
    fn may_begin(&mut self, at: i64, channel: &str, to: &str, group: usize, who: &str, door: &AtDoor) {
        if self.restored {
            self.breach("P9", format!("{who}: from a restored database that nobody released"));
        }
        let bound = matches!(door.class, 0 | 1);
        if bound && self.refused(group, &door.purpose, channel) {
            self.breach("I7", format!("{who}: begun after the refusal of {} was acknowledged", door.purpose));
        }
        if self.groups.get(group).is_some_and(|g| g.erased) {
            self.breach("I16", format!("{who}: begun after the erasure was acknowledged"));
        }
        let covers = [
            "all".to_owned(),
            format!("journey {}", door.journey),
            format!("channel {channel}"),
            format!("purpose {}", door.purpose),
        ];
        if covers.iter().any(|scope| self.stops.contains(scope)) {
            self.breach("I7", format!("{who}: begun after a stop was acknowledged"));
        }
        if bound {
            let zone = self.groups.get(group).and_then(|g| super::ZONES.get(g.zone));
            if let Some((name, ahead)) = zone {
                let minute = (at.div_euclid(60 * SECOND) + ahead).rem_euclid(24 * 60);
                if !(8 * 60..21 * 60).contains(&minute) {
                    self.breach("I7", format!("{who}: at {:02}:{:02} in {name}", minute / 60, minute % 60));
                }
            }
        }
        if door.expires_at.is_some_and(|end| at >= end) {
            self.breach("I7", format!("{who}: after its own end"));
        }
        let late = [3 * 24, 3 * 24, 7 * 24, i64::MAX / HOUR, 0]
            .get(usize::try_from(door.class).unwrap_or(3))
            .copied();
        let late = if door.class == 4 { 30 * 60 * SECOND } else { late.unwrap_or(0).saturating_mul(HOUR) };
        if at > door.planned_at.saturating_add(late) {
            self.breach("I7", format!("{who}: later than its class may be"));
        }
        if self.dead.contains(to) {
            self.breach("I7", format!("{who}: to an address that is known to be dead"));
        }
        let stopped = door.program.and_then(|no| self.programs.get(&no)).is_some_and(|journey| journey.stops);
        if stopped && let Some(key) = door.key {
            let order = self.orders.iter().find(|(id, _)| store::key_hash(id) == key);
            // What had come to its own end before is not stopped: events count in the order in which they came in.
            if door.passage != 1 && order.is_some_and(|(_, order)| order.refunded_at.is_some()) {
                self.breach("I7", format!("{who}: begun after what stops it was acknowledged"));
            }
        }
    }

    /// Once for good, with the same bytes.
    fn never_again(
        &mut self,
        at: i64,
        message: MessageId,
        delivery: DeliveryId,
        bytes: u64,
        who: &str,
        door: &AtDoor,
    ) {
        if self.accepted.contains(&message) {
            self.breach("I2", format!("{who}: begun again, though it was recorded as accepted"));
        }
        let mut breaches = Vec::new();
        for other in self.of_message.get(&message).into_iter().flatten() {
            let tries = self.handed.get(other).map(Vec::as_slice).unwrap_or_default();
            // Who knows the key, and calls the address dead, took nothing under that key before.
            let dead = tries
                .last()
                .is_some_and(|last| last.class == 2 && last.said == Some(Said::Dead) && last.written);
            for tried in tries {
                let unheard = tried.said.is_none() || matches!(tried.said, Some(Said::LostNot));
                let perhaps = tried.taken || unheard && !dead;
                if door.delivery_class == 0 && perhaps {
                    breaches.push(("I3", format!("{who}: never twice, and it may have been taken already")));
                }
                if *other != delivery {
                    continue;
                }
                if tried.bytes != bytes {
                    breaches.push(("I3", format!("{who}: tried again with other bytes")));
                }
                // A spread of a fifth is added, never taken away.
                if let Some(Said::Throttled(secs)) = tried.said
                    && tried.written
                    && at < tried.at + secs.clamp(1, 3600) * SECOND
                {
                    breaches.push(("F16", format!("{who}: before the time that the provider asked for")));
                }
            }
        }
        breaches.dedup();
        for (law, what) in breaches {
            self.breach(law, what);
        }
    }
}
