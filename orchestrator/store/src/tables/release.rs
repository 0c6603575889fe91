//! Releases, programs, stops and other things of which there is one.

use super::Store;
use super::ask::Ask;
use super::audit::insert;
use super::locks::close_gate;
use super::open::{put_setting, setting};
use crate::{
    AuditEvent, AuditKind, GoLive, LiveRelease, NewRelease, Release, Stop, StopScope, StoreError,
    StoredProgram,
};
use db::cell;
use db::{Rows, unsigned};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use words::{ReleaseId, Timestamp};

impl StopScope {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::All => ("all", ""),
            Self::Journey(name) => ("journey", name),
            Self::Channel(name) => ("channel", name),
            Self::Purpose(name) => ("purpose", name),
        }
    }

    fn of(scope: &str, value: String) -> Result<Self, StoreError> {
        Ok(match scope {
            "all" => Self::All,
            "journey" => Self::Journey(value),
            "channel" => Self::Channel(value),
            "purpose" => Self::Purpose(value),
            other => return Err(StoreError::corrupt(format!("stop.scope {other}"))),
        })
    }
}

impl Store {
    /// Stores a release and its programs. Storing it again changes nothing.
    pub async fn put_release(&self, release: NewRelease) -> Result<(), StoreError> {
        self.intern(release.programs.iter().map(|program| program.journey.as_str())).await?;
        let mut programs = Vec::with_capacity(release.programs.len());
        for program in &release.programs {
            let body = serde_json::to_string(&**program).map_err(|e| StoreError::Invalid(e.to_string()))?;
            programs.push((program.hash.clone(), self.sym(&program.journey)?, body));
        }
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into release (id, created_at, created_by, note, manifest, files) values (?, ?, ?, ?, ?, ?) \
                     on conflict do nothing",
                )
                .bind(release.id.0.to_vec())
                .bind(release.at.as_micros())
                .bind(release.by)
                .bind(release.note)
                .bind(release.manifest)
                .bind(release.files)
                .execute(&mut tx.conn)
                .await?;
                for (hash, journey, body) in programs {
                    db::query(
                        "insert into program (hash, journey, body, created_at) values (?, ?, ?, ?) on conflict do nothing",
                    )
                    .bind(hash.clone())
                    .bind(journey)
                    .bind(body)
                    .bind(release.at.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                    db::query(
                        "insert into release_program (release, program) select ?, no from program where hash = ? \
                         on conflict do nothing",
                    )
                    .bind(release.id.0.to_vec())
                    .bind(hash)
                    .execute(&mut tx.conn)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Makes a release the live one (`action`: deploy, rollback), and has everybody looked at again: one commit, so that no
    /// release is live that nobody was looked at for.
    pub async fn go_live(
        &self,
        release: ReleaseId,
        by: &str,
        action: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let note = self.release(release).await?.map(|release| release.note).unwrap_or_default();
        let audit = self.decision_audit(
            if action == "rollback" { AuditKind::ReleaseRolledBack } else { AuditKind::ReleaseDeployed },
            at,
            Some(release.0),
            serde_json::json!({"release": release, "by": by, "action": action, "note": note}),
        );
        let prepared = self.prepare_audit(&[audit]).await?;
        let (by, action) = (by.to_owned(), action.to_owned());
        let mut scan = release.0;
        for (byte, stamp) in scan.iter_mut().zip(at.as_micros().to_be_bytes()) {
            *byte ^= stamp;
        }
        self.write(move |tx| {
            Box::pin(async move {
                let there = db::query("select 1 from release where id = ?")
                    .bind(release.0.to_vec())
                    .fetch_optional(&mut tx.conn)
                    .await?;
                if there.is_none() {
                    return Err(StoreError::NotFound(format!("release {release}")));
                }
                db::query("insert into release_live (release, at, by, action) values (?, ?, ?, ?)")
                    .bind(release.0.to_vec())
                    .bind(at.as_micros())
                    .bind(by)
                    .bind(action)
                    .execute(&mut tx.conn)
                    .await?;
                db::query(
                    "insert into fanout (id, kind, body, segment, cursor_shard, cursor_customer, count, created_at) \
                     values (?, 'look_again', '{}', null, -1, x'', 0, ?) on conflict do nothing",
                )
                .bind(scan.to_vec())
                .bind(at.as_micros())
                .execute(&mut tx.conn)
                .await?;
                insert(tx, prepared).await
            })
        })
        .await
    }

    fn decision_audit(
        &self,
        kind: AuditKind,
        at: Timestamp,
        subject: Option<[u8; 16]>,
        body: serde_json::Value,
    ) -> AuditEvent {
        AuditEvent { kind, at, customer: None, subject, body: body.to_string() }
    }

    /// The live release.
    pub async fn live_release(&self) -> Result<Option<LiveRelease>, StoreError> {
        Ok(self.release_history(1).await?.pop())
    }

    /// Which releases were live, newest first.
    pub async fn release_history(&self, limit: usize) -> Result<Vec<LiveRelease>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query("select release, at, by, action from release_live order by n desc limit ?")
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *conn)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LiveRelease {
                    release: release_id(row.try_get(0)?)?,
                    at: Timestamp::from_micros(row.try_get(1)?),
                    by: row.try_get(2)?,
                    action: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// Releases, newest first.
    pub async fn releases(&self, limit: usize) -> Result<Vec<Release>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select id, created_at, created_by, note, manifest from release order by created_at desc limit ?",
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *conn)
        .await?;
        rows.iter().map(read_release).collect()
    }

    /// One release.
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select id, created_at, created_by, note, manifest from release where id = ?")
            .bind(id.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        row.as_ref().map(read_release).transpose()
    }

    /// Its files.
    pub async fn release_files(&self, id: ReleaseId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select files from release where id = ?")
            .bind(id.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// A release as it was compiled, where that is kept. Whether it is still good is for the reader to find out.
    pub async fn compiled(&self, id: ReleaseId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select body from release_compiled where release = ?")
            .bind(id.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Keeps a stored release as it was compiled, in place of whichever was kept before.
    pub async fn put_compiled(&self, id: ReleaseId, body: Vec<u8>) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                db::query("delete from release_compiled").execute(&mut tx.conn).await?;
                db::query("insert into release_compiled (release, body) values (?, ?)")
                    .bind(id.0.to_vec())
                    .bind(body)
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The numbers of those of these programs that are stored, by their hash.
    pub async fn program_numbers(&self, hashes: &[&str]) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut rows = Rows::new();
        for hash in hashes {
            rows.row().text(hash);
        }
        self.aside(move |_, conn| {
            let mut found = BTreeMap::new();
            conn.ask("select hash, no from program where hash = ?", &rows, |_, row| {
                found.insert(cell(row, 0)?, cell(row, 1)?);
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    /// A program by number, cached.
    pub async fn program(&self, no: i64) -> Result<Option<Arc<journey::Program>>, StoreError> {
        if let Some(found) = self.0.programs.read().unwrap_or_else(PoisonError::into_inner).get(&no) {
            return Ok(Some(found.clone()));
        }
        let mut conn = self.read().await?;
        let row =
            db::query("select body from program where no = ?").bind(no).fetch_optional(&mut *conn).await?;
        drop(conn);
        let Some(row) = row else { return Ok(None) };
        let program: journey::Program = serde_json::from_str(row.try_get(0)?).map_err(StoreError::corrupt)?;
        let program = Arc::new(program);
        self.0.programs.write().unwrap_or_else(PoisonError::into_inner).insert(no, program.clone());
        Ok(Some(program))
    }

    /// A program's number by hash.
    pub async fn program_no(&self, hash: &str) -> Result<Option<i64>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select no from program where hash = ?")
            .bind(hash.to_owned())
            .fetch_optional(&mut *conn)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The programs of the live release.
    pub async fn programs_live(&self) -> Result<Vec<StoredProgram>, StoreError> {
        let Some(live) = self.live_release().await? else { return Ok(Vec::new()) };
        self.programs_of(live.release).await
    }

    /// The programs of a release.
    pub async fn programs_of(&self, release: ReleaseId) -> Result<Vec<StoredProgram>, StoreError> {
        let numbers: Vec<i64> = {
            let mut conn = self.read().await?;
            let rows = db::query("select program from release_program where release = ?")
                .bind(release.0.to_vec())
                .fetch_all(&mut *conn)
                .await?;
            rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, StoreError>>()?
        };
        let mut programs = Vec::with_capacity(numbers.len());
        for no in numbers {
            if let Some(program) = self.program(no).await? {
                programs.push(StoredProgram { no, program });
            }
        }
        Ok(programs)
    }

    /// Programs that live enrollments stand in, with how many.
    pub async fn programs_in_use(&self) -> Result<Vec<(i64, u64)>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select program, cast(sum(n) as bigint) from place_tally group by program having sum(n) > 0",
        )
        .fetch_all(&mut *conn)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)))).collect()
    }

    /// Moves live enrollments of a program to another: (node there, node here). Nodes not named stay where they are.
    /// Whoever moved is looked at again at once. Returns how many.
    pub async fn map_enrollments(
        &self,
        from: i64,
        to: i64,
        places: &BTreeMap<u32, u32>,
        now: Timestamp,
        audit: Vec<AuditEvent>,
    ) -> Result<u64, StoreError> {
        let prepared = self.prepare_audit(&audit).await?;
        let places = places.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let mut moved = Vec::new();
                for (there, here) in places {
                    let found = db::query(
                        "update enrollment set program = ?2, pc = ?5, waiting = 0, due_at = ?3 \
                         where program = ?1 and status = 0 and pc = ?4 returning shard, customer",
                    )
                    .bind(from)
                    .bind(to)
                    .bind(now.as_micros())
                    .bind(there)
                    .bind(here)
                    .fetch_all(&mut tx.conn)
                    .await?;
                    moved.extend(found.into_iter().map(|row| (row, there, here)));
                }
                for (row, there, here) in &moved {
                    let shard: i64 = row.try_get(0)?;
                    db::query(
                        "update customer set profile_version = profile_version + 1, \
                            due_at = min(coalesce(due_at, ?3), ?3) where shard = ?1 and id = ?2",
                    )
                    .bind(shard)
                    .bind(row.try_get::<Vec<u8>, _>(1)?)
                    .bind(now.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                    tx.after.step_due(u16::try_from(shard).unwrap_or(0), now.as_micros());
                    tx.tally.place(from, i64::from(*there), -1);
                    tx.tally.place(to, i64::from(*here), 1);
                }
                insert(tx, prepared).await?;
                Ok(moved.len() as u64)
            })
        })
        .await
    }

    /// Stops everything, or one journey, channel or purpose. Raises the stop epoch.
    pub async fn stop(
        &self,
        scope: StopScope,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_stop(scope, true, by, reason, at).await.map(|_| ())
    }

    /// Takes a stop back. Raises the stop epoch; parked deliveries fall due. `false`: there was none.
    pub async fn resume(&self, scope: &StopScope, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.change_stop(scope.clone(), false, by, "", at).await
    }

    async fn change_stop(
        &self,
        scope: StopScope,
        stop: bool,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        if by.trim().is_empty() {
            return Err(StoreError::Invalid("say who stops or resumes".to_owned()));
        }
        let (name, value) = scope.parts();
        let (name, value) = (name.to_owned(), value.to_owned());
        let audit = self.decision_audit(
            if stop { AuditKind::SendingStopped } else { AuditKind::SendingResumed },
            at,
            None,
            serde_json::json!({"scope": name, "value": value, "by": by, "reason": reason}),
        );
        let prepared = self.prepare_audit(&[audit]).await?;
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let epoch = self
            .write(move |tx| {
                Box::pin(async move {
                    close_gate(tx)?;
                    let changed = if stop {
                        db::query(
                            "insert into stop (scope, value, at, by, reason) values (?, ?, ?, ?, ?) \
                             on conflict do nothing",
                        )
                        .bind(name)
                        .bind(value)
                        .bind(at.as_micros())
                        .bind(by)
                        .bind(reason)
                    } else {
                        db::query("delete from stop where scope = ? and value = ?").bind(name).bind(value)
                    }
                    .execute(&mut tx.conn)
                    .await?
                    .rows_affected();
                    if changed == 0 {
                        return Ok(None);
                    }
                    let epoch: u64 = setting(&mut tx.conn, "stop_epoch")
                        .await?
                        .and_then(|text| text.parse().ok())
                        .unwrap_or(0)
                        + 1;
                    put_setting(&mut tx.conn, "stop_epoch", Some(&epoch.to_string())).await?;
                    if !stop {
                        let rows = db::query(
                            "update delivery indexed by delivery_parked set due_at = ? \
                             where state = 0 and due_at is null returning shard, channel",
                        )
                        .bind(at.as_micros())
                        .fetch_all(&mut tx.conn)
                        .await?;
                        // And what the judge put off because of a stop, to ask again: it is asked at once.
                        let stopped = db::query(
                            "update delivery set due_at = ?1 where state = 0 and due_at > ?1 \
                                and why like '%\"STP-001\"%' returning shard, channel",
                        )
                        .bind(at.as_micros())
                        .fetch_all(&mut tx.conn)
                        .await?;
                        for row in rows.into_iter().chain(stopped) {
                            tx.after.send_due(row.try_get(1)?, row.try_get(0)?, at.as_micros());
                        }
                    }
                    insert(tx, prepared).await?;
                    Ok(Some(epoch))
                })
            })
            .await?;
        if let Some(epoch) = epoch {
            self.0.stop_epoch.fetch_max(epoch, Ordering::AcqRel);
            self.0.wakeups.sends.send_modify(|n| *n += 1);
        }
        Ok(epoch.is_some())
    }

    /// Stops in force.
    pub async fn stops(&self) -> Result<Vec<Stop>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query("select scope, value, at, by, reason from stop order by scope, value")
            .fetch_all(&mut *conn)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Stop {
                    scope: StopScope::of(row.try_get(0)?, row.try_get(1)?)?,
                    at: Timestamp::from_micros(row.try_get(2)?),
                    by: row.try_get(3)?,
                    reason: row.try_get(4)?,
                })
            })
            .collect()
    }

    /// Releases sending, by a named person. Released before: stays as it is.
    pub async fn go_live_sending(&self, by: &str, at: Timestamp) -> Result<(), StoreError> {
        if by.trim().is_empty() {
            return Err(StoreError::Invalid("say who releases sending".to_owned()));
        }
        if self.sending_live().await?.is_some() {
            return Ok(());
        }
        let body = serde_json::json!({"by": by, "at": at});
        self.write_with_audit("go_live", Some(body.to_string()), AuditKind::SendingReleased, at, body).await
    }

    /// Takes that back: real adapters talk to the development inbox again.
    pub async fn end_live_sending(&self, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let body = serde_json::json!({ "by": by });
        self.write_with_audit("go_live", None, AuditKind::SendingReleaseWithdrawn, at, body).await
    }

    async fn write_with_audit(
        &self,
        name: &'static str,
        value: Option<String>,
        kind: AuditKind,
        at: Timestamp,
        body: serde_json::Value,
    ) -> Result<(), StoreError> {
        let audit = self.decision_audit(kind, at, None, body);
        let prepared = self.prepare_audit(&[audit]).await?;
        self.write(move |tx| {
            Box::pin(async move {
                put_setting(&mut tx.conn, name, value.as_deref()).await?;
                insert(tx, prepared).await
            })
        })
        .await
    }

    /// Whether, and by whom, sending was released.
    pub async fn sending_live(&self) -> Result<Option<GoLive>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Stored {
            by: String,
            at: Timestamp,
        }
        let Some(text) = self.setting("go_live").await? else { return Ok(None) };
        let stored: Stored = serde_json::from_str(&text).map_err(StoreError::corrupt)?;
        Ok(Some(GoLive { at: stored.at, by: stored.by }))
    }

    /// A setting.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut conn = self.read().await?;
        setting(&mut conn, name).await
    }

    /// Writes a setting; `None` removes it.
    pub async fn put_setting(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.write(move |tx| {
            Box::pin(async move { put_setting(&mut tx.conn, &name, value.as_deref()).await })
        })
        .await
    }

    /// Where business time stood when last written; virtual clocks go on from there.
    pub async fn business_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let text = self.setting("business_clock").await?;
        Ok(text.and_then(|text| text.parse().ok()).map(Timestamp::from_micros))
    }

    /// Writes it.
    pub async fn put_business_clock(&self, at: Timestamp) -> Result<(), StoreError> {
        self.put_setting("business_clock", Some(&at.as_micros().to_string())).await
    }
}

fn release_id(bytes: &[u8]) -> Result<ReleaseId, StoreError> {
    ReleaseId::from_slice(bytes).ok_or_else(|| StoreError::corrupt("release.id"))
}

fn read_release(row: &db::Row) -> Result<Release, StoreError> {
    Ok(Release {
        id: release_id(row.try_get(0)?)?,
        created_at: Timestamp::from_micros(row.try_get(1)?),
        created_by: row.try_get(2)?,
        note: row.try_get(3)?,
        manifest: row.try_get(4)?,
    })
}
