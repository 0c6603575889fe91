//! Candidates for the next change of a condition.
//!
//! A condition cannot change before one of its parts does. So every part that time can change offers the instants at
//! which it next does, and the earliest is taken; for comparisons those instants are computed (see [`super::moving`]).

use super::moving::{Moving, crossing, moving};
use crate::eval::{Locals, eval};
use crate::{Env, Facts};
use journey::{BinaryOp, Expr, ExprKind, Function, Root, Schema};
use words::calendar::{ClockTime, Date, at_local_time, local_date};
use words::{Elapsed, Timestamp, Value};

/// How deep segments may stand in segments.
const DEPTH_MAX: u8 = 8;

pub(super) struct Flips<'a> {
    pub(super) facts: &'a Facts,
    pub(super) schema: &'a Schema,
    pub(super) now: Timestamp,
    depth: u8,
    earliest: Option<Timestamp>,
}

pub(super) fn next(condition: &Expr, env: &Env<'_>, facts: &Facts, schema: &Schema) -> Option<Timestamp> {
    let mut flips = Flips { facts, schema, now: env.now, depth: 0, earliest: None };
    flips.scan(condition, env);
    flips.earliest
}

impl Flips<'_> {
    /// Offers an instant; the past is no candidate.
    pub(super) fn offer(&mut self, at: Timestamp) {
        if at > self.now && at < Timestamp::MAX && self.earliest.is_none_or(|earliest| at < earliest) {
            self.earliest = Some(at);
        }
    }

    /// Offers what lies `micros` after now.
    pub(super) fn offer_in(&mut self, micros: i128) {
        if let Ok(micros) = i64::try_from(micros)
            && micros > 0
        {
            self.offer(self.now.plus(Elapsed::from_micros(micros)));
        }
    }

    /// Nothing better is known.
    fn offer_soon(&mut self) {
        self.offer(self.now.plus(Elapsed::from_minutes(1)));
    }

    /// Offers when each part of the expression may change.
    pub(super) fn scan(&mut self, expr: &Expr, env: &Env<'_>) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Engaged(..) => {}
            // The compiler lets none into a segment.
            ExprKind::Apart(..) => self.offer_soon(),
            ExprKind::Root(root) => self.scan_root(root, env),
            ExprKind::Field(of, name) => match &of.kind {
                ExprKind::Root(Root::Customer) => self.offer_fact(name),
                _ => self.scan(of, env),
            },
            ExprKind::Unary(_, of) | ExprKind::Has(of) => self.scan(of, env),
            ExprKind::Binary(op, left, right) => match op {
                BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterEqual => self.compare(left, right, env),
                _ => {
                    self.scan(left, env);
                    self.scan(right, env);
                }
            },
            ExprKind::Index(a, b) => {
                self.scan(a, env);
                self.scan(b, env);
            }
            ExprKind::Conditional(a, b, c) => [a, b, c].into_iter().for_each(|part| self.scan(part, env)),
            ExprKind::List(items) => items.iter().for_each(|item| self.scan(item, env)),
            ExprKind::Call(Function::Ago, _) => self.offer_soon(),
            ExprKind::Call(Function::Date | Function::DaysBetween, _) => {
                let value = moving(expr, env, self);
                self.offer_next(&value, env);
            }
            ExprKind::Call(_, arguments) => arguments.iter().for_each(|part| self.scan(part, env)),
            ExprKind::Each(_, list, variable, body) => {
                self.scan(list, env);
                if let Value::List(items) = eval(list, env) {
                    for item in &items {
                        let locals = Locals { name: variable, value: item, outer: env.locals };
                        self.scan(body, &Env { locals: Some(&locals), ..*env });
                    }
                }
            }
        }
    }

    fn scan_root(&mut self, root: &Root, env: &Env<'_>) {
        match root {
            Root::Fact(name) => self.offer_fact(name),
            Root::Now => self.offer_soon(),
            Root::Segment(name) if self.depth < DEPTH_MAX => {
                let schema = self.schema;
                if let Some(segment) = schema.segments.get(name).filter(|segment| segment.timed) {
                    self.depth += 1;
                    self.scan(&segment.condition, &Env::new(env.known, env.now));
                    self.depth -= 1;
                }
            }
            _ => {}
        }
    }

    fn offer_fact(&mut self, name: &str) {
        if let Some(at) = self.facts.next_change(self.schema, name, self.now) {
            self.offer(at);
        }
    }

    fn compare(&mut self, left: &Expr, right: &Expr, env: &Env<'_>) {
        let (a, b) = (moving(left, env, self), moving(right, env, self));
        if !crossing(&a, &b, env, self) {
            self.offer_next(&a, env);
            self.offer_next(&b, env);
        }
    }

    /// Offers when a value by itself next changes.
    fn offer_next(&mut self, value: &Moving, env: &Env<'_>) {
        match value {
            Moving::Still(_) | Moving::Micros { slope: 0, .. } | Moving::Day { slope: 0, .. } => {}
            Moving::Micros { .. } => self.offer_soon(),
            // Its parts have offered already.
            Moving::Unknown => {}
            Moving::Day { lead, .. } => self.offer_midnight(*lead, env),
            Moving::Periods { micros, slope } => {
                // Counted towards zero, so either edge of the present day may be the one that matters.
                let day = i128::from(Elapsed::from_days(1).as_micros());
                let step = i128::from(slope.signum());
                for edge in [micros.div_euclid(day), micros.div_euclid(day) + 1] {
                    let left = (edge * day - micros) * step;
                    self.offer_in(left);
                    self.offer_in(left + 1);
                }
            }
        }
    }

    /// Offers the next change of the date that the customer's calendar shows `lead` microseconds from now.
    pub(super) fn offer_midnight(&mut self, lead: i64, env: &Env<'_>) {
        let ahead = self.now.plus(Elapsed::from_micros(lead));
        if let Ok(tomorrow) = local_date(env.known.zone(), ahead).tomorrow() {
            self.offer_date(tomorrow, lead, env);
        }
        self.offer_changes(ahead, lead, env, |_| true);
    }

    /// Offers the instant at which the calendar, read `lead` microseconds ahead, comes to show `date`, and changes of
    /// the zone's offset close to it, which may turn the calendar back.
    pub(super) fn offer_date(&mut self, date: Date, lead: i64, env: &Env<'_>) {
        let back = Elapsed::from_micros(lead);
        let midnight = at_local_time(env.known.zone(), date, ClockTime::MIDNIGHT);
        self.offer(midnight.minus(back));
        let day = Elapsed::from_days(2);
        let from = midnight.minus(day).max(self.now.plus(back));
        self.offer_changes(from, lead, env, |at| at < midnight.plus(day));
    }

    fn offer_changes(
        &mut self,
        from: Timestamp,
        lead: i64,
        env: &Env<'_>,
        wanted: impl Fn(Timestamp) -> bool,
    ) {
        let zone = env.known.zone().to_jiff();
        let changes = zone.following(from.to_jiff()).map(|change| Timestamp::from_jiff(change.timestamp()));
        for change in changes.take(2).filter(|at| wanted(*at)) {
            self.offer(change.minus(Elapsed::from_micros(lead)));
        }
    }
}
