//! The sent-message log: pages of it, newest first.
//!
//! The log is in the order in which messages were written down, and each has its place in it (`message.n`). A search lays
//! the blocks of what is asked for over each other (see `bits`) and reads the rows of the places that are left: what it
//! reads grows with what it finds. A customer's messages, and those to an address, are few and read as they are.

use super::Store;
use super::ask::Ask;
use super::bits::{BLOCK, Block, Dim, SPANS, split};
use super::customer::{follow, merged_into};
use super::open::shard;
use super::plan::class_of;
use crate::{LogCursor, LogFilter, LogPage, LogRow, MessageOutcome, Origin, StoreError};
use db::{Conn, bytes, cell};
use db::{Rows, signed, unsigned};
use std::cmp::Reverse;
use words::{Channel, CustomerId, EnrollmentId, MessageId, Timestamp};

/// The columns of a row; `m` is the message.
macro_rules! columns {
    () => {
        "m.customer, m.id, m.origin, m.enrollment, m.journey, m.step, m.visit, m.name, m.purpose, m.class, \
         m.planned_at, m.outcome, m.settled_at, m.why, \
         (select group_concat(distinct d.channel) from delivery d where d.shard = m.shard and d.customer = m.customer \
            and d.message = m.id)"
    };
}
pub(super) use columns;

/// The row at a place (`?1`).
pub(crate) const ROW: &str =
    concat!("select ", columns!(), " from message m indexed by message_place where m.n = ?1");
/// Places up to ?1 and from ?2 on, the last one first, with their times.
pub(crate) const PLACES: &str = "select n, planned_at from message indexed by message_place \
     where n <= ?1 and n >= ?2 order by n desc";
/// When the message at a place (`?1`) was planned.
pub(crate) const PLACE: &str = "select planned_at from message indexed by message_place where n = ?1";
/// The newest block up to ?3 that has any message with a value.
pub(crate) const BLOCK_BEFORE: &str = "select block, bits from message_bits \
     where dim = ?1 and value = ?2 and block <= ?3 order by block desc limit 1";
/// What one customer (`?1` shard, `?2`) has before a place (`?3`), with a delivery on a channel (`?4`) and to an address
/// (`?5`), where asked.
pub(crate) const OF_CUSTOMER: &str = "select m.n, m.planned_at, m.journey, m.purpose, m.outcome, m.name \
     from message m indexed by message_customer where m.shard = ?1 and m.customer = ?2 and m.n < ?3 \
     and (?4 is null or exists (select 1 from delivery d where d.shard = m.shard and d.customer = m.customer \
        and d.message = m.id and d.channel = ?4)) \
     and (?5 is null or exists (select 1 from delivery d where d.shard = m.shard and d.customer = m.customer \
        and d.message = m.id and d.address_bidx = ?5))";
/// Who was ever meant by an address.
pub(crate) const ADDRESSED: &str = "select customer from addressed where shard = ?1 and bidx = ?2";

impl MessageOutcome {
    /// From its number.
    pub(crate) fn of(no: i64) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|outcome| *outcome as i64 == no)
            .ok_or_else(|| StoreError::corrupt(format!("message.outcome {no}")))
    }
}

/// What is asked for, in numbers.
struct Asked {
    /// Planned at or after, and before.
    from: i64,
    to: i64,
    /// Each property with the values of which it has one.
    lanes: Vec<(Dim, Vec<i64>)>,
    channel: Option<i64>,
    address: Option<(i64, [u8; 16])>,
    /// Whose messages, where they are asked for by whom.
    whose: Option<Vec<CustomerId>>,
}

impl Asked {
    fn any_time(&self) -> bool {
        (self.from, self.to) == (i64::MIN, i64::MAX)
    }

    fn at(&self, planned_at: i64) -> bool {
        planned_at >= self.from && planned_at < self.to
    }

    fn has(&self, dim: Dim, value: i64) -> bool {
        self.lanes.iter().all(|(lane, values)| *lane != dim || values.contains(&value))
    }
}

impl Store {
    /// A page of the log, newest first. It has as many rows as were asked for as long as there are as many.
    pub async fn log_search(
        &self,
        filter: &LogFilter,
        after: Option<LogCursor>,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let limit = limit.clamp(1, 1000);
        let mut asked = self.asked(filter);
        if let Some(customer) = filter.customer {
            let mut conn = self.read().await?;
            let Some(customer) = follow(&mut conn, customer).await? else {
                return Ok(LogPage { rows: Vec::new(), next: None });
            };
            // And what was said to them under other ids, before merges.
            let mut whose = vec![customer];
            let mut at = 0;
            while let Some(one) = whose.get(at).copied() {
                whose.extend(merged_into(&mut conn, one).await?);
                at += 1;
            }
            asked.whose = Some(whose);
        }
        let text = filter.text.clone();
        let before = after.map_or(i64::MAX, |cursor| signed(cursor.0));
        self.aside(move |store, conn| {
            conn.run("begin")?;
            let page = store.page(conn, asked, text.as_deref(), before, limit)?;
            conn.run("commit")?;
            Ok(page)
        })
        .await
    }

    fn asked(&self, filter: &LogFilter) -> Asked {
        let mut lanes = Vec::new();
        for (dim, name) in [(Dim::Journey, &filter.journey), (Dim::Purpose, &filter.purpose)] {
            lanes.extend(name.as_ref().map(|name| (dim, vec![self.sym_or_none(name)])));
        }
        let channel = filter.channel.as_ref().map(|channel| self.sym_or_none(channel.as_str()));
        lanes.extend(channel.map(|channel| (Dim::Channel, vec![channel])));
        lanes.extend(filter.outcome.map(|outcome| (Dim::Outcome, vec![outcome as i64])));
        if let Some(not_sent) = filter.not_sent {
            let wanted = |outcome: &MessageOutcome| {
                *outcome != MessageOutcome::Planned && outcome.is_not_sent() == not_sent
            };
            let outcomes = MessageOutcome::ALL.into_iter().filter(wanted);
            lanes.push((Dim::Outcome, outcomes.map(|outcome| outcome as i64).collect()));
        }
        Asked {
            from: filter.from.map_or(i64::MIN, Timestamp::as_micros),
            to: filter.to.map_or(i64::MAX, Timestamp::as_micros),
            lanes,
            channel,
            address: filter.address.as_ref().map(|(channel, value)| self.blind(channel.as_str(), value)),
            whose: None,
        }
    }

    fn page(
        &self,
        conn: &Conn,
        mut asked: Asked,
        text: Option<&str>,
        before: i64,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        if let Some(text) = text {
            asked.lanes.push((Dim::Name, self.names_with(conn, text)?));
        }
        if let (None, Some((at_shard, bidx))) = (&asked.whose, &asked.address) {
            asked.whose = Some(addressed(conn, *at_shard, bidx)?);
        }
        // One more than asked for: whether it goes on.
        let mut places = match &asked.whose {
            Some(whose) => of_customers(conn, &asked, whose, before, limit + 1)?,
            None => places(conn, &asked, before, limit + 1)?,
        };
        let more = places.len() > limit;
        places.truncate(limit);
        let next = places.last().filter(|_| more).map(|n| LogCursor(unsigned(*n)));
        Ok(LogPage { rows: self.rows_at(conn, &places)?, next })
    }

    /// The names of messages that a text is in.
    fn names_with(&self, conn: &Conn, text: &str) -> Result<Vec<i64>, StoreError> {
        let candidates = self.0.symbols.containing(text);
        if conn.is_postgres() {
            return Ok(candidates);
        }
        let mut rows = Rows::new();
        for symbol in &candidates {
            rows.row().int(Dim::Name as i64).int(*symbol).int(i64::MAX);
        }
        let mut names = Vec::new();
        conn.ask(BLOCK_BEFORE, &rows, |nth, _| {
            names.extend(candidates.get(nth));
            Ok(())
        })?;
        Ok(names)
    }

    fn rows_at(&self, conn: &Conn, places: &[i64]) -> Result<Vec<LogRow>, StoreError> {
        let mut asked = Rows::new();
        for n in places {
            asked.row().int(*n);
        }
        let mut rows = Vec::with_capacity(places.len());
        conn.ask(ROW, &asked, |_, row| {
            rows.push(log_row(self, row)?);
            Ok(())
        })?;
        if rows.len() == places.len() { Ok(rows) } else { Err(StoreError::corrupt("message.n")) }
    }
}

/// Who was ever meant by an address.
pub(crate) fn addressed(conn: &Conn, at_shard: i64, bidx: &[u8; 16]) -> Result<Vec<CustomerId>, StoreError> {
    let (mut row, mut whose) = (Rows::new(), Vec::new());
    row.row().int(at_shard).blob(bidx);
    conn.ask(ADDRESSED, &row, |_, row| {
        let wrong = || StoreError::corrupt("addressed.customer");
        whose.push(CustomerId::from_slice(bytes(row, 0)?).ok_or_else(wrong)?);
        Ok(())
    })?;
    Ok(whose)
}

/// The newest places before one of what these customers have.
fn of_customers(
    conn: &Conn,
    asked: &Asked,
    whose: &[CustomerId],
    before: i64,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut rows = Rows::new();
    for customer in whose {
        let row = rows.row().int(shard(*customer)).blob(&customer.0).int(before);
        row.opt_int(asked.channel).opt_blob(asked.address.as_ref().map(|(_, bidx)| bidx.as_slice()));
    }
    let mut found = Vec::new();
    conn.ask(OF_CUSTOMER, &rows, |_, row| {
        let [journey, purpose, outcome, name] = [cell(row, 2)?, cell(row, 3)?, cell(row, 4)?, cell(row, 5)?];
        if asked.at(cell(row, 1)?)
            && asked.has(Dim::Journey, journey)
            && asked.has(Dim::Purpose, purpose)
            && asked.has(Dim::Outcome, outcome)
            && asked.has(Dim::Name, name)
        {
            found.push(cell::<i64>(row, 0)?);
        }
        Ok(())
    })?;
    found.sort_unstable_by_key(|n| Reverse(*n));
    found.truncate(limit);
    Ok(found)
}

/// The same on PostgreSQL, by its indexes.
fn places_there(conn: &Conn, asked: &Asked, before: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    use std::fmt::Write as _;
    let mut sql =
        "select m.n from message m where m.n < ?1 and m.planned_at >= ?2 and m.planned_at < ?3".to_owned();
    for (dim, values) in &asked.lanes {
        // Numbers of ours, whatever was asked for.
        let list = values.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "null".to_owned() } else { list };
        let _ = match dim {
            Dim::Journey => write!(sql, " and m.journey in ({list})"),
            Dim::Purpose => write!(sql, " and m.purpose in ({list})"),
            Dim::Outcome => write!(sql, " and m.outcome in ({list})"),
            Dim::Name => write!(sql, " and m.name in ({list})"),
            Dim::Channel => write!(
                sql,
                " and exists (select 1 from delivery d where d.shard = m.shard and d.message = m.id and d.channel in ({list}))"
            ),
        };
    }
    sql.push_str(" order by m.n desc limit ?4");
    let mut row = Rows::new();
    row.row().int(before).int(asked.from).int(asked.to).int(signed(limit as u64));
    let mut found = Vec::new();
    conn.ask(&sql, &row, |_, row| {
        found.push(cell(row, 0)?);
        Ok(())
    })?;
    Ok(found)
}

/// The newest places before one that have everything asked for.
fn places(conn: &Conn, asked: &Asked, before: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    if conn.is_postgres() {
        return places_there(conn, asked, before, limit);
    }
    let Some((first, last)) = period(conn, asked)? else { return Ok(Vec::new()) };
    let last = last.min(before.saturating_sub(1));
    if asked.lanes.is_empty() {
        let mut row = Rows::new();
        row.row().int(last).int(first);
        return conn.some(PLACES, &row, limit, |row| {
            let n = cell(row, 0)?;
            Ok(asked.at(cell(row, 1)?).then_some(n))
        });
    }
    let mut found = Vec::new();
    let mut upto = split(last).0;
    while first <= last && upto >= first / BLOCK {
        let Some((block, mut bits)) = common(conn, &asked.lanes, upto)? else { break };
        bits.between(first - block * BLOCK, last - block * BLOCK);
        for place in bits.newest_first() {
            let n = block * BLOCK + i64::from(place);
            if asked.any_time() || asked.at(planned_at(conn, n)?) {
                found.push(n);
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        upto = block - 1;
    }
    Ok(found)
}

fn planned_at(conn: &Conn, n: i64) -> Result<i64, StoreError> {
    let mut row = Rows::new();
    row.row().int(n);
    let mut at = None;
    conn.ask(PLACE, &row, |_, row| {
        at = Some(cell(row, 0)?);
        Ok(())
    })?;
    at.ok_or_else(|| StoreError::corrupt("message.n"))
}

/// The newest block up to `upto` in which every property is, and what of it has all of them.
fn common(conn: &Conn, lanes: &[(Dim, Vec<i64>)], mut upto: i64) -> Result<Option<(i64, Block)>, StoreError> {
    'again: loop {
        let mut all = Block::ALL;
        for (dim, values) in lanes {
            let Some((block, bits)) = newest(conn, *dim, values, upto)? else { return Ok(None) };
            if block < upto {
                upto = block;
                // The first of them may set the pace for all.
                if lanes.len() > 1 {
                    continue 'again;
                }
            }
            all.and(&bits);
        }
        return Ok(Some((upto, all)));
    }
}

/// The newest block up to `upto` with any of the values.
fn newest(conn: &Conn, dim: Dim, values: &[i64], upto: i64) -> Result<Option<(i64, Block)>, StoreError> {
    let mut rows = Rows::new();
    for value in values {
        rows.row().int(dim as i64).int(*value).int(upto);
    }
    let mut found: Option<(i64, Block)> = None;
    conn.ask(BLOCK_BEFORE, &rows, |_, row| {
        let block = cell(row, 0)?;
        match &mut found {
            Some((newest, _)) if *newest > block => {}
            Some((newest, bits)) if *newest == block => bits.or(&Block::read(bytes(row, 1)?)?),
            _ => found = Some((block, Block::read(bytes(row, 1)?)?)),
        }
        Ok(())
    })?;
    Ok(found)
}

/// The first and the last place that may lie in the period: all others do not. `None`: nothing does.
fn period(conn: &Conn, asked: &Asked) -> Result<Option<(i64, i64)>, StoreError> {
    let [short, long] = SPANS;
    // Walked span by span, the long ones first: a few hundred short rows at most.
    let least = "select span from message_span where length = ?1 and span >= ?2 and span <= ?3 and most_at >= ?4 \
         order by span limit 1";
    let most = "select span from message_span where length = ?1 and span >= ?2 and span <= ?3 and least_at < ?4 \
         order by span desc limit 1";
    let (mut first, mut last) = (0, i64::MAX - 1);
    let find = |sql: &str, length: i64, (from, to): (i64, i64), at: i64| {
        let mut row = Rows::new();
        row.row().int(length).int(from).int(to).int(at);
        let mut found = None;
        conn.ask(sql, &row, |_, row| {
            found = Some(cell::<i64>(row, 0)?);
            Ok(())
        })?;
        Ok::<_, StoreError>(found)
    };
    let within = |span: i64| (span * (long / short), span * (long / short) + (long / short) - 1);
    if asked.from > i64::MIN {
        let Some(span) = find(least, long, (0, i64::MAX), asked.from)? else { return Ok(None) };
        let Some(span) = find(least, short, within(span), asked.from)? else { return Ok(None) };
        first = span * short;
    }
    if asked.to < i64::MAX {
        let Some(span) = find(most, long, (0, i64::MAX), asked.to)? else { return Ok(None) };
        let Some(span) = find(most, short, within(span), asked.to)? else { return Ok(None) };
        last = span * short + short - 1;
    }
    Ok(Some((first, last)))
}

/// A row from its columns, which come first.
pub(crate) fn log_row(store: &Store, row: &db::Found<'_>) -> Result<LogRow, StoreError> {
    let wrong = || StoreError::corrupt("message");
    let channels: Option<String> = cell(row, 14)?;
    let mut names = Vec::new();
    for symbol in channels.iter().flat_map(|list| list.split(',')).filter_map(|text| text.parse().ok()) {
        names.push(Channel::new(&*store.name(symbol)?));
    }
    Ok(LogRow {
        customer: CustomerId::from_slice(bytes(row, 0)?).ok_or_else(wrong)?,
        message: MessageId::from_slice(bytes(row, 1)?).ok_or_else(wrong)?,
        origin: match cell::<i64>(row, 2)? {
            0 => Origin::Journey,
            1 => Origin::Api,
            _ => Origin::System,
        },
        enrollment: EnrollmentId::from_slice(bytes(row, 3)?),
        journey: store.name(cell(row, 4)?)?.to_string(),
        step: store.name(cell(row, 5)?)?.to_string(),
        visit: u32::try_from(cell::<i64>(row, 6)?).unwrap_or(0),
        name: store.name(cell(row, 7)?)?.to_string(),
        purpose: store.name(cell(row, 8)?)?.to_string(),
        class: class_of(cell(row, 9)?)?,
        planned_at: Timestamp::from_micros(cell(row, 10)?),
        outcome: MessageOutcome::of(cell(row, 11)?)?,
        settled_at: cell::<Option<i64>>(row, 12)?.map(Timestamp::from_micros),
        why: cell(row, 13)?,
        channels: names,
    })
}
