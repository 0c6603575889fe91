//! The sent-message log: keyset pages along an index, newest first, never a full scan.

use super::Store;
use super::customer::{follow, merged_into};
use super::keys::{NOBODY, content_key};
use super::ledger::SealedContent;
use super::open::shard;
use super::plan::class_of;
use super::rows::{Rows, signed, unsigned};
use super::sql::{bytes, cell};
use crate::{
    AuditEvent, AuditKind, AuditPage, DeliveryState, FinalContent, LogAttempt, LogCursor, LogDelivery,
    LogEntry, LogFilter, LogPage, LogReceipt, LogRow, MessageOutcome, Origin, StoreError, StoredAudit,
};
use futures::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use words::{Channel, CustomerId, DeliveryId, EnrollmentId, MessageId, ReleaseId, Timestamp};

/// At most so many rows are looked at for one page.
const SCAN_MAX: usize = 5000;

/// The columns of a row; `m` is the message.
macro_rules! columns {
    () => {
        "m.customer, m.id, m.origin, m.enrollment, m.journey, m.step, m.visit, m.name, m.purpose, m.class, \
         m.planned_at, m.outcome, m.settled_at, m.why, \
         (select group_concat(distinct d.channel) from delivery d where d.shard = m.shard and d.customer = m.customer \
            and d.message = m.id) "
    };
}

/// Everything, along the time.
pub(crate) const BY_TIME: &str = concat!(
    "select ",
    columns!(),
    "from message m indexed by message_time where m.planned_at >= ?1 and m.planned_at <= ?2 \
     and (m.planned_at, m.shard, m.customer, m.id) < (?3, ?4, ?5, ?6) and ?7 is ?7 \
     order by m.planned_at desc, m.shard desc, m.customer desc, m.id desc"
);
/// One journey (`?7`).
pub(crate) const BY_JOURNEY: &str = concat!(
    "select ",
    columns!(),
    "from message m indexed by message_journey where m.journey = ?7 and m.planned_at >= ?1 and m.planned_at <= ?2 \
     and (m.planned_at, m.shard, m.customer, m.id) < (?3, ?4, ?5, ?6) \
     order by m.planned_at desc, m.shard desc, m.customer desc, m.id desc"
);
/// One outcome that means not sent (`?7`).
pub(crate) const BY_OUTCOME: &str = concat!(
    "select ",
    columns!(),
    "from message m indexed by message_not_sent where m.outcome = ?7 and m.outcome >= 16 and m.planned_at >= ?1 \
     and m.planned_at <= ?2 and (m.planned_at, m.shard, m.customer, m.id) < (?3, ?4, ?5, ?6) \
     order by m.planned_at desc, m.shard desc, m.customer desc, m.id desc"
);
/// One customer (`?7` shard, `?8`).
pub(crate) const BY_CUSTOMER: &str = concat!(
    "select ",
    columns!(),
    "from message m where m.shard = ?7 and m.customer = ?8 and m.planned_at >= ?1 and m.planned_at <= ?2 \
     and (m.planned_at, m.shard, m.customer, m.id) < (?3, ?4, ?5, ?6) \
     order by m.planned_at desc, m.shard desc, m.customer desc, m.id desc"
);
/// One address (`?7`).
pub(crate) const BY_ADDRESS: &str = concat!(
    "select ",
    columns!(),
    "from delivery a indexed by delivery_address cross join message m on m.shard = a.shard and m.customer = a.customer \
        and m.id = a.message \
     where a.address_bidx = ?7 and a.planned_at >= ?1 and a.planned_at <= ?2 \
     and (a.planned_at, a.shard, a.customer, a.message) < (?3, ?4, ?5, ?6) \
     order by a.planned_at desc, a.shard desc, a.customer desc, a.message desc"
);

impl MessageOutcome {
    /// From its number.
    pub(crate) fn of(no: i64) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|outcome| *outcome as i64 == no)
            .ok_or_else(|| StoreError::corrupt(format!("message.outcome {no}")))
    }
}

/// What a page is found by.
enum Lead {
    Time,
    Journey(i64),
    Outcome(i64),
    Customer(CustomerId),
    Address([u8; 16]),
}

impl Store {
    /// A page of the log, newest first.
    pub async fn log_search(
        &self,
        filter: &LogFilter,
        after: Option<LogCursor>,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let limit = limit.clamp(1, 1000);
        let mut conn = self.read().await?;
        let mut leads = Vec::new();
        if let Some(customer) = filter.customer {
            let Some(customer) = follow(&mut conn, customer).await? else {
                return Ok(LogPage { rows: Vec::new(), next: None });
            };
            leads.push(Lead::Customer(customer));
            // What was said to them under another id before a merge.
            leads.extend(merged_into(&mut conn, customer).await?.into_iter().map(Lead::Customer));
        } else if let Some((channel, address)) = &filter.address {
            leads.push(Lead::Address(self.blind(channel.as_str(), address).1));
        } else if let Some(outcome) = filter.outcome.filter(|outcome| outcome.is_not_sent()) {
            leads.push(Lead::Outcome(outcome as i64));
        } else if let Some(journey) = &filter.journey {
            leads.push(Lead::Journey(self.sym_or_none(journey)));
        } else {
            leads.push(Lead::Time);
        }
        let (mut rows, mut stopped) = (Vec::new(), None);
        for lead in leads {
            let (mut found, until) = self.scan(&mut conn, filter, &lead, after, limit).await?;
            rows.append(&mut found);
            // The page ends where the first of them stopped.
            stopped = [stopped, until].into_iter().flatten().max_by_key(cursor_key);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(cursor_key(&cursor_of(row))));
        if let Some(stopped) = &stopped {
            rows.retain(|row| cursor_key(&cursor_of(row)) >= cursor_key(stopped));
        }
        if rows.len() > limit {
            rows.truncate(limit);
            stopped = rows.last().map(cursor_of);
        }
        Ok(LogPage { rows, next: stopped })
    }

    /// Rows along one lead, and where it stopped before its end.
    async fn scan(
        &self,
        conn: &mut SqliteConnection,
        filter: &LogFilter,
        lead: &Lead,
        after: Option<LogCursor>,
        limit: usize,
    ) -> Result<(Vec<LogRow>, Option<LogCursor>), StoreError> {
        let from = filter.from.map_or(i64::MIN, Timestamp::as_micros);
        let to = filter.to.map_or(i64::MAX, |to| to.as_micros() - 1);
        let (at, at_shard, customer, message) = match after {
            Some(c) => {
                (c.planned_at.as_micros(), shard(c.customer), c.customer.0.to_vec(), c.message.0.to_vec())
            }
            None => (i64::MAX, i64::MAX, Vec::new(), Vec::new()),
        };
        let sql = match lead {
            Lead::Time => BY_TIME,
            Lead::Journey(_) => BY_JOURNEY,
            Lead::Outcome(_) => BY_OUTCOME,
            Lead::Customer(_) => BY_CUSTOMER,
            Lead::Address(_) => BY_ADDRESS,
        };
        let query =
            sqlx::query(sql).bind(from).bind(to.min(at)).bind(at).bind(at_shard).bind(customer).bind(message);
        let query = match lead {
            Lead::Time => query.bind(0_i64),
            Lead::Journey(symbol) => query.bind(*symbol),
            Lead::Outcome(outcome) => query.bind(*outcome),
            Lead::Customer(customer) => query.bind(shard(*customer)).bind(customer.0.to_vec()),
            Lead::Address(bidx) => query.bind(bidx.to_vec()),
        };
        let mut stream = query.fetch(conn);
        let (mut rows, mut last): (Vec<LogRow>, Option<LogCursor>) = (Vec::new(), None);
        let mut looked = 0;
        while let Some(row) = stream.try_next().await? {
            let row = self.log_row(&row, 0)?;
            let cursor = cursor_of(&row);
            // One message may have several deliveries to one address.
            if last == Some(cursor) {
                continue;
            }
            if rows.len() == limit || looked == SCAN_MAX {
                return Ok((rows, last));
            }
            looked += 1;
            last = Some(cursor);
            if holds(filter, &row) {
                rows.push(row);
            }
        }
        Ok((rows, None))
    }

    /// A row from its columns.
    pub(crate) fn log_row(&self, row: &SqliteRow, at: usize) -> Result<LogRow, StoreError> {
        let wrong = || StoreError::corrupt("message");
        let channels: Option<String> = row.try_get(at + 14)?;
        let mut names = Vec::new();
        for symbol in channels.iter().flat_map(|list| list.split(',')).filter_map(|text| text.parse().ok()) {
            names.push(Channel::new(&*self.name(symbol)?));
        }
        Ok(LogRow {
            customer: CustomerId::from_slice(row.try_get(at)?).ok_or_else(wrong)?,
            message: MessageId::from_slice(row.try_get(at + 1)?).ok_or_else(wrong)?,
            origin: match row.try_get::<i64, _>(at + 2)? {
                0 => Origin::Journey,
                1 => Origin::Api,
                _ => Origin::System,
            },
            enrollment: row.try_get::<Option<&[u8]>, _>(at + 3)?.and_then(EnrollmentId::from_slice),
            journey: self.name(row.try_get(at + 4)?)?.to_string(),
            step: self.name(row.try_get(at + 5)?)?.to_string(),
            visit: u32::try_from(row.try_get::<i64, _>(at + 6)?).unwrap_or(0),
            name: self.name(row.try_get(at + 7)?)?.to_string(),
            purpose: self.name(row.try_get(at + 8)?)?.to_string(),
            class: class_of(row.try_get(at + 9)?)?,
            planned_at: Timestamp::from_micros(row.try_get(at + 10)?),
            outcome: MessageOutcome::of(row.try_get(at + 11)?)?,
            settled_at: row.try_get::<Option<i64>, _>(at + 12)?.map(Timestamp::from_micros),
            why: row.try_get(at + 13)?,
            channels: names,
        })
    }

    /// Everything about a message, but for its content.
    pub async fn log_entry(&self, message: MessageId) -> Result<Option<LogEntry>, StoreError> {
        let mut conn = self.read().await?;
        let row = sqlx::query(concat!(
            "select ",
            columns!(),
            ", m.release, m.program, p.hash, m.priority, m.expires_at, e.seq, e.name, e.occurred_at, n.started_at \
             from message m indexed by message_id left join program p on p.no = m.program \
             left join event e on m.cause_seq > 0 and e.shard = m.shard and e.customer = m.customer and e.seq = m.cause_seq \
             left join enrollment n on n.shard = m.shard and n.customer = m.customer and n.id = m.enrollment \
             where m.id = ?"
        ))
        .bind(message.0.to_vec())
        .fetch_optional(&mut *conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let listed = self.log_row(&row, 0)?;
        let cause = match row.try_get::<Option<i64>, _>(20)? {
            Some(seq) => Some((
                unsigned(seq),
                self.name(row.try_get(21)?)?.to_string(),
                Timestamp::from_micros(row.try_get(22)?),
            )),
            None => None,
        };
        let mut entry = LogEntry {
            release: row.try_get::<Option<&[u8]>, _>(15)?.and_then(ReleaseId::from_slice),
            program: row.try_get(16)?,
            program_hash: row.try_get(17)?,
            priority: i32::try_from(row.try_get::<i64, _>(18)?).unwrap_or(0),
            expires_at: row.try_get::<Option<i64>, _>(19)?.map(Timestamp::from_micros),
            cause,
            enrolled_at: row.try_get::<Option<i64>, _>(23)?.map(Timestamp::from_micros),
            deliveries: Vec::new(),
            audit: Vec::new(),
            reads: Vec::new(),
            row: listed,
        };
        entry.deliveries = self.log_deliveries(&mut conn, &entry.row).await?;
        let mut subjects = vec![message.0];
        subjects.extend(entry.deliveries.iter().map(|delivery| delivery.id.0));
        let rows = sqlx::query(
            "select id, kind, at, customer, subject, body from audit_event where shard = ? and customer = ? \
             and subject is not null order by id",
        )
        .bind(shard(entry.row.customer))
        .bind(entry.row.customer.0.to_vec())
        .fetch_all(&mut *conn)
        .await?;
        for row in &rows {
            let audit = self.stored_audit(row)?;
            if audit.subject.is_some_and(|subject| subjects.contains(&subject)) {
                entry.audit.push(audit);
            }
        }
        entry.reads = self.reads_of(&mut conn, &entry).await?;
        Ok(Some(entry))
    }

    async fn log_deliveries(
        &self,
        conn: &mut SqliteConnection,
        row: &LogRow,
    ) -> Result<Vec<LogDelivery>, StoreError> {
        let key = content_key(row.customer, row.planned_at);
        let keys = self.old_keys([key]).await?;
        let rows = sqlx::query(
            "select d.id, d.ordinal, d.channel, d.state, d.due_at, d.handed_at, d.settled_at, d.provider, d.why, \
                x.address, x.body is not null, x.commitment, x.locale, x.release \
             from delivery d left join content x on x.shard = d.shard and x.customer = d.customer and x.delivery = d.id \
             where d.shard = ? and d.customer = ? and d.message = ? order by d.ordinal, d.id",
        )
        .bind(shard(row.customer))
        .bind(row.customer.0.to_vec())
        .bind(row.message.0.to_vec())
        .fetch_all(&mut *conn)
        .await?;
        let mut deliveries = Vec::with_capacity(rows.len());
        for found in rows {
            let at = |n: usize| -> Result<Option<Timestamp>, StoreError> {
                Ok(found.try_get::<Option<i64>, _>(n)?.map(Timestamp::from_micros))
            };
            let id = DeliveryId::from_slice(found.try_get(0)?)
                .ok_or_else(|| StoreError::corrupt("delivery.id"))?;
            let address = match found.try_get::<Option<&[u8]>, _>(9)? {
                Some(sealed) => keys
                    .open(key, "content", "address", &id.0, sealed)?
                    .map(|plain| String::from_utf8_lossy(&plain).into_owned()),
                None => None,
            };
            deliveries.push(LogDelivery {
                id,
                ordinal: u16::try_from(found.try_get::<i64, _>(1)?).unwrap_or(0),
                channel: Channel::new(&*self.name(found.try_get(2)?)?),
                address,
                state: DeliveryState::of(found.try_get(3)?)?,
                due_at: at(4)?,
                handed_at: at(5)?,
                settled_at: at(6)?,
                provider: found.try_get(7)?,
                why: found.try_get(8)?,
                has_content: found.try_get(10)?,
                commitment: found
                    .try_get::<Option<&[u8]>, _>(11)?
                    .map(|bytes| data_encoding::HEXLOWER.encode(bytes)),
                locale: found.try_get(12)?,
                release: found.try_get::<Option<&[u8]>, _>(13)?.and_then(ReleaseId::from_slice),
                attempts: self.log_attempts(conn, row.customer, id).await?,
                receipts: self.log_receipts(conn, row.customer, id).await?,
            });
        }
        Ok(deliveries)
    }

    async fn log_attempts(
        &self,
        conn: &mut SqliteConnection,
        customer: CustomerId,
        delivery: DeliveryId,
    ) -> Result<Vec<LogAttempt>, StoreError> {
        let rows = sqlx::query(
            "select started_at, ended_at, node, outcome, stage, answer, provider_id from attempt \
             where shard = ? and customer = ? and delivery = ? order by n",
        )
        .bind(shard(customer))
        .bind(customer.0.to_vec())
        .bind(delivery.0.to_vec())
        .fetch_all(conn)
        .await?;
        (1..)
            .zip(&rows)
            .map(|(n, row)| {
                Ok(LogAttempt {
                    n,
                    started_at: Timestamp::from_micros(row.try_get(0)?),
                    ended_at: row.try_get::<Option<i64>, _>(1)?.map(Timestamp::from_micros),
                    node: row.try_get(2)?,
                    outcome: row.try_get(3)?,
                    stage: row.try_get(4)?,
                    answer: row.try_get(5)?,
                    provider_id: row.try_get(6)?,
                })
            })
            .collect()
    }

    async fn log_receipts(
        &self,
        conn: &mut SqliteConnection,
        customer: CustomerId,
        delivery: DeliveryId,
    ) -> Result<Vec<LogReceipt>, StoreError> {
        let rows = sqlx::query(
            "select kind, at, detail from receipt where shard = ? and customer = ? and delivery = ? order by n",
        )
        .bind(shard(customer))
        .bind(customer.0.to_vec())
        .bind(delivery.0.to_vec())
        .fetch_all(conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(LogReceipt {
                    kind: self.name(row.try_get(0)?)?.to_string(),
                    at: Timestamp::from_micros(row.try_get(1)?),
                    detail: row.try_get(2)?,
                })
            })
            .collect()
    }

    pub(crate) fn stored_audit(&self, row: &SqliteRow) -> Result<StoredAudit, StoreError> {
        Ok(StoredAudit {
            id: row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("audit_event.id"))?,
            kind: self.name(row.try_get(1)?)?.to_string(),
            at: Timestamp::from_micros(row.try_get(2)?),
            customer: CustomerId::from_slice(row.try_get(3)?).filter(|customer| *customer != NOBODY),
            subject: row.try_get::<Option<&[u8]>, _>(4)?.and_then(|bytes| bytes.try_into().ok()),
            body: row.try_get(5)?,
        })
    }

    /// The content of a delivery as the customer got it. That `reader` looked is written down first; without that it
    /// stays closed. `None`: none was kept, or it was erased.
    pub async fn log_content(
        &self,
        delivery: DeliveryId,
        reader: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<FinalContent>, StoreError> {
        if reader.trim().is_empty() {
            return Err(StoreError::Invalid("say who reads it".to_owned()));
        }
        // About nobody in particular: who looked is the operator's deed, listed with the other deeds of operators.
        self.write_down(vec![AuditEvent {
            kind: AuditKind::RecordViewed,
            at: now,
            customer: None,
            subject: Some(delivery.0),
            body: serde_json::json!({"reader": reader, "reason": reason, "delivery": delivery}).to_string(),
        }])
        .await?;
        let found = self
            .aside(move |_, conn| {
                let (mut rows, mut found) = (Rows::new(), None);
                rows.row().blob(&delivery.0);
                conn.ask(
                    "select x.media, x.body, x.likeness, x.locale, x.release, d.customer, d.planned_at \
                     from delivery d indexed by delivery_id cross join content x \
                     on x.shard = d.shard and x.customer = d.customer and x.delivery = d.id where d.id = ?",
                    &rows,
                    |_, row| {
                        let customer = CustomerId::from_slice(bytes(row, 5)?)
                            .ok_or_else(|| StoreError::corrupt("delivery"))?;
                        let key = content_key(customer, Timestamp::from_micros(cell(row, 6)?));
                        found = SealedContent::read(row, 0)?.map(|sealed| (sealed, key));
                        Ok(())
                    },
                )?;
                Ok(found)
            })
            .await?;
        let Some((sealed, key)) = found else { return Ok(None) };
        let likeness = self.likeness_at_hand(sealed.likeness).await?;
        sealed.open(&self.old_keys([key]).await?, key, delivery, &likeness)
    }

    /// Audit events about nobody in particular (releases, stops, views, operators …), newest first; of one kind where
    /// asked.
    pub async fn audit_events(
        &self,
        kind: Option<&str>,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let kind = kind.map(|kind| self.sym_or_none(kind));
        let mut conn = self.read().await?;
        let rows = sqlx::query(
            "select id, kind, at, customer, subject, body from audit_event where shard = ?1 and customer = ?2 \
             and id < ?3 and (?4 is null or kind = ?4) order by id desc limit ?5",
        )
        .bind(shard(NOBODY))
        .bind(NOBODY.0.to_vec())
        .bind(after.unwrap_or([0xff; 16]).to_vec())
        .bind(kind)
        .bind(signed(limit as u64 + 1))
        .fetch_all(&mut *conn)
        .await?;
        let mut rows =
            rows.iter().map(|row| self.stored_audit(row)).collect::<Result<Vec<_>, StoreError>>()?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.id);
        Ok(AuditPage { rows, next })
    }
}

fn cursor_of(row: &LogRow) -> LogCursor {
    LogCursor { planned_at: row.planned_at, customer: row.customer, message: row.message }
}

/// The order of the index.
fn cursor_key(cursor: &LogCursor) -> (Timestamp, i64, CustomerId, MessageId) {
    (cursor.planned_at, shard(cursor.customer), cursor.customer, cursor.message)
}

/// Whether a row has everything that is asked for, apart from what led to it.
fn holds(filter: &LogFilter, row: &LogRow) -> bool {
    let not_sent = row.outcome.is_not_sent();
    filter.channel.as_ref().is_none_or(|channel| row.channels.contains(channel))
        && filter.journey.as_ref().is_none_or(|journey| row.journey == *journey)
        && filter.purpose.as_ref().is_none_or(|purpose| row.purpose == *purpose)
        && filter.outcome.is_none_or(|outcome| row.outcome == outcome)
        && filter.not_sent.is_none_or(|wanted| wanted == not_sent)
        && !(filter.not_sent == Some(false) && row.outcome == MessageOutcome::Planned)
        && filter.text.as_ref().is_none_or(|text| row.name.contains(text.as_str()))
}
