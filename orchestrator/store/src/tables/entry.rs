//! One message of the log with everything about it: deliveries, attempts, receipts, records, content.

use super::Store;
use super::ask::Ask;
use super::keys::{NOBODY, content_key};
use super::ledger::SealedContent;
use super::log::{columns, log_row};
use super::open::shard;
use crate::{
    AuditEvent, AuditKind, AuditPage, DeliveryState, FinalContent, LogAttempt, LogDelivery, LogEntry,
    LogReceipt, LogRow, StoreError, StoredAudit,
};
use db::{Rows, signed, unsigned};
use db::{bytes, cell};
use words::{Channel, CustomerId, DeliveryId, MessageId, ReleaseId, Timestamp};

/// One message (`?1`), with what is known beyond its row.
pub(crate) const ONE: &str = concat!(
    "select ",
    columns!(),
    ", m.release, m.program, p.hash, m.priority, m.expires_at, e.seq, e.name, e.occurred_at, n.started_at \
     from message m indexed by message_id left join program p on p.no = m.program \
     left join event e on m.cause_seq > 0 and e.shard = m.shard and e.customer = m.customer and e.seq = m.cause_seq \
     left join enrollment n on n.shard = m.shard and n.customer = m.customer and n.id = m.enrollment \
     where m.id = ?1"
);

/// What was written down about one subject (`?1`).
pub(crate) const ABOUT: &str = "select id, kind, at, customer, subject, body from audit_event \
     indexed by audit_subject where subject = ?1 and subject is not null order by id";

/// The content of a delivery (`?1`), and the ids that its message can have (`?2` to `?3`).
pub(crate) const CONTENT: &str = "select x.media, x.body, x.likeness, x.locale, x.release, d.customer, d.planned_at \
     from message m indexed by message_id \
     cross join delivery d on d.shard = m.shard and d.customer = m.customer and d.message = m.id and d.id = ?1 \
     cross join content x on x.shard = d.shard and x.delivery = d.id where m.id between ?2 and ?3";

impl Store {
    /// Everything about a message, but for its content.
    pub async fn log_entry(&self, message: MessageId) -> Result<Option<LogEntry>, StoreError> {
        let found = self.aside(move |store, conn| store.one(conn, message)).await?;
        let Some(mut entry) = found else { return Ok(None) };
        let mut conn = self.read().await?;
        entry.deliveries = self.log_deliveries(&mut conn, &entry.row).await?;
        let subjects =
            std::iter::once(message.0).chain(entry.deliveries.iter().map(|delivery| delivery.id.0));
        for subject in subjects.collect::<Vec<_>>() {
            for row in db::query(ABOUT).bind(subject.to_vec()).fetch_all(&mut *conn).await? {
                let audit = self.stored_audit(&row)?;
                entry.audit.extend(Some(audit).filter(|audit| !super::reads::is_read(&audit.kind)));
            }
        }
        entry.audit.sort_by_key(|audit| audit.id);
        entry.reads = self.reads_of(&mut conn, &entry).await?;
        drop(conn);
        entry.consent = self.stood_on(&entry.row).await?;
        Ok(Some(entry))
    }

    /// The word of consent that a message's verdict names, as it was said.
    async fn stood_on(&self, row: &LogRow) -> Result<Option<words::Consent>, StoreError> {
        let why: serde_json::Value =
            row.why.as_deref().and_then(|why| serde_json::from_str(why).ok()).unwrap_or_default();
        let named = &why["consent"];
        let Some(at) = named["at"].as_str().and_then(|at| Timestamp::parse(at).ok()) else { return Ok(None) };
        let same = |word: &words::Consent| {
            word.at == at
                && word.purpose.as_deref() == named["purpose"].as_str()
                && word.channel.as_ref().map(Channel::as_str) == named["channel"].as_str()
                && word.state == words::ConsentState::Granted
        };
        Ok(self.consent_words(row.customer).await?.into_iter().find(same))
    }

    /// What is in its own row and the rows that it names.
    fn one(&self, conn: &db::Conn, message: MessageId) -> Result<Option<LogEntry>, StoreError> {
        let mut id = Rows::new();
        id.row().blob(&message.0);
        let mut found = None;
        conn.ask(ONE, &id, |_, row| {
            let time = |at| Ok::<_, StoreError>(cell::<Option<i64>>(row, at)?.map(Timestamp::from_micros));
            let release: Option<Vec<u8>> = cell(row, 15)?;
            let cause = match cell::<Option<i64>>(row, 20)? {
                Some(seq) => Some((
                    unsigned(seq),
                    self.name(cell(row, 21)?)?.to_string(),
                    Timestamp::from_micros(cell(row, 22)?),
                )),
                None => None,
            };
            found = Some(LogEntry {
                row: log_row(self, row)?,
                release: release.and_then(|id| ReleaseId::from_slice(&id)),
                program: cell(row, 16)?,
                program_hash: cell(row, 17)?,
                priority: i32::try_from(cell::<i64>(row, 18)?).unwrap_or(0),
                expires_at: time(19)?,
                cause,
                enrolled_at: time(23)?,
                deliveries: Vec::new(),
                audit: Vec::new(),
                reads: Vec::new(),
                consent: None,
            });
            Ok(())
        })?;
        Ok(found)
    }

    async fn log_deliveries(
        &self,
        conn: &mut db::Reader,
        row: &LogRow,
    ) -> Result<Vec<LogDelivery>, StoreError> {
        let key = content_key(row.customer, row.planned_at);
        let keys = self.old_keys([key]).await?;
        let rows = db::query(
            "select d.id, d.ordinal, d.channel, d.state, d.due_at, d.handed_at, d.settled_at, d.provider, d.why, \
                x.address, x.body is not null, x.commitment, x.locale, x.release \
             from delivery d left join content x on x.shard = d.shard and x.delivery = d.id \
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
        conn: &mut db::Reader,
        customer: CustomerId,
        delivery: DeliveryId,
    ) -> Result<Vec<LogAttempt>, StoreError> {
        let rows = db::query(
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
        conn: &mut db::Reader,
        customer: CustomerId,
        delivery: DeliveryId,
    ) -> Result<Vec<LogReceipt>, StoreError> {
        let rows = db::query(
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

    pub(crate) fn stored_audit(&self, row: &db::Row) -> Result<StoredAudit, StoreError> {
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
                let (first, last) = delivery.messages();
                rows.row().blob(&delivery.0).blob(&first.0).blob(&last.0);
                conn.ask(CONTENT, &rows, |_, row| {
                    let customer = CustomerId::from_slice(bytes(row, 5)?)
                        .ok_or_else(|| StoreError::corrupt("delivery"))?;
                    let key = content_key(customer, Timestamp::from_micros(cell(row, 6)?));
                    found = SealedContent::read(row, 0)?.map(|sealed| (sealed, key));
                    Ok(())
                })?;
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
        let rows = db::query(
            "select id, kind, at, customer, subject, body from audit_event indexed by audit_nobody \
             where customer = x'00000000000000000000000000000000' \
             and id < ?1 and (?2 is null or kind = ?2) order by id desc limit ?3",
        )
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
