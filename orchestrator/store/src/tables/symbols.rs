//! Names, once: interned to small integers and kept in memory.

use super::Store;
use super::rows::Rows;
use super::sql::{self, cell};
use crate::StoreError;
use futures::future::BoxFuture;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
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
    pub(crate) async fn load(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let rows = sqlx::query("select id, name from symbol").fetch_all(conn).await?;
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
        let mut seen = std::collections::HashSet::new();
        missing.retain(|name| seen.insert(name.clone()));
        let mut rows = Rows::new();
        for name in &missing {
            rows.row().text(name);
        }
        let json = rows.json();
        // The names are taken by now: no borrowed iterator lives in the future.
        Box::pin(self.intern_new(json))
    }

    async fn intern_new(&self, json: String) -> Result<(), StoreError> {
        let found: Vec<(i64, String)> = self
            .write(move |tx| {
                Box::pin(async move {
                    sql::query(
                        "insert into symbol (name) select value->>0 from json_each(?) where true on conflict do nothing",
                    )
                    .bind(&json)
                    .execute(&mut tx.conn)
                    .await?;
                    let rows = sql::query(
                        "select s.id, s.name from json_each(?) j cross join symbol s on s.name = j.value->>0",
                    )
                    .bind(&json)
                    .fetch_all(&mut tx.conn)
                    .await?;
                    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
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
        let conn = self.another_reader()?;
        let mut once = Rows::new();
        once.row();
        let mut found: Vec<(i64, String)> = Vec::new();
        conn.ask("select id, name from symbol", &once, |_, row| {
            found.push((cell(row, 0)?, cell(row, 1)?));
            Ok(())
        })?;
        self.0.symbols.keep(found);
        Ok(())
    }

    /// A number where the name is known; names nobody ever used match nothing.
    pub(crate) fn sym_or_none(&self, name: &str) -> i64 {
        self.0.symbols.id(name).unwrap_or(-1)
    }
}
