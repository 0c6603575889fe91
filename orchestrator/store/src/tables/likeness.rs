//! What final content is compressed against, once in the tables and a few of them in memory.

use super::Store;
use super::ask::Ask;
use crate::StoreError;
use crate::pack::Likeness;
use db::Rows;
use db::{Conn, bytes};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// So many are kept in memory.
const KEPT_MAX: usize = 64;

/// Those at hand.
pub(crate) struct Likenesses {
    none: Arc<Likeness>,
    kept: RwLock<HashMap<i64, Arc<Likeness>>>,
}

impl Default for Likenesses {
    fn default() -> Self {
        Self { none: Arc::new(Likeness::default()), kept: RwLock::default() }
    }
}

impl Likenesses {
    fn keep(&self, id: i64, likeness: &Arc<Likeness>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(id, Arc::clone(likeness));
    }

    pub(crate) fn get(&self, id: Option<i64>) -> Option<Arc<Likeness>> {
        let Some(id) = id else { return Some(Arc::clone(&self.none)) };
        self.kept.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Store {
    /// The number of what messages made from the same template resemble: `bytes` and `parcel` as they would be kept, made
    /// from its sample. Must name nobody: it outlives every customer.
    pub async fn likeness(&self, bytes: &[u8], parcel: &str) -> Result<i64, StoreError> {
        use sha2::{Digest, Sha256};
        let likeness = Arc::new(Likeness::of(bytes, parcel));
        let (hash, body) = (Sha256::digest(likeness.text()).to_vec(), likeness.stored());
        let id = self
            .write(move |tx| {
                Box::pin(async move {
                    let row = db::query(
                        "insert into likeness (hash, body) values (?, ?) \
                         on conflict (hash) do update set hash = excluded.hash returning id",
                    )
                    .bind(hash)
                    .bind(body)
                    .fetch_one(&mut tx.conn)
                    .await?;
                    Ok(row.try_get(0)?)
                })
            })
            .await?;
        self.0.likenesses.keep(id, &likeness);
        Ok(id)
    }

    /// The likeness with this number.
    pub(crate) async fn likeness_at_hand(&self, id: Option<i64>) -> Result<Arc<Likeness>, StoreError> {
        match self.0.likenesses.get(id) {
            Some(likeness) => Ok(likeness),
            None => self.aside(move |store, conn| store.likeness_in(conn, id)).await,
        }
    }

    /// The same for whoever has a connection and may block their thread.
    pub(crate) fn likeness_in(&self, conn: &Conn, id: Option<i64>) -> Result<Arc<Likeness>, StoreError> {
        if let Some(likeness) = self.0.likenesses.get(id) {
            return Ok(likeness);
        }
        let id = id.unwrap_or_default();
        let mut stored = None;
        let mut row = Rows::new();
        row.row().int(id);
        conn.ask("select body from likeness where id = ?", &row, |_, row| {
            stored = Some(Likeness::from_stored(bytes(row, 0)?)?);
            Ok(())
        })?;
        let likeness = Arc::new(stored.ok_or_else(|| StoreError::corrupt(format!("likeness {id}")))?);
        self.0.likenesses.keep(id, &likeness);
        Ok(likeness)
    }
}
