//! Segments and start dates: looked at when an event or the passing of time may have changed them.

use super::Step;
use engine::{Cause, Input, membership, next_flip};
use sha2::{Digest, Sha256};
use store::SegmentRow;

/// The name of a segment's row: a changed definition is another row, and so is looked at anew, silently.
pub fn row_name(name: &str, segment: &journey::Segment) -> String {
    let definition = serde_json::to_vec(&segment.condition.kind).unwrap_or_default();
    let hash = Sha256::digest(definition);
    format!("{name}#{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

fn date_row(journey: &str) -> String {
    format!("date:{journey}")
}

impl Step<'_> {
    /// Segments and dates that this customer has no row for yet: a new customer, or a new release.
    pub(super) fn missing_segments(&mut self) {
        let schema = &self.ctx.release.project.schema;
        let missing: Vec<String> = schema
            .segments
            .iter()
            .filter(|(name, segment)| !self.segments.contains_key(&row_name(name, segment)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in missing {
            self.look_at_segment(&name);
        }
        let dates_missing =
            self.ctx.release.listeners.timed_starts.iter().any(|j| !self.segments.contains_key(&date_row(j)));
        if dates_missing {
            self.look_at_dates();
        }
    }

    pub(super) fn look_at_segment(&mut self, name: &str) {
        let ctx = self.ctx;
        let Some(segment) = ctx.release.project.schema.segments.get(name) else { return };
        let snapshot = self.snapshot(&self.facts);
        let member = membership(segment, &snapshot, self.now);
        let flip_at = if segment.timed {
            next_flip(segment, &snapshot, &self.facts, &ctx.release.project.schema, self.now)
        } else {
            None
        };
        let row_name = row_name(name, segment);
        let old = self.segments.get(&row_name).copied();
        let was = old.is_some_and(|row| row.member);
        let since = if member == was { old.map_or(self.now, |row| row.since) } else { self.now };
        let row = SegmentRow { member, since, flip_at };
        if old != Some(row) {
            self.segments.insert(row_name.clone(), row);
            self.change.segments.push((row_name.clone(), row));
        }
        if member == was {
            return;
        }
        // In it at the first look, and older than the segment itself: that is not joining.
        let known_since = ctx.programs.segments_since.get(&row_name).copied();
        let already = self.silent
            || (old.is_none() && known_since.is_some_and(|since| self.customer.created_at < since));
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
        let schema = &ctx.release.project.schema;
        let due = |row: Option<&SegmentRow>| row.and_then(|r| r.flip_at).filter(|flip| *flip <= self.now);
        let flipped: Vec<String> = schema
            .segments
            .iter()
            .filter(|(name, segment)| due(self.segments.get(&row_name(name, segment))).is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let rung: Vec<(String, words::Timestamp)> = ctx
            .release
            .listeners
            .timed_starts
            .iter()
            .filter_map(|journey| Some((journey.clone(), due(self.segments.get(&date_row(journey)))?)))
            .collect();
        for name in flipped {
            self.look_at_segment(&name);
        }
        for (journey, at) in rung {
            self.consider(&journey, &Cause::Tick { at }, None);
            self.look_at_date(&journey, self.now);
        }
    }

    pub(super) fn look_at_dates(&mut self) {
        let ctx = self.ctx;
        for journey in &ctx.release.listeners.timed_starts {
            self.look_at_date(journey, self.now);
        }
    }

    fn look_at_date(&mut self, journey: &str, after: words::Timestamp) {
        let Some((_, program)) = self.ctx.programs.live(journey) else { return };
        let flip_at = engine::next_due(program, &self.customer, &self.zone, after);
        let name = date_row(journey);
        let row = SegmentRow { member: false, since: self.now, flip_at };
        let same = self.segments.get(&name).is_some_and(|old| old.flip_at == flip_at);
        // A row that has come due and was not rung yet is not overwritten: its tick would be lost.
        let pending =
            self.segments.get(&name).and_then(|old| old.flip_at).is_some_and(|flip| flip <= self.now);
        if !same && !(pending && after < self.now) {
            self.segments.insert(name.clone(), row);
            self.change.segments.push((name, row));
        }
    }
}
