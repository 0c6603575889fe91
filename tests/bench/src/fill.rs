//! A long life in a minute: messages that were sent, and not sent, over thirteen months, written into the product's own
//! tables while it does not run.
//!
//! Rows go in person by person, without indexes; those are made again at the end, as they were.
//! Every message has its audit event; what was sent has a delivery to the customer's own telephone or e-mail address.

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Thirteen months, in microseconds.
const SPAN_US: u64 = 395 * 86_400 * 1_000_000;

/// Purposes of the messages, and how many of a thousand are for each.
pub const PURPOSES: [(&str, u64); 4] =
    [("offers", 600), ("receipts", 298), ("service", 100), ("security", 2)];

/// Channels, of a thousand.
pub const CHANNELS: [(&str, u64); 3] = [("sms", 500), ("email", 495), ("push", 5)];

/// Outcomes by their number in the store, of a thousand: accepted, delivered, unknown, bounced, suppressed, expired,
/// rejected.
const OUTCOMES: [(i64, u64); 7] = [(2, 500), (3, 330), (8, 1), (9, 9), (17, 140), (18, 15), (20, 5)];

/// Where outcomes that mean "not sent" begin.
const NOT_SENT: i64 = 16;

/// What stands beside a message that was not sent.
const WHY: &str = r#"{"verdict":"block","reasons":[{"code":"P003","en":"The customer has not agreed to offers by SMS.","ja":"お客様はSMSでのご案内に同意していません。"}]}"#;
/// What an audit event says.
const SAID: &str = r#"{"journey":"many_017","step":"note","purpose":"offers","verdict":"allow","pack":"base@3","basis":"consent 2"}"#;

/// A small generator: the same database for everybody.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<T: Copy>(&mut self, shares: &[(T, u64)]) -> T {
        let mut left = self.next() % 1000;
        for (value, share) in shares {
            if left < *share {
                return *value;
            }
            left -= share;
        }
        shares[0].0
    }

    /// An id that begins with the time `at_us`.
    fn id(&mut self, at_us: u64) -> [u8; 16] {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&(at_us / 1000).to_be_bytes()[2..]);
        id[6..14].copy_from_slice(&self.next().to_be_bytes());
        id[14..].copy_from_slice(&self.next().to_be_bytes()[..2]);
        id[6] = 0x70 | (id[6] & 0x0f);
        id[8] = 0x80 | (id[8] & 0x3f);
        id
    }
}

/// The id of a delivery of a message: it begins as the message's does.
fn delivery_of(message: [u8; 16], chance: &mut Chance) -> [u8; 16] {
    let mut id = message;
    id[10..].copy_from_slice(&chance.next().to_be_bytes()[..6]);
    id
}

/// The product's bits of the log, see `message_bits` in its tables: by property, value and block the places in it.
#[derive(Default)]
struct Bits(BTreeMap<(i64, i64, i64), Vec<u16>>);

impl Bits {
    fn set(&mut self, dim: i64, value: i64, n: i64) {
        self.0.entry((dim, value, n / 4096)).or_default().push((n % 4096) as u16);
    }

    fn write(self, database: &Connection) -> Result<()> {
        let mut insert =
            database.prepare("insert into message_bits (dim, value, block, bits) values (?1, ?2, ?3, ?4)")?;
        for ((dim, value, block), mut places) in self.0 {
            places.sort_unstable();
            let bits: Vec<u8> = if places.len() < 256 {
                places.iter().flat_map(|place| place.to_le_bytes()).collect()
            } else {
                let mut bits = vec![0; 512];
                places.iter().for_each(|place| bits[usize::from(place / 8)] |= 1 << (place % 8));
                bits
            };
            insert.execute(params![dim, value, block, bits])?;
        }
        Ok(())
    }
}

/// Names to numbers, made where they are new.
fn symbol(database: &Connection, name: &str) -> Result<i64> {
    database.execute("insert or ignore into symbol (name) values (?1)", [name])?;
    Ok(database.query_row("select id from symbol where name = ?1", [name], |row| row.get(0))?)
}

struct Person {
    shard: i64,
    id: Vec<u8>,
    addresses: BTreeMap<i64, Vec<u8>>,
}

fn people(database: &Connection, kinds: &[i64], most: u64) -> Result<Vec<Person>> {
    let mut customers = database.prepare("select shard, id from customer order by shard, id limit ?1")?;
    let mut identities = database.prepare("select kind, bidx from identity where customer = ?1")?;
    let rows: Vec<(i64, Vec<u8>)> = customers
        .query_map([most as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut people = Vec::with_capacity(rows.len());
    for (shard, id) in rows {
        let addresses = identities
            .query_map([&id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .filter(|row| row.as_ref().is_ok_and(|(kind, _)| kinds.contains(kind)))
            .collect::<Result<_, _>>()?;
        people.push(Person { shard, id, addresses });
    }
    Ok(people)
}

/// Write `messages` messages into the database at `path`, spread over its customers, in journeys `many_000` to
/// `many_<journeys - 1>`.
///
/// # Errors
/// Those of SQLite; where nobody is there.
pub fn fill(path: &Path, messages: u64, journeys: usize) -> Result<()> {
    let database = Connection::open(path)?;
    // Nobody else looks, and what breaks is made anew.
    database.execute_batch(
        "pragma locking_mode = exclusive; pragma journal_mode = off; pragma synchronous = off; \
         pragma cache_size = -524288; pragma temp_store = file;",
    )?;
    let journeys: Vec<i64> =
        (0..journeys).map(|n| symbol(&database, &format!("many_{n:03}"))).collect::<Result<_>>()?;
    let channels: Vec<(i64, u64)> =
        CHANNELS.iter().map(|(name, share)| Ok((symbol(&database, name)?, *share))).collect::<Result<_>>()?;
    let purposes: Vec<(i64, u64)> =
        PURPOSES.iter().map(|(name, share)| Ok((symbol(&database, name)?, *share))).collect::<Result<_>>()?;
    let (step, name) = (symbol(&database, "note")?, symbol(&database, "letter")?);
    let planned = symbol(&database, "message.planned")?;
    let kinds: Vec<i64> = channels.iter().map(|(kind, _)| *kind).collect();
    let people = people(&database, &kinds, (messages / 10).max(1))?;
    ensure!(!people.is_empty(), "nobody is in {}", path.display());
    let indexes = indexes(&database)?;
    for (index, _) in &indexes {
        database.execute_batch(&format!("drop index {index}"))?;
    }
    database.execute_batch("begin")?;
    {
        let mut message = database.prepare(
            "insert into message (shard, customer, id, n, origin, enrollment, journey, step, visit, name, purpose, class, \
             priority, program, release, cause_seq, planned_at, expires_at, outcome, settled_at, why, inputs) \
             values (?1, ?2, ?3, ?13, 0, ?4, ?5, ?6, 1, ?7, ?8, 2, 3, 1, null, 1, ?9, null, ?10, ?11, ?12, null)",
        )?;
        let mut delivery = database.prepare(
            "insert into delivery (shard, customer, message, id, ordinal, channel, address_bidx, state, due_at, fence, \
             lease_until, attempts, strikes, planned_at, handed_at, settled_at, delivery_class, provider, why) \
             values (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, null, 1, null, 1, 0, ?8, ?9, ?10, 0, 'sandbox', null)",
        )?;
        let mut audit = database.prepare(
            "insert into audit_event (shard, id, at, kind, customer, subject, body) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("after 1970")?.as_micros() as u64;
        let mut addressed = database.prepare(
            "insert into addressed (shard, bidx, customer) values (?1, ?2, ?3) on conflict do nothing",
        )?;
        let (mut chance, mut bits) = (Chance(1), Bits::default());
        let (crowd, stride) = (people.len() as u64, stride(people.len() as u64));
        let before: Option<i64> = database.query_row("select max(n) from message", [], |row| row.get(0))?;
        // What is there already keeps its blocks of bits to itself.
        let above = before.map_or(0, |last| (last / 4096 + 1) * 4096 - 1);
        for (number, person) in people.iter().enumerate() {
            // Each round of the crowd has everybody once, and its own order; places and times go up together.
            let first = number as u64 * stride % crowd;
            for place in (first..messages).step_by(people.len()) {
                let window = SPAN_US / messages;
                let at = now - SPAN_US + place * window + chance.next() % window.max(1);
                let n = above + 1 + place as i64;
                let (id, enrollment) = (chance.id(at), chance.id(at));
                let outcome = chance.of(&OUTCOMES);
                let journey = journeys[(chance.next() % journeys.len() as u64) as usize];
                let purpose = chance.of(&purposes);
                let settled = at + 900_000;
                message.execute(params![
                    person.shard,
                    person.id,
                    id,
                    enrollment,
                    journey,
                    step,
                    name,
                    purpose,
                    at,
                    outcome,
                    settled,
                    (outcome >= NOT_SENT).then_some(WHY),
                    n,
                ])?;
                for (dim, value) in [(1, journey), (2, purpose), (3, outcome), (5, name)] {
                    bits.set(dim, value, n);
                }
                audit.execute(params![person.shard, chance.id(at), at, planned, person.id, id, SAID])?;
                if outcome < NOT_SENT || outcome == 20 {
                    let channel = chance.of(&channels);
                    let elsewhere = id.to_vec();
                    let address = person.addresses.get(&channel).unwrap_or(&elsewhere);
                    let state = match outcome {
                        2 => 3,
                        3 => 5,
                        8 => 4,
                        9 => 6,
                        _ => 8,
                    };
                    let key = delivery_of(id, &mut chance);
                    bits.set(4, channel, n);
                    let shard = i64::from(address[15]);
                    addressed.execute(params![shard, address, person.id])?;
                    delivery.execute(params![
                        person.shard,
                        person.id,
                        id,
                        key,
                        channel,
                        address,
                        state,
                        at,
                        at + 300_000,
                        settled
                    ])?;
                }
            }
        }
        bits.write(&database)?;
        for length in [256, 65_536] {
            database.execute(
                "insert into message_span (length, span, least_at, most_at) \
                 select ?1, n / ?1, min(planned_at), max(planned_at) from message group by n / ?1 \
                 on conflict do update set least_at = excluded.least_at, most_at = excluded.most_at",
                [length],
            )?;
        }
    }
    database.execute_batch("commit")?;
    for (_, sql) in &indexes {
        database.execute_batch(sql)?;
    }
    database.execute_batch("pragma journal_mode = wal")?;
    Ok(())
}

/// A step through the crowd that meets everybody: no divisor in common with its size.
fn stride(crowd: u64) -> u64 {
    fn common(a: u64, b: u64) -> u64 {
        if b == 0 { a } else { common(b, a % b) }
    }
    (7919..).find(|step| common(*step, crowd) == 1).unwrap_or(1)
}

/// The indexes of what is filled: name and SQL.
fn indexes(database: &Connection) -> Result<Vec<(String, String)>> {
    let mut query = database.prepare(
        "select name, sql from sqlite_schema where type = 'index' and tbl_name in ('message', 'delivery', 'audit_event') \
         and sql is not null",
    )?;
    Ok(query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers;
    use std::time::Duration;

    /// The product's own tables, with some customers who wait.
    fn tables(path: &Path, customers: u8) -> Connection {
        let database = Connection::open(path).expect("opens");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("migrations").map(|file| file.expect("a file").path()).collect();
        files.sort();
        for file in files {
            database.execute_batch(&std::fs::read_to_string(file).expect("SQL")).expect("tables");
        }
        for number in 0..customers {
            let id = [number; 16];
            database
                .execute(
                    "insert into customer (shard, id, due_at, guard_version, profile_version, next_seq, applied_seq, next_n, \
                     flags, created_at) values (?1, ?2, 1, 0, 0, 1, 0, 1, 0, 0)",
                    params![i64::from(number), id],
                )
                .expect("a customer");
        }
        database
    }

    fn count(database: &Connection, sql: &str) -> i64 {
        database.query_row(sql, [], |row| row.get(0)).expect("counts")
    }

    #[test]
    fn a_log_is_filled_and_every_index_is_there_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tabi.db");
        let database = tables(&path, 7);
        let indexes = "select count(*) from sqlite_schema where type = 'index'";
        let before = count(&database, indexes);
        drop(database);
        fill(&path, 1000, 3).expect("fills");
        let database = Connection::open(&path).expect("opens");
        assert_eq!(count(&database, "select count(*) from message"), 1000);
        assert_eq!(count(&database, "select count(*) from audit_event"), 1000);
        assert!((700..1000).contains(&count(&database, "select count(*) from delivery")));
        assert_eq!(count(&database, indexes), before);
        assert_eq!(count(&database, "select count(distinct customer) from message"), 7);
        assert_eq!(
            count(&database, "select count(distinct n) from message where n between 1 and 1000"),
            1000
        );
        let disorder =
            "select count(*) from message a join message b on b.n = a.n + 1 and b.planned_at < a.planned_at";
        assert_eq!(count(&database, disorder), 0);
        assert_eq!(count(&database, "select count(distinct block) from message_bits"), 1);
        assert_eq!(count(&database, "select count(*) from message_span"), 5);
        assert_eq!(database.query_row("pragma integrity_check", [], |row| row.get(0)), Ok("ok".to_owned()));
    }

    #[test]
    fn a_crowd_falls_due_at_the_rate_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tabi.db");
        drop(tables(&path, 100));
        timers::spread(&path, 50, Duration::from_secs(1)).expect("spreads");
        let database = Connection::open(&path).expect("opens");
        let span = count(&database, "select max(due_at) - min(due_at) from customer");
        assert!((1_000_000..2_000_000).contains(&span), "{span}");
        // Nobody steps them: who is overdue, is so for all of this time.
        std::thread::sleep(Duration::from_millis(1100));
        let mut file = timers::File::open(&path).expect("opens");
        let seen = timers::watch(&mut file, Duration::from_millis(200)).expect("looks");
        assert!(seen.p99_ms > Some(50.0), "{seen:?}");
    }
}
