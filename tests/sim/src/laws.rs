//! What must be true once everything has come to its end. The tables are read with SQL of our own, after all is closed.

mod ledger;
mod paces;
mod passages;

use crate::tables::Tables;
use crate::world::World;
use anyhow::Context as _;
use rusqlite::types::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use vault::{KeyClass, KeyRef};

/// A cell as a number.
fn int(row: &[Value], at: usize) -> Option<i64> {
    match row.get(at) {
        Some(Value::Integer(n)) => Some(*n),
        _ => None,
    }
}

/// A cell as bytes.
fn blob(row: &[Value], at: usize) -> Vec<u8> {
    match row.get(at) {
        Some(Value::Blob(bytes)) => bytes.clone(),
        _ => Vec::new(),
    }
}

/// A cell as text.
fn text(row: &[Value], at: usize) -> String {
    match row.get(at) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Closes the world and holds every law of the end against what is left.
///
/// # Errors
/// Where the tables cannot be read.
pub async fn hold(world: &mut World) -> anyhow::Result<()> {
    people(world).await?;
    let tables = world.close().await?;
    rest(world, &tables)?;
    events(world, &tables)?;
    passages::hold(world, &tables)?;
    paces::hold(world);
    ledger::hold(world, &tables)
}

/// What is known about people: no change that was acknowledged is lost, none is counted twice, and nothing can be read of
/// those who were erased.
async fn people(world: &World) -> anyhow::Result<()> {
    let store = world.store()?;
    let live = world.nodes.iter().find_map(|node| node.machine.live()).context("nothing is live")?;
    let (groups, people) = {
        let book = world.book();
        (book.groups.clone(), book.people.clone())
    };
    let now = world.time.stamp();
    for group in groups.iter().filter(|group| !group.members.is_empty()) {
        let ids: Vec<_> = group.members.iter().filter_map(|nth| people.get(*nth)).map(|p| p.id).collect();
        let Some(first) = ids.first().copied() else { continue };
        if group.erased {
            let classes = [KeyClass::Profile, KeyClass::Events, KeyClass::Content];
            let wanted: Vec<KeyRef> = ids
                .iter()
                .flat_map(|id| {
                    classes.iter().flat_map(move |class| {
                        [0, 2026, 2027].map(|year| KeyRef { subject: id.0, class: *class, year })
                    })
                })
                .collect();
            if world.vault().existing_keys(&wanted).await?.iter().any(Option::is_some) {
                world.book().breach("I16", format!("c{} was erased, and a key is left", group.members[0]));
            }
            continue;
        }
        let Some(customer) = store.customer(first).await? else {
            world.book().breach("I12", format!("c{} is gone", group.members[0]));
            continue;
        };
        let note = match customer.traits.get("note") {
            Some(words::Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        if note != group.note {
            let what = format!("c{}: note {note:?}, and acknowledged was {:?}", group.members[0], group.note);
            world.book().breach("I12", what);
        }
        let orders = world.book().orders.values().filter(|o| group.members.contains(&o.person)).count();
        let deciding = store::Deciding { caps_since: words::Timestamp::from_micros(0), events_max: 256 };
        let claimed = store.claim_customer(first, now, deciding).await?;
        let facts = claimed.and_then(|batch| batch.work.into_iter().next()).and_then(|work| work.facts);
        let counted = match facts.map(|facts| facts.value(&live.release.project.schema, "orders", now)) {
            Some(words::Value::Int(n)) => usize::try_from(n).unwrap_or(usize::MAX),
            _ => 0,
        };
        if counted != orders {
            let what = format!("c{} made {orders} orders, and {counted} are counted", group.members[0]);
            world.book().breach("I12", what);
        }
    }
    Ok(())
}

/// Nobody waits for ever, and nothing is left in the middle.
fn rest(world: &World, tables: &Tables) -> anyhow::Result<()> {
    let now = world.time.now();
    for (law, what, sql) in [
        (
            "I12",
            "events that no step has seen",
            "select 1 from customer where flags = 0 and next_seq > applied_seq + 1",
        ),
        (
            "I9",
            "customers that were due long ago",
            &format!("select 1 from customer where flags = 0 and due_at <= {}", now - crate::clock::HOUR)
                as &str,
        ),
        (
            "I9",
            "passages that never end",
            "select 1 from enrollment e join customer c on c.shard = e.shard and c.id = e.customer where e.status = 0",
        ),
        (
            "I4",
            "deliveries in the middle of something",
            "select state, due_at from delivery where state in (0, 1, 2)",
        ),
        (
            "I4",
            "messages without an end",
            "select hex(id), outcome, (select group_concat(d.state || ':' || d.channel || ':' || d.delivery_class) from delivery d where d.message = message.id) from message where outcome in (0, 1)",
        ),
        (
            "I1",
            "steps with two messages",
            "select 1 from message where enrollment is not null group by enrollment, step, visit having count(*) > 1",
        ),
        (
            "I5",
            "two live passages with one key",
            "select 1 from enrollment where status = 0 group by customer, journey, key having count(*) > 1",
        ),
        (
            "I11",
            "messages that the record does not tell of",
            "select 1 from message m where not exists (select 1 from audit_event a where a.subject = m.id)",
        ),
    ] {
        let rows = tables.rows(sql)?;
        if !rows.is_empty() {
            world.book().breach(law, format!("{} {what}: {:?}", rows.len(), rows.first()));
        }
    }
    Ok(())
}

/// Groups by the product's ids.
fn group_of(world: &World) -> BTreeMap<Vec<u8>, usize> {
    world.book().people.iter().map(|person| (person.id.0.to_vec(), person.group)).collect()
}

/// Every acknowledged event is there, once.
fn events(world: &World, tables: &Tables) -> anyhow::Result<()> {
    let groups = group_of(world);
    let mut stored: BTreeMap<usize, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for row in tables
        .rows("select e.customer, e.id from event e join symbol s on s.id = e.source where s.name = 'shop'")?
    {
        if let Some(group) = groups.get(&blob(&row, 0)) {
            stored.entry(*group).or_default().insert(blob(&row, 1));
        }
    }
    let mut book = world.book();
    for (nth, group) in
        book.groups.clone().iter().enumerate().filter(|(_, g)| !g.erased && !g.members.is_empty())
    {
        let told: u64 = group.members.iter().filter_map(|member| book.events.get(member)).sum();
        let found = stored.get(&nth).map_or(0, |ids| ids.len() as u64);
        if told != found {
            book.breach(
                "P3",
                format!("{told} events of group {nth} were acknowledged, and {found} are stored"),
            );
        }
    }
    Ok(())
}

/// A message that ends whoever renders it is set aside after three times.
///
/// # Errors
/// Where the tables cannot be read.
pub fn poison(world: &World) -> anyhow::Result<()> {
    let deaths = i64::from(world.deaths.load(Ordering::SeqCst));
    if deaths == 0 {
        return Ok(());
    }
    let mut ids: Vec<Vec<u8>> = Vec::new();
    {
        let book = world.book();
        let groups: BTreeSet<usize> = book.people.iter().filter(|p| p.poison).map(|p| p.group).collect();
        ids.extend(book.people.iter().filter(|p| groups.contains(&p.group)).map(|p| p.id.0.to_vec()));
    }
    let tables = crate::world::locked(&world.providers.tables);
    let Some(tables) = tables.as_ref() else { return Ok(()) };
    let rows = tables.rows("select customer, count(*) from delivery group by customer")?;
    let messages: i64 =
        rows.iter().filter(|row| ids.contains(&blob(row, 0))).filter_map(|row| int(row, 1)).sum();
    if deaths > 3 * messages {
        world.book().breach("I10", format!("{deaths} processes ended by {messages} poisonous deliveries"));
    }
    Ok(())
}
