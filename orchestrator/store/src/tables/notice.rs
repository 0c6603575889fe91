//! Notices to the team: read, seen, mailed.

use super::Store;
use super::keys::{NOBODY, events_key};
use super::locks::skip_locked;
use super::open::bidx_shard;
use crate::notice::ATTENTION_MAX;
use crate::{Attention, AuditEvent, DeliveryState, Notice, NoticeWork, StoreError};
use db::{signed, unsigned};
use words::{CustomerId, Elapsed, Timestamp};

impl Store {
    /// Notices, newest first.
    pub async fn notices(&self, unseen_only: bool, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let rows = {
            let mut conn = self.read().await?;
            db::query(
                "select id, at, to_whom, customer, journey, body, seen_at, seen_by, mail_due, mail_outcome from notice \
                 where ?1 = 0 or seen_at is null order by at desc limit ?2",
            )
            .bind(unseen_only)
            .bind(signed(limit as u64))
            .fetch_all(&mut *conn)
            .await?
        };
        let mut notices = Vec::with_capacity(rows.len());
        for row in &rows {
            notices.push(self.notice_of(row).await?);
        }
        Ok(notices)
    }

    /// Tells the team something that no journey tells. Said again under the same id it changes nothing; whether it was new.
    pub async fn tell_team(&self, notice: Notice) -> Result<bool, StoreError> {
        {
            // Looked at by a reader first: what was told today is told again and again, and the writer is left alone.
            let mut conn = self.read().await?;
            let told = db::query("select exists (select 1 from notice where shard = ? and id = ?)")
                .bind(bidx_shard(&notice.id))
                .bind(notice.id.to_vec())
                .fetch_one(&mut *conn)
                .await?;
            if told.try_get::<bool, _>(0)? {
                return Ok(false);
            }
        }
        let key = events_key(NOBODY, notice.at);
        let keys = self.keys([key], notice.at).await?;
        let text = keys.seal(key, "notice", "body", &notice.id, notice.text.as_bytes())?;
        self.write(move |tx| {
            Box::pin(async move {
                let done = db::query(
                    "insert into notice (shard, id, at, to_whom, customer, journey, body, mail_due) \
                     values (?, ?, ?, ?, null, null, ?, ?) on conflict do nothing",
                )
                .bind(bidx_shard(&notice.id))
                .bind(notice.id.to_vec())
                .bind(notice.at.as_micros())
                .bind(notice.to)
                .bind(text)
                .bind(notice.mail_due.map(Timestamp::as_micros))
                .execute(&mut tx.conn)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// What waits for a person, counted. Costs no more with the size of the log.
    pub async fn attention(&self) -> Result<Attention, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query(
            "select (select count(*) from (select 1 from delivery indexed by delivery_trouble where state = ?1 \
                    and state in (4, 6, 7, 8, 9) limit ?3) u), \
                (select count(*) from (select 1 from delivery indexed by delivery_trouble where state = ?2 \
                    and state in (4, 6, 7, 8, 9) limit ?3) q)",
        )
        .bind(DeliveryState::Unknown as i64)
        .bind(DeliveryState::Quarantined as i64)
        .bind(signed(ATTENTION_MAX))
        .fetch_one(&mut *conn)
        .await?;
        let (unknown, quarantined) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
        drop(conn);
        Ok(Attention { unknown, quarantined, stops: self.stops().await?.len() as u64 })
    }

    /// Marks a notice as seen.
    pub async fn see_notice(&self, id: [u8; 16], by: &str, at: Timestamp) -> Result<(), StoreError> {
        let by = by.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query("update notice set seen_at = ?, seen_by = ? where shard = ? and id = ?")
                    .bind(at.as_micros())
                    .bind(by)
                    .bind(bidx_shard(&id))
                    .bind(id.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Claims notices whose mail is due, for as long as `lease`: whoever does not settle one leaves it to be claimed again.
    pub async fn claim_notices(
        &self,
        now: Timestamp,
        limit: usize,
        lease: Elapsed,
    ) -> Result<Vec<NoticeWork>, StoreError> {
        {
            let mut conn = self.read().await?;
            let any = db::query(
                "select exists (select 1 from notice where mail_due is not null and mail_due <= ?)",
            )
            .bind(now.as_micros())
            .fetch_one(&mut *conn)
            .await?;
            if !any.try_get::<bool, _>(0)? {
                return Ok(Vec::new());
            }
        }
        let rows = self
            .write(move |tx| {
                Box::pin(async move {
                    let skipping = skip_locked(tx);
                    Ok(db::query(&format!(
                        "update notice set mail_due = ?2, mail_tries = mail_tries + 1 where (shard, id) in \
                            (select shard, id from notice where mail_due is not null and mail_due <= ?1 \
                                limit ?3{skipping}) \
                         returning id, mail_tries",
                    ))
                    .bind(now.as_micros())
                    .bind(now.plus(lease).as_micros())
                    .bind(signed(limit as u64))
                    .fetch_all(&mut tx.conn)
                    .await?)
                })
            })
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: [u8; 16] =
                row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("notice.id"))?;
            let tries = u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or(u32::MAX);
            let mut conn = self.read().await?;
            let row = db::query(
                "select id, at, to_whom, customer, journey, body, seen_at, seen_by, mail_due, mail_outcome from notice \
                 where shard = ? and id = ?",
            )
            .bind(bidx_shard(&id))
            .bind(id.to_vec())
            .fetch_one(&mut *conn)
            .await?;
            drop(conn);
            found.push(NoticeWork { notice: self.notice_of(&row).await?, tries });
        }
        Ok(found)
    }

    /// Writes down what came of a notice's mail: due again, or settled where `again` is `None`.
    pub async fn settle_notice(
        &self,
        id: [u8; 16],
        again: Option<Timestamp>,
        outcome: &str,
        audit: AuditEvent,
    ) -> Result<(), StoreError> {
        let outcome = outcome.to_owned();
        let prepared = if again.is_none() { Some(self.prepare_audit(&[audit]).await?) } else { None };
        self.write(move |tx| {
            Box::pin(async move {
                db::query("update notice set mail_due = ?, mail_outcome = ? where shard = ? and id = ?")
                    .bind(again.map(Timestamp::as_micros))
                    .bind(outcome)
                    .bind(bidx_shard(&id))
                    .bind(id.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                match prepared {
                    Some(prepared) => super::audit::insert(tx, prepared).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn notice_of(&self, row: &db::Row) -> Result<Notice, StoreError> {
        let id: [u8; 16] =
            row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("notice.id"))?;
        let at = Timestamp::from_micros(row.try_get(1)?);
        let customer = row.try_get::<Option<&[u8]>, _>(3)?.and_then(CustomerId::from_slice);
        let key = events_key(customer.unwrap_or(NOBODY), at);
        let text = self.old_keys([key]).await?.open(key, "notice", "body", &id, row.try_get(5)?)?;
        Ok(Notice {
            id,
            at,
            to: row.try_get(2)?,
            customer,
            journey: match row.try_get::<Option<i64>, _>(4)? {
                Some(journey) => Some(self.name(journey)?.to_string()),
                None => None,
            },
            text: text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default(),
            seen_at: row.try_get::<Option<i64>, _>(6)?.map(Timestamp::from_micros),
            seen_by: row.try_get(7)?,
            mail_due: row.try_get::<Option<i64>, _>(8)?.map(Timestamp::from_micros),
            mail_outcome: row.try_get(9)?,
        })
    }
}
