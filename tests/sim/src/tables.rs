//! A look at the tables with SQL of our own: the product's code is not asked what its rows mean.

use crate::book::AtDoor;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use words::{DeliveryId, MessageId};

/// A connection that reads.
#[derive(Debug)]
pub struct Tables(pub Connection);

impl Tables {
    /// Opens the database beside whoever writes it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Self(conn))
    }

    /// What stands behind a delivery.
    pub fn at_door(&self, delivery: DeliveryId, message: MessageId) -> Option<AtDoor> {
        let sql = "select j.name, s.name, p.name, m.class, m.planned_at, m.expires_at, d.delivery_class, e.key, e.program, \
                m.customer, e.status \
            from message m indexed by message_id \
            join delivery d on d.shard = m.shard and d.customer = m.customer and d.message = m.id and d.id = ?2 \
            join symbol j on j.id = m.journey join symbol s on s.id = m.step join symbol p on p.id = m.purpose \
            left join enrollment e on e.shard = m.shard and e.customer = m.customer and e.id = m.enrollment \
            where m.id = ?1";
        let mut statement = self.0.prepare_cached(sql).ok()?;
        statement
            .query_row((message.0.as_slice(), delivery.0.as_slice()), |row| {
                let key: Option<Vec<u8>> = row.get(7)?;
                let customer: Vec<u8> = row.get(9)?;
                Ok(AtDoor {
                    journey: row.get(0)?,
                    step: row.get(1)?,
                    purpose: row.get(2)?,
                    class: row.get(3)?,
                    planned_at: row.get(4)?,
                    expires_at: row.get(5)?,
                    delivery_class: row.get(6)?,
                    key: key.and_then(|key| key.try_into().ok()),
                    program: row.get(8)?,
                    passage: row.get::<_, Option<i64>>(10)?.unwrap_or(1),
                    customer: customer.try_into().unwrap_or_default(),
                })
            })
            .optional()
            .ok()
            .flatten()
    }

    /// Rows of a statement without arguments, each cell as a value.
    pub fn rows(&self, sql: &str) -> anyhow::Result<Vec<Vec<rusqlite::types::Value>>> {
        let mut statement = self.0.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push((0..columns).map(|at| row.get(at)).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(out)
    }
}
