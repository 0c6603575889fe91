//! What an erasure does to what was planned: it is taken back, and says so.

use super::Store;
use super::audit::PreparedAudit;
use super::open::shard;
use super::rows::Rows;
use super::sql;
use super::writer::Tx;
use crate::{AuditEvent, AuditKind, StoreError};
use words::{CustomerId, MessageId, Timestamp};

/// The reason, in the place of whatever the message was waiting for.
const WHY: &str = r#"{"decision":{"verdict":"block","until":null},"because":null,"reasons":[{"rule":"ERASURE","code":"erased",
"outcome":"block","text":{"en":"not sent, because the customer was erased","ja":"お客様の情報が消去されたため、送信しません"}}]}"#;

/// Takes back every planned message of a customer. The kind of the record must have been interned.
pub(crate) async fn cancel(
    tx: &mut Tx,
    store: &Store,
    customer: CustomerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql::query(
        "update delivery set state = 12, due_at = null, lease_until = null, settled_at = ?1, \
            why = case when json_valid(why) then json_patch(why, ?2) else ?2 end \
         where shard = ?3 and customer = ?4 and state in (0, 1)",
    )
    .bind(now.as_micros())
    .bind(WHY)
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .execute(&mut tx.conn)
    .await?;
    let rows = sql::query(
        "update message set outcome = 19, settled_at = ?1, \
            why = case when json_valid(why) then json_patch(why, ?2) else ?2 end \
         where shard = ?3 and customer = ?4 and outcome = 0 returning id",
    )
    .bind(now.as_micros())
    .bind(WHY)
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: &[u8] = row.try_get(0)?;
        let message = MessageId::from_slice(id).ok_or_else(|| StoreError::corrupt("message.id"))?;
        let body = serde_json::json!({"because": "erased"});
        events.push(AuditEvent::new(AuditKind::MessageCancelled, now, &body).of(customer).about(message.0));
    }
    let mut audit = Rows::new();
    store.audit_rows(&mut audit, &events)?;
    super::audit::insert(tx, PreparedAudit::new(audit)).await
}
