//! Whose turn it is, where several nodes share a database: a transaction that has locked shards.
//!
//! A claim of due customers locks the rows of their shards in `work_shard` and leaves out those that others have
//! (`skip locked`). The customers themselves stay free for what comes in meanwhile. The same transaction writes down what was
//! decided: a node that stood still loses its connection, and with it the lock and the transaction, so what it decided in
//! its sleep is never written.

use super::Store;
use super::ask::Ask;
use super::hints::Due;
use super::open::{aside, in_turn};
use super::tally::Tally;
use super::writer::{After, Tx, finish};
use crate::StoreError;
use db::{Conn, Rows, cell, signed};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use words::Timestamp;

/// An open transaction that holds the locks of a claim.
pub(crate) struct Turn {
    /// `None` once it ended.
    conn: Option<Conn>,
    spare: Arc<Mutex<Vec<Conn>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let spare = self.spare.clone();
        let end = move || {
            if conn.run("rollback").is_ok() {
                spare.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
        };
        // Dropped wherever the batch is: the thread there may not wait. Without a runtime nobody goes on anyway, and the
        // server ends the transaction with the connection.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(end);
        }
    }
}

impl Turn {
    /// The connection, as long as the turn lasts.
    pub(crate) fn conn(&self) -> Result<&Conn, StoreError> {
        self.conn.as_ref().ok_or_else(|| StoreError::Unavailable("the claim has ended".to_owned()))
    }

    /// Locks those of the shards that nobody else has.
    pub(crate) fn lock(&self, hints: &[Due]) -> Result<Vec<Due>, StoreError> {
        let mut shards = Rows::new();
        for hint in hints {
            shards.row().int(hint.shard);
        }
        let mut mine = Vec::with_capacity(hints.len());
        self.conn()?.ask(
            "select shard from work_shard where shard = ?1 for update skip locked",
            &shards,
            |_, row| {
                let shard: u16 = cell(row, 0)?;
                mine.extend(hints.iter().find(|hint| hint.shard == shard));
                Ok(())
            },
        )?;
        Ok(mine)
    }
}

/// Of these shards the first ones that have `limit` due customers together.
pub(crate) fn needed(
    conn: &Conn,
    hints: &[Due],
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let mut shards = Rows::new();
    for hint in hints {
        shards.row().int(hint.shard).at(now).int(signed(limit as u64));
    }
    let (mut needed, mut sum) = (Vec::new(), 0);
    conn.ask(
        "select count(*) from (select 1 from customer where shard = ?1 and due_at <= ?2 limit ?3) few",
        &shards,
        |nth, row| {
            if sum < limit {
                sum += cell::<u64>(row, 0).map_or(0, |count| usize::try_from(count).unwrap_or(limit));
                needed.extend(hints.get(nth));
            }
            Ok(())
        },
    )?;
    Ok(needed)
}

impl Store {
    /// Begins a turn. Not within an async function: it waits.
    pub(crate) fn turn(&self) -> Result<Turn, StoreError> {
        let spare = &self.0.claiming;
        let kept = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let begun = kept.filter(|conn| conn.run("begin").is_ok());
        let conn = match begun {
            Some(conn) => conn,
            None => {
                let conn = self.0.base.writer()?;
                conn.run("begin")?;
                conn
            }
        };
        Ok(Turn { conn: Some(conn), spare: spare.clone() })
    }

    /// Writes in the transaction of a claim, and ends it. `work` may be followed by `instead`, if it fails: then nothing of it
    /// is there.
    pub(crate) async fn write_in_turn<T: Send + 'static>(
        &self,
        mut turn: Turn,
        work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
        instead: impl for<'t> FnOnce(&'t mut Tx, StoreError) -> BoxFuture<'t, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        aside(move || {
            let conn =
                turn.conn.take().ok_or_else(|| StoreError::Unavailable("the claim has ended".to_owned()))?;
            conn.run("savepoint one")?;
            let mut tx = Tx { conn, after: After::default(), tally: Tally::default() };
            let mut done = in_turn(work(&mut tx));
            if let Err(error) = done {
                tx.conn.run("rollback to one")?;
                (tx.after, tx.tally) = (After::default(), Tally::default());
                done = in_turn(instead(&mut tx, error));
            }
            let done = done.and_then(|value| finish(&mut tx).map(|()| value));
            if done.is_ok() {
                store.0.wakeups.apply(std::mem::take(&mut tx.after));
                turn.spare.lock().unwrap_or_else(PoisonError::into_inner).push(tx.conn);
            }
            done
        })
        .await
    }
}
