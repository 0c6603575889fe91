//! Figures that the console shows, kept up to date in the transactions that change them.

use super::rows::Rows;
use super::sql::Conn;
use crate::StoreError;
use std::collections::BTreeMap;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i64)]
pub(crate) enum Kind {
    Enrolled = 1,
    Finished = 2,
    Stopped = 3,
    Converted = 4,
    Revenue = 5,
    Planned = 16,
    Sent = 18,
    Delivered = 19,
    Opened = 20,
    Clicked = 21,
    Bounced = 22,
    Complained = 23,
}

/// Changes of figures within one commit.
#[derive(Default, Clone)]
pub(crate) struct Tally {
    counts: BTreeMap<(i64, i64, i64, i64, i64), i64>,
    places: BTreeMap<(i64, i64), i64>,
}

impl Tally {
    /// `n` more of a journey's own figures; `name` is the currency of a revenue, else 0.
    pub(crate) fn journey(&mut self, journey: i64, kind: Kind, name: i64, n: i64) {
        *self.counts.entry((journey, kind as i64, 0, name, 0)).or_default() += n;
    }

    /// One more of a message's figures. All symbols; channel 0 where none was chosen.
    pub(crate) fn message(&mut self, journey: i64, kind: Kind, step: i64, name: i64, channel: i64) {
        *self.counts.entry((journey, kind as i64, step, name, channel)).or_default() += 1;
    }

    /// `n` more enrollments on a node.
    pub(crate) fn place(&mut self, program: i64, pc: i64, n: i64) {
        *self.places.entry((program, pc)).or_default() += n;
    }

    /// What another list holds, too.
    pub(crate) fn append(&mut self, other: Self) {
        for (key, n) in other.counts {
            *self.counts.entry(key).or_default() += n;
        }
        for (key, n) in other.places {
            *self.places.entry(key).or_default() += n;
        }
    }

    /// Writes the changes.
    pub(crate) fn flush(self, conn: &Conn) -> Result<(), StoreError> {
        let mut rows = Rows::new();
        for ((journey, kind, step, name, channel), n) in self.counts {
            rows.row().int(journey).int(kind).int(step).int(name).int(channel).int(n);
        }
        conn.each(
            "insert into tally (journey, kind, step, name, channel, n) values (?, ?, ?, ?, ?, ?) \
             on conflict do update set n = n + excluded.n",
            &rows,
        )?;
        let mut rows = Rows::new();
        for ((program, pc), n) in self.places.into_iter().filter(|(_, n)| *n != 0) {
            rows.row().int(program).int(pc).int(n);
        }
        conn.each(
            "insert into place_tally (program, pc, n) values (?, ?, ?) \
             on conflict do update set n = n + excluded.n",
            &rows,
        )?;
        Ok(())
    }
}
