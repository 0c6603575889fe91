//! Scans that can be resumed, calls, items.

use super::Store;
use super::commit::call_cell;
use super::keys::profile_key;
use super::locks::{lock_customers, skip_locked};
use super::open::{shard, text_shard};
use super::writer::Tx;
use crate::{CallSettle, CallWork, Fanout, FanoutOver, FanoutStep, Ingested, NewFanout, StoreError};
use db::{Rows, signed, unsigned};
use std::collections::BTreeMap;
use words::{CustomerId, Elapsed, EnrollmentId, Timestamp, Value};

/// Scans not finished: all, or those of one holder.
const OPEN: &str = "select id, kind, body, segment, count, created_at, cursor_customer from fanout \
     where finished_at is null and (?1 is null or holder = ?1) order by created_at";

/// Where a scan stands, as stored.
fn cursor(fanout: &Fanout) -> Vec<u8> {
    fanout.cursor.map(|customer| customer.0.to_vec()).unwrap_or_default()
}

impl Store {
    /// Begins a scan. `false`: it was begun before.
    pub async fn begin_fanout(&self, fanout: NewFanout) -> Result<bool, StoreError> {
        let segment = match &fanout.over {
            FanoutOver::All => None,
            FanoutOver::Segment(name) => Some(self.symbol(name).await?),
        };
        self.write(move |tx| {
            Box::pin(async move {
                let done = db::query(
                    "insert into fanout (id, kind, body, segment, cursor_shard, cursor_customer, count, created_at) \
                     values (?, ?, ?, ?, -1, x'', 0, ?) on conflict do nothing",
                )
                .bind(fanout.id.to_vec())
                .bind(fanout.kind)
                .bind(fanout.body)
                .bind(segment)
                .bind(fanout.at.as_micros())
                .execute(&mut tx.conn)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// Scans not finished.
    pub async fn open_fanouts(&self) -> Result<Vec<Fanout>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(OPEN).bind(None::<String>).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| self.fanout_of(row)).collect()
    }

    /// Those of them that nobody else takes further now; they are `node`'s for as long as `lease`.
    pub async fn take_fanouts(
        &self,
        node: &str,
        machine_now: Timestamp,
        lease: Elapsed,
    ) -> Result<Vec<Fanout>, StoreError> {
        let open = self.open_fanouts().await?;
        // One process alone has the database, and takes one after the other.
        if open.is_empty() || self.0.base.kind() == db::Kind::Sqlite {
            return Ok(open);
        }
        let now = self.by_the_server(machine_now);
        let mut rows = Rows::new();
        for fanout in &open {
            rows.row().blob(&fanout.id).text(node).at(now.plus(lease)).at(now);
        }
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "update fanout set holder = ?2, held_until = ?3 where id = ?1 and finished_at is null \
                    and (holder is null or holder = ?2 or held_until < ?4)";
                Ok(tx.conn.each(sql, &rows)?)
            })
        })
        .await?;
        let mut conn = self.read().await?;
        let rows = db::query(OPEN).bind(node).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| self.fanout_of(row)).collect()
    }

    fn fanout_of(&self, row: &db::Row) -> Result<Fanout, StoreError> {
        Ok(Fanout {
            id: row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("fanout.id"))?,
            kind: row.try_get(1)?,
            body: row.try_get(2)?,
            over: match row.try_get::<Option<i64>, _>(3)? {
                Some(segment) => FanoutOver::Segment(self.name(segment)?.to_string()),
                None => FanoutOver::All,
            },
            count: unsigned(row.try_get(4)?),
            created_at: Timestamp::from_micros(row.try_get(5)?),
            cursor: CustomerId::from_slice(row.try_get(6)?),
        })
    }

    /// The next customers of a scan; none: it is at its end.
    pub async fn fanout_page(&self, fanout: &Fanout, limit: usize) -> Result<Vec<CustomerId>, StoreError> {
        let segment = match &fanout.over {
            FanoutOver::All => None,
            FanoutOver::Segment(name) => Some(self.symbol(name).await?),
        };
        let mut conn = self.read().await?;
        let limit = signed(limit as u64);
        let cursor = cursor(fanout);
        let rows = match segment {
            Some(segment) => {
                db::query(
                    "select customer from customer_segment indexed by customer_segment_members \
                     where segment = ? and member = 1 and customer > ? order by customer limit ?",
                )
                .bind(segment)
                .bind(cursor)
                .bind(limit)
                .fetch_all(&mut *conn)
                .await?
            }
            None => db::query(
                "select id from customer where (shard, id) > (?, ?) and flags = 0 order by shard, id limit ?",
            )
            .bind(fanout.cursor.map_or(-1, shard))
            .bind(cursor)
            .bind(limit)
            .fetch_all(&mut *conn)
            .await?,
        };
        rows.iter()
            .map(|row| CustomerId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("customer")))
            .collect()
    }

    /// How many customers are in a segment, by its row; `None`: nobody has been looked at for it yet.
    pub async fn members(&self, row: &str) -> Result<Option<u64>, StoreError> {
        let Some(segment) = self.0.symbols.id(row) else { return Ok(None) };
        let mut conn = self.read().await?;
        let row = db::query(
            "select count(*) from customer_segment indexed by customer_segment_members where segment = ? and member = 1",
        )
        .bind(segment)
        .fetch_one(&mut *conn)
        .await?;
        Ok(Some(unsigned(row.try_get(0)?)))
    }

    /// Writes what a page did, then where the scan goes on. An empty page finishes it. Give the events message ids: a
    /// crash between the two repeats the page. `false`: somebody else took the scan further meanwhile, and counts the page.
    pub async fn fanout_step(
        &self,
        fanout: &Fanout,
        page: &[CustomerId],
        step: FanoutStep,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if step.events.iter().any(|event| event.message_id.is_none()) {
            return Err(StoreError::Invalid("an event of a scan needs a message id".to_owned()));
        }
        let _: Vec<Ingested> = self.ingest(step.events).await?;
        let due = step.due;
        let (last, count) = (page.last().copied(), page.len());
        let (id, from) = (fanout.id.to_vec(), cursor(fanout));
        self.write(move |tx| {
            Box::pin(async move {
                let done = match last {
                    Some(last) => db::query(
                        "update fanout set cursor_shard = ?, cursor_customer = ?, count = count + ? \
                         where id = ? and cursor_customer = ? and finished_at is null",
                    )
                    .bind(shard(last))
                    .bind(last.0.to_vec())
                    .bind(signed(count as u64)),
                    None => db::query(
                        "update fanout set finished_at = ? where id = ? and cursor_customer = ? and finished_at is null",
                    )
                    .bind(now.as_micros()),
                }
                .bind(id)
                .bind(from)
                .execute(&mut tx.conn)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                make_due(tx, &due, step.due_at).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Makes customers due.
    pub async fn make_due(&self, customers: &[CustomerId], at: Timestamp) -> Result<(), StoreError> {
        let customers = customers.to_vec();
        self.write(move |tx| Box::pin(async move { make_due(tx, &customers, at).await })).await
    }

    /// Claims calls that are due.
    pub async fn claim_calls(
        &self,
        now: Timestamp,
        machine_now: Timestamp,
        limit: usize,
        lease: Elapsed,
    ) -> Result<Vec<CallWork>, StoreError> {
        {
            let mut conn = self.read().await?;
            let any = db::query("select exists (select 1 from call where due_at <= ?)")
                .bind(now.as_micros())
                .fetch_one(&mut *conn)
                .await?;
            if !any.try_get::<bool, _>(0)? {
                return Ok(Vec::new());
            }
        }
        let until = self.by_the_server(machine_now).plus(lease).as_micros();
        let rows = self
            .write(move |tx| {
                Box::pin(async move {
                    let skipping = skip_locked(tx);
                    Ok(db::query(&format!(
                        "update call set due_at = null, lease_until = ?2, fence = fence + 1, attempts = attempts + 1 \
                         where (shard, customer, enrollment, step, visit) in (select shard, customer, enrollment, step, \
                            visit from call where due_at <= ?1 limit ?3{skipping}) \
                         returning customer, enrollment, step, visit, name, request, fence, attempts, give_up_at",
                    ))
                    .bind(now.as_micros())
                    .bind(until)
                    .bind(signed(limit as u64))
                    .fetch_all(&mut tx.conn)
                    .await?)
                })
            })
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let wrong = || StoreError::corrupt("call");
            let customer = CustomerId::from_slice(row.try_get(0)?).ok_or_else(wrong)?;
            let enrollment = EnrollmentId::from_slice(row.try_get(1)?).ok_or_else(wrong)?;
            let visit = u32::try_from(row.try_get::<i64, _>(3)?).unwrap_or(0);
            let key = profile_key(customer);
            let keys = self.old_keys([key]).await?;
            let cell = call_cell(&enrollment.0, visit);
            let Some(with) = keys.open_json(key, "call", "request", &cell, row.try_get(5)?)? else {
                continue;
            };
            found.push(CallWork {
                customer,
                enrollment,
                step: self.name(row.try_get(2)?)?.to_string(),
                visit,
                call: self.name(row.try_get(4)?)?.to_string(),
                with,
                fence: unsigned(row.try_get(6)?),
                attempts: u32::try_from(row.try_get::<i64, _>(7)?).unwrap_or(u32::MAX),
                give_up_at: Timestamp::from_micros(row.try_get(8)?),
            });
        }
        Ok(found)
    }

    /// Records what became of calls. `false`: another claim has a newer fence; its event is not told. Give the events
    /// message ids: a crash between event and record tells it again.
    pub async fn settle_calls(
        &self,
        items: Vec<CallSettle>,
        _now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let work = item.work;
            let step = self.symbol(&work.step).await?;
            if let Some(event) = item.event.clone() {
                let mut conn = self.read().await?;
                let fence: Option<i64> = db::query(
                    "select fence from call where shard = ? and customer = ? and enrollment = ? and step = ? and visit = ?",
                )
                .bind(shard(work.customer))
                .bind(work.customer.0.to_vec())
                .bind(work.enrollment.0.to_vec())
                .bind(step)
                .bind(i64::from(work.visit))
                .fetch_optional(&mut *conn)
                .await?
                .map(|row| row.try_get(0))
                .transpose()?;
                drop(conn);
                if fence != Some(signed(work.fence)) {
                    answers.push(false);
                    continue;
                }
                self.ingest(vec![event]).await?;
            }
            let state = match (&item.event, item.answered) {
                (Some(_), true) => 1,
                (Some(_), false) => 2,
                (None, _) => 0,
            };
            let due = item.due_at.filter(|_| state == 0).map(Timestamp::as_micros);
            let done = self
                .write(move |tx| {
                    Box::pin(async move {
                        lock_customers(tx, [work.customer])?;
                        Ok(db::query(
                            "update call set state = ?, due_at = ?, lease_until = null where shard = ? and customer = ? \
                                and enrollment = ? and step = ? and visit = ? and fence = ?",
                        )
                        .bind(state)
                        .bind(due)
                        .bind(shard(work.customer))
                        .bind(work.customer.0.to_vec())
                        .bind(work.enrollment.0.to_vec())
                        .bind(step)
                        .bind(i64::from(work.visit))
                        .bind(signed(work.fence))
                        .execute(&mut tx.conn)
                        .await?
                        .rows_affected())
                    })
                })
                .await?;
            answers.push(done > 0);
        }
        Ok(answers)
    }

    /// When the next call falls due.
    pub async fn next_call_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query(
            "with recursive s (n) as (select 0 union all select n + 1 from s where n < 255) \
             select min((select min(due_at) from call where shard = n and due_at is not null)) from s",
        )
        .fetch_one(&mut *conn)
        .await?;
        Ok(row.try_get::<Option<i64>, _>(0)?.map(Timestamp::from_micros))
    }

    /// Writes items of a catalogue; answers with each as it was before.
    pub async fn put_items(
        &self,
        catalog: &str,
        items: Vec<(String, BTreeMap<String, Value>)>,
        at: Timestamp,
    ) -> Result<Vec<Option<BTreeMap<String, Value>>>, StoreError> {
        let catalog = self.symbol(catalog).await?;
        self.write(move |tx| {
            Box::pin(async move {
                let mut before = Vec::with_capacity(items.len());
                for (key, item) in items {
                    let body =
                        serde_json::to_string(&item).map_err(|e| StoreError::Invalid(e.to_string()))?;
                    let old = db::query("select body from item where shard = ? and catalog = ? and key = ?")
                        .bind(text_shard(&key))
                        .bind(catalog)
                        .bind(key.clone())
                        .fetch_optional(&mut tx.conn)
                        .await?;
                    before.push(match old {
                        Some(row) => {
                            Some(serde_json::from_str(row.try_get(0)?).map_err(StoreError::corrupt)?)
                        }
                        None => None,
                    });
                    db::query(
                        "insert into item (shard, catalog, key, body, updated_at) values (?, ?, ?, ?, ?) \
                         on conflict (shard, catalog, key) do update set body = excluded.body, updated_at = excluded.updated_at",
                    )
                    .bind(text_shard(&key))
                    .bind(catalog)
                    .bind(key)
                    .bind(body)
                    .bind(at.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                }
                Ok(before)
            })
        })
        .await
    }

    /// One item.
    pub async fn item(
        &self,
        catalog: &str,
        key: &str,
    ) -> Result<Option<BTreeMap<String, Value>>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select body from item where shard = ? and catalog = ? and key = ?")
            .bind(text_shard(key))
            .bind(self.sym_or_none(catalog))
            .bind(key.to_owned())
            .fetch_optional(&mut *conn)
            .await?;
        row.map(|row| serde_json::from_str(row.try_get(0)?).map_err(StoreError::corrupt)).transpose()
    }

    /// All items of a catalogue.
    pub async fn items(
        &self,
        catalog: &str,
    ) -> Result<BTreeMap<String, BTreeMap<String, Value>>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query("select key, body from item where catalog = ?")
            .bind(self.sym_or_none(catalog))
            .fetch_all(&mut *conn)
            .await?;
        rows.iter()
            .map(|row| {
                Ok((row.try_get(0)?, serde_json::from_str(row.try_get(1)?).map_err(StoreError::corrupt)?))
            })
            .collect()
    }
}

async fn make_due(tx: &mut Tx, customers: &[CustomerId], at: Timestamp) -> Result<(), StoreError> {
    lock_customers(tx, customers.iter().copied())?;
    let mut rows = Rows::new();
    for customer in customers {
        rows.row().int(shard(*customer)).blob(&customer.0).at(at);
        tx.after.step_due(words::shard_of(*customer), at.as_micros());
    }
    // The guard rises, so that a step under way does not forget this.
    tx.conn.each(
        "update customer as c set due_at = min(coalesce(c.due_at, ?3), ?3), guard_version = c.guard_version + 1 \
         where c.shard = ?1 and c.id = ?2 and c.flags = 0",
        &rows,
    )?;
    Ok(())
}
