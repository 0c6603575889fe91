//! How fast providers may be handed messages, for all nodes together: one row for each channel, written in the transaction
//! that claims.
//!
//! What a node knows of it in memory only saves it the question: whether there is room is decided under the row's lock. Where
//! nothing is configured and no provider fails, no statement is added to any claim.

use super::Store;
use super::ledger::claim_in;
use super::writer::Tx;
use crate::planted::{Bug, planted};
use crate::{ClaimFor, Clock as _, DeliveryKey, SendWork, StoreError, SystemClock};
use channel::pace::{Change, Pace, Room, Said, Standing, Taken, Wait};
use db::Reader;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use words::{Channel, Elapsed, Text, Timestamp, Zone};

/// A channel that has a pace, and how it stands as far as this node knows.
struct Lane {
    pace: Pace,
    standing: Standing,
}

impl Lane {
    /// Whether its deliveries are claimed by themselves: a provider that is well and not limited needs no turns.
    fn apart(&self) -> bool {
        self.pace.rate.is_some() || self.pace.ramp.is_some() || self.standing.pause.is_some()
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Paces {
    /// Whether any is claimed by itself: asked before anything else.
    any: AtomicBool,
    lanes: RwLock<BTreeMap<i64, Lane>>,
    /// Whose days a warm-up counts.
    zone: RwLock<Option<Zone>>,
}

impl Paces {
    fn lanes(&self) -> RwLockReadGuard<'_, BTreeMap<i64, Lane>> {
        self.lanes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, BTreeMap<i64, Lane>> {
        self.lanes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether deliveries on this lane are claimed by themselves.
    pub(crate) fn apart(&self, lane: i64) -> bool {
        self.any.load(Ordering::Acquire) && self.lanes().get(&lane).is_some_and(Lane::apart)
    }

    fn zone(&self) -> Zone {
        self.zone.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(Zone::utc)
    }

    fn room(&self, lane: i64, now: Timestamp) -> Option<Room> {
        let lanes = self.lanes();
        let lane = lanes.get(&lane).filter(|lane| lane.apart())?;
        Some(lane.standing.room(&lane.pace, &self.zone(), now))
    }

    /// How it stands now. Whether there is room earlier than was known: whoever sleeps until then has to be woken.
    fn learn(&self, lane: i64, standing: Standing) -> bool {
        let mut lanes = self.change();
        let Some(known) = lanes.get_mut(&lane) else { return false };
        let before = std::mem::replace(&mut known.standing, standing);
        let now = &known.standing;
        let paused = |standing: &Standing| standing.pause.as_ref().map(|pause| pause.until);
        let sooner = paused(now) < paused(&before) || now.next_at < before.next_at || now.used < before.used;
        self.any.store(lanes.values().any(Lane::apart), Ordering::Release);
        sooner
    }
}

impl Store {
    /// What the providers of these channels bear, from now on; those left out bear anything. What was let through before
    /// counts, also what other nodes, or this one before it ended, let through.
    pub async fn set_paces(&self, paces: BTreeMap<Channel, Pace>) -> Result<(), StoreError> {
        self.intern(paces.keys().map(Channel::as_str)).await?;
        let mut wanted = BTreeMap::new();
        for (channel, pace) in paces {
            wanted.insert(self.sym(channel.as_str())?, pace);
        }
        let known = standings(&mut *self.read().await?).await?;
        let mut lanes = BTreeMap::new();
        let mut stale = Vec::new();
        for (lane, mut standing) in known {
            let pace = wanted.get(&lane).cloned().unwrap_or_default();
            let before = standing.clone();
            standing.told(&pace);
            if standing != before {
                stale.push((lane, pace.clone()));
            }
            if wanted.remove(&lane).is_some() {
                lanes.insert(lane, Lane { pace, standing });
            }
        }
        let fresh: Vec<i64> = wanted.keys().copied().collect();
        for (lane, pace) in wanted {
            lanes.insert(lane, Lane { pace, standing: Standing::default() });
        }
        if !fresh.is_empty() || !stale.is_empty() {
            self.write(move |tx| {
                Box::pin(async move {
                    for lane in fresh {
                        load(tx, lane).await?;
                    }
                    for (lane, pace) in stale {
                        let mut standing = load(tx, lane).await?;
                        standing.told(&pace);
                        save(tx, lane, &standing).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        let paces = &self.0.paces;
        let mut slot = paces.change();
        *slot = lanes;
        paces.any.store(slot.values().any(Lane::apart), Ordering::Release);
        drop(slot);
        self.wake();
        Ok(())
    }

    /// In whose zone the days of a warm-up begin.
    pub fn set_pace_zone(&self, zone: Zone) {
        *self.0.paces.zone.write().unwrap_or_else(PoisonError::into_inner) = Some(zone);
    }

    /// What the provider of this channel bears, where anything was said about that.
    pub fn pace(&self, channel: &Channel) -> Option<Pace> {
        let lane = self.0.symbols.id(channel.as_str())?;
        self.0.paces.lanes().get(&lane).map(|lane| lane.pace.clone())
    }

    /// Whether the provider of this channel is left alone now, as far as this node knows.
    pub fn is_paused(&self, channel: &Channel) -> bool {
        let Some(lane) = self.0.symbols.id(channel.as_str()) else { return false };
        self.0.paces.apart(lane)
            && self.0.paces.lanes().get(&lane).is_some_and(|lane| lane.standing.pause.is_some())
    }

    /// How long nothing can be claimed on this channel, because its provider bears no more or is left alone. `None`: that is
    /// not so.
    pub fn send_wait(&self, channel: &Channel, machine_now: Timestamp) -> Option<Elapsed> {
        let lane = self.0.symbols.id(channel.as_str())?;
        let now = self.by_the_server(machine_now);
        match self.0.paces.room(lane, now)? {
            Room::At(then) => Some(then.since(now)),
            Room::Now(_) => None,
        }
    }

    pub(crate) fn wait_for(&self, lane: i64, claim: &ClaimFor) -> Option<Timestamp> {
        match self.0.paces.room(lane, self.by_the_server(claim.machine_now))? {
            Room::At(then) => Some(then),
            Room::Now(_) => None,
        }
    }

    /// How providers stand that ever had a pace, for whoever reads.
    pub async fn standings(&self) -> Result<Vec<(Channel, Standing)>, StoreError> {
        let known = standings(&mut *self.read().await?).await?;
        known.into_iter().map(|(lane, standing)| Ok((Channel::new(&*self.name(lane)?), standing))).collect()
    }

    /// Why something waits on this channel that was due at `due`; `None`: nothing of the channel's holds it. Instants in it are
    /// in UTC, for [`words::calendar::retold`].
    pub async fn why_due_waits(
        &self,
        channel: &Channel,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Text>, StoreError> {
        if due.is_none_or(|due| due > now) {
            return Ok(None);
        }
        let there = self.by_the_server(SystemClock.machine_now());
        let all = self.standings().await?;
        let wait = all.iter().find(|(of, _)| of == channel).and_then(|(_, standing)| standing.wait(there));
        Ok(wait.map(|wait| wait.words()))
    }

    /// What holds whole channels now, in words: warm-ups that are used up for today, providers that fail.
    pub async fn waiting_channels(&self) -> Result<Vec<(Channel, Wait)>, StoreError> {
        let there = self.by_the_server(SystemClock.machine_now());
        let all = self.standings().await?.into_iter();
        Ok(all
            .filter_map(|(channel, standing)| Some((channel, standing.wait(there)?)))
            .filter(|(_, wait)| !matches!(wait, Wait::Rate(_)))
            .collect())
    }

    /// Claims what is due on a channel that is claimed by itself: as many as there is room for, in their order.
    pub(crate) async fn claim_paced(
        &self,
        lane: i64,
        now: Timestamp,
        limit: usize,
        claim: &ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        // What this node knows already it need not ask: who waits costs nothing.
        let Some(Room::Now(room)) = self.0.paces.room(lane, self.by_the_server(claim.machine_now)) else {
            return Ok(Vec::new());
        };
        let limit = limit.min(usize::try_from(room).unwrap_or(limit));
        let found = self.due_in_order(lane, now, limit).await?;
        for loser in found.moved {
            self.bring_over(loser, now).await?;
        }
        self.claim_at_pace(lane, found.keys, now, claim).await
    }

    /// Claims as many of these as there is room for.
    pub(crate) async fn claim_at_pace(
        &self,
        lane: i64,
        mut keys: Vec<DeliveryKey>,
        now: Timestamp,
        claim: &ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        let pace = self.0.paces.lanes().get(&lane).map(|lane| lane.pace.clone());
        let Some(pace) = pace.filter(|_| !keys.is_empty()) else { return Ok(Vec::new()) };
        let (there, lease, zone) = (self.by_the_server(claim.machine_now), claim.lease, self.0.paces.zone());
        let (keys, taken, standing) = self
            .write(move |tx| {
                Box::pin(async move {
                    let mut standing = load(tx, lane).await?;
                    let Room::Now(room) = standing.room(&pace, &zone, there) else {
                        return Ok((Vec::new(), None, standing));
                    };
                    keys.truncate(usize::try_from(room).unwrap_or(usize::MAX));
                    let keys = claim_in(tx, keys, now, there.plus(lease).as_micros()).await?;
                    let mut taken = None;
                    if !keys.is_empty() && !planted(Bug::LimitNotTaken) {
                        taken = Some(standing.take(&pace, &zone, there, keys.len() as u64, lease));
                        save(tx, lane, &standing).await?;
                    }
                    Ok((keys, taken, standing))
                })
            })
            .await?;
        self.0.paces.learn(lane, standing);
        let mut works = self.load_sends(&keys, now, claim.caps_since).await?;
        for work in &mut works {
            work.taken = taken;
        }
        Ok(works)
    }

    /// Gives back what claims took and did not hand over: the others go on as if it had not been taken.
    pub async fn give_back_pace(
        &self,
        channel: &Channel,
        taken: Taken,
        messages: u64,
    ) -> Result<(), StoreError> {
        let lane = self.symbol(channel.as_str()).await?;
        let standing = self
            .write(move |tx| {
                Box::pin(async move {
                    let mut standing = load(tx, lane).await?;
                    standing.give_back(&taken, messages);
                    save(tx, lane, &standing).await?;
                    Ok(standing)
                })
            })
            .await?;
        if self.0.paces.learn(lane, standing) {
            self.wake();
        }
        Ok(())
    }

    /// Takes in what hand-overs said about the provider of a channel, in their order. What changed last; no statement while
    /// it is well.
    pub async fn provider_said(
        &self,
        channel: &Channel,
        said: Vec<Said>,
        machine_now: Timestamp,
    ) -> Result<Option<(Change, Standing)>, StoreError> {
        let Some(lane) = self.0.symbols.id(channel.as_str()) else { return Ok(None) };
        let breaker = {
            let lanes = self.0.paces.lanes();
            let Some(known) = lanes.get(&lane) else { return Ok(None) };
            let well = known.standing.failures == 0 && known.standing.pause.is_none();
            match known.pace.breaker {
                Some(breaker) if !well || said.iter().any(|said| matches!(said, Said::Fails { .. })) => {
                    breaker
                }
                _ => return Ok(None),
            }
        };
        let now = self.by_the_server(machine_now);
        let (changed, standing) = self
            .write(move |tx| {
                Box::pin(async move {
                    let mut standing = load(tx, lane).await?;
                    let before = standing.clone();
                    let mut changed = None;
                    for said in &said {
                        changed = standing.hear(&breaker, said, now).or(changed);
                    }
                    if standing != before {
                        save(tx, lane, &standing).await?;
                    }
                    Ok((changed, standing))
                })
            })
            .await?;
        if self.0.paces.learn(lane, standing.clone()) {
            self.wake();
        }
        Ok(changed.map(|changed| (changed, standing)))
    }

    /// What other nodes let through and found out.
    pub(crate) async fn hear_of_paces(&self, conn: &mut Reader) -> Result<(), StoreError> {
        if self.0.paces.lanes().is_empty() {
            return Ok(());
        }
        let mut sooner = false;
        for (lane, standing) in standings(conn).await? {
            sooner |= self.0.paces.learn(lane, standing);
        }
        if sooner {
            self.wake();
        }
        Ok(())
    }
}

async fn standings(conn: &mut Reader) -> Result<Vec<(i64, Standing)>, StoreError> {
    let rows =
        db::query("select channel, standing from channel_pace order by channel").fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, read(row.try_get(1)?)?))).collect()
}

fn read(text: &str) -> Result<Standing, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(format!("channel_pace: {error}")))
}

/// How a provider stands; nobody else changes it until this transaction ends.
async fn load(tx: &mut Tx, lane: i64) -> Result<Standing, StoreError> {
    let sql = match tx.conn.is_postgres() {
        true => "select standing from channel_pace where channel = ? for update",
        false => "select standing from channel_pace where channel = ?",
    };
    for _ in 0..2 {
        let row = db::query(sql).bind(lane).fetch_optional(&mut tx.conn).await?;
        if let Some(row) = row {
            return read(row.try_get(0)?);
        }
        db::query("insert into channel_pace (channel, standing) values (?, '{}') on conflict do nothing")
            .bind(lane)
            .execute(&mut tx.conn)
            .await?;
    }
    Err(StoreError::corrupt("channel_pace: a row that was just written"))
}

async fn save(tx: &mut Tx, lane: i64, standing: &Standing) -> Result<(), StoreError> {
    let text = serde_json::to_string(standing).map_err(StoreError::corrupt)?;
    db::query("update channel_pace set standing = ? where channel = ?")
        .bind(text)
        .bind(lane)
        .execute(&mut tx.conn)
        .await?;
    Ok(())
}
