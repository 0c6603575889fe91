//! Facts: aggregates over a customer's events, folded one event at a time.
//!
//! Each event counts by when it occurred, in whatever order it comes; imported history counts like any other. A fact
//! with a window keeps the instants (and values) that it needs, at most 1,000, and lets the oldest go beyond that: a
//! count then says at least that many, a sum is that of the newest 1,000. `distinct` tells at most 1,000 values apart.
//!
//! A fact that is kept apart (`count(order_placed, it.sku == event.sku)`) has one of these for each value, and at most
//! 1,000 entries over all of them: beyond that, the value whose newest event is the oldest is forgotten.
//!
//! A blob covers the facts that it has an entry for. The first event of a customer makes it cover the whole schema; a
//! fact declared later is [`Facts::missing`] until [`Facts::backfill`] has folded the stored events over it.
//!
//! An event lies in a window of length `w` at an instant `t` while `occurred_at + w > t`.

mod kept;
#[cfg(test)]
mod tests;

use crate::{Env, Known, eval, holds};
use journey::{Expr, Fact, FactKind, Schema};
use kept::Kept;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Event, Timestamp, Type, Value};

/// All facts of one customer: one small blob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts {
    kept: BTreeMap<String, Kept>,
}

/// A stored blob is not one of facts.
#[derive(Debug, thiserror::Error)]
#[error("the stored facts cannot be read ({0}): rebuild them from the customer's events")]
pub struct FactsError(#[from] serde_json::Error);

impl Facts {
    /// Reads what [`Facts::to_bytes`] wrote. No bytes are no facts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FactsError> {
        if bytes.is_empty() { Ok(Self::default()) } else { Ok(serde_json::from_slice(bytes)?) }
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Takes one event in, live or history, in whatever order. `known` is what conditions see; returns whether
    /// anything changed.
    pub fn fold(&mut self, schema: &Schema, event: &Event, known: &dyn Known, now: Timestamp) -> bool {
        let mut changed = false;
        if self.kept.is_empty() {
            self.kept = schema.facts.iter().map(|(name, fact)| (name.clone(), Kept::new(fact))).collect();
            changed = !self.kept.is_empty();
        }
        for (name, fact) in schema.facts.iter().filter(|(_, fact)| fact.event == event.name) {
            changed |= self.fold_one(name, fact, event, known, now);
        }
        changed
    }

    /// The facts of the schema that these do not cover: declared, or declared to keep something else, after the
    /// customer's first event. For customers without events nothing need be done about them.
    pub fn missing<'a>(&self, schema: &'a Schema) -> Vec<&'a str> {
        let covered = |name: &str, fact| self.kept.get(name).is_some_and(|kept: &Kept| kept.suits(fact));
        schema
            .facts
            .iter()
            .filter(|(name, fact)| !covered(name, fact))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Drops facts, so that they are [`Facts::missing`]: those that [`changed_facts`] gives and the schema still has.
    pub fn forget(&mut self, names: &[&str]) {
        for name in names {
            self.kept.remove(*name);
        }
    }

    /// Folds stored events into the facts named alone, from nothing.
    pub fn backfill<'e>(
        &mut self,
        schema: &Schema,
        names: &[&str],
        events: impl Iterator<Item = &'e Event>,
        known: &dyn Known,
        now: Timestamp,
    ) {
        let facts: Vec<_> = names.iter().filter_map(|name| Some((*name, schema.facts.get(*name)?))).collect();
        for (name, fact) in &facts {
            self.kept.insert((*name).to_owned(), Kept::new(fact));
        }
        for event in events {
            for (name, fact) in facts.iter().filter(|(_, fact)| fact.event == event.name) {
                self.fold_one(name, fact, event, known, now);
            }
        }
    }

    /// The value of a fact at `now`. Where nothing was folded: 0 for counts, zero for sums (null where the currency is
    /// not known), null for the rest.
    pub fn value(&self, schema: &Schema, name: &str, now: Timestamp) -> Value {
        let Some(fact) = schema.facts.get(name) else { return Value::Null };
        let found = self.kept.get(name).and_then(|kept| kept.value(fact, now));
        found.unwrap_or_else(|| nothing(fact))
    }

    /// The value at `now` of a fact that is kept apart, for one value of what it is kept apart by.
    pub fn value_of(&self, schema: &Schema, name: &str, of: &Value, now: Timestamp) -> Value {
        let Some(fact) = schema.facts.get(name) else { return Value::Null };
        let found = self.kept.get(name).and_then(|kept| kept.value_of(fact, of, now));
        found.unwrap_or_else(|| nothing(fact))
    }

    /// When, after `now`, the value of a fact with a window next changes by the passing of time alone.
    pub fn next_change(&self, schema: &Schema, name: &str, now: Timestamp) -> Option<Timestamp> {
        let window = schema.facts.get(name)?.window?;
        self.kept.get(name)?.next_expiry(window, now)
    }

    /// Unites with the facts of a customer who turned out to be the same person. A fact that only one of the two
    /// covers becomes [`Facts::missing`]: it has to be folded over the events of both.
    pub fn unite(&mut self, schema: &Schema, other: Self) {
        if other.kept.is_empty() {
            return;
        }
        if self.kept.is_empty() {
            *self = other;
            return;
        }
        let mut theirs = other.kept;
        self.kept.retain(|name, ours| {
            let Some(fact) = schema.facts.get(name) else { return false };
            match theirs.remove(name) {
                Some(theirs) if ours.suits(fact) && theirs.suits(fact) => {
                    ours.unite(fact, theirs);
                    true
                }
                _ => false,
            }
        });
    }

    fn fold_one(
        &mut self,
        name: &str,
        fact: &Fact,
        event: &Event,
        known: &dyn Known,
        now: Timestamp,
    ) -> bool {
        let env = Env::new(known, now).with_it(event);
        if !fact.condition.as_ref().is_none_or(|condition| holds(condition, &env)) {
            return false;
        }
        if fact.window.is_some_and(|window| event.occurred_at.plus(window) <= now) {
            return false;
        }
        let value = match &fact.kind {
            FactKind::Count | FactKind::LastAt | FactKind::FirstAt => Value::Null,
            FactKind::Sum(expr) | FactKind::Min(expr) | FactKind::Max(expr) | FactKind::Distinct(expr) => {
                match eval(expr, &env) {
                    Value::Null => return false,
                    value => value,
                }
            }
            FactKind::Last(expr) | FactKind::First(expr) => eval(expr, &env),
        };
        let Some(kept) = self.kept.get_mut(name).filter(|kept| kept.suits(fact)) else { return false };
        match &fact.by {
            None => kept.add(fact, event.occurred_at, value, now),
            Some(by) => return kept.add_of(fact, &eval(by, &env), event.occurred_at, value, now),
        }
        true
    }
}

/// The facts of `new` that `old` lacks or defines otherwise: those to [`Facts::forget`] and
/// [`Facts::backfill`] when a release goes live.
pub fn changed_facts<'a>(old: &Schema, new: &'a Schema) -> Vec<&'a str> {
    let same = |a: &Fact, b: &Fact| without_spans(a) == without_spans(b);
    new.facts
        .iter()
        .filter(|(name, fact)| !old.facts.get(*name).is_some_and(|was| same(was, fact)))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// The same fact wherever it stands in its file.
fn without_spans(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    fact.condition.iter_mut().chain(&mut fact.by).for_each(clear_spans);
    match &mut fact.kind {
        FactKind::Sum(e)
        | FactKind::Min(e)
        | FactKind::Max(e)
        | FactKind::Last(e)
        | FactKind::First(e)
        | FactKind::Distinct(e) => clear_spans(e),
        FactKind::Count | FactKind::LastAt | FactKind::FirstAt => {}
    }
    fact
}

fn clear_spans(expr: &mut Expr) {
    expr.span = 0..0;
    crate::mentions::parts_mut(expr).into_iter().for_each(clear_spans);
}

/// The value where nothing was folded.
fn nothing(fact: &Fact) -> Value {
    match &fact.kind {
        FactKind::Count | FactKind::Distinct(_) => Value::Int(0),
        FactKind::Sum(_) => zero(&fact.ty),
        _ => Value::Null,
    }
}

/// Nothing, summed up.
fn zero(ty: &Type) -> Value {
    match ty {
        Type::Int => Value::Int(0),
        Type::Float => Value::Float(0.0),
        Type::Money(Some(currency)) => Value::Money(words::Money::new(0, *currency)),
        Type::Duration => Value::Duration(words::Elapsed::ZERO),
        _ => Value::Null,
    }
}
