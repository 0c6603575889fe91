//! Held: a database that seems to be a copy sends nothing until a person says otherwise.
//!
//! The witness, a small file beside the database, holds instance id, start counter and the mark of the database file. A
//! database restored from a backup is older than its witness; one copied elsewhere has none, or one that was copied along
//! and knows another file.
//!
//! A database on a server is started by many nodes, each with a witness of its own, by which its own starts are counted. A node
//! without a witness is a new one; where the database itself lies on another server than the last node saw, it is a copy.

use super::Store;
use super::base::Base;
use super::open::{put_setting, setting};
use crate::planted::{Bug, planted};
use crate::{AuditEvent, AuditKind, Clock as _, FileMark, Held, StoreError, SystemClock};
use db::{Conn, Kind};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::PoisonError;
use words::Timestamp;

/// How often a person let the instance go, on a server: a witness of earlier knows nothing of the database that they looked
/// at, and its node need not hold all others up for it.
const LET_GO: &str = "let_go";

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Witness {
    instance: String,
    starts: u64,
    /// The database file that it lies beside.
    #[serde(default)]
    database: Option<FileMark>,
    /// Of several nodes on one server, which; empty beside a file.
    #[serde(default)]
    node: String,
    /// How often a person had let the instance go by then, on a server.
    #[serde(default)]
    let_go: u64,
}

/// What is known about this instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldState {
    pub(crate) instance: String,
    pub(crate) starts: u64,
    pub(crate) reason: Option<String>,
    /// What the witness says beside the instance: which node, and how often it was started.
    node: (String, u64),
    /// The server that the database lies on, as far as it tells.
    server: Option<String>,
}

impl HeldState {
    /// What this node is told by, start after start; empty beside a file, which has one.
    pub(crate) fn place(&self) -> &str {
        &self.node.0
    }

    /// What tells the ids of this instance from those of another.
    pub(crate) fn salt(&self) -> u64 {
        u64::from_str_radix(self.instance.get(..16).unwrap_or("0"), 16).unwrap_or(0)
    }
}

/// Compares with the witness, counts this start, writes both.
pub(crate) async fn at_start(
    conn: &mut Conn,
    base: &Base,
    witness: Option<&Path>,
    vault: &vault::Vault,
) -> Result<HeldState, StoreError> {
    let stored = setting(conn, "instance").await?;
    let moved = setting(conn, "moved").await?.is_some();
    let mut reason = setting(conn, "held").await?;
    let shared = base.kind() == Kind::Postgres;
    let node = if shared { node_of(witness, vault)? } else { String::new() };
    let counter = if shared { format!("starts:{node}") } else { "starts".to_owned() };
    let of_node = count(conn, &counter).await?;
    let server = if shared { server(conn).await? } else { None };
    let let_go = if shared { count(conn, LET_GO).await? } else { 0 };
    let instance = match stored {
        Some(instance) => {
            if let (None, Some(path), false) = (&reason, witness, moved || planted(Bug::RestoredNotHeld)) {
                reason = match setting(conn, "server").await? {
                    Some(known) if server.as_ref().is_some_and(|server| *server != known) => Some(
                        "the database lies on another server than before: it seems to be a copy".to_owned(),
                    ),
                    // The first start of one more node.
                    _ if shared && !path.exists() => None,
                    _ => suspicion(path, base, &instance, (of_node, let_go)),
                };
            }
            instance
        }
        None => data_encoding::HEXLOWER.encode(&vault.salt(b"instance")?[..16]),
    };
    // Counted by the database: two nodes that start at one instant are two starts, and their ids differ.
    let starts = count_up(conn, "starts").await?;
    let of_node = if shared { count_up(conn, &counter).await? } else { starts };
    put_setting(conn, "instance", Some(&instance)).await?;
    put_setting(conn, "held", reason.as_deref()).await?;
    put_setting(conn, "moved", None).await?;
    if let (Some(path), None) = (witness, &reason) {
        write_witness(path, base, &instance, (&node, of_node), let_go)?;
        put_setting(conn, "server", server.as_deref()).await?;
    }
    Ok(HeldState { instance, starts, reason, node: (node, of_node), server })
}

async fn count(conn: &mut Conn, name: &str) -> Result<u64, StoreError> {
    Ok(setting(conn, name).await?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

async fn count_up(conn: &mut Conn, name: &str) -> Result<u64, StoreError> {
    let row = db::query(
        "insert into setting (name, value) values (?, '1') on conflict (name) do update \
            set value = cast(cast(setting.value as bigint) + 1 as text) returning value",
    )
    .bind(name)
    .fetch_one(conn)
    .await?;
    Ok(row.try_get::<&str, _>(0)?.parse().unwrap_or(1))
}

/// The node that the witness belongs to; a new name where there is none.
fn node_of(witness: Option<&Path>, vault: &vault::Vault) -> Result<String, StoreError> {
    let known = witness.and_then(|path| std::fs::read_to_string(path).ok());
    let known =
        known.and_then(|text| serde_json::from_str::<Witness>(&text).ok()).map(|witness| witness.node);
    match known.filter(|node| !node.is_empty()) {
        Some(node) => Ok(node),
        None => {
            let (born, place) = (SystemClock.machine_now().as_micros(), witness.map(Path::display));
            let place = place.map(|place| place.to_string()).unwrap_or_default();
            let salt = vault.salt(format!("node {born} {} {place}", std::process::id()).as_bytes())?;
            Ok(data_encoding::HEXLOWER.encode(&salt[..8]))
        }
    }
}

/// What tells a PostgreSQL cluster and its database from their copies elsewhere; a distributed server does not tell.
async fn server(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    let known =
        db::query("select to_regproc('pg_catalog.pg_control_system') is not null").fetch_one(conn).await?;
    if !known.try_get::<bool, _>(0)? {
        return Ok(None);
    }
    let row = db::query(
        "select system_identifier::text || '/' || (select oid::text from pg_database where datname = current_database()) \
         from pg_control_system()",
    )
    .fetch_one(conn)
    .await?;
    Ok(Some(row.try_get(0)?))
}

/// What the database itself says, for those who only read.
pub(crate) async fn as_read(conn: &mut db::Reader) -> Result<HeldState, StoreError> {
    Ok(HeldState {
        instance: setting(conn, "instance").await?.unwrap_or_default(),
        starts: setting(conn, "starts").await?.and_then(|text| text.parse().ok()).unwrap_or(0),
        reason: setting(conn, "held").await?,
        ..HeldState::default()
    })
}

fn suspicion(path: &Path, base: &Base, instance: &str, (starts, let_go): (u64, u64)) -> Option<String> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Some(format!(
            "the witness {} is missing: this database seems to be a copy or a restored backup",
            path.display()
        ));
    };
    match serde_json::from_str::<Witness>(&text) {
        Ok(witness) if witness.instance != instance => {
            Some("the witness belongs to another instance: this database seems to be a copy".to_owned())
        }
        // Somebody looked since and let it go: this node was not there to hear it.
        Ok(witness) if witness.let_go < let_go => None,
        Ok(witness) if witness.starts > starts || witness.let_go > let_go => {
            Some("the database is older than its witness: it seems to be a restored backup".to_owned())
        }
        Ok(Witness { database: Some(known), .. })
            if base.path().and_then(FileMark::of).is_some_and(|found| !found.may_be(known)) =>
        {
            Some("the witness lay beside another file: this database seems to be a copy".to_owned())
        }
        // One behind: the last start ended between the two writes.
        Ok(witness) if witness.starts + 1 < starts => {
            Some("the witness is older than the database: it seems to come from elsewhere".to_owned())
        }
        Ok(_) => None,
        Err(_) => Some(format!("the witness {} cannot be read", path.display())),
    }
}

fn write_witness(
    path: &Path,
    base: &Base,
    instance: &str,
    (node, starts): (&str, u64),
    let_go: u64,
) -> Result<(), StoreError> {
    use std::io::Write as _;
    let write = || {
        let new = path.with_extension("witness-new");
        let mut file = std::fs::File::create(&new)?;
        let database = base.path().and_then(FileMark::of);
        let instance = instance.to_owned();
        let witness = Witness { instance, starts, database, node: node.to_owned(), let_go };
        let text = serde_json::to_string(&witness)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(|e: std::io::Error| StoreError::Unavailable(format!("{}: {e}", path.display())))
}

impl Store {
    /// Whether it is held, and why.
    pub fn held(&self) -> Option<Held> {
        let state = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        state.reason.clone().map(|reason| Held { reason })
    }

    /// Releases it, by name.
    pub async fn release_held(&self, by: &str, reason: &str, at: Timestamp) -> Result<(), StoreError> {
        if by.trim().is_empty() {
            return Err(StoreError::Invalid("say who releases it".to_owned()));
        }
        let state = self.0.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(was) = state.reason else { return Ok(()) };
        let audit = AuditEvent {
            kind: AuditKind::HeldReleased,
            at,
            customer: None,
            subject: None,
            body: serde_json::json!({"by": by, "reason": reason, "held_because": was}).to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        let shared = self.0.base.kind() == Kind::Postgres;
        let let_go = self
            .write(move |tx| {
                Box::pin(async move {
                    put_setting(&mut tx.conn, "held", None).await?;
                    if let Some(server) = state.server {
                        put_setting(&mut tx.conn, "server", Some(&server)).await?;
                    }
                    let let_go = if shared { count_up(&mut tx.conn, LET_GO).await? } else { 0 };
                    super::audit::insert(tx, prepared).await?;
                    Ok(let_go)
                })
            })
            .await?;
        if let Some(path) = &self.0.witness {
            write_witness(path, &self.0.base, &state.instance, (&state.node.0, state.node.1), let_go)?;
        }
        self.0.held.write().unwrap_or_else(PoisonError::into_inner).reason = None;
        self.0.wakeups.sends.send_modify(|n| *n += 1);
        Ok(())
    }

    /// Announces a planned move: the next start, elsewhere, is not held.
    pub async fn announce_move(&self, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let audit = AuditEvent {
            kind: AuditKind::MoveAnnounced,
            at,
            customer: None,
            subject: None,
            body: serde_json::json!({ "by": by }).to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                put_setting(&mut tx.conn, "moved", Some("1")).await?;
                super::audit::insert(tx, prepared).await
            })
        })
        .await
    }

    /// The instance's id, in hex.
    pub fn instance_id(&self) -> String {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).instance.clone()
    }
}
