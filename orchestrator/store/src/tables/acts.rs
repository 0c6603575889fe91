//! The history of acts: read from what is written down about nobody in particular.

use super::Store;
use super::keys::NOBODY;
use crate::acts::of_kind;
use crate::{Act, ActFilter, ActPage, AuditEvent, AuditKind, StoreError, StoredAudit, TestSend};
use serde_json::{Value as Json, json};
use words::{Channel, CustomerId, Timestamp};

/// Records read at once.
const PAGE: usize = 500;
/// At most so many records are looked at for one page.
const SCAN_MAX: usize = 20_000;

impl Store {
    /// What people did, newest first.
    pub async fn acts(
        &self,
        filter: &ActFilter,
        after: Option<[u8; 16]>,
        limit: usize,
    ) -> Result<ActPage, StoreError> {
        let limit = limit.clamp(1, 1000);
        let (mut rows, mut after, mut looked) = (Vec::new(), after, 0);
        loop {
            let page = self.audit_events(None, after, PAGE).await?;
            let more = page.next.is_some();
            for stored in page.rows {
                if rows.len() == limit {
                    return Ok(ActPage { rows, next: after });
                }
                after = Some(stored.id);
                looked += 1;
                if filter.from.is_some_and(|from| stored.at < from) && stored.id < before_all(filter.from) {
                    return Ok(ActPage { rows, next: None });
                }
                rows.extend(act_of(stored).filter(|act| holds(filter, act)));
            }
            if !more {
                return Ok(ActPage { rows, next: None });
            }
            if looked >= SCAN_MAX {
                return Ok(ActPage { rows, next: after });
            }
        }
    }

    /// Who erased a customer, when and why; `None`: nobody did.
    pub async fn erasure(&self, customer: CustomerId) -> Result<Option<Act>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query(
            "select id, kind, at, customer, subject, body from audit_event where subject = ?1 and subject is not null \
             and customer = x'00000000000000000000000000000000' and kind = ?2 order by id desc limit 1",
        )
        .bind(customer.0.to_vec())
        .bind(self.sym_or_none(AuditKind::CustomerErased.as_str()))
        .fetch_optional(&mut *conn)
        .await?;
        Ok(row.map(|row| self.stored_audit(&row)).transpose()?.and_then(act_of))
    }

    /// Writes down a test message. The address itself is not kept: [`Store::tests_to`] finds it by its mark.
    pub async fn note_test(&self, test: TestSend, now: Timestamp) -> Result<(), StoreError> {
        let body = json!({
            "message": test.name, "channel": test.channel, "provider": test.provider, "outcome": test.outcome,
            "to": masked(&test.to), "to_mark": self.mark(&test.channel, &test.to), "by": test.by,
        });
        self.write_down(vec![AuditEvent {
            kind: AuditKind::MessageTest,
            at: now,
            customer: None,
            subject: Some(test.message.0),
            body: body.to_string(),
        }])
        .await
    }

    /// Test messages to an address, newest first; of the newest thousand.
    pub async fn tests_to(&self, channel: &Channel, address: &str) -> Result<Vec<Act>, StoreError> {
        let mark = self.mark(channel, address);
        let page = self.audit_events(Some(AuditKind::MessageTest.as_str()), None, 1000).await?;
        let same = |act: &Act| {
            let detail: Json = serde_json::from_str(&act.detail).unwrap_or_default();
            detail["to_mark"] == mark.as_str()
        };
        Ok(page.rows.into_iter().filter_map(act_of).filter(same).collect())
    }

    /// The blind index of an address, in hex.
    fn mark(&self, channel: &Channel, address: &str) -> String {
        data_encoding::HEXLOWER.encode(&self.blind(channel.as_str(), address).1)
    }
}

/// Ids are made of the time; what is smaller than this is older than `from` by more than a minute.
fn before_all(from: Option<Timestamp>) -> [u8; 16] {
    let mut id = [0; 16];
    let millis = from.map_or(0, |from| from.as_micros() / 1000 - 60_000).max(0).to_be_bytes();
    id[..6].copy_from_slice(&millis[2..]);
    id
}

/// `h…@example.jp`, `+81…678`: enough to recognise one's own, too little to write to.
fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().take(1).collect::<String>()),
        None => {
            let chars: Vec<char> = address.chars().collect();
            let (head, tail) = (chars.len().min(3), chars.len().saturating_sub(3).max(3).min(chars.len()));
            format!(
                "{}…{}",
                chars[..head].iter().collect::<String>(),
                chars[tail..].iter().collect::<String>()
            )
        }
    }
}

/// A record as an act; `None` where it is none.
fn act_of(stored: StoredAudit) -> Option<Act> {
    let kind = AuditKind::parse(&stored.kind).filter(|kind| kind.is_act())?;
    if stored.customer.is_some_and(|customer| customer != NOBODY) {
        return None;
    }
    let body: Json = serde_json::from_str(&stored.body).unwrap_or_default();
    // Customers who open their own mail in the browser do nothing that the shop did.
    if body["reader"] == "customer" {
        return None;
    }
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Act {
        id: stored.id,
        at: stored.at,
        kind,
        by: text("by")
            .or_else(|| text("reader"))
            .or_else(|| text("settled_by"))
            .or_else(|| text("operator"))
            .unwrap_or_default(),
        reason: text("reason").or_else(|| text("note")).unwrap_or_default(),
        subject: stored.subject,
        detail: stored.body,
    })
}

fn holds(filter: &ActFilter, act: &Act) -> bool {
    filter.by.as_ref().is_none_or(|by| act.by == *by)
        && filter.kind.as_ref().is_none_or(|kind| of_kind(act.kind, kind))
        && filter.from.is_none_or(|from| act.at >= from)
        && filter.to.is_none_or(|to| act.at < to)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_masked_address_can_be_recognised_and_not_be_written_to() {
        assert_eq!(masked("hana@example.jp"), "h…@example.jp");
        assert_eq!(masked("+819012345678"), "+81…678");
        assert_eq!(masked("abcd"), "abc…d");
        assert_eq!(masked("ab"), "ab…");
        assert_eq!(masked(""), "…");
    }
}
