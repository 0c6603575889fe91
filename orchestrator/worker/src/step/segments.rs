//! Segments and start dates: looked at when an event or the passing of time may have changed them.

use super::Step;
use engine::{Cause, Input, membership, next_due, next_flip};
use journey::Program;
use store::SegmentRow;
use words::{Elapsed, Timestamp};

/// Just before: so that «after it» takes in the instant itself.
const JUST_BEFORE: Elapsed = Elapsed::from_micros(1);

impl Step<'_> {
    /// Segments and dates that this customer has no row for yet: a new customer, or a new release.
    pub(super) fn missing_segments(&mut self) {
        let ctx = self.ctx;
        for (name, row) in &ctx.release.listeners.segment_rows {
            if !self.segments.contains_key(row) {
                self.look_at_segment(name);
            }
        }
        for (journey, row) in &ctx.release.listeners.timed_starts {
            if !self.segments.contains_key(row) {
                self.look_at_date(journey, row, false);
            }
        }
    }

    pub(super) fn look_at_segment(&mut self, name: &str) {
        let ctx = self.ctx;
        let schema = &ctx.release.project.schema;
        let (Some(segment), Some(row_name)) =
            (schema.segments.get(name), ctx.release.listeners.segment_rows.get(name))
        else {
            return;
        };
        let snapshot = self.snapshot(&self.facts);
        let member = membership(segment, &snapshot, self.now);
        let flip_at = next_flip(segment, &snapshot, &self.facts, schema, self.now);
        let old = self.segments.get(row_name).copied();
        let was = old.is_some_and(|row| row.member);
        let since = if member == was { old.map_or(self.now, |row| row.since) } else { self.now };
        let row = SegmentRow { member, since, flip_at };
        if old != Some(row) {
            self.segments.insert(row_name.clone(), row);
            self.change.segments.insert(row_name.clone(), row);
        }
        // What imported history does to a segment is known from here on, and starts and stops nothing.
        if member == was || self.silent {
            return;
        }
        // In it at the first look, and older than the segment itself: that is not joining.
        let known_since = ctx.programs.known_since.get(row_name).copied();
        let already = old.is_none() && known_since.is_some_and(|since| self.customer.created_at < since);
        self.segment_changed(name, member, already);
    }

    fn segment_changed(&mut self, segment: &str, joined: bool, already: bool) {
        let ctx = self.ctx;
        if !already {
            for index in 0..self.runs.len() {
                let run = &self.runs[index];
                let concerned =
                    run.program.stop_segments.iter().any(|s| s.segment == segment && s.joined == joined);
                if concerned && run.state.is_live() {
                    self.apply(index, &Input::SegmentChanged { segment, joined });
                }
            }
            self.decided(
                None,
                None,
                "segment",
                &words::Text::new(
                    format!("{} the segment {segment}", if joined { "joined" } else { "left" }),
                    format!(
                        "セグメント「{segment}」{}",
                        if joined { "に入りました" } else { "から外れました" }
                    ),
                ),
            );
        }
        let Some(journeys) = ctx.release.listeners.segment_starts.get(&(segment.to_owned(), joined)) else {
            return;
        };
        for journey in journeys {
            self.consider(journey, &Cause::Segment { segment, joined, at: self.now, already }, None);
        }
    }

    /// Segments whose next flip has come, and dates that have come round.
    pub(super) fn flips(&mut self) {
        let ctx = self.ctx;
        let listeners = &ctx.release.listeners;
        for (name, row) in &listeners.segment_rows {
            if self.come_round(row).is_some() {
                self.look_at_segment(name);
            }
        }
        for (journey, row) in &listeners.timed_starts {
            let Some(at) = self.come_round(row) else { continue };
            let Some((_, program)) = ctx.programs.live(journey) else { continue };
            if let Some(at) = self.newest_in_time(program, at) {
                self.consider(journey, &Cause::Tick { at }, None);
            }
            self.look_at_date(journey, row, true);
        }
    }

    fn come_round(&self, row: &str) -> Option<Timestamp> {
        self.segments.get(row).and_then(|row| row.flip_at).filter(|flip| *flip <= self.now)
    }

    /// Of several ticks that passed unseen (an outage, a long queue) the first that is not too late by now.
    fn newest_in_time(&self, program: &Program, at: Timestamp) -> Option<Timestamp> {
        let from = self.now.minus(program.late);
        if at >= from {
            return Some(at);
        }
        next_due(program, &self.customer, &self.zone, from.minus(JUST_BEFORE)).filter(|at| *at <= self.now)
    }

    pub(super) fn look_at_dates(&mut self) {
        let ctx = self.ctx;
        for (journey, row) in &ctx.release.listeners.timed_starts {
            self.look_at_date(journey, row, false);
        }
    }

    /// When this start comes round next. `rung`: the instant that stands in the row has been seen to.
    fn look_at_date(&mut self, journey: &str, row_name: &str, rung: bool) {
        let ctx = self.ctx;
        let Some((_, program)) = ctx.programs.live(journey) else { return };
        let next = |after: Timestamp| next_due(program, &self.customer, &self.zone, after);
        let old = self.segments.get(row_name).copied();
        // At the first look it counts from when journey and customer are both known: what came round since is not lost.
        let after = match old {
            Some(_) => self.now,
            None => {
                let known = ctx.programs.known_since.get(row_name).copied().unwrap_or(self.now);
                known.max(self.customer.created_at).min(self.now)
            }
        };
        // What has come due and not rung yet stays, as long as it still holds: its tick would be lost.
        let pending = old.and_then(|row| row.flip_at).filter(|flip| *flip <= self.now && !rung);
        if pending.is_some_and(|flip| next(flip.minus(JUST_BEFORE)) == Some(flip)) {
            return;
        }
        let flip_at = next(after);
        if old.is_none_or(|row| row.flip_at != flip_at) {
            let row = SegmentRow { member: false, since: self.now, flip_at };
            self.segments.insert(row_name.to_owned(), row);
            self.change.segments.insert(row_name.to_owned(), row);
        }
    }
}
