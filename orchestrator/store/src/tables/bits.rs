//! Which messages of the log have what: a bit for each message, in blocks of 4,096 places.
//!
//! An index for each property would cost every message a write at another place of another large tree, and answer no
//! question about two properties at once. A block is half a kilobyte at most; blocks of two properties are laid over each
//! other, and what no message has is known after reading as many rows as there are blocks.
//!
//! Triggers on the writer's connection note what becomes of messages, whichever statement does it; at the end of the
//! transaction the notes become bits and figures.

use super::ask::Ask;
use super::tally::Tally;
use crate::StoreError;
use db::Rows;
use db::{Conn, bytes, cell};
use std::collections::BTreeMap;

/// A property that messages are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i64)]
pub(crate) enum Dim {
    Journey = 1,
    Purpose = 2,
    Outcome = 3,
    Channel = 4,
    Name = 5,
}

/// Places in a block.
pub(crate) const BLOCK: i64 = 4096;
/// Places in a stretch whose times are known: short ones, and long ones of 256 short ones.
pub(crate) const SPANS: [i64; 2] = [256, 65_536];

const WORDS: usize = 64;
/// So many places are kept as a list; more take no more room as bits.
const LISTED_MAX: usize = 255;

/// The bits of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block([u64; WORDS]);

impl Block {
    /// Nothing.
    pub(crate) const NONE: Self = Self([0; WORDS]);
    /// Everything.
    pub(crate) const ALL: Self = Self([u64::MAX; WORDS]);

    /// As stored.
    pub(crate) fn read(stored: &[u8]) -> Result<Self, StoreError> {
        let mut block = Self::NONE;
        if stored.len() == WORDS * 8 {
            for (word, eight) in block.0.iter_mut().zip(stored.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*eight);
            }
        } else {
            let (places, rest) = stored.as_chunks::<2>();
            let places = places.iter().map(|two| u16::from_le_bytes(*two));
            if !rest.is_empty() || places.clone().any(|place| i64::from(place) >= BLOCK) {
                return Err(StoreError::corrupt("message_bits.bits"));
            }
            places.for_each(|place| block.set(place, true));
        }
        Ok(block)
    }

    /// To be stored.
    pub(crate) fn stored(&self) -> Vec<u8> {
        if self.count() > LISTED_MAX {
            return self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        }
        let mut places: Vec<u16> = self.newest_first().collect();
        places.reverse();
        places.iter().flat_map(|place| place.to_le_bytes()).collect()
    }

    pub(crate) fn set(&mut self, place: u16, on: bool) {
        let mask = 1 << (place % 64);
        if let Some(word) = self.0.get_mut(usize::from(place / 64)) {
            *word = if on { *word | mask } else { *word & !mask };
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Leaves the places from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: i64, last: i64) {
        for (word, start) in self.0.iter_mut().zip((0..).step_by(64)) {
            let below = (first - start).clamp(0, 64);
            let upto = (last + 1 - start).clamp(0, 64);
            *word &= low(upto) & !low(below);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The places that are set, from the last to the first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = u16> {
        self.0.iter().enumerate().rev().flat_map(|(nth, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let place = left.checked_ilog2()?;
                left &= !(1 << place);
                u16::try_from(64 * nth + place as usize).ok()
            })
        })
    }
}

/// The lowest `n` bits.
fn low(n: i64) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}

/// The block of a place of the log, and its place therein.
pub(crate) fn split(n: i64) -> (i64, u16) {
    (n / BLOCK, u16::try_from(n % BLOCK).unwrap_or(0))
}

/// What is noted on the writer's connection, in memory: what became of messages since the last commit.
const WATCH: &str = "
create temp table message_moved (
    note integer primary key, n integer not null, journey integer, step integer, name integer, purpose integer, planned_at integer,
    was integer, is_now integer, was_why text, is_why text);
create temp table message_on (n integer not null, channel integer not null);
create temp trigger message_comes after insert on main.message begin
    insert into message_moved values (null, new.n, new.journey, new.step, new.name, new.purpose, new.planned_at,
        null, new.outcome, null, case when new.outcome >= 16 then new.why end);
end;
create temp trigger message_moves after update of outcome, why on main.message
    when new.outcome <> old.outcome or (new.outcome >= 16 and new.why is not old.why) begin
    insert into message_moved values (null, new.n, new.journey, new.step, new.name, new.purpose, null,
        old.outcome, new.outcome, case when old.outcome >= 16 then old.why end,
        case when new.outcome >= 16 then new.why end);
end;
create temp trigger message_said after insert on main.delivery begin
    insert into message_on select n, new.channel from main.message
        where shard = new.shard and customer = new.customer and id = new.message;
end;";

/// The same on PostgreSQL, whose triggers stand in the migrations: a connection that changes messages has this table.
const WATCH_THERE: &str = "
create temp table message_moved (
    note bigint generated always as identity, n bigint not null, journey bigint, step bigint, name bigint, purpose bigint,
    planned_at bigint, was bigint, is_now bigint, was_why text, is_why text) on commit delete rows";

/// Begins to note what becomes of messages, on the writer's connection.
pub(crate) fn watch(conn: &Conn) -> Result<(), StoreError> {
    Ok(conn.batch(if conn.is_postgres() { WATCH_THERE } else { WATCH })?)
}

/// Bits on their way into the table.
#[derive(Default)]
struct Changes(BTreeMap<(i64, i64, i64), Vec<(u16, bool)>>);

impl Changes {
    fn set(&mut self, dim: Dim, value: i64, n: i64, on: bool) {
        let (block, place) = split(n);
        self.0.entry((dim as i64, value, block)).or_default().push((place, on));
    }

    fn write(self, conn: &Conn) -> Result<(), StoreError> {
        let mut keys = Rows::new();
        for (dim, value, block) in self.0.keys() {
            keys.row().int(*dim).int(*value).int(*block);
        }
        let mut blocks = vec![Block::NONE; self.0.len()];
        conn.ask(
            "select bits from message_bits where dim = ? and value = ? and block = ?",
            &keys,
            |nth, row| {
                blocks[nth] = Block::read(bytes(row, 0)?)?;
                Ok(())
            },
        )?;
        let mut rows = Rows::new();
        for (((dim, value, block), changes), mut bits) in self.0.into_iter().zip(blocks) {
            for (place, on) in changes {
                bits.set(place, on);
            }
            rows.row().int(dim).int(value).int(block).blob(&bits.stored());
        }
        conn.each(
            "insert into message_bits (dim, value, block, bits) values (?, ?, ?, ?) \
             on conflict (dim, value, block) do update set bits = excluded.bits",
            &rows,
        )?;
        Ok(())
    }
}

/// Turns what was noted into bits and figures. The last thing before a commit.
pub(crate) fn settle(conn: &Conn, tally: &mut Tally) -> Result<(), StoreError> {
    let (mut changes, mut spans, mut any) = (Changes::default(), Spans::new(), false);
    conn.ask(
        "select n, journey, step, name, purpose, planned_at, was, is_now, was_why, is_why from message_moved \
         order by note",
        &Rows::once(),
        |_, row| {
            any = true;
            let n: i64 = cell(row, 0)?;
            let (journey, step, name) = (cell(row, 1)?, cell(row, 2)?, cell(row, 3)?);
            let (was, is): (Option<i64>, i64) = (cell(row, 6)?, cell(row, 7)?);
            if let Some(at) = cell::<Option<i64>>(row, 5)? {
                for (dim, value) in
                    [(Dim::Journey, journey), (Dim::Purpose, cell(row, 4)?), (Dim::Name, name)]
                {
                    changes.set(dim, value, n, true);
                }
                stretch(&mut spans, n, at);
            }
            if let Some(was) = was.filter(|was| *was != is) {
                changes.set(Dim::Outcome, was, n, false);
            }
            changes.set(Dim::Outcome, is, n, true);
            if let Some(was) = was {
                tally.not_sent((journey, step, name), was, cell::<Option<&str>>(row, 8)?, -1);
            }
            tally.not_sent((journey, step, name), is, cell::<Option<&str>>(row, 9)?, 1);
            Ok(())
        },
    )?;
    // On PostgreSQL the log is searched by indexes, and what was noted goes with the commit.
    if !any || conn.is_postgres() {
        return Ok(());
    }
    conn.ask("select n, channel from message_on", &Rows::once(), |_, row| {
        changes.set(Dim::Channel, cell(row, 1)?, cell(row, 0)?, true);
        Ok(())
    })?;
    changes.write(conn)?;
    write_spans(conn, spans)?;
    conn.run("delete from message_moved")?;
    Ok(conn.run("delete from message_on")?)
}

/// Makes bits and spans out of the messages, where there are none yet. In a transaction that stands open.
pub(crate) fn make_anew(conn: &Conn) -> Result<(), StoreError> {
    let (mut changes, mut spans) = (Changes::default(), Spans::new());
    let mut block = 0;
    let messages = "select m.n, m.journey, m.purpose, m.outcome, m.name, m.planned_at, \
            (select group_concat(distinct d.channel) from delivery d where d.shard = m.shard and d.message = m.id) \
        from message m order by m.n";
    conn.ask(messages, &Rows::once(), |_, row| {
        let n: i64 = cell(row, 0)?;
        // One block at a time: they come in order.
        if split(n).0 != block {
            block = split(n).0;
            std::mem::take(&mut changes).write(conn)?;
        }
        for (dim, at) in [(Dim::Journey, 1), (Dim::Purpose, 2), (Dim::Outcome, 3), (Dim::Name, 4)] {
            changes.set(dim, cell(row, at)?, n, true);
        }
        let channels: Option<String> = cell(row, 6)?;
        for channel in channels.iter().flat_map(|list| list.split(',')).filter_map(|text| text.parse().ok()) {
            changes.set(Dim::Channel, channel, n, true);
        }
        stretch(&mut spans, n, cell(row, 5)?);
        Ok(())
    })?;
    changes.write(conn)?;
    write_spans(conn, spans)
}

/// Least and greatest times of stretches, by their length and place.
type Spans = BTreeMap<(i64, i64), (i64, i64)>;

/// The stretches that a place lies in know its time.
fn stretch(spans: &mut Spans, n: i64, at: i64) {
    for length in SPANS {
        let (least, most) = spans.entry((length, n / length)).or_insert((at, at));
        (*least, *most) = ((*least).min(at), (*most).max(at));
    }
}

fn write_spans(conn: &Conn, spans: Spans) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for ((length, span), (least, most)) in spans {
        rows.row().int(length).int(span).int(least).int(most);
    }
    conn.each(
        "insert into message_span (length, span, least_at, most_at) values (?, ?, ?, ?) on conflict (length, span) do update \
         set least_at = min(message_span.least_at, excluded.least_at), \
            most_at = max(message_span.most_at, excluded.most_at)",
        &rows,
    )?;
    Ok(())
}

/// Whether the bits say what the messages say, read from end to end.
pub(crate) fn agree(conn: &Conn) -> Result<bool, StoreError> {
    // One sum for each side, in whatever order.
    fn one(dim: i64, value: i64, n: i64) -> u64 {
        let mut mixed = 0xcbf2_9ce4_8422_2325_u64;
        for part in [dim, value, n] {
            mixed = (mixed ^ part.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^= mixed >> 29;
        }
        mixed
    }
    let (mut kept, mut meant) = (0_u64, 0_u64);
    conn.ask("select dim, value, block, bits from message_bits", &Rows::once(), |_, row| {
        let (dim, value, block): (i64, i64, i64) = (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?);
        for place in Block::read(bytes(row, 3)?)?.newest_first() {
            kept = kept.wrapping_add(one(dim, value, block * BLOCK + i64::from(place)));
        }
        Ok(())
    })?;
    let messages = "select m.n, m.journey, m.purpose, m.outcome, m.name, \
            (select group_concat(distinct d.channel) from delivery d where d.shard = m.shard and d.customer = m.customer \
                and d.message = m.id) from message m";
    conn.ask(messages, &Rows::once(), |_, row| {
        let n = cell(row, 0)?;
        for (dim, at) in [(Dim::Journey, 1), (Dim::Purpose, 2), (Dim::Outcome, 3), (Dim::Name, 4)] {
            meant = meant.wrapping_add(one(dim as i64, cell(row, at)?, n));
        }
        let channels: Option<String> = cell(row, 5)?;
        for channel in channels.iter().flat_map(|list| list.split(',')).filter_map(|text| text.parse().ok()) {
            meant = meant.wrapping_add(one(Dim::Channel as i64, channel, n));
        }
        Ok(())
    })?;
    Ok(kept == meant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_block_comes_out_of_its_cell_as_it_went_in() {
        for step in [1_usize, 3, 16, 17, 100, 4095, 5000] {
            let mut block = Block::NONE;
            let places: Vec<u16> = (0..4096).step_by(step).collect();
            places.iter().for_each(|place| block.set(*place, true));
            let stored = block.stored();
            assert!(stored.len() <= 512, "{step}");
            assert_eq!(Block::read(&stored).unwrap(), block);
            assert_eq!(block.count(), places.len());
            assert!(block.newest_first().eq(places.into_iter().rev()));
        }
        assert!(Block::read(&[0]).is_err());
        assert!(Block::read(&[0xff, 0xff]).is_err());
    }

    #[test]
    fn a_block_is_cut_to_a_stretch() {
        for (first, last) in [(0, 4095), (63, 64), (64, 127), (100, 100), (1, 4094), (-5, 9999), (70, 60)] {
            let mut block = Block::ALL;
            block.between(first, last);
            let wanted = (0..4096_i64).filter(|place| (first..=last).contains(place)).count();
            assert_eq!(block.count(), wanted, "{first} to {last}");
        }
    }

    #[test]
    fn blocks_are_laid_over_each_other() {
        let (mut even, mut third) = (Block::NONE, Block::NONE);
        (0..4096).step_by(2).for_each(|place| even.set(place, true));
        (0..4096).step_by(3).for_each(|place| third.set(place, true));
        let (mut both, mut any) = (even, even);
        both.and(&third);
        any.or(&third);
        assert_eq!((both.count(), any.count()), (683, 2048 + 683));
    }

    #[tokio::test]
    async fn bits_that_say_something_else_are_noticed() {
        use crate::conformance::{ids, plan, someone};
        let store = crate::Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
        let anna = someone(&store, &ids(), "anna").await;
        plan(&store, anna, "hello", words::DeliveryClass::NeverTwice).await;
        assert!(store.check().await.unwrap().is_empty());
        let tamper = "update message_bits set value = value + 1 where dim = 3";
        store.write(move |tx| Box::pin(async move { Ok(tx.conn.run(tamper)?) })).await.unwrap();
        assert_eq!(store.check().await.unwrap().len(), 1);
    }
}
