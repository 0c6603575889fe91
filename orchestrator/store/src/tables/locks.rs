//! What a transaction has for itself until it ends, where others write at the same time.
//!
//! On SQLite one alone writes, and nothing is locked. On PostgreSQL whoever changes what belongs to a customer locks the
//! customer's row first, all of them in one order: nobody waits for somebody who waits for them, and what is read after that
//! is what it is until the commit. What has no row yet is locked by a number.

use super::ask::Ask;
use super::open::shard;
use super::writer::Tx;
use crate::StoreError;
use db::Rows;
use std::collections::HashSet;
use words::CustomerId;

/// Nobody else changes these customers.
pub(crate) fn lock_customers(tx: &Tx, ids: impl IntoIterator<Item = CustomerId>) -> Result<(), StoreError> {
    if tx.conn.is_postgres() {
        let sql = "select 1 from customer where shard = ?1 and id = ?2 for update";
        tx.conn.ask(sql, &in_order(ids), |_, _| Ok(()))?;
    }
    Ok(())
}

/// The same for those whom nobody else has now; who they are.
pub(crate) fn lock_free_customers(
    tx: &Tx,
    ids: impl IntoIterator<Item = CustomerId>,
) -> Result<HashSet<CustomerId>, StoreError> {
    if !tx.conn.is_postgres() {
        return Ok(ids.into_iter().collect());
    }
    let rows = in_order(ids);
    let mut free = HashSet::with_capacity(rows.len());
    let sql = "select id from customer where shard = ?1 and id = ?2 for update skip locked";
    tx.conn.ask(sql, &rows, |_, row| {
        free.extend(CustomerId::from_slice(db::bytes(row, 0)?));
        Ok(())
    })?;
    Ok(free)
}

fn in_order(ids: impl IntoIterator<Item = CustomerId>) -> Rows {
    let mut ids: Vec<CustomerId> = ids.into_iter().collect();
    ids.sort_unstable_by_key(|id| (shard(*id), *id));
    ids.dedup();
    let mut rows = Rows::new();
    for id in ids {
        rows.row().int(shard(id)).blob(&id.0);
    }
    rows
}

/// Nobody else does what is named by these numbers.
pub(crate) fn lock_names(tx: &Tx, names: impl IntoIterator<Item = i64>) -> Result<(), StoreError> {
    Ok(tx.conn.lock_numbers(names)?)
}

/// What a question ends with whose rows nobody else is to have.
pub(crate) fn skip_locked(tx: &Tx) -> &'static str {
    if tx.conn.is_postgres() { " for update skip locked" } else { "" }
}

/// The number of a hash or blind index.
pub(crate) fn name_of(hash: &[u8]) -> i64 {
    hash.first_chunk::<8>().map_or(0, |first| i64::from_be_bytes(*first))
}

/// The gate that every hand-over goes through, and that a stop closes: whoever goes through it has gone, once the stop is
/// committed. A number of PostgreSQL's locks.
const GATE: (i64, i64) = (7461, 1);

/// Goes through: a stop waits until this transaction ends.
pub(crate) fn go_through(tx: &Tx) -> Result<(), StoreError> {
    at_the_gate(tx, "select pg_advisory_xact_lock_shared(?::int, ?::int)::text")
}

/// Closes: those who are going through have gone, and others wait until this transaction ends.
pub(crate) fn close_gate(tx: &Tx) -> Result<(), StoreError> {
    at_the_gate(tx, "select pg_advisory_xact_lock(?::int, ?::int)::text")
}

fn at_the_gate(tx: &Tx, sql: &str) -> Result<(), StoreError> {
    if !tx.conn.is_postgres() {
        return Ok(());
    }
    let mut row = Rows::new();
    row.row().int(GATE.0).int(GATE.1);
    tx.conn.ask(sql, &row, |_, _| Ok(()))
}
