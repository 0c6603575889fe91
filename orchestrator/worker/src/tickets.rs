//! The queue: apalis as alarm clock, never as the truth.
//!
//! A ticket says what may be done and names nobody. It licenses a drainer, which works while anything is due and then
//! sleeps on a wake-up inside this process. Losing, doubling or truncating the whole job table loses nobody and mails
//! nobody twice: the ticker writes new tickets for whatever is not being drained, and what is due stands in our tables.
//!
//! The queue lives in a database of its own that may be deleted at any time. Its migrations are run, its `setup` is not:
//! that one switches `synchronous` off on the connection it borrows.

use crate::{Machine, timetable::Timetable};
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{BoxDynError, Data, TaskBuilder, TaskSink, WorkerBuilder};
use apalis_sqlite::{Config, SqliteStorage};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// What a ticket licenses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Step due customers.
    StepBatch,
    /// Send due deliveries.
    SendBatch,
    /// Make due calls.
    CallBatch,
    /// Mail notices to the team.
    NoticeBatch,
    /// Sweep, scan, prune.
    Maintenance,
}

impl Work {
    const ALL: [Self; 5] =
        [Self::StepBatch, Self::SendBatch, Self::CallBatch, Self::NoticeBatch, Self::Maintenance];

    fn as_str(self) -> &'static str {
        match self {
            Self::StepBatch => "step_batch",
            Self::SendBatch => "send_batch",
            Self::CallBatch => "call_batch",
            Self::NoticeBatch => "notice_batch",
            Self::Maintenance => "maintenance",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// How often the ticker looks for work that nobody drains.
const TICK: Duration = Duration::from_secs(1);

/// The longest and the shortest rest of a drainer that found nothing to do.
const FAR: Duration = Duration::from_secs(30);
const NEAR: Duration = Duration::from_millis(5);

/// How long sends rest where something is due and has to wait: for a step of the customer, or for what goes before it.
const TURN: Duration = Duration::from_millis(20);

/// How long a notice to the team may wait for its mail.
const NOTICES: Duration = Duration::from_secs(2);

/// Batches that one drainer of steps has being sent at a time.
const SENDERS: u32 = 8;

/// What drainers share.
struct Drain {
    machine: Arc<Machine>,
    draining: [AtomicBool; 5],
    stop: watch::Receiver<bool>,
}

/// Hand-overs of a channel with a limit: the next ones begin when the limit allows it, whenever those before are answered.
struct UnderWay {
    places: Arc<tokio::sync::Semaphore>,
    most: u32,
}

impl UnderWay {
    fn on(machine: &Machine, channel: &words::Channel) -> Self {
        let most = machine.adapters().get(channel).map_or(1, |a| a.capabilities().concurrency_max.max(1));
        let most = u32::try_from(most).unwrap_or(u32::MAX).min(1024);
        Self { places: Arc::new(tokio::sync::Semaphore::new(most as usize)), most }
    }

    /// Claims what there is room for, and lets it go; how many.
    async fn send(
        &mut self,
        machine: &Arc<Machine>,
        only: &[words::Channel],
    ) -> Result<usize, store::StoreError> {
        let Ok(first) = Arc::clone(&self.places).acquire_owned().await else { return Ok(0) };
        let works = machine.claim_on(only, 1 + self.places.available_permits()).await?;
        let claimed = works.len();
        let others = u32::try_from(claimed.saturating_sub(1)).unwrap_or(0);
        let others = Arc::clone(&self.places).acquire_many_owned(others).await;
        if claimed > 0 {
            let machine = Arc::clone(machine);
            tokio::spawn(async move {
                let _places = (first, others);
                if let Err(error) = machine.send(works).await {
                    tracing::error!("Sending failed, the lease gives it back: {error}");
                }
            });
        }
        Ok(claimed)
    }

    /// What is being handed over is heard to its end.
    async fn end(&self) {
        drop(self.places.acquire_many(self.most).await);
    }
}

/// How often in a row the queue may fail before the drainers go to work without it.
const FAILURES_MAX: u32 = 3;

/// Runs until `stop` turns true (or nobody is left who could turn it); then lets what is under way come to its end.
pub async fn run(machine: Arc<Machine>, jobs: PathBuf, mut stop: watch::Receiver<bool>) {
    let drain = Arc::new(Drain { machine, draining: Default::default(), stop: stop.clone() });
    let mut failures = 0;
    while !drain.stopping() {
        let began = tokio::time::Instant::now();
        let done = tokio::select! {
            done = queue(Arc::clone(&drain), &jobs) => done,
            _ = stop.changed() => continue,
        };
        let Err(error) = done else { continue };
        failures = if began.elapsed() > Duration::from_secs(60) { 1 } else { failures + 1 };
        tracing::warn!("The job queue failed and is made anew, nothing is lost with it: {error}");
        remove(&jobs);
        if failures >= FAILURES_MAX {
            for work in Work::ALL {
                drop(drain.begin(work));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TICK * failures.min(30)) => {}
            _ = stop.changed() => {}
        }
    }
    drain.idle().await;
}

/// Removes the job database. It holds nothing that cannot be written anew.
fn remove(jobs: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut path = jobs.as_os_str().to_owned();
        path.push(suffix);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} cannot be removed: {error}", Path::new(&path).display());
        }
    }
}

/// One life of the queue: opens it, works, and comes back with an error when it breaks.
async fn queue(drain: Arc<Drain>, jobs: &Path) -> Result<(), BoxDynError> {
    let pool = open(jobs).await?;
    let config = Config::default().queue("tabi").batch_size(8).heartbeat_interval(TICK).missed_heartbeats(60);
    let storage = SqliteStorage::<serde_json::Value>::new(&pool).with_config(config);
    let name = format!("{}-{}", drain.machine.node, drain.machine.clock.machine_now().as_micros());
    let worker = WorkerBuilder::new(name)
        .backend(storage.clone())
        .data(Arc::clone(&drain))
        .concurrency(8)
        .build(ticket);
    let ticker = tick(Arc::clone(&drain), storage, pool.clone());
    tokio::select! {
        done = worker.run() => done.map_err(Into::into),
        done = ticker => done,
    }
}

async fn open(jobs: &Path) -> Result<SqlitePool, BoxDynError> {
    let options = SqliteConnectOptions::new()
        .filename(jobs)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Disposable: a ticket lost to a power cut is written again within a second.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cache_size", "-256");
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
    SqliteStorage::<()>::migrations().run(&pool).await?;
    Ok(pool)
}

/// Writes a ticket for whatever nobody drains, and forgets finished ones.
async fn tick(
    drain: Arc<Drain>,
    mut storage: SqliteStorage<serde_json::Value>,
    pool: SqlitePool,
) -> Result<(), BoxDynError> {
    for nth in 0u64.. {
        for work in Work::ALL {
            if !drain.draining[work.index()].load(Ordering::Acquire) {
                let ticket = serde_json::json!({"do": work.as_str()});
                storage.push_task(TaskBuilder::new(ticket).build()).await?;
            }
        }
        if nth % 60 == 0 {
            sqlx::query("delete from Jobs where status in ('Done', 'Failed', 'Killed')")
                .execute(&pool)
                .await?;
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

/// A ticket is always answered with success: what failed is in our tables and in the log, and comes back by itself.
async fn ticket(ticket: serde_json::Value, drain: Data<Arc<Drain>>) -> Result<(), BoxDynError> {
    let wanted = ticket.get("do").and_then(serde_json::Value::as_str).unwrap_or_default();
    let Some(work) = Work::ALL.into_iter().find(|work| work.as_str() == wanted) else { return Ok(()) };
    if let Some(run) = drain.begin(work)
        && let Err(panic) = run.await
    {
        tracing::error!("Draining {} stopped and begins anew: {panic}", work.as_str());
    }
    Ok(())
}

/// Marks that somebody drains, for as long as it lives.
struct Draining(Arc<Drain>, Work);

impl Drop for Draining {
    fn drop(&mut self) {
        self.0.draining[self.1.index()].store(false, Ordering::Release);
    }
}

impl Drain {
    /// Starts the drainer, unless it runs already. A task of its own: when the queue breaks and its worker is dropped, what
    /// is under way comes to its end.
    fn begin(self: &Arc<Self>, work: Work) -> Option<tokio::task::JoinHandle<()>> {
        if self.draining[work.index()].swap(true, Ordering::AcqRel) {
            return None;
        }
        let mark = Draining(Arc::clone(self), work);
        let drain = Arc::clone(self);
        Some(tokio::spawn(async move {
            // Given back at the end of the drainer, also when it panics: not when whoever waits for it is dropped.
            let _mark = mark;
            match work {
                Work::StepBatch => drain.steps().await,
                Work::SendBatch => drain.sends().await,
                Work::CallBatch => drain.calls().await,
                Work::NoticeBatch => drain.notices().await,
                Work::Maintenance => drain.maintenance().await,
            }
        }))
    }

    /// Told to stop, or left alone.
    fn stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Until no drainer runs any more, at most a minute.
    async fn idle(&self) {
        for _ in 0..600 {
            if self.draining.iter().all(|draining| !draining.load(Ordering::Acquire)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sleeps until `due`, a wake-up, the stop, or half a minute. Never not at all: what is due and cannot be done now must
    /// not keep a core busy.
    async fn rest(&self, due: Option<words::Timestamp>, least: Duration, wake: &mut watch::Receiver<u64>) {
        let until = due.map_or(FAR, |due| due.since(self.machine.clock.now()).to_std().clamp(least, FAR));
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(until) => {}
            _ = wake.changed() => {}
            _ = stop.changed() => {}
        }
    }

    async fn steps(self: Arc<Self>) {
        let machine = &self.machine;
        let mut wake = machine.store.watch_steps();
        let senders = Arc::new(tokio::sync::Semaphore::new(SENDERS as usize));
        let mut stepper = crate::Stepper::new(Arc::clone(machine));
        while !self.stopping() {
            wake.borrow_and_update();
            match stepper.step().await {
                Ok(report) => {
                    let idle = report.customers == 0 || report.customers == report.conflicted;
                    if !report.claimed.is_empty() {
                        // Bounded: a slow provider slows planning down before memory fills.
                        let permit = Arc::clone(&senders).acquire_owned().await;
                        let machine = Arc::clone(machine);
                        tokio::spawn(async move {
                            let _permit = permit;
                            if let Err(error) = machine.send(report.claimed).await {
                                tracing::error!("Sending failed, the lease gives it back: {error}");
                            }
                        });
                    }
                    if idle && report.broken > 0 {
                        tokio::time::sleep(TICK).await;
                    }
                    if idle {
                        self.rest(machine.store.next_step_due(), NEAR, &mut wake).await;
                    }
                }
                Err(error) => self.trouble("Stepping", &error).await,
            }
        }
        // What is being handed over is heard to its end: a hand-over cut off is a message of which nobody knows.
        drop(senders.acquire_many(SENDERS).await);
    }

    /// One loop for each channel, so that a provider that hangs holds up its own channel alone.
    async fn sends(self: Arc<Self>) {
        while !self.stopping() {
            let channels = self.machine.channels();
            if channels.is_empty() {
                tokio::time::sleep(TICK).await;
            }
            let loops = channels.iter().map(|channel| self.sends_on(channel, &channels));
            futures::future::join_all(loops).await;
        }
    }

    /// Until the stop, or until there are other channels than these.
    async fn sends_on(&self, channel: &words::Channel, channels: &[words::Channel]) {
        let machine = &self.machine;
        let only = std::slice::from_ref(channel);
        let mut wake = machine.store.watch_sends();
        let mut under_way = UnderWay::on(machine, channel);
        while !self.stopping() && machine.channels() == channels {
            wake.borrow_and_update();
            // While the provider bears no more, or is left alone, nothing is asked of anybody.
            if let Some(wait) = machine.store.send_wait(channel, machine.leases_now()) {
                let until = machine.clock.now().plus(wait);
                self.rest(Some(until), Duration::from_millis(1), &mut wake).await;
                continue;
            }
            let limited = machine.store.pace(channel).is_some_and(|pace| pace.rate.is_some());
            let claimed = match limited {
                true => under_way.send(machine, only).await,
                false => machine.send_batch_on(only).await.map(|report| report.claimed),
            };
            match claimed {
                Ok(0) => {
                    self.rest(machine.store.next_send_due(only), TURN, &mut wake).await;
                }
                Ok(_) => {}
                Err(error) => self.trouble("Sending", &error).await,
            }
        }
        under_way.end().await;
    }

    async fn calls(self: Arc<Self>) {
        let mut wake = self.machine.store.watch_steps();
        while !self.stopping() {
            wake.borrow_and_update();
            match self.machine.call_batch().await {
                Ok(0) => {
                    let soon = self.machine.clock.now().plus(words::Elapsed::from_secs(5));
                    self.rest(Some(soon), NEAR, &mut wake).await;
                }
                Ok(_) => {}
                Err(error) => self.trouble("Calling", &error).await,
            }
        }
    }

    async fn notices(self: Arc<Self>) {
        let mut stop = self.stop.clone();
        while !self.stopping() {
            match self.machine.notice_batch().await {
                Ok(0) => tokio::select! {
                    () = tokio::time::sleep(NOTICES) => {}
                    _ = stop.changed() => {}
                },
                Ok(_) => {}
                Err(error) => self.trouble("Telling the team", &error).await,
            }
        }
    }

    async fn maintenance(self: Arc<Self>) {
        let machine = &self.machine;
        let mut timetable = Timetable::starting(machine.clock.machine_now());
        let mut stop = self.stop.clone();
        while !self.stopping() {
            let due = timetable.due(machine.clock.machine_now());
            if due.sweep {
                self.note("Sweeping", machine.sweep().await.map(drop));
                let now = machine.clock.now();
                self.note("Watching", machine.watch().await);
                self.note("Keeping the clock", machine.store.put_business_clock(now).await);
            }
            if due.prune {
                self.note("Pruning", machine.prune().await.map(drop));
            }
            let scanning = match machine.scan().await {
                Ok(scanning) => scanning,
                Err(error) => {
                    self.trouble("Scanning", &error).await;
                    false
                }
            };
            let rest = if scanning { Duration::ZERO } else { Duration::from_millis(500) };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = stop.changed() => {}
            }
        }
    }

    fn note(&self, what: &str, done: Result<(), store::StoreError>) {
        if let Err(error) = done {
            self.machine.metrics.failed(&what.to_lowercase());
            tracing::error!("{what} failed and is tried again: {error}");
        }
    }

    async fn trouble(&self, what: &str, error: &store::StoreError) {
        self.machine.metrics.failed(&what.to_lowercase());
        tracing::error!("{what} failed and is tried again: {error}");
        tokio::time::sleep(TICK).await;
    }
}
