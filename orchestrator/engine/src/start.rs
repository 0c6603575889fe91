//! Whether something that happened starts a journey for a customer.

use crate::decision::clock_text;
use crate::{Env, Known, State, holds, point_of};
use journey::{Again, AlreadyIn, Program, Start};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Elapsed, Event, EventId, EventKind, Text, Timestamp, Value, Zone};

/// Something that may start a journey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'a> {
    /// An event of the customer.
    Event(&'a Event),
    /// The customer joined or left a segment.
    Segment {
        /// Which.
        segment: &'a str,
        /// Joined, or left.
        joined: bool,
        /// When.
        at: Timestamp,
        /// Whether the customer was in it already when the journey went live (`already_in`).
        already: bool,
    },
    /// A schedule ticked, a date came round, a broadcast is due: the instant of [`crate::next_due`].
    Tick {
        /// That instant.
        at: Timestamp,
    },
    /// Asked for by name: through the API (which asks for journeys that start so), or by `enroll` in another journey.
    /// The inputs are the properties of an event of their own.
    Asked(&'a Event),
    /// An item of a catalogue changed.
    Item {
        /// The catalogue.
        catalog: &'a str,
        /// The item.
        item: &'a BTreeMap<String, Value>,
        /// The item as it was; `None`: it is new.
        before: Option<&'a BTreeMap<String, Value>>,
        /// When.
        at: Timestamp,
    },
}

/// An earlier enrollment of the same customer in the same journey with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None`: it lives.
    pub ended_at: Option<Timestamp>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum StartDecision {
    /// Start a new enrollment; `state.at.due_at` says when it begins.
    Start {
        /// Its key.
        key: String,
        /// Its state.
        state: Box<State>,
    },
    /// End the live one with [`crate::Ending::Superseded`], then start a new one.
    Restart {
        /// Its key.
        key: String,
        /// Its state.
        state: Box<State>,
    },
    /// Nothing starts.
    No(NoStart),
}

/// Why nothing starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoStart {
    /// The journey does not start by this: nothing to record.
    NotConcerned,
    /// Imported history starts nothing.
    History,
    /// It happened too long ago.
    Late {
        /// How long ago.
        ago: Elapsed,
        /// How long ago it may have been.
        late: Elapsed,
    },
    /// `if` (or the segment it is sent to, or `when` and `who` of an item) does not hold.
    ConditionFalse,
    /// The event lacks the property of `once_per`.
    NoKey {
        /// The property.
        property: String,
    },
    /// One with this key lives already.
    Live {
        /// Since when.
        since: Timestamp,
    },
    /// One with this key was there, and `again` does not allow another.
    Never {
        /// When it started.
        started_at: Timestamp,
    },
    /// `again: after …` has not passed.
    TooSoon {
        /// From when on it may start again.
        from: Timestamp,
    },
    /// In the segment already when the journey went live, and those are left alone.
    AlreadyIn,
}

impl NoStart {
    /// In words.
    pub fn words(&self) -> Text {
        match self {
            Self::NotConcerned => {
                Text::new("the journey does not start by this", "このジャーニーの開始条件ではありません")
            }
            Self::History => {
                Text::new("imported history starts nothing", "取り込んだ過去の履歴では開始しません")
            }
            Self::Late { ago, late } => {
                let (ago, within) = (ago.roughly(), late.roughly());
                Text::new(
                    format!("it happened {} ago, and the journey takes {late} at most", ago.en),
                    format!("{}前の出来事です（このジャーニーが受け付けるのは {}以内）", ago.ja, within.ja),
                )
            }
            Self::ConditionFalse => {
                Text::new("the condition of the start does not hold", "開始条件に当てはまりません")
            }
            Self::NoKey { property } => Text::new(
                format!("the event has no {property}, which `once_per` asks for"),
                format!("once_per に必要な {property} がイベントにありません"),
            ),
            Self::Live { since } => Text::new(
                format!("it is in this journey already, since {}", clock_text(&Zone::utc(), *since)),
                format!("{} からこのジャーニーに参加中です", clock_text(&Zone::utc(), *since)),
            ),
            Self::Never { started_at } => Text::new(
                format!(
                    "it was in this journey on {}, and nobody is twice",
                    clock_text(&Zone::utc(), *started_at)
                ),
                format!("{} に一度参加しており、再参加はできません", clock_text(&Zone::utc(), *started_at)),
            ),
            Self::TooSoon { from } => Text::new(
                format!(
                    "it was in this journey not long ago: again from {}",
                    clock_text(&Zone::utc(), *from)
                ),
                format!(
                    "前回の参加から間もないため、{} まで再参加できません",
                    clock_text(&Zone::utc(), *from)
                ),
            ),
            Self::AlreadyIn => Text::new(
                "it was in the segment already when the journey went live",
                "ジャーニーの公開時にすでにセグメントに入っていました",
            ),
        }
    }
}

/// The key that an enrollment started by this would have; empty without `once_per`. Look for [`Previous`] ones by it.
pub fn start_key(program: &Program, cause: &Cause<'_>) -> Result<String, NoStart> {
    if !concerns(&program.start, cause) {
        return Err(NoStart::NotConcerned);
    }
    let Some(once_per) = &program.once_per else { return Ok(String::new()) };
    let property = &once_per.property;
    let value = match cause {
        Cause::Event(event) | Cause::Asked(event) => event.properties.get(property),
        Cause::Item { item, .. } => item.get(property),
        Cause::Segment { .. } | Cause::Tick { .. } => None,
    };
    value
        .and_then(key_text)
        .filter(|key| !key.is_empty())
        .ok_or_else(|| NoStart::NoKey { property: property.clone() })
}

/// Whether `cause` starts `program` for the customer. `previous` are all earlier enrollments with the key that
/// [`start_key`] gives, in any order.
pub fn start(
    program: &Program,
    cause: &Cause<'_>,
    known: &dyn Known,
    previous: &[Previous],
    now: Timestamp,
) -> StartDecision {
    match decide(program, cause, known, previous, now) {
        Ok((key, state, true)) => StartDecision::Restart { key, state: Box::new(state) },
        Ok((key, state, false)) => StartDecision::Start { key, state: Box::new(state) },
        Err(reason) => StartDecision::No(reason),
    }
}

fn decide(
    program: &Program,
    cause: &Cause<'_>,
    known: &dyn Known,
    previous: &[Previous],
    now: Timestamp,
) -> Result<(String, State, bool), NoStart> {
    let key = start_key(program, cause)?;
    let (since, event, already) = match cause {
        Cause::Event(event) | Cause::Asked(event) => (event.occurred_at, Some(*event), false),
        Cause::Segment { at, already, .. } => (*at, None, *already),
        Cause::Tick { at } | Cause::Item { at, .. } => (*at, None, false),
    };
    if event.is_some_and(|event| event.kind == EventKind::History) {
        return Err(NoStart::History);
    }
    if already && program.already_in == AlreadyIn::Skip {
        return Err(NoStart::AlreadyIn);
    }
    let ago = now.since(since);
    if !already && ago > program.late {
        return Err(NoStart::Late { ago, late: program.late });
    }
    if !wanted(program, cause, known, event, now) {
        return Err(NoStart::ConditionFalse);
    }
    let restart = may_again(program.again, previous, now)?;
    let mut state = State::new(since, now);
    if let (true, AlreadyIn::Over(over)) = (already, program.already_in) {
        let share = i128::from(point_of(&program.journey, known.customer().id));
        let delay = i128::from(over.as_micros().max(0)) * share / 10_000;
        state.at.due_at = Some(now.plus(Elapsed::from_micros(i64::try_from(delay).unwrap_or(0))));
    }
    Ok((key, state, restart))
}

/// Whether this is the kind of thing that starts the journey. What is asked for by name is always meant.
fn concerns(start: &Start, cause: &Cause<'_>) -> bool {
    match (start, cause) {
        (_, Cause::Asked(_)) => true,
        (Start::Event { event }, Cause::Event(it)) => *event == it.name,
        (Start::Joins { segment }, Cause::Segment { segment: of, joined, .. }) => *joined && segment == of,
        (Start::Leaves { segment }, Cause::Segment { segment: of, joined, .. }) => !*joined && segment == of,
        (Start::Schedule { .. } | Start::Date { .. } | Start::Broadcast { .. }, Cause::Tick { .. }) => true,
        (Start::Item { catalog, .. }, Cause::Item { catalog: of, .. }) => catalog == of,
        _ => false,
    }
}

/// Whether the conditions of the start hold for this customer.
fn wanted(
    program: &Program,
    cause: &Cause<'_>,
    known: &dyn Known,
    event: Option<&Event>,
    now: Timestamp,
) -> bool {
    let (item, before) = match cause {
        Cause::Item { item, before, .. } => {
            (Some(Value::Map((*item).clone())), before.map(|before| Value::Map(before.clone())))
        }
        _ => (None, None),
    };
    let env = Env { event, item: item.as_ref(), before: before.as_ref(), ..Env::new(known, now) };
    let by_start = match (&program.start, cause) {
        (Start::Item { when, who, .. }, Cause::Item { .. }) => {
            when.as_ref().is_none_or(|when| holds(when, &env)) && holds(who, &env)
        }
        (Start::Schedule { to, .. } | Start::Date { to, .. }, Cause::Tick { .. }) => {
            to.as_ref().is_none_or(|segment| known.in_segment(segment, now))
        }
        (Start::Broadcast { to, .. }, Cause::Tick { .. }) => known.in_segment(to, now),
        _ => true,
    };
    by_start && program.start_if.as_ref().is_none_or(|condition| holds(condition, &env))
}

/// Whether an enrollment with the same key may start again; `true`: in the place of the live one.
fn may_again(again: Again, previous: &[Previous], now: Timestamp) -> Result<bool, NoStart> {
    if let Some(live) = previous.iter().find(|one| one.ended_at.is_none()) {
        return match again {
            Again::Restart => Ok(true),
            _ => Err(NoStart::Live { since: live.started_at }),
        };
    }
    let Some(started_at) = previous.iter().map(|one| one.started_at).max() else { return Ok(false) };
    match again {
        Again::Never => Err(NoStart::Never { started_at }),
        Again::After(after) if started_at.plus(after) > now => {
            Err(NoStart::TooSoon { from: started_at.plus(after) })
        }
        Again::Always | Again::Restart | Again::After(_) => Ok(false),
    }
}

/// The event that stands for the change of an item: keep it as the start event of the enrollments it starts.
pub fn item_event(
    id: EventId,
    item: &BTreeMap<String, Value>,
    before: Option<&BTreeMap<String, Value>>,
    at: Timestamp,
) -> Event {
    let mut properties = BTreeMap::from([("item".to_owned(), Value::Map(item.clone()))]);
    if let Some(before) = before {
        properties.insert("before".to_owned(), Value::Map(before.clone()));
    }
    Event {
        id,
        name: "item_changed".to_owned(),
        occurred_at: at,
        received_at: at,
        properties,
        kind: EventKind::Live,
    }
}

/// A value as a key: its text; none for null, lists and maps.
pub(crate) fn key_text(value: &Value) -> Option<String> {
    match crate::eval::text(value) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
