//! What is written down, in the transaction that makes it true.

use super::Store;
use super::keys::NOBODY;
use super::open::shard;
use super::writer::Tx;
use crate::{AuditEvent, StoreError};
use db::Rows;

/// Audit events on their way into a statement.
pub(crate) struct PreparedAudit(Rows);

impl Store {
    /// Numbers and ids for audit events; their kinds are interned.
    pub(crate) async fn prepare_audit(&self, events: &[AuditEvent]) -> Result<PreparedAudit, StoreError> {
        self.intern(events.iter().map(|event| event.kind.as_str())).await?;
        let mut rows = Rows::new();
        self.audit_rows(&mut rows, events)?;
        Ok(PreparedAudit::new(rows))
    }

    /// The same into rows at hand; the kinds must have been interned.
    pub(crate) fn audit_rows(&self, rows: &mut Rows, events: &[AuditEvent]) -> Result<(), StoreError> {
        for event in events {
            let customer = event.customer.unwrap_or(NOBODY);
            rows.row()
                .int(shard(customer))
                .blob(&customer.0)
                .blob(&self.0.ids.next(event.at))
                .at(event.at)
                .int(self.sym(event.kind.as_str())?)
                .opt_blob(event.subject.as_ref().map(<[u8; 16]>::as_slice))
                .text(&event.body);
        }
        Ok(())
    }

    /// Writes down audit events that stand alone.
    pub async fn write_down(&self, audit: Vec<AuditEvent>) -> Result<(), StoreError> {
        let prepared = self.prepare_audit(&audit).await?;
        self.write(move |tx| Box::pin(insert(tx, prepared))).await
    }
}

impl PreparedAudit {
    pub(crate) fn new(rows: Rows) -> Self {
        Self(rows)
    }
}

/// Writes them.
pub(crate) async fn insert(tx: &mut Tx, audit: PreparedAudit) -> Result<(), StoreError> {
    tx.conn.each(
        "insert into audit_event (shard, customer, id, at, kind, subject, body) values (?, ?, ?, ?, ?, ?, ?)",
        &audit.0,
    )?;
    Ok(())
}
