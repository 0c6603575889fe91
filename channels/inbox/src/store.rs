//! The inbox's database: one writer that commits in batches, readers beside it.
//!
//! Invariant: whoever got an id from [`Store::add`] finds the message stored; the newest [`KEPT`] are kept.

use crate::{
    Arrival, Arrived, InboxError, Summary,
    item::{Filter, Listing, Page},
    read,
};
use sqlx::{
    Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, mpsc, oneshot};
use words::{Channel, Timestamp};

/// How many messages are kept.
const KEPT: i64 = 10_000;
/// How many messages one commit takes.
const BATCH_MAX: usize = 256;
/// How many rows one statement inserts, where there are as many.
const ROWS: usize = 16;

const SCHEMA: &str = "
create table if not exists arrival (
    id integer primary key,
    at integer not null,
    channel text not null,
    sender text not null,
    recipient text not null collate nocase,
    provider_id text not null,
    raw blob not null
) strict;
create index if not exists arrival_recipient on arrival (recipient, id);
";

/// A message to store, and whom to tell its id.
type Post = (Vec<Arrival>, oneshot::Sender<Vec<i64>>);

/// The database with its writer.
#[derive(Clone)]
pub(crate) struct Store {
    readers: SqlitePool,
    writer: mpsc::Sender<Post>,
    live: broadcast::Sender<Arrived>,
}

impl Store {
    pub(crate) async fn open(path: &Path, clock: Clock) -> Result<Self, InboxError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A killed process loses nothing; a power cut may lose the last test messages.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(10))
            .pragma("temp_store", "memory")
            // What is deleted is overwritten: it may be about somebody who was erased.
            .pragma("secure_delete", "on");
        let mut connection = <SqliteConnection as sqlx::Connection>::connect_with(&options).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        let last: i64 =
            sqlx::query_scalar("select coalesce(max(id), 0) from arrival").fetch_one(&mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .min_connections(0)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options);
        let (writer, posts) = mpsc::channel(1024);
        let (live, _) = broadcast::channel(1000);
        tokio::spawn(write(connection, last, posts, live.clone(), clock));
        Ok(Self { readers, writer, live })
    }

    /// Stores all of `arrivals` and returns their ids, once they are committed. All or none.
    pub(crate) async fn add(&self, arrivals: Vec<Arrival>) -> Result<Vec<i64>, InboxError> {
        let (tell, told) = oneshot::channel();
        self.writer.send((arrivals, tell)).await.map_err(|_| InboxError::Closed)?;
        told.await.map_err(|_| InboxError::Closed)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arrived> {
        self.live.subscribe()
    }

    pub(crate) async fn get(&self, id: i64) -> Result<Option<(i64, Timestamp, Arrival)>, InboxError> {
        let row =
            sqlx::query("select * from arrival where id = ?").bind(id).fetch_optional(&self.readers).await?;
        Ok(row.map(|row| arrival(&row)).transpose()?)
    }

    pub(crate) async fn list(&self, filter: &Filter, page: Page) -> Result<Listing, InboxError> {
        let limit = page.limit.clamp(1, 500) as usize;
        let mut items: Vec<Summary> = Vec::new();
        let mut before = page.before.unwrap_or(i64::MAX);
        loop {
            // One more than is shown, so that the last page knows that it is the last.
            let rows = self.rows(filter, before, limit + 1 - items.len()).await?;
            let end = rows.len() < limit + 1 - items.len();
            for (id, at, arrival) in rows {
                before = id;
                if fits(filter, id, at, &arrival) {
                    items.push(read::summary(id, at, arrival));
                }
            }
            if items.len() > limit {
                items.truncate(limit);
                let next = items.last().map(|item| item.id);
                return Ok(Listing { items, next });
            }
            if end {
                return Ok(Listing { items, next: None });
            }
        }
    }

    pub(crate) async fn count(&self, filter: &Filter) -> Result<u64, InboxError> {
        if filter.text.is_none() {
            let count: i64 = sqlx::query_scalar(
                "select count(*) from arrival where (?1 is null or channel = ?1) and (?2 is null or recipient = ?2)",
            )
            .bind(filter.channel.as_ref().map(Channel::as_str))
            .bind(filter.to.as_deref())
            .fetch_one(&self.readers)
            .await?;
            return Ok(u64::try_from(count).unwrap_or(0));
        }
        let mut count = 0;
        let mut before = i64::MAX;
        loop {
            let rows = self.rows(filter, before, 500).await?;
            let Some((oldest, ..)) = rows.last() else { return Ok(count) };
            before = *oldest;
            count += rows.iter().filter(|(id, at, arrival)| fits(filter, *id, *at, arrival)).count() as u64;
        }
    }

    pub(crate) async fn clear(&self) -> Result<(), InboxError> {
        sqlx::query("delete from arrival").execute(&self.readers).await?;
        Ok(())
    }

    pub(crate) async fn forget(&self, recipients: &[String]) -> Result<u64, InboxError> {
        let recipients = serde_json::to_string(recipients).unwrap_or_default();
        let gone = sqlx::query("delete from arrival where recipient in (select value from json_each(?))")
            .bind(recipients)
            .execute(&self.readers)
            .await?
            .rows_affected();
        // The log still holds the old pages until it is emptied; a busy reader only postpones that.
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&self.readers).await?;
        Ok(gone)
    }

    async fn rows(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Timestamp, Arrival)>, InboxError> {
        let limit = i64::try_from(limit.clamp(1, 501)).unwrap_or(501);
        let channel = filter.channel.as_ref().map(Channel::as_str);
        let rows = match &filter.to {
            Some(to) => {
                sqlx::query(
                    "select * from arrival where recipient = ? and id < ? and (?3 is null or channel = ?3)
                     order by id desc limit ?4",
                )
                .bind(to)
                .bind(before)
                .bind(channel)
                .bind(limit)
                .fetch_all(&self.readers)
                .await?
            }
            None => {
                sqlx::query(
                    "select * from arrival where id < ?1 and (?2 is null or channel = ?2) order by id desc limit ?3",
                )
                .bind(before)
                .bind(channel)
                .bind(limit)
                .fetch_all(&self.readers)
                .await?
            }
        };
        Ok(rows.iter().map(arrival).collect::<Result<_, _>>()?)
    }
}

fn fits(filter: &Filter, id: i64, at: Timestamp, arrival: &Arrival) -> bool {
    filter
        .text
        .as_ref()
        .is_none_or(|text| read::contains(&read::item(id, at, arrival.clone()), &text.to_lowercase()))
}

fn arrival(row: &SqliteRow) -> Result<(i64, Timestamp, Arrival), sqlx::Error> {
    let arrival = Arrival {
        channel: Channel::new(row.try_get::<String, _>("channel")?),
        from: row.try_get("sender")?,
        to: row.try_get("recipient")?,
        provider_id: row.try_get("provider_id")?,
        raw: row.try_get("raw")?,
    };
    Ok((row.try_get("id")?, Timestamp::from_micros(row.try_get("at")?), arrival))
}

/// The one writer. Whatever waits goes into one commit; whoever waits hears of it after the commit.
async fn write(
    mut connection: SqliteConnection,
    mut last: i64,
    mut posts: mpsc::Receiver<Post>,
    live: broadcast::Sender<Arrived>,
    clock: Clock,
) {
    while let Some(first) = posts.recv().await {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = posts.try_recv()
        {
            batch.push(next);
        }
        let at = clock();
        match commit(&mut connection, last, at, &batch).await {
            Ok(()) => {
                for (arrivals, tell) in batch {
                    let ids = (1..).map(|n| last + n).take(arrivals.len()).collect::<Vec<i64>>();
                    for (id, arrival) in ids.iter().zip(arrivals) {
                        last = *id;
                        let Arrival { channel, from, to, .. } = arrival;
                        // Nobody watching is no fault.
                        let _ = live.send(Arrived { id: *id, at, channel, from, to });
                    }
                    let _ = tell.send(ids);
                }
            }
            // Dropping the batch tells everybody in it that nothing was stored.
            Err(error) => {
                tracing::error!("The inbox cannot store {} messages: {error}", batch.len());
                let _ = sqlx::raw_sql("rollback").execute(&mut connection).await;
            }
        }
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    last: i64,
    at: Timestamp,
    batch: &[Post],
) -> Result<(), sqlx::Error> {
    const COLUMNS: &str =
        "insert into arrival (id, at, channel, sender, recipient, provider_id, raw) values ";
    let arrivals: Vec<&Arrival> = batch.iter().flat_map(|(arrivals, _)| arrivals).collect();
    sqlx::raw_sql("begin immediate").execute(&mut *connection).await?;
    let mut id = last;
    let mut rest = arrivals.as_slice();
    while !rest.is_empty() {
        // Two shapes of statement alone, so that both stay prepared.
        let rows = if rest.len() >= ROWS { ROWS } else { 1 };
        let (now, later) = rest.split_at(rows);
        rest = later;
        let places = vec!["(?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
        // Invariant: the text is made of constants alone.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS}{places}")));
        for arrival in now {
            id += 1;
            query = query
                .bind(id)
                .bind(at.as_micros())
                .bind(arrival.channel.as_str())
                .bind(&arrival.from)
                .bind(&arrival.to)
                .bind(&arrival.provider_id)
                .bind(&arrival.raw);
        }
        query.execute(&mut *connection).await?;
    }
    sqlx::query("delete from arrival where id <= ?").bind(id - KEPT).execute(&mut *connection).await?;
    sqlx::raw_sql("commit").execute(&mut *connection).await?;
    Ok(())
}

/// When something arrives.
pub(crate) type Clock = std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock: the inbox stands for the world outside.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(0))
}
