//! The nodes of an installation, each with its last sign of life.

use super::Store;
use super::folder;
use super::people::at;
use crate::{Node, NodeRole, NodeSign, StoreError};
use std::sync::PoisonError;
use words::{Elapsed, Timestamp};

/// What was silent for so long is forgotten.
const FORGOTTEN: Elapsed = Elapsed::from_secs(86_400);

impl Store {
    /// A node's sign of life. What was at work in the same place before is gone: the place's lock is ours now.
    pub async fn heartbeat(&self, sign: &NodeSign, machine_now: Timestamp) -> Result<(), StoreError> {
        let (sign, now) = (sign.clone(), self.by_the_server(machine_now));
        let place = self.0.held.read().unwrap_or_else(PoisonError::into_inner).place().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into node (name, started_at, seen_at, place, role, version, host, process, listens) \
                     values (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (name) do update set \
                     seen_at = excluded.seen_at, listens = excluded.listens",
                )
                .bind(&*sign.name)
                .bind(now.as_micros())
                .bind(&*place)
                .bind(sign.role.as_str())
                .bind(&*sign.version)
                .bind(folder::host())
                .bind(i64::from(std::process::id()))
                .bind(&*sign.listens)
                .execute(&mut tx.conn)
                .await?;
                db::query("delete from node where (place = ? and name <> ?) or seen_at < ?")
                    .bind(&*place)
                    .bind(&*sign.name)
                    .bind(now.minus(FORGOTTEN).as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The node ends as it was told to, and nobody need look for it.
    pub async fn node_ends(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query("delete from node where name = ?").bind(name).execute(&mut tx.conn).await?;
                Ok(())
            })
        })
        .await
    }

    /// All nodes that gave a sign of life within a day, the longest at work first.
    pub async fn nodes(&self, machine_now: Timestamp) -> Result<Vec<Node>, StoreError> {
        let now = self.by_the_server(machine_now);
        let mut conn = self.read().await?;
        let rows = db::query(
            "select name, role, version, host, process, listens, started_at, seen_at from node \
             where seen_at >= ? order by started_at, name",
        )
        .bind(now.minus(FORGOTTEN).as_micros())
        .fetch_all(&mut conn)
        .await?;
        rows.iter()
            .map(|row| {
                let seen_at = at(row, 7)?.unwrap_or_default();
                Ok(Node {
                    name: row.try_get(0)?,
                    role: NodeRole::parse(row.try_get(1)?),
                    version: row.try_get(2)?,
                    host: row.try_get(3)?,
                    process: row.try_get(4)?,
                    listens: row.try_get(5)?,
                    started_at: at(row, 6)?.unwrap_or_default(),
                    seen_at,
                    quiet: now.since(seen_at).max(Elapsed::ZERO),
                })
            })
            .collect()
    }
}
