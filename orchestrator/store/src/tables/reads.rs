//! Who read what: content of messages, pages of customers, exports. Written down before anything is shown.

use super::Store;
use super::entry::ABOUT;
use crate::{AuditEvent, AuditKind, LogEntry, Read, ReadFilter, ReadKind, ReadPage, StoreError, StoredAudit};
use db::signed;
use serde_json::Value as Json;
use words::{CustomerId, DeliveryId, MessageId, Timestamp};

/// The kinds under which reading is written down.
const KINDS: [(ReadKind, AuditKind); 6] = [
    (ReadKind::Content, AuditKind::RecordViewed),
    (ReadKind::Customer, AuditKind::CustomerRead),
    (ReadKind::Export, AuditKind::LogExported),
    (ReadKind::Inbox, AuditKind::InboxRead),
    (ReadKind::Message, AuditKind::MessageRead),
    (ReadKind::Search, AuditKind::LogSearched),
];

/// At most so many deeds are looked at for one page.
/// So many at a time.
const PAGE: i64 = 500;
const SCAN_MAX: usize = 20_000;

impl Store {
    /// Writes down that somebody is about to read: a customer's page, a message's, or a selection of the log. `about` is
    /// the customer or the message, where there is one; `detail` holds no address and no name. Content has a way of its
    /// own, [`Store::log_content`].
    pub async fn note_read(
        &self,
        kind: ReadKind,
        reader: &str,
        reason: &str,
        about: Option<[u8; 16]>,
        mut detail: Json,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if reader.trim().is_empty() {
            return Err(StoreError::Invalid("say who reads it".to_owned()));
        }
        detail["reader"] = reader.into();
        if !reason.is_empty() {
            detail["reason"] = reason.into();
        }
        let kind = audit_kind(kind);
        // About nobody in particular, as every deed of a reader: the subject says whom it concerns.
        let event = AuditEvent { kind, at: now, customer: None, subject: about, body: detail.to_string() };
        self.write_down(vec![event]).await
    }

    /// Who read what, newest first.
    pub async fn reads(
        &self,
        filter: &ReadFilter,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<ReadPage, StoreError> {
        let limit = limit.clamp(1, 1000);
        let mut conn = self.read().await?;
        if let Some(message) = filter.message {
            let found = db::query(
                "select id, kind, at, customer, subject, body from ( \
                    select a.id, a.kind, a.at, a.customer, a.subject, a.body from message m indexed by message_id \
                    cross join delivery d on d.shard = m.shard and d.customer = m.customer and d.message = m.id \
                    cross join audit_event a indexed by audit_subject on a.subject = d.id and a.subject is not null \
                        and a.customer = x'00000000000000000000000000000000' \
                    where m.id = ?1 \
                    union all \
                    select id, kind, at, customer, subject, body from audit_event indexed by audit_subject \
                    where subject = ?1 and subject is not null and customer = x'00000000000000000000000000000000') found \
                 where id < ?2 order by id desc limit ?3",
            )
            .bind(message.0.to_vec())
            .bind(after.unwrap_or([0xff; 16]).to_vec())
            .bind(signed(limit as u64 + 1))
            .fetch_all(&mut *conn)
            .await?;
            let mut rows = Vec::new();
            for row in &found {
                rows.extend(read_of(self.stored_audit(row)?).filter(|read| holds(filter, read)));
            }
            let more = found.len() > limit;
            rows.truncate(limit);
            self.find_messages(&mut conn, &mut rows).await?;
            let next = rows.last().filter(|_| more).map(|read| read.id);
            return Ok(ReadPage { rows, next });
        }
        let (mut rows, mut looked, mut last, mut more) = (Vec::new(), 0, None, false);
        let kinds = KINDS.map(|(_, kind)| self.sym_or_none(kind.as_str()));
        let mut from = after.unwrap_or([0xff; 16]).to_vec();
        'pages: loop {
            // Page by page, until there is enough.
            let mut page = db::query(
                "select id, kind, at, customer, subject, body from audit_event indexed by audit_nobody \
                 where customer = x'00000000000000000000000000000000' and id < ?1 \
                 and kind in (?2, ?3, ?4, ?5, ?6, ?7) order by id desc limit ?8",
            )
            .bind(from);
            for kind in kinds {
                page = page.bind(kind);
            }
            let page = page.bind(PAGE).fetch_all(&mut *conn).await?;
            for row in &page {
                if rows.len() == limit || looked == SCAN_MAX {
                    more = true;
                    break 'pages;
                }
                looked += 1;
                let audit = self.stored_audit(row)?;
                last = Some(audit.id);
                rows.extend(read_of(audit).filter(|read| holds(filter, read)));
            }
            match page.last() {
                Some(row) if page.len() as i64 == PAGE => from = row.try_get(0)?,
                _ => break,
            }
        }
        self.find_messages(&mut conn, &mut rows).await?;
        Ok(ReadPage { rows, next: last.filter(|_| more) })
    }

    /// Who read the content of a message's deliveries, newest first.
    pub(crate) async fn reads_of(
        &self,
        conn: &mut db::Reader,
        entry: &LogEntry,
    ) -> Result<Vec<Read>, StoreError> {
        let mut reads = Vec::new();
        for delivery in &entry.deliveries {
            let rows = db::query(ABOUT).bind(delivery.id.0.to_vec()).fetch_all(&mut *conn).await?;
            for row in &rows {
                let read = read_of(self.stored_audit(row)?).filter(|read| read.kind == ReadKind::Content);
                reads.extend(read.map(|read| Read {
                    message: Some(entry.row.message),
                    customer: Some(entry.row.customer),
                    ..read
                }));
            }
        }
        reads.sort_by_key(|read| std::cmp::Reverse(read.id));
        Ok(reads)
    }

    /// Says of which message a delivery was, and whose.
    async fn find_messages(&self, conn: &mut db::Reader, reads: &mut [Read]) -> Result<(), StoreError> {
        for read in reads {
            let Some(delivery) = read.delivery else { continue };
            if let Some(key) = self.delivery_in(conn, delivery).await? {
                (read.message, read.customer) = (Some(key.message), Some(key.customer));
            }
        }
        Ok(())
    }
}

/// Whether a record of this kind says that somebody read.
pub(crate) fn is_read(kind: &str) -> bool {
    KINDS.iter().any(|(_, audit)| audit.as_str() == kind)
}

fn audit_kind(kind: ReadKind) -> AuditKind {
    KINDS.into_iter().find(|(read, _)| *read == kind).map_or(AuditKind::RecordViewed, |(_, audit)| audit)
}

/// A deed as a read; `None` where it is another deed.
fn read_of(audit: StoredAudit) -> Option<Read> {
    let (kind, _) = KINDS.into_iter().find(|(_, kind)| kind.as_str() == audit.kind)?;
    let body: Json = serde_json::from_str(&audit.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Some(Read {
        id: audit.id,
        at: audit.at,
        kind,
        reader: text("reader").or_else(|| text("by")).unwrap_or_default(),
        reason: text("reason").unwrap_or_default(),
        message: audit.subject.filter(|_| kind == ReadKind::Message).map(MessageId),
        delivery: audit.subject.filter(|_| kind == ReadKind::Content).map(DeliveryId),
        customer: audit
            .subject
            .filter(|_| matches!(kind, ReadKind::Customer | ReadKind::Export | ReadKind::Search))
            .map(CustomerId),
        detail: audit.body,
    })
}

fn holds(filter: &ReadFilter, read: &Read) -> bool {
    filter.reader.as_ref().is_none_or(|reader| read.reader == *reader)
        && filter.kind.is_none_or(|kind| read.kind == kind)
        && filter.from.is_none_or(|from| read.at >= from)
        && filter.to.is_none_or(|to| read.at < to)
}
