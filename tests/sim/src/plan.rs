//! Journeys of the simulated marketers: a tree that is written as YAML for the product, and walked by the laws.
//!
//! The two meet nowhere but in the names of steps: what a passage must have planned is counted out here, from the tree.

mod passages;
mod yaml;

use crate::chance::Chance;

pub use passages::Passage;

/// A journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: &'static str,
    /// What starts it.
    pub start: Start,
    /// Whether a refund of the same order stops it.
    pub stops: bool,
    /// The channels of its messages, the best first.
    pub first_of: Vec<&'static str>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// What starts a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// An order of at least so many yen, once for each.
    Order {
        /// The least total; 0: any.
        least: i64,
    },
    /// A visit, one passage at a time.
    Visit,
}

/// A step. Every one has a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Sends a message.
    Send {
        /// Its name.
        name: String,
        /// The message.
        message: &'static str,
        /// Good for so many hours; 0: no end of its own.
        expires_h: i64,
        /// The higher goes first.
        priority: i64,
    },
    /// Waits.
    Wait {
        /// Its name.
        name: String,
        /// How long, in hours, or in days of the calendar.
        length: i64,
        /// Days, not hours.
        days: bool,
        /// Within office hours of the customer.
        office: bool,
    },
    /// Waits for an event of the same order.
    WaitFor {
        /// Its name.
        name: String,
        /// At most so many hours.
        hours: i64,
        /// When it did not come, the journey ends.
        or_stop: bool,
        /// When it came.
        then: Vec<Step>,
        /// When it did not.
        otherwise: Vec<Step>,
    },
    /// One way or the other.
    If {
        /// Its name.
        name: String,
        /// By what.
        by: By,
        /// Where it holds.
        then: Vec<Step>,
        /// Where it does not.
        otherwise: Vec<Step>,
    },
    /// One of two arms, by hash.
    Experiment {
        /// Its name.
        name: String,
        /// The first half.
        one: Vec<Step>,
        /// The other.
        other: Vec<Step>,
    },
    /// Several times.
    Repeat {
        /// Its name.
        name: String,
        /// How often.
        times: u32,
        /// What.
        steps: Vec<Step>,
    },
    /// Writes a trait of the customer.
    Set {
        /// Its name.
        name: String,
    },
    /// The end.
    Stop {
        /// Its name.
        name: String,
    },
}

/// What a branch goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The total of the order that started it.
    TotalAtLeast(i64),
    /// How many orders the customer has made.
    OrdersOver(i64),
}

/// Purposes, with their class.
pub const PURPOSES: [(&str, &str); 4] =
    [("offers", "marketing"), ("after_sales", "service"), ("orders", "transactional"), ("login", "security")];

/// Messages of the project.
pub const MESSAGES: [&str; 4] = ["hello", "thanks", "reminder", "offer"];

/// The most ends that a journey may have.
const PASSAGES_MAX: usize = 48;

impl Journey {
    /// A journey by chance.
    pub fn by_chance(name: &str, chance: &mut Chance) -> Self {
        loop {
            let mut named = 0;
            let purpose =
                chance.pick(&[0, 0, 1, 1, 2, 2, 3]).and_then(|i| PURPOSES.get(*i)).map_or("orders", |p| p.0);
            let order = !chance.one_in(4);
            let start = if order {
                Start::Order { least: *chance.pick(&[0, 0, 3000]).unwrap_or(&0) }
            } else {
                Start::Visit
            };
            let ways: [&[&str]; 4] = [&["email"], &["email", "sms"], &["sms", "email"], &["email", "sms"]];
            let journey = Self {
                name: name.to_owned(),
                purpose,
                start,
                stops: order && chance.one_in(2),
                first_of: chance.pick(&ways).copied().unwrap_or(&["email"]).to_vec(),
                steps: list(chance, order, 2, &mut named),
            };
            if journey.passages(Some(5000)).len() <= PASSAGES_MAX && sends(&journey.steps) > 0 {
                return journey;
            }
        }
    }

    /// Whether an order of this total starts it.
    pub fn starts_by(&self, total: i64) -> bool {
        matches!(self.start, Start::Order { least } if total >= least)
    }
}

fn sends(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match step {
            Step::Send { .. } => 1,
            Step::WaitFor { then, otherwise, .. } | Step::If { then, otherwise, .. } => {
                sends(then) + sends(otherwise)
            }
            Step::Experiment { one, other, .. } => sends(one) + sends(other),
            Step::Repeat { steps, .. } => sends(steps),
            _ => 0,
        })
        .sum()
}

fn list(chance: &mut Chance, order: bool, depth: u32, named: &mut u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..chance.between(1, if depth == 2 { 4 } else { 2 }) {
        steps.push(step(chance, order, depth, named));
    }
    steps
}

fn step(chance: &mut Chance, order: bool, depth: u32, named: &mut u32) -> Step {
    *named += 1;
    let name = format!("s{named}");
    let kinds = if depth == 0 { 6 } else { 12 };
    match chance.below(kinds) {
        0..=2 => Step::Send {
            name,
            message: chance.pick(&MESSAGES).copied().unwrap_or("hello"),
            expires_h: *chance.pick(&[0, 0, 2, 12, 48]).unwrap_or(&0),
            priority: chance.between(0, 2),
        },
        3 | 4 => Step::Wait {
            name,
            length: chance.between(1, 4),
            days: chance.one_in(2),
            office: chance.one_in(3),
        },
        5 => Step::Set { name },
        6 | 7 => {
            let or_stop = chance.one_in(3);
            Step::WaitFor {
                name,
                hours: chance.between(2, 72),
                or_stop,
                then: if chance.one_in(2) { list(chance, order, depth - 1, named) } else { Vec::new() },
                otherwise: if !or_stop && chance.one_in(2) {
                    list(chance, order, depth - 1, named)
                } else {
                    Vec::new()
                },
            }
        }
        8 | 9 => Step::If {
            name,
            by: if order && chance.one_in(2) {
                By::TotalAtLeast(4000)
            } else {
                By::OrdersOver(chance.between(0, 2))
            },
            then: list(chance, order, depth - 1, named),
            otherwise: if chance.one_in(2) { list(chance, order, depth - 1, named) } else { Vec::new() },
        },
        10 => Step::Experiment {
            name,
            one: list(chance, order, depth - 1, named),
            other: list(chance, order, depth - 1, named),
        },
        _ => Step::Repeat {
            name,
            times: u32::try_from(chance.between(2, 3)).unwrap_or(2),
            steps: list(chance, order, depth - 1, named),
        },
    }
}
