//! PostgreSQL: a throw-away server for the gates that need one, and the limit of claimed steps on it.
//!
//! The limit is one statement per batch: due rows in due order, locked past what others hold, moved on and logged. That is
//! what a careful person would write by hand; every client has a connection of its own.

use crate::sqlite::finish;
use crate::timers::Looked;
use crate::{Measure, machine};
use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A server of our own, with what it holds; gone when it goes out of scope.
#[derive(Debug)]
pub struct Cluster {
    script: PathBuf,
    folder: PathBuf,
}

impl Cluster {
    /// Makes one in `folder` and starts it. `script`: `tests/postgres`.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, or does not start.
    pub fn start(script: &Path, folder: &Path) -> Result<Self> {
        let cluster = Self { script: script.to_owned(), folder: folder.to_owned() };
        cluster.asked(&["start"])?;
        Ok(cluster)
    }

    fn asked(&self, words: &[&str]) -> Result<String> {
        let (what, more) = words.split_first().context("something to ask for")?;
        let output = Command::new(&self.script).arg(what).arg(&self.folder).args(more).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tests/postgres {what} failed: {}", said.trim_end());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The address of another database in it, made at the first call.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub fn database(&self, name: &str) -> Result<String> {
        let known = self.folder.join(format!("{name}.url"));
        if let Ok(url) = std::fs::read_to_string(&known) {
            return Ok(url);
        }
        let url = self.asked(&["database", name])?;
        std::fs::write(&known, &url)?;
        Ok(url)
    }

    /// CPU seconds of the server so far: of its first process, of those that ended, and of those that run.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let first = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        let first: u32 = first.lines().next()?.parse().ok()?;
        let running: f64 = machine::children(first).into_iter().filter_map(machine::cpu_seconds).sum();
        Some(machine::cpu_seconds_with_ended(first)? + running)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.asked(&["stop"]).ok();
    }
}

/// What the clients did, once all have ended.
async fn all(mut working: JoinSet<Result<u64>>) -> Result<u64> {
    let mut done = 0;
    while let Some(share) = working.join_next().await {
        done += share??;
    }
    Ok(done)
}

async fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::connect(url).await.with_context(|| format!("connecting to {url}"))
}

/// Runs statements that take and give nothing.
///
/// # Errors
/// Those of the server.
pub async fn run(url: &str, statements: &str) -> Result<()> {
    let mut connection = connect(url).await?;
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await?;
    Ok(connection.close().await?)
}

/// A view of the database as it is now, for as long as this is held: nothing that is deleted from now on can be cleared away.
///
/// # Errors
/// Those of the server.
pub async fn hold_snapshot(url: &str) -> Result<PgConnection> {
    let mut connection = connect(url).await?;
    for statement in ["begin isolation level repeatable read", "select count(*) from pg_class"] {
        connection.execute(statement).await?;
    }
    Ok(connection)
}

/// The table of waiting enrollments, all due, in due order, where it is not there yet.
async fn prepare(connection: &mut PgConnection, rows: u64) -> Result<()> {
    let there: bool =
        sqlx::query("select to_regclass('enrollment') is not null").fetch_one(&mut *connection).await?.get(0);
    if there {
        return Ok(());
    }
    let context = crate::sqlite::CONTEXT;
    let made = format!(
        "create table enrollment (id bigint primary key, step bigint not null, due bigint, context jsonb not null);
         insert into enrollment select n, 0, n, '{context}' from generate_series(1, {rows}) n;
         create index enrollment_due on enrollment (due) where due is not null;
         create table log (id bigserial primary key, enrollment bigint not null, step bigint not null, at bigint not null,
           kind text not null);
         vacuum analyze enrollment;"
    );
    for statement in made.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.execute(AssertSqlSafe(statement.to_owned())).await?;
    }
    Ok(())
}

const CLAIM: &str = "with due as (select id from enrollment where due is not null order by due limit $1 for update skip locked), \
     moved as (update enrollment e set step = step + 1, due = due + $2 from due where e.id = due.id returning e.id, e.step, e.due) \
     insert into log (enrollment, step, at, kind) select id, step, due, 'stepped' from moved";

/// Claims due enrollments in due order, `batch` per commit, by so many clients at a time; later runs go on where the last one
/// stopped.
///
/// # Errors
/// Those of the server.
pub async fn claim(url: &str, rows: u64, steps: u64, batch: u64, clients: u64) -> Result<Measure> {
    let mut first = connect(url).await?;
    prepare(&mut first, rows).await?;
    let mut ready = Vec::new();
    for _ in 0..clients {
        ready.push(connect(url).await?);
    }
    let (start, cpu, share) = (Instant::now(), machine::own_cpu_seconds(), steps / clients.max(1));
    let mut working = JoinSet::new();
    for mut connection in ready {
        working.spawn(async move {
            let mut done = 0;
            while done < share {
                let wanted = i64::try_from(batch.min(share - done))?;
                let claim = sqlx::query(CLAIM).bind(wanted).bind(i64::try_from(rows)?);
                let claimed = claim.execute(&mut connection).await?.rows_affected();
                ensure!(claimed > 0, "nothing is left to claim");
                done += claimed;
            }
            Ok(done)
        });
    }
    Ok(finish(all(working).await?, start, cpu))
}

/// Lets `count` of those who wait in an installation of ours fall due at random instants, `rate` a second; from when on.
///
/// # Errors
/// Those of the server; where fewer wait.
pub async fn spread(url: &str, rate: u64, count: u64) -> Result<Instant> {
    const LEAD: Duration = Duration::from_secs(20);
    let (mut connection, begins) = (connect(url).await?, Instant::now() + LEAD);
    let customers = format!(
        "update tabi.customer c set due_at = (extract(epoch from now()) * 1e6)::bigint + {} + (random() * {})::bigint \
         from (select shard, id from tabi.customer where due_at is not null order by md5(id) limit {count}) some \
         where c.shard = some.shard and c.id = some.id",
        LEAD.as_micros(),
        count * 1_000_000 / rate,
    );
    let changed = connection.execute(AssertSqlSafe(customers)).await?.rows_affected();
    ensure!(changed == count, "only {changed} of {count} wait in {url}");
    connection
        .execute(
            "update tabi.enrollment e set due_at = c.due_at from tabi.customer c where c.shard = e.shard \
             and c.id = e.customer and e.status = 0 and e.due_at > c.due_at",
        )
        .await?;
    connection.execute("vacuum analyze tabi.customer").await?;
    ensure!(Instant::now() < begins, "to make them due took longer than {LEAD:?}");
    Ok(begins)
}

/// An installation's database on a server, looked at as [`crate::timers`] does.
#[derive(Debug)]
pub struct Served {
    runtime: tokio::runtime::Runtime,
    connection: PgConnection,
}

impl Served {
    /// Connects to it.
    ///
    /// # Errors
    /// Those of the server.
    pub fn open(url: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(connect(url))?;
        Ok(Self { runtime, connection })
    }
}

impl Looked for Served {
    fn oldest_due(&mut self) -> Result<Option<i64>> {
        let oldest = sqlx::query(
            "select min(o.due_at) from generate_series(0, 255) n cross join lateral \
             (select due_at from tabi.customer where shard = n and due_at is not null order by due_at limit 1) o",
        );
        Ok(self.runtime.block_on(oldest.fetch_one(&mut self.connection))?.get(0))
    }

    fn due_before(&mut self, until: i64) -> Result<i64> {
        let count =
            sqlx::query("select count(*) from tabi.customer where due_at is not null and due_at < $1")
                .bind(until);
        Ok(self.runtime.block_on(count.fetch_one(&mut self.connection))?.get(0))
    }
}

/// Inserts events, `batch` rows per commit, by two clients, each row with its customer, name, instant and a small JSON body.
///
/// # Errors
/// Those of the server.
pub async fn insert(url: &str, rows: u64, batch: u64) -> Result<Measure> {
    let mut first = connect(url).await?;
    let table = "create table if not exists event (id bigserial primary key, customer bigint not null, name text not null, \
         at bigint not null, body jsonb not null)";
    first.execute(table).await?;
    let (second, share) = (connect(url).await?, rows / 2);
    let (start, cpu) = (Instant::now(), machine::own_cpu_seconds());
    let mut working = JoinSet::new();
    for mut connection in [first, second] {
        working.spawn(async move {
            let mut done = 0;
            while done < share {
                let rows: Vec<i64> = (done..share.min(done + batch)).map(u64::cast_signed).collect();
                let bodies = vec![crate::sqlite::CONTEXT; rows.len()];
                let insert = sqlx::query(
                    "insert into event (customer, name, at, body) \
                     select n % 1000, 'order_placed', n, b::jsonb from unnest($1::bigint[], $2::text[]) u (n, b)",
                );
                done += insert.bind(rows).bind(bodies).execute(&mut connection).await?.rows_affected();
            }
            Ok(done)
        });
    }
    Ok(finish(all(working).await?, start, cpu))
}
