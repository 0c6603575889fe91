//! What could not be taken in, what was answered before, and what is past its time.

use super::Store;
use super::keys::{NOBODY, events_key};
use super::locks::{lock_names, name_of};
use super::open::bidx_shard;
use crate::{Idempotency, NewRejected, RejectedRow, StoreError, UnknownEvent};
use words::{Elapsed, IdSource, Timestamp};

/// How long message ids are remembered.
const SEEN_FOR: Elapsed = Elapsed::from_micros(30 * 86_400_000_000);
/// How long answers are kept.
const ANSWERS_FOR: Elapsed = Elapsed::from_micros(7 * 86_400_000_000);
/// How long a request may be without an answer before the same request takes its place. Far longer than one takes; and
/// one that goes on after all plans the same message under the same id.
const RUNNING_FOR: Elapsed = Elapsed::from_secs(60);

impl Store {
    /// Keeps what could not be taken in, with its reason.
    pub async fn reject(&self, items: Vec<NewRejected>, ids: &IdSource) -> Result<(), StoreError> {
        let Some(now) = items.iter().map(|item| item.at).max() else { return Ok(()) };
        self.intern(items.iter().map(|item| item.source.as_str())).await?;
        let keys = self.keys(items.iter().map(|item| events_key(NOBODY, item.at)), now).await?;
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let id = ids.next(item.at);
            let body = keys.seal(events_key(NOBODY, item.at), "rejected_event", "body", &id, &item.body)?;
            let source = self.sym(&item.source)?;
            rows.push((id, item, source, body));
        }
        self.write(move |tx| {
            Box::pin(async move {
                for (id, item, source, body) in rows {
                    db::query(
                        "insert into rejected_event (shard, id, at, source, name, code, reason, body) \
                         values (?, ?, ?, ?, ?, ?, ?, ?)",
                    )
                    .bind(bidx_shard(&id))
                    .bind(id.to_vec())
                    .bind(item.at.as_micros())
                    .bind(source)
                    .bind(item.name)
                    .bind(item.code)
                    .bind(item.reason)
                    .bind(body)
                    .execute(&mut tx.conn)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What could not be taken in, newest first.
    pub async fn rejected(&self, limit: usize) -> Result<Vec<RejectedRow>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select id, at, source, name, code, reason, replayed_at from rejected_event order by at desc limit ?",
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *conn)
        .await?;
        rows.iter().map(|row| self.rejected_row(row)).collect()
    }

    fn rejected_row(&self, row: &db::Row) -> Result<RejectedRow, StoreError> {
        Ok(RejectedRow {
            id: row
                .try_get::<&[u8], _>(0)?
                .try_into()
                .map_err(|_| StoreError::corrupt("rejected_event.id"))?,
            at: Timestamp::from_micros(row.try_get(1)?),
            source: self.name(row.try_get(2)?)?.to_string(),
            name: row.try_get(3)?,
            code: row.try_get(4)?,
            reason: row.try_get(5)?,
            replayed_at: row.try_get::<Option<i64>, _>(6)?.map(Timestamp::from_micros),
        })
    }

    /// One of them as received.
    pub async fn rejected_body(&self, id: [u8; 16]) -> Result<Option<(RejectedRow, Vec<u8>)>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query(
            "select id, at, source, name, code, reason, replayed_at, body from rejected_event where shard = ? and id = ?",
        )
        .bind(bidx_shard(&id))
        .bind(id.to_vec())
        .fetch_optional(&mut *conn)
        .await?;
        drop(conn);
        let Some(row) = row else { return Ok(None) };
        let found = self.rejected_row(&row)?;
        let key = events_key(NOBODY, found.at);
        let body = self.old_keys([key]).await?.open(key, "rejected_event", "body", &id, row.try_get(7)?)?;
        Ok(body.map(|body| (found, body)))
    }

    /// Marks one as replayed.
    pub async fn rejected_replayed(&self, id: [u8; 16], at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                db::query("update rejected_event set replayed_at = ? where shard = ? and id = ?")
                    .bind(at.as_micros())
                    .bind(bidx_shard(&id))
                    .bind(id.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Event names that nobody declared, the latest first.
    pub async fn unknown_events(&self) -> Result<Vec<UnknownEvent>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select name, first_at, last_at, count, sample from unknown_event order by last_at desc limit 1000",
        )
        .fetch_all(&mut *conn)
        .await?;
        drop(conn);
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get(0)?;
            let first_at = Timestamp::from_micros(row.try_get(1)?);
            let key = events_key(NOBODY, first_at);
            let sample: Option<&[u8]> = row.try_get(4)?;
            let sample = match sample {
                // Sealed when it was first seen; a row that moved across new year keeps that sample.
                Some(sealed) => self.old_keys([key]).await?.open(
                    key,
                    "unknown_event",
                    "sample",
                    name.as_bytes(),
                    sealed,
                )?,
                None => None,
            };
            found.push(UnknownEvent {
                name,
                first_at,
                last_at: Timestamp::from_micros(row.try_get(2)?),
                count: db::unsigned(row.try_get(3)?),
                sample: sample.map(|s| String::from_utf8_lossy(&s).into_owned()).unwrap_or_default(),
            });
        }
        Ok(found)
    }

    /// Forgets one: it is declared now.
    pub async fn forget_unknown_event(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query("delete from unknown_event where name = ?")
                    .bind(name)
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Begins a request under an idempotency key. `key_hash` is over API key and idempotency key, `request_hash` over
    /// the request. One whose process ended without an answer is begun anew by the same request a minute later.
    pub async fn idempotency_begin(
        &self,
        key_hash: [u8; 32],
        request_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Idempotency, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let shard = i64::from(key_hash[0]);
                lock_names(tx, [name_of(&key_hash)])?;
                let row = db::query(
                    "select at, request_hash, status, answer from idempotency where shard = ? and hash = ?",
                )
                .bind(shard)
                .bind(key_hash.to_vec())
                .fetch_optional(&mut tx.conn)
                .await?;
                if let Some(row) = row
                    && now.since(Timestamp::from_micros(row.try_get(0)?)) < ANSWERS_FOR
                {
                    if row.try_get::<&[u8], _>(1)? != request_hash {
                        return Ok(Idempotency::Other);
                    }
                    match row.try_get::<Option<i64>, _>(2)? {
                        Some(status) => {
                            return Ok(Idempotency::Done {
                                status: u16::try_from(status).unwrap_or(500),
                                answer: row.try_get::<Option<String>, _>(3)?.unwrap_or_default(),
                            });
                        }
                        None if now.since(Timestamp::from_micros(row.try_get(0)?)) < RUNNING_FOR => {
                            return Ok(Idempotency::Running);
                        }
                        // Nobody will answer any more: whoever began it has ended, or lost its caller.
                        None => {}
                    }
                }
                db::query(
                    "insert into idempotency (shard, hash, at, request_hash, status, answer) \
                     values (?, ?, ?, ?, null, null) on conflict (shard, hash) do update set at = excluded.at, \
                        request_hash = excluded.request_hash, status = null, answer = null",
                )
                .bind(shard)
                .bind(key_hash.to_vec())
                .bind(now.as_micros())
                .bind(request_hash.to_vec())
                .execute(&mut tx.conn)
                .await?;
                Ok(Idempotency::First)
            })
        })
        .await
    }

    /// Keeps the answer for 7 days.
    pub async fn idempotency_finish(
        &self,
        key_hash: [u8; 32],
        status: u16,
        answer: &str,
    ) -> Result<(), StoreError> {
        let answer = answer.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query("update idempotency set status = ?, answer = ? where shard = ? and hash = ?")
                    .bind(i64::from(status))
                    .bind(answer)
                    .bind(i64::from(key_hash[0]))
                    .bind(key_hash.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives a begun key back, where the request came to nothing: it may be tried again.
    pub async fn idempotency_forget(&self, key_hash: [u8; 32]) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                db::query("delete from idempotency where shard = ? and hash = ? and status is null")
                    .bind(i64::from(key_hash[0]))
                    .bind(key_hash.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes deduplication and idempotency rows that are past their time, one shard per call in turn. Returns how
    /// many went. Call it every few seconds.
    pub async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let shard: i64 = super::open::setting(&mut tx.conn, "pruned_shard")
                    .await?
                    .and_then(|text| text.parse().ok())
                    .map_or(0, |last: i64| (last + 1) % i64::from(words::SHARDS));
                let mut gone = 0;
                for (sql, kept) in [
                    ("delete from event_seen where shard = ? and at < ?", SEEN_FOR),
                    ("delete from idempotency where shard = ? and at < ?", ANSWERS_FOR),
                ] {
                    gone += db::query(sql)
                        .bind(shard)
                        .bind(now.minus(kept).as_micros())
                        .execute(&mut tx.conn)
                        .await?
                        .rows_affected();
                }
                super::open::put_setting(&mut tx.conn, "pruned_shard", Some(&shard.to_string())).await?;
                Ok(gone)
            })
        })
        .await
    }
}
