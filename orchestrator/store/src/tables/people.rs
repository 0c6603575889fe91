//! Operators, sessions, API keys, nodes.

use super::Store;
use super::audit::insert;
use crate::{ApiKey, AuditEvent, AuditKind, Operator, Session, StoreError};
use std::sync::PoisonError;
use words::Timestamp;

/// Marks of use are written at most so often, in microseconds.
const MARK_EVERY: i64 = 60_000_000;

pub(super) fn at(row: &db::Row, n: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(n)?.map(Timestamp::from_micros))
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::corrupt("a hash"))
}

impl Store {
    /// Creates or changes an operator.
    pub async fn put_operator(&self, operator: Operator, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let audit = AuditEvent {
            kind: AuditKind::OperatorChanged,
            at: now,
            customer: None,
            subject: None,
            body: serde_json::json!({
                "operator": operator.name, "role": operator.role, "disabled": operator.disabled_at.is_some(), "by": by,
            })
            .to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into operator (name, role, password, created_at, disabled_at) values (?, ?, ?, ?, ?) \
                     on conflict (name) do update set role = excluded.role, password = excluded.password, \
                        disabled_at = excluded.disabled_at",
                )
                .bind(operator.name)
                .bind(operator.role)
                .bind(operator.password)
                .bind(operator.created_at.as_micros())
                .bind(operator.disabled_at.map(Timestamp::as_micros))
                .execute(&mut tx.conn)
                .await?;
                insert(tx, prepared).await
            })
        })
        .await
    }

    /// An operator.
    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        let mut conn = self.read().await?;
        let row =
            db::query("select name, role, password, created_at, disabled_at from operator where name = ?")
                .bind(name.to_owned())
                .fetch_optional(&mut *conn)
                .await?;
        row.as_ref().map(read_operator).transpose()
    }

    /// All operators.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let mut conn = self.read().await?;
        let rows =
            db::query("select name, role, password, created_at, disabled_at from operator order by name")
                .fetch_all(&mut *conn)
                .await?;
        rows.iter().map(read_operator).collect()
    }

    /// Opens a session.
    pub async fn open_session(&self, session: Session) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into session (hash, operator, created_at, seen_at, csrf) values (?, ?, ?, ?, ?)",
                )
                .bind(session.hash.to_vec())
                .bind(session.operator)
                .bind(session.created_at.as_micros())
                .bind(session.seen_at.as_micros())
                .bind(session.csrf)
                .execute(&mut tx.conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// A session; moves its `seen_at`, at most once a minute. How long one may live is the caller's rule.
    pub async fn session(
        &self,
        hash: [u8; 32],
        machine_now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let row = {
            let mut conn = self.read().await?;
            db::query("select hash, operator, created_at, seen_at, csrf from session where hash = ?")
                .bind(hash.to_vec())
                .fetch_optional(&mut *conn)
                .await?
        };
        let Some(row) = row else { return Ok(None) };
        let session = Session {
            hash: hash_of(row.try_get(0)?)?,
            operator: row.try_get(1)?,
            created_at: at(&row, 2)?.unwrap_or_default(),
            seen_at: at(&row, 3)?.unwrap_or_default(),
            csrf: row.try_get(4)?,
        };
        if machine_now.since(session.seen_at).as_micros() > MARK_EVERY {
            self.write(move |tx| {
                Box::pin(async move {
                    db::query("update session set seen_at = ? where hash = ?")
                        .bind(machine_now.as_micros())
                        .bind(hash.to_vec())
                        .execute(&mut tx.conn)
                        .await?;
                    Ok(())
                })
            })
            .await?;
        }
        Ok(Some(session))
    }

    /// Ends a session.
    pub async fn close_session(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                db::query("delete from session where hash = ?")
                    .bind(hash.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends all sessions of an operator.
    pub async fn close_sessions(&self, operator: &str) -> Result<u64, StoreError> {
        let operator = operator.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let done = db::query("delete from session where operator = ?")
                    .bind(operator)
                    .execute(&mut tx.conn)
                    .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Stores an API key.
    pub async fn put_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let scopes = serde_json::to_string(&key.scopes).map_err(|e| StoreError::Invalid(e.to_string()))?;
        let audit = AuditEvent {
            kind: AuditKind::ApiKeyCreated,
            at: key.created_at,
            customer: None,
            subject: None,
            body: serde_json::json!({
                "name": key.name, "kind": key.kind, "scopes": key.scopes, "by": key.created_by,
            })
            .to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into api_key (hash, name, kind, scopes, created_at, created_by, expires_at) \
                     values (?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(key.hash.to_vec())
                .bind(key.name)
                .bind(key.kind)
                .bind(scopes)
                .bind(key.created_at.as_micros())
                .bind(key.created_by)
                .bind(key.expires_at.map(Timestamp::as_micros))
                .execute(&mut tx.conn)
                .await?;
                insert(tx, prepared).await
            })
        })
        .await
    }

    /// An API key by hash, cached; marks it as used at most once a minute. Whether it may be used still is in the row.
    pub async fn api_key(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let cached = self.0.api_keys.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let mut key = match cached {
            Some(key) => key,
            None => {
                let mut conn = self.read().await?;
                let row = db::query(API_KEY_BY_HASH).bind(hash.to_vec()).fetch_optional(&mut *conn).await?;
                match row {
                    Some(row) => read_api_key(&row)?,
                    None => return Ok(None),
                }
            }
        };
        let stale = key.last_used_at.is_none_or(|last| now.since(last).as_micros() > MARK_EVERY);
        if stale {
            key.last_used_at = Some(now);
        }
        self.0.api_keys.write().unwrap_or_else(PoisonError::into_inner).insert(hash, key.clone());
        if stale && key.revoked_at.is_none() && self.writer().is_ok() {
            self.write(move |tx| {
                Box::pin(async move {
                    db::query("update api_key set last_used_at = ? where hash = ?")
                        .bind(now.as_micros())
                        .bind(hash.to_vec())
                        .execute(&mut tx.conn)
                        .await?;
                    Ok(())
                })
            })
            .await?;
        }
        Ok(Some(key))
    }

    /// All API keys.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select hash, name, kind, scopes, created_at, created_by, expires_at, revoked_at, last_used_at from api_key \
             order by created_at",
        )
        .fetch_all(&mut *conn)
        .await?;
        rows.iter().map(read_api_key).collect()
    }

    /// Withdraws an API key. `false`: no such key.
    pub async fn revoke_api_key(&self, hash: [u8; 32], by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let name = self.api_keys().await?.into_iter().find(|key| key.hash == hash).map(|key| key.name);
        let audit = AuditEvent {
            kind: AuditKind::ApiKeyRevoked,
            at: now,
            customer: None,
            subject: None,
            body: serde_json::json!({"by": by, "name": name, "hash": data_encoding::HEXLOWER.encode(&hash[..8])})
                .to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        let found = self
            .write(move |tx| {
                Box::pin(async move {
                    let done =
                        db::query("update api_key set revoked_at = coalesce(revoked_at, ?) where hash = ?")
                            .bind(now.as_micros())
                            .bind(hash.to_vec())
                            .execute(&mut tx.conn)
                            .await?;
                    insert(tx, prepared).await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await?;
        self.0.api_keys.write().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        Ok(found)
    }
}

const API_KEY_BY_HASH: &str = "select hash, name, kind, scopes, created_at, created_by, expires_at, revoked_at, \
     last_used_at from api_key where hash = ?";

fn read_operator(row: &db::Row) -> Result<Operator, StoreError> {
    Ok(Operator {
        name: row.try_get(0)?,
        role: row.try_get(1)?,
        password: row.try_get(2)?,
        created_at: at(row, 3)?.unwrap_or_default(),
        disabled_at: at(row, 4)?,
    })
}

fn read_api_key(row: &db::Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        hash: hash_of(row.try_get(0)?)?,
        name: row.try_get(1)?,
        kind: row.try_get(2)?,
        scopes: serde_json::from_str(row.try_get(3)?).map_err(StoreError::corrupt)?,
        created_at: at(row, 4)?.unwrap_or_default(),
        created_by: row.try_get(5)?,
        expires_at: at(row, 6)?,
        revoked_at: at(row, 7)?,
        last_used_at: at(row, 8)?,
    })
}
