//! Held: a database that seems to be a copy sends nothing until a person says otherwise.
//!
//! The witness, a small file beside the database, holds instance id, start counter and the mark of the database file. A
//! database restored from a backup is older than its witness; one copied elsewhere has none, or one that was copied along
//! and knows another file.

use super::Store;
use super::base::Base;
use super::open::{put_setting, setting};
use crate::planted::{Bug, planted};
use crate::{AuditEvent, AuditKind, FileMark, Held, StoreError};
use db::Conn;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::PoisonError;
use words::Timestamp;

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Witness {
    instance: String,
    starts: u64,
    /// The database file that it lies beside.
    #[serde(default)]
    database: Option<FileMark>,
}

/// What is known about this instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldState {
    pub(crate) instance: String,
    pub(crate) starts: u64,
    pub(crate) reason: Option<String>,
}

impl HeldState {
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
    let starts: u64 = setting(conn, "starts").await?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let moved = setting(conn, "moved").await?.is_some();
    let mut reason = setting(conn, "held").await?;
    let instance = match stored {
        Some(instance) => {
            if let (None, Some(path), false) = (&reason, witness, moved || planted(Bug::RestoredNotHeld)) {
                reason = suspicion(path, base, &instance, starts);
            }
            instance
        }
        None => data_encoding::HEXLOWER.encode(&vault.salt(b"instance")?[..16]),
    };
    let starts = starts + 1;
    put_setting(conn, "instance", Some(&instance)).await?;
    put_setting(conn, "held", reason.as_deref()).await?;
    put_setting(conn, "moved", None).await?;
    put_setting(conn, "starts", Some(&starts.to_string())).await?;
    if let (Some(path), None) = (witness, &reason) {
        write_witness(path, base, &instance, starts)?;
    }
    Ok(HeldState { instance, starts, reason })
}

/// What the database itself says, for those who only read.
pub(crate) async fn as_read(conn: &mut db::Reader) -> Result<HeldState, StoreError> {
    Ok(HeldState {
        instance: setting(conn, "instance").await?.unwrap_or_default(),
        starts: setting(conn, "starts").await?.and_then(|text| text.parse().ok()).unwrap_or(0),
        reason: setting(conn, "held").await?,
    })
}

fn suspicion(path: &Path, base: &Base, instance: &str, starts: u64) -> Option<String> {
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
        Ok(witness) if witness.starts > starts => {
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

fn write_witness(path: &Path, base: &Base, instance: &str, starts: u64) -> Result<(), StoreError> {
    use std::io::Write as _;
    let write = || {
        let new = path.with_extension("witness-new");
        let mut file = std::fs::File::create(&new)?;
        let database = base.path().and_then(FileMark::of);
        let text = serde_json::to_string(&Witness { instance: instance.to_owned(), starts, database })?;
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
        let (instance, starts, was) = {
            let state = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
            (state.instance.clone(), state.starts, state.reason.clone())
        };
        let Some(was) = was else { return Ok(()) };
        let audit = AuditEvent {
            kind: AuditKind::HeldReleased,
            at,
            customer: None,
            subject: None,
            body: serde_json::json!({"by": by, "reason": reason, "held_because": was}).to_string(),
        };
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                put_setting(&mut tx.conn, "held", None).await?;
                super::audit::insert(tx, prepared).await
            })
        })
        .await?;
        if let Some(path) = &self.0.witness {
            write_witness(path, &self.0.base, &instance, starts)?;
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
