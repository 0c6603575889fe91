//! Every statement of the hot paths carries the shard: on a distributed PostgreSQL it then goes to one place, and not to all.
//!
//! The statements are heard as they are said to PostgreSQL while the suite of conformance does all that is done for events, steps
//! and messages, and are read by somebody else's parser. `DISTRIBUTED.md` says what the rule is for.
#![allow(clippy::unwrap_used, clippy::panic)]

use sqlparser::ast::{
    BinaryOperator, Expr, FromTable, JoinConstraint, JoinOperator, ObjectName, Select, Statement,
    TableFactor, TableObject, TableWithJoins, UpdateTableFromKind, Visit, Visitor,
};
use sqlparser::{dialect::PostgreSqlDialect, parser::Parser};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use store::{Options, Store};

/// How to deploy, and what stands in the way.
const DOCUMENT: &str = include_str!("../DISTRIBUTED.md");

/// What may ask all shards: a piece of the statement, and what the document calls it.
const ACROSS: &[(&str, &str)] = &[
    ("select 1 from message where id = $1", "a direct message"),
    ("from delivery where lease_until < $1", "the sweep of leases"),
    ("update call set due_at = $1, lease_until = null where lease_until < $2", "the sweep of leases"),
    ("update delivery set due_at = $1 where state = 0 and due_at > $1", "a stop that is taken back"),
    ("update delivery set due_at = $1 where state = 0 and due_at is null", "a stop that is taken back"),
    ("delete from identity where customer = $1", "an erasure"),
    ("from message m where m.n ", "a page of the log"),
];

/// Statements as they are said.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<BTreeSet<String>>>);

impl tracing::Subscriber for Heard {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == db::STATEMENTS
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Sql(String);
        impl tracing::field::Visit for Sql {
            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                if field.name() == "sql" {
                    self.0 = value.split_whitespace().collect::<Vec<_>>().join(" ");
                }
            }
            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
        }
        let mut sql = Sql(String::new());
        event.record(&mut sql);
        self.0.lock().unwrap().insert(sql.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Tables whose rows lie in shards.
type Sharded = BTreeSet<String>;

/// What is wrong with a statement: tables of it that are asked in all shards.
fn across(sql: &str, sharded: &Sharded) -> Vec<String> {
    let parsed =
        Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let mut reader = Reading { sharded, found: Vec::new() };
    for statement in &parsed {
        let _ = statement.visit(&mut reader);
    }
    reader.found
}

struct Reading<'s> {
    sharded: &'s Sharded,
    found: Vec<String>,
}

/// What stands beside each other in one `from`: sharded tables by the name that they go by, and what pins their shard.
#[derive(Default)]
struct Level {
    tables: BTreeMap<String, String>,
    equal: Vec<(Side, Side)>,
}

/// One side of an equation of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Side {
    /// The shard of this table; empty: of whichever has one.
    Shard(String),
    /// Something that is known.
    Known,
}

impl Reading<'_> {
    fn tables(&self, level: &mut Level, from: &[TableWithJoins]) {
        for table in from {
            self.table(level, &table.relation);
            for join in &table.joins {
                self.table(level, &join.relation);
                if let JoinOperator::Join(on)
                | JoinOperator::Inner(on)
                | JoinOperator::Left(on)
                | JoinOperator::LeftOuter(on)
                | JoinOperator::CrossJoin(on) = &join.join_operator
                    && let JoinConstraint::On(on) = on
                {
                    equations(on, &mut level.equal);
                }
            }
        }
    }

    fn table(&self, level: &mut Level, factor: &TableFactor) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let table = last(name);
                if self.sharded.contains(&table) {
                    let known_as =
                        alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.clone());
                    level.tables.insert(known_as, table);
                }
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.tables(level, std::slice::from_ref(table_with_joins));
            }
            _ => {}
        }
    }

    /// Every table of the level has its shard pinned, by itself or by another of them.
    fn check(&mut self, level: Level) {
        let only = (level.tables.len() == 1).then(|| level.tables.keys().next().cloned()).flatten();
        let name = |side: &Side| match side {
            Side::Shard(of) if of.is_empty() => only.clone(),
            Side::Shard(of) if level.tables.contains_key(of) => Some(of.clone()),
            // Of a table further out, or of what the rows are unnested to.
            _ => None,
        };
        let mut pinned = BTreeSet::new();
        for _ in 0..=level.tables.len() {
            for (one, other) in &level.equal {
                match (name(one), name(other)) {
                    (Some(table), None) | (None, Some(table)) => {
                        pinned.insert(table);
                    }
                    (Some(one), Some(other)) if pinned.contains(&one) || pinned.contains(&other) => {
                        pinned.extend([one, other]);
                    }
                    _ => {}
                }
            }
        }
        for (known_as, table) in level.tables {
            if !pinned.contains(&known_as) {
                self.found.push(table);
            }
        }
    }
}

impl Visitor for Reading<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut level = Level::default();
        self.tables(&mut level, &select.from);
        if let Some(selection) = &select.selection {
            equations(selection, &mut level.equal);
        }
        self.check(level);
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        let mut level = Level::default();
        match statement {
            Statement::Insert(insert) => {
                if let TableObject::TableName(table) = &insert.table
                    && self.sharded.contains(&last(table))
                    && !insert.columns.iter().any(|column| last(column) == "shard")
                {
                    self.found.push(last(table));
                }
            }
            Statement::Update(update) => {
                self.tables(&mut level, std::slice::from_ref(&update.table));
                if let Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) =
                    &update.from
                {
                    self.tables(&mut level, from);
                }
                if let Some(selection) = &update.selection {
                    equations(selection, &mut level.equal);
                }
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                self.tables(&mut level, from);
                self.tables(&mut level, delete.using.as_deref().unwrap_or_default());
                if let Some(selection) = &delete.selection {
                    equations(selection, &mut level.equal);
                }
            }
            _ => {}
        }
        self.check(level);
        ControlFlow::Continue(())
    }
}

/// The equations of shards that must hold for a row to be found.
fn equations(of: &Expr, found: &mut Vec<(Side, Side)>) {
    match of {
        Expr::Nested(inner) => equations(inner, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            equations(left, found);
            equations(right, found);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (&**left, &**right) {
            (Expr::Tuple(left), Expr::Tuple(right)) => {
                for (left, right) in left.iter().zip(right) {
                    equal(left, right, found);
                }
            }
            (left, right) => equal(left, right, found),
        },
        Expr::InList { expr, negated: false, .. } | Expr::AnyOp { left: expr, .. } => {
            if let Some(side) = shard_of(expr) {
                found.push((side, Side::Known));
            }
        }
        Expr::InSubquery { expr, negated: false, .. } => {
            let parts = match &**expr {
                Expr::Tuple(parts) => parts.iter().collect(),
                one => vec![one],
            };
            found.extend(parts.into_iter().filter_map(shard_of).map(|side| (side, Side::Known)));
        }
        _ => {}
    }
}

fn equal(left: &Expr, right: &Expr, found: &mut Vec<(Side, Side)>) {
    match (shard_of(left), shard_of(right)) {
        (None, None) => {}
        (left, right) => found.push((left.unwrap_or(Side::Known), right.unwrap_or(Side::Known))),
    }
}

fn shard_of(expr: &Expr) -> Option<Side> {
    match expr {
        Expr::Identifier(name) if name.value == "shard" => Some(Side::Shard(String::new())),
        Expr::CompoundIdentifier(parts) => match &parts[..] {
            [table, column] if column.value == "shard" => Some(Side::Shard(table.value.clone())),
            _ => None,
        },
        Expr::Nested(inner) => shard_of(inner),
        _ => None,
    }
}

fn last(name: &ObjectName) -> String {
    name.0.last().map(ToString::to_string).unwrap_or_default().trim_matches('"').to_owned()
}

#[test]
fn a_statement_that_asks_all_shards_is_told_from_one_that_does_not() {
    let sharded: Sharded = ["customer", "delivery", "message"].map(str::to_owned).into();
    for (sql, wanted) in [
        ("select 1 from customer where shard = $1 and id = $2", &[][..]),
        ("select 1 from customer where id = $1", &["customer"]),
        ("select 1 from customer where shard = $1 or id = $2", &["customer"]),
        (
            "select 1 from delivery d join message m on m.shard = d.shard and m.id = d.message where d.shard = r.c1",
            &[],
        ),
        ("select 1 from delivery d join message m on m.id = d.message where d.shard = $1", &["message"]),
        ("select 1 from delivery d join message m on m.shard = d.shard", &["delivery", "message"]),
        ("update customer set due_at = r.c2 from unnest($1::bigint[]) as r(c1) where shard = r.c1", &[]),
        (
            "update customer set due_at = 1 where id in (select customer from delivery where shard = 1)",
            &["customer"],
        ),
        ("delete from delivery using unnest($1::bigint[]) as r(c1) where customer = r.c1", &["delivery"]),
        (
            "insert into delivery (shard, id) select r.c1, r.c2 from unnest($1::bigint[], $2::bytea[]) as r(c1, c2)",
            &[],
        ),
        ("insert into delivery (id) values ($1)", &["delivery"]),
        (
            "select r.nth, q.* from unnest($1::bigint[]) with ordinality as r(c1, nth) cross join lateral \
             (select id from customer where shard = r.c1 order by id limit 1 for update skip locked) q",
            &[],
        ),
        ("select (select count(*) from message) from customer where shard = 1", &["message"]),
        (
            "with s as (select 1 as n) select n from s where not exists (select 1 from customer where shard = s.n)",
            &[],
        ),
    ] {
        assert_eq!(across(sql, &sharded), wanted, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_of_the_hot_paths_carries_the_shard() {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    let count = std::sync::atomic::AtomicU32::new(0);
    let open = async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let schema = format!("shards_{}_{n}", std::process::id());
        Store::open(Options::server_in(&url, &schema).unwrap(), vault::Vault::ephemeral(1)).await.unwrap()
    };
    // Makes the first schema, to be asked which tables have a shard.
    let first = open().await;
    let sharded = columns(&url, &format!("shards_{}_0", std::process::id()), "column_name = 'shard'").await;
    assert!(sharded.len() > 20, "{sharded:?}");
    first.close().await;
    let heard = Heard::default();
    tracing::subscriber::set_global_default(heard.clone()).unwrap();
    store::conformance::hot_paths(open).await;

    let heard = heard.0.lock().unwrap();
    let ours = |sql: &&String| {
        ["select", "with", "insert", "update", "delete"].iter().any(|word| sql.starts_with(word))
    };
    let heard: Vec<&String> = heard.iter().filter(ours).collect();
    assert!(heard.len() > 100, "only {} statements were heard", heard.len());
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for sql in &heard {
        let tables = across(sql, &sharded);
        if tables.is_empty() {
            continue;
        }
        match ACROSS.iter().find(|(begins, _)| sql.contains(begins)) {
            Some((begins, _)) => drop(used.insert(*begins)),
            None => wrong.push(format!("{tables:?}: {sql}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} statements ask all shards:\n{}",
        wrong.len(),
        heard.len(),
        wrong.join("\n")
    );
    for (_, called) in ACROSS {
        assert!(DOCUMENT.contains(&format!("| {called} |")), "the document does not say `{called}`");
    }
    let idle: Vec<_> = ACROSS.iter().filter(|(begins, _)| !used.contains(begins)).collect();
    assert!(idle.is_empty(), "nobody says these any more: {idle:?}");
}

/// Names between backquotes in a part of the document.
fn listed(part: &str) -> BTreeSet<String> {
    let (begin, end) = (format!("<!-- {part} -->"), format!("<!-- /{part} -->"));
    let text = DOCUMENT.split_once(&*begin).unwrap().1.split_once(&*end).unwrap().0;
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_lists_every_table_where_it_belongs() {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    let [data, keys] = ["data", "keys"].map(|name| format!("listed_tables_{}_{name}", std::process::id()));
    let root = vault::RootKey::from_bytes([5; 32]);
    let vault = vault::Vault::on_server(db::Server::parse(&url, &keys).unwrap(), &root).await.unwrap();
    let store = Store::open(Options::server_in(&url, &data).unwrap(), vault).await.unwrap();
    let (mut with, mut without) = (BTreeSet::new(), BTreeSet::new());
    for schema in [&data, &keys] {
        let sharded = columns(&url, schema, "column_name = 'shard'").await;
        without.extend(columns(&url, schema, "true").await.difference(&sharded).cloned());
        with.extend(sharded);
    }
    assert_eq!(listed("distributed"), with);
    assert_eq!(listed("reference"), without);
    store.close().await;
}

async fn columns(url: &str, schema: &str, which: &str) -> Sharded {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
    let sql = format!(
        "select distinct table_name::text from information_schema.columns join information_schema.tables \
            using (table_schema, table_name) where table_schema = $1 and table_type = 'BASE TABLE' and {which}"
    );
    let rows: Vec<(String,)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(schema).fetch_all(&mut conn).await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}
