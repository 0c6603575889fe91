//! Figures that the console shows, kept up to date in the transactions that change them.

use crate::StoreError;
use db::Conn;
use db::Rows;
use serde_json::Value as Json;
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
    Inbox = 24,
}

/// Changes of figures within one commit.
#[derive(Default, Clone)]
pub(crate) struct Tally {
    counts: BTreeMap<(i64, i64, i64, i64, i64), i64>,
    places: BTreeMap<(i64, i64), i64>,
    not_sent: BTreeMap<NotSent, i64>,
}

/// Journey, step and name; outcome; code and rule of the reason.
type NotSent = ((i64, i64, i64), i64, (String, String));

/// Outcomes from here on mean that a message was not sent.
const NOT_SENT: i64 = 16;

/// Why a message was not sent, from what is written beside it: code and rule of the first reason that blocked, else what
/// became of the hand-over. Empty where it does not say.
fn reason(why: &str) -> (String, String) {
    let why: Json = serde_json::from_str(why).unwrap_or_default();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let reasons = why["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(reason) = reasons.iter().find(|reason| reason["outcome"] == "block") {
        return (text(&reason["code"]), text(&reason["rule"]));
    }
    let said = &why["outcome"];
    (text(if said.is_object() { &said["outcome"] } else { said }), String::new())
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

    /// `n` more messages that ended so, where that means not sent. `of`: journey, step, name.
    pub(crate) fn not_sent(&mut self, of: (i64, i64, i64), outcome: i64, why: Option<&str>, n: i64) {
        if outcome >= NOT_SENT {
            *self.not_sent.entry((of, outcome, reason(why.unwrap_or_default()))).or_default() += n;
        }
    }

    /// What another list holds, too.
    pub(crate) fn append(&mut self, other: Self) {
        for (key, n) in other.counts {
            *self.counts.entry(key).or_default() += n;
        }
        for (key, n) in other.places {
            *self.places.entry(key).or_default() += n;
        }
        for (key, n) in other.not_sent {
            *self.not_sent.entry(key).or_default() += n;
        }
    }

    /// Writes the changes, on PostgreSQL in a lane of the connection: see its first migration.
    pub(crate) fn flush(self, conn: &Conn) -> Result<(), StoreError> {
        let mut rows = Rows::new();
        for ((journey, kind, step, name, channel), n) in self.counts {
            rows.row().int(journey).int(kind).int(step).int(name).int(channel).int(n);
        }
        conn.each(
            if conn.is_postgres() {
                "insert into tally_lane (journey, kind, step, name, channel, n, lane) values (?, ?, ?, ?, ?, ?, pg_backend_pid() % 16) \
                 on conflict (journey, kind, step, name, channel, lane) do update set n = tally_lane.n + excluded.n"
            } else {
                "insert into tally (journey, kind, step, name, channel, n) values (?, ?, ?, ?, ?, ?) \
                 on conflict do update set n = n + excluded.n"
            },
            &rows,
        )?;
        let mut rows = Rows::new();
        for ((program, pc), n) in self.places.into_iter().filter(|(_, n)| *n != 0) {
            rows.row().int(program).int(pc).int(n);
        }
        conn.each(
            if conn.is_postgres() {
                "insert into place_tally_lane (program, pc, n, lane) values (?, ?, ?, pg_backend_pid() % 16) \
                 on conflict (program, pc, lane) do update set n = place_tally_lane.n + excluded.n"
            } else {
                "insert into place_tally (program, pc, n) values (?, ?, ?) \
                 on conflict do update set n = n + excluded.n"
            },
            &rows,
        )?;
        let mut rows = Rows::new();
        for (((journey, step, name), outcome, (code, rule)), n) in
            self.not_sent.iter().filter(|(_, n)| **n != 0)
        {
            rows.row().int(*journey).int(*step).int(*name).int(*outcome).text(code).text(rule).int(*n);
        }
        conn.each(
            if conn.is_postgres() {
                "insert into not_sent_tally_lane (journey, step, name, outcome, code, rule, n, lane) values (?, ?, ?, ?, ?, ?, ?, pg_backend_pid() % 16) \
                 on conflict (journey, step, name, outcome, code, rule, lane) do update set n = not_sent_tally_lane.n + excluded.n"
            } else {
                "insert into not_sent_tally (journey, step, name, outcome, code, rule, n) values (?, ?, ?, ?, ?, ?, ?) \
                 on conflict do update set n = n + excluded.n"
            },
            &rows,
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(why: &str, code: &str, rule: &str) {
        assert_eq!(reason(why), (code.to_owned(), rule.to_owned()), "{why}");
    }

    #[test]
    fn the_first_reason_that_blocked_is_the_one_that_counts() {
        let three = r#"{"reasons": ["odd", {"rule": "a", "code": "fine", "outcome": "pass"},
            {"rule": "jp/1", "code": "quiet_hours", "outcome": "block"},
            {"rule": "b", "code": "cap", "outcome": "block"}], "outcome": "expired"}"#;
        check(three, "quiet_hours", "jp/1");
    }

    #[test]
    fn without_one_it_is_what_became_of_the_hand_over() {
        check(r#"{"outcome": {"outcome": "unavailable", "answer": "421"}}"#, "unavailable", "");
        check(r#"{"outcome": "not_accepted", "settled_by": "rie"}"#, "not_accepted", "");
    }

    #[test]
    fn what_says_nothing_counts_without_a_code() {
        for why in [
            "",
            "no JSON",
            "7",
            "[]",
            r#"{"reasons": 3}"#,
            r#"{"outcome": {"a": 1}}"#,
            r#"{"reasons": ["x"]}"#,
        ] {
            check(why, "", "");
        }
    }
}
