//! Names, once: interned to small integers and kept in memory.

use super::Store;
use super::ask::Ask;
use crate::StoreError;
use db::Rows;
use db::cell;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The names known.
#[derive(Default)]
pub(crate) struct Symbols(RwLock<Names>);

#[derive(Default)]
struct Names {
    by_name: HashMap<Arc<str>, i64>,
    by_id: HashMap<i64, Arc<str>>,
}

impl Symbols {
    pub(crate) async fn load(&self, conn: &mut db::Reader) -> Result<(), StoreError> {
        let rows = db::query("select id, name from symbol").fetch_all(conn).await?;
        let found: Result<Vec<(i64, String)>, StoreError> =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect();
        self.keep(found?);
        Ok(())
    }

    fn keep(&self, found: Vec<(i64, String)>) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (id, name) in found {
            let name: Arc<str> = Arc::from(name);
            names.by_name.insert(name.clone(), id);
            names.by_id.insert(id, name);
        }
    }

    /// How many are known.
    pub(crate) fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    pub(crate) fn id(&self, name: &str) -> Option<i64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).copied()
    }

    /// The numbers of all names with this text in them.
    pub(crate) fn containing(&self, text: &str) -> Vec<i64> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.by_name.iter().filter(|(name, _)| name.contains(text)).map(|(_, id)| *id).collect()
    }

    fn name(&self, id: i64) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&id).cloned()
    }
}

impl Store {
    /// The number of a name, made where it is new.
    pub async fn symbol(&self, name: &str) -> Result<i64, StoreError> {
        self.intern([name]).await?;
        self.sym(name)
    }

    /// Makes sure that these names have numbers.
    pub(crate) fn intern<'a, 's>(
        &'s self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> BoxFuture<'s, Result<(), StoreError>> {
        let mut missing: Vec<String> =
            names.into_iter().filter(|name| self.0.symbols.id(name).is_none()).map(str::to_owned).collect();
        if missing.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        // In one order: somebody else may make the same ones at the same time.
        missing.sort_unstable();
        missing.dedup();
        let mut rows = Rows::new();
        for name in &missing {
            rows.row().text(name);
        }
        // The names are taken by now: no borrowed iterator lives in the future.
        Box::pin(self.intern_new(rows))
    }

    async fn intern_new(&self, rows: Rows) -> Result<(), StoreError> {
        let found: Vec<(i64, String)> = self
            .write(move |tx| {
                Box::pin(async move {
                    tx.conn.each("insert into symbol (name) values (?) on conflict do nothing", &rows)?;
                    let mut found = Vec::new();
                    tx.conn.ask("select id, name from symbol where name = ?", &rows, |_, row| {
                        found.push((cell(row, 0)?, cell(row, 1)?));
                        Ok(())
                    })?;
                    Ok(found)
                })
            })
            .await?;
        self.0.symbols.keep(found);
        Ok(())
    }

    /// The number of a name that was interned before.
    pub(crate) fn sym(&self, name: &str) -> Result<i64, StoreError> {
        self.0.symbols.id(name).ok_or_else(|| StoreError::NotFound(format!("name `{name}`")))
    }

    /// The name of a number.
    pub(crate) fn name(&self, id: i64) -> Result<Arc<str>, StoreError> {
        if let Some(name) = self.0.symbols.name(id) {
            return Ok(name);
        }
        // Another process may have given it its number since this one looked.
        self.look_again()?;
        self.0.symbols.name(id).ok_or_else(|| StoreError::corrupt(format!("symbol {id}")))
    }

    fn look_again(&self) -> Result<(), StoreError> {
        // On a thread of its own, since whoever asks may not wait where they are.
        let base = &self.0.base;
        let looking = move || {
            let conn = base.reader()?;
            let mut found: Vec<(i64, String)> = Vec::new();
            conn.ask("select id, name from symbol", &Rows::once(), |_, row| {
                found.push((cell(row, 0)?, cell(row, 1)?));
                Ok(())
            })?;
            Ok(found)
        };
        let found: Result<_, StoreError> = std::thread::scope(|scope| scope.spawn(looking).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.0.symbols.keep(found?);
        Ok(())
    }

    /// A number where the name is known; names nobody ever used match nothing.
    pub(crate) fn sym_or_none(&self, name: &str) -> i64 {
        self.0.symbols.id(name).unwrap_or(-1)
    }
}
