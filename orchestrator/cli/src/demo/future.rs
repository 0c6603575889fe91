//! What will happen, in order: purchases of the data, and what follows from them and from messages.

use super::cdnow::Purchase;
use super::chance::{draw, happens};
use std::{cmp::Reverse, collections::BinaryHeap};
use store::SendWork;
use words::{Channel, Elapsed, Timestamp};

/// Something that happens to a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// The first purchase of a customer is a sign-up too.
    SignUp {
        /// Number in the data.
        customer: u32,
    },
    /// A purchase.
    Order {
        /// Number in the data.
        customer: u32,
        /// Which one of theirs.
        nth: u32,
        /// US cents.
        cents: u32,
        /// How many CDs.
        cds: u32,
    },
    /// It arrived.
    Delivered {
        /// Number in the data.
        customer: u32,
        /// Which one of theirs.
        nth: u32,
    },
    /// They wrote a review.
    Review {
        /// Number in the data.
        customer: u32,
        /// Which order.
        nth: u32,
    },
    /// Something came back about a delivery.
    Receipt {
        /// Which, by its index.
        index: usize,
        /// What.
        kind: ReceiptKind,
    },
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReceiptKind {
    /// The mailbox took it.
    Delivered,
    /// It came back.
    Bounced,
    /// Marked as spam.
    Complained,
    /// Opened.
    Opened,
    /// A link was followed.
    Clicked,
    /// Out, in one click.
    Unsubscribed,
}

impl ReceiptKind {
    /// As the ledger calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// What will happen, soonest first; equal instants in the order of [`Happening`].
#[derive(Debug, Default)]
pub(crate) struct Future {
    heap: BinaryHeap<Reverse<(Timestamp, Happening)>>,
    /// Deliveries that receipts are about.
    pub(crate) sent: Vec<SendWork>,
}

impl Future {
    pub(crate) fn add(&mut self, at: Timestamp, what: Happening) {
        self.heap.push(Reverse((at, what)));
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Everything up to `now`, in order.
    pub(crate) fn take(&mut self, now: Timestamp) -> Vec<(Timestamp, Happening)> {
        let mut taken = Vec::new();
        while self.next_at().is_some_and(|at| at <= now)
            && let Some(Reverse(next)) = self.heap.pop()
        {
            taken.push(next);
        }
        taken
    }

    /// The purchases of the data, with their deliveries and reviews, moved so that the last day of the data is `last_day`.
    pub(crate) fn purchases(&mut self, seed: u64, purchases: &[Purchase], first_day: Timestamp) {
        let mut count = std::collections::BTreeMap::<u32, u32>::new();
        for purchase in purchases {
            let nth = count.entry(purchase.customer).or_default();
            *nth += 1;
            let keys = |what: u64| draw(seed, &[u64::from(purchase.customer), u64::from(*nth), what]);
            let customer = purchase.customer;
            // On the hour: the data knows days alone, and what happens together is taken in together.
            let hour = i64::try_from(8 + keys(1) % 14).unwrap_or(12);
            let at =
                first_day.plus(Elapsed::from_days(i64::from(purchase.day))).plus(Elapsed::from_hours(hour));
            if *nth == 1 {
                self.add(at, Happening::SignUp { customer });
            }
            let order = Happening::Order { customer, nth: *nth, cents: purchase.cents, cds: purchase.cds };
            self.add(at, order);
            if happens(keys(2), 965) {
                let days = i64::try_from(2 + keys(3) % 6).unwrap_or(3);
                let arrives = at.plus(Elapsed::from_days(days)).plus(Elapsed::from_hours((12 - hour) % 12));
                self.add(arrives, Happening::Delivered { customer, nth: *nth });
                if happens(keys(4), 60) {
                    let days = i64::try_from(6 + keys(5) % 20).unwrap_or(9);
                    self.add(
                        arrives.plus(Elapsed::from_days(days)),
                        Happening::Review { customer, nth: *nth },
                    );
                }
            }
        }
    }

    /// What comes back about an accepted delivery: rates of the trade, seeded by the delivery itself.
    pub(crate) fn receipts(&mut self, seed: u64, work: &SendWork, at: Timestamp) {
        let mut first = [0; 8];
        first.copy_from_slice(&work.delivery.0[..8]);
        let roll = |what: u64| draw(seed, &[u64::from_be_bytes(first), what]);
        let index = self.sent.len();
        self.sent.push(work.clone());
        let hour = |hours: u64| {
            let later = at.plus(Elapsed::from_hours(i64::try_from(hours).unwrap_or(1)));
            Timestamp::from_micros(later.as_micros() - later.as_micros().rem_euclid(3_600_000_000))
        };
        let mut add =
            |hours: u64, kind: ReceiptKind| self.add(hour(hours), Happening::Receipt { index, kind });
        if work.channel == Channel::EMAIL && happens(roll(1), 8) {
            return add(1, ReceiptKind::Bounced);
        }
        add(1, ReceiptKind::Delivered);
        if work.channel == Channel::PUSH {
            if happens(roll(2), 70) {
                add(2, ReceiptKind::Clicked);
            }
            return;
        }
        if work.channel != Channel::EMAIL {
            return;
        }
        if happens(roll(3), 1) {
            return add(4, ReceiptKind::Complained);
        }
        if happens(roll(4), 380) {
            let after = 2 + roll(5) % 30;
            add(after, ReceiptKind::Opened);
            if happens(roll(6), 240) {
                add(after + 1, ReceiptKind::Clicked);
            } else if happens(roll(7), 12) {
                add(after + 1, ReceiptKind::Unsubscribed);
            }
        }
    }
}
