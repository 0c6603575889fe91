//! A world: one database, one to four nodes, and processes that end.
//!
//! On a database with one writer the nodes are machines of one process that share its store; where the process ends, all of
//! them end. A node that is dropped alone takes its claims with it, until their leases are over.

mod node;
mod onlooker;

use crate::book::Book;
use crate::chance::Chance;
use crate::clock::{NodeClock, SECOND, Time};
use crate::gate::{Gate, Gated};
use crate::plan::Journey;
use crate::project;
use crate::provider::{Provider, Providers};
use crate::tables::Tables;
use anyhow::{Context as _, bail};
use channel::Adapter;
use channel::pace::{Breaker, Pace, Rate};
use release::Release;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Clock, Options, Store, StoreError};
use words::{Channel, IdSource, ReleaseId};
use worker::{Live, Machine, Parts, calls::NoCalls, live};

pub use node::{Came, Node, Work};
use onlooker::Onlooker;

/// Everything there is in one run.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// Time.
    pub time: Arc<Time>,
    /// What the simulator knows.
    pub book: Arc<Mutex<Book>>,
    /// What providers share.
    pub providers: Arc<Providers>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Ids of what comes from outside.
    pub ids: IdSource,
    /// The live journeys.
    pub journeys: Vec<Journey>,
    /// Versions so far.
    pub version: u32,
    /// Deaths by poison.
    pub deaths: Arc<AtomicU32>,
    /// Copies of the database, taken while it was closed.
    pub copy: Option<PathBuf>,
    releases: BTreeMap<ReleaseId, Release>,
    known: BTreeMap<String, Vec<Journey>>,
    /// What providers bear, the same whoever opens the database.
    pub paces: BTreeMap<Channel, Pace>,
    vault: vault::Vault,
    store: Option<Store>,
    folder: PathBuf,
    epoch: u64,
    restarts: u32,
    #[cfg(feature = "planted")]
    probe: Arc<store::planted::Probe>,
}

/// A lock whose owner broke off is as good as any here.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where it begins: nine in the morning in Tokyo.
const BEGIN: i64 = 1_775_001_600 * SECOND;

impl World {
    /// A fresh world.
    pub async fn new(seed: u64, chance: &mut Chance, all: bool) -> anyhow::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let base = Path::new("/dev/shm");
        let base = if base.is_dir() { base.to_owned() } else { std::env::temp_dir() };
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = base.join(format!("tabi-sim-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let time = Time::at(BEGIN + chance.between(0, 14 * 24 * 60) * 60 * SECOND);
        let book = Book { all: all.then(Vec::new), ..Book::default() };
        let book = Arc::new(Mutex::new(book));
        let providers = Arc::new(Providers {
            seed,
            time: Arc::clone(&time),
            book: Arc::clone(&book),
            tables: Arc::default(),
            calm: false.into(),
            trouble: *chance.pick(&[0, 20, 40, 60]).unwrap_or(&40),
            keyed: chance.one_in(3),
        });
        let mut world = Self {
            seed,
            time,
            book,
            providers,
            nodes: Vec::new(),
            ids: IdSource::seeded(seed ^ 0x1d5),
            journeys: Vec::new(),
            version: 0,
            deaths: Arc::default(),
            copy: None,
            releases: BTreeMap::new(),
            known: BTreeMap::new(),
            paces: paces(seed),
            vault: vault::Vault::ephemeral(seed),
            store: None,
            folder,
            epoch: 0,
            restarts: 0,
            #[cfg(feature = "planted")]
            probe: Arc::default(),
        };
        world.open(usize::try_from(chance.between(1, 4)).unwrap_or(1)).await?;
        Ok(world)
    }

    /// The store as it is open now.
    ///
    /// # Errors
    /// Between two processes there is none.
    pub fn store(&self) -> anyhow::Result<Store> {
        self.store.clone().context("nothing is open")
    }

    /// The vault: what only the keys can tell.
    pub fn vault(&self) -> &vault::Vault {
        &self.vault
    }

    /// The record.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("tabi.db")
    }

    async fn open(&mut self, nodes: usize) -> anyhow::Result<()> {
        self.epoch += 1;
        #[cfg(feature = "planted")]
        {
            self.probe = Arc::default();
            store::planted::probe_with(Some(Arc::clone(&self.probe)));
        }
        let options = Options::file(self.path()).durability(store::Durability::Normal);
        let mut tries = 0;
        let store = loop {
            match Store::open(options.clone(), self.vault.clone()).await {
                Ok(store) => break store,
                // The process before lets go of its lock when its last thread is gone.
                Err(StoreError::InUse { .. }) if tries < 5000 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        *locked(&self.providers.tables) = Some(Tables::open(&self.path())?);
        self.store = Some(store.clone());
        store.set_paces(self.paces.clone()).await?;
        if self.epoch > 1 {
            store.sweep_at_start(self.time.stamp()).await?;
        }
        self.nodes = (0..nodes).map(|nth| self.node(nth, store.clone())).collect();
        self.load_live().await
    }

    fn node(&self, nth: usize, store: Store) -> Node {
        let gate = Arc::new(Gate::counting(Arc::clone(&self.deaths)));
        let off = (i64::try_from(nth).unwrap_or(0) * 17 - 20) * SECOND;
        let clock: Arc<dyn Clock> = Arc::new(NodeClock { time: Arc::clone(&self.time), off });
        let ids = Arc::new(IdSource::seeded(self.seed ^ (self.epoch << 8) ^ (nth as u64 + 1)));
        let onlooker = Onlooker { book: Arc::clone(&self.book), tables: Arc::clone(&self.providers.tables) };
        let machine = Machine::new(Parts {
            store,
            clock,
            ids,
            node: format!("node{nth}-{}", self.epoch),
            base_url: "https://t.example".to_owned(),
            renderer: Arc::new(Gated(Arc::clone(&gate))),
            caller: Arc::new(NoCalls),
            observer: Some(Arc::new(onlooker)),
        });
        let adapters = [Channel::EMAIL, Channel::SMS].map(|channel| {
            let provider = Provider::new(channel.clone(), Arc::clone(&self.providers), Arc::clone(&gate));
            (channel, Arc::new(provider) as Arc<dyn Adapter>)
        });
        machine.set_adapters(adapters.into());
        Node::new(Arc::new(machine), gate)
    }

    async fn load_live(&mut self) -> anyhow::Result<()> {
        let store = self.store()?;
        let Some(live) = store.live_release().await? else { return Ok(()) };
        let release = self.releases.get(&live.release).context("a release that nobody deployed")?;
        let loaded = Live::of(&store, release.clone()).await?;
        for node in &self.nodes {
            node.machine.set_live(loaded.clone());
        }
        let journeys = self.known.get(&live.release.to_string()).cloned().unwrap_or_default();
        for stored in store.programs_live().await? {
            if let Some(journey) = journeys.iter().find(|journey| journey.name == stored.program.journey) {
                locked(&self.book).programs.insert(stored.no, journey.clone());
            }
        }
        self.journeys = journeys;
        Ok(())
    }

    /// Deploys journeys as the next version; whoever runs takes it over at once.
    pub async fn deploy(&mut self, journeys: Vec<Journey>) -> anyhow::Result<()> {
        self.version += 1;
        let release = project::release(&journeys, self.version)?;
        self.known.insert(release.id.to_string(), journeys);
        self.releases.insert(release.id, release.clone());
        loop {
            let (store, now) = (self.store()?, self.time.stamp());
            let release = release.clone();
            let deployed = async move { live::deploy(&store, &release, "simulator", "", now).await };
            let heard = self.heard(deployed).await;
            match heard {
                Some(done) => break done?,
                None => self.restart(false).await?,
            }
        }
        let now = self.time.now();
        self.book().deployed.push(now);
        self.load_live().await
    }

    /// Waits for an answer; `None`: the process ended, and nobody knows.
    pub async fn heard<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        #[cfg(feature = "planted")]
        {
            let answer = tokio::select! {
                biased;
                () = self.probe.end() => None,
                answer = asked => Some(answer),
            };
            // What was said before the end holds, unless the end is why it was said.
            if self.probe.ended() { None } else { answer }
        }
        #[cfg(not(feature = "planted"))]
        Some(asked.await)
    }

    /// A node stands: whatever else it has asked its writer for comes to its end first, so that a run is the same each time.
    pub async fn settled(&self) {
        #[cfg(feature = "planted")]
        {
            let mut quiet = 0;
            while quiet < 3 && !self.probe.ended() {
                quiet = if self.probe.under_way() == 0 { quiet + 1 } else { 0 };
                tokio::time::sleep(std::time::Duration::from_micros(100)).await;
            }
        }
    }

    /// The process ends at the `nth` commit from now.
    pub fn end_at(&self, nth: i64, after: bool) {
        #[cfg(feature = "planted")]
        {
            use store::planted::Moment;
            self.probe.end_at(nth, if after { Moment::AfterCommit } else { Moment::BeforeCommit });
        }
        #[cfg(not(feature = "planted"))]
        let _ = (nth, after);
    }

    /// Whether the process has ended.
    pub fn ended(&self) -> bool {
        #[cfg(feature = "planted")]
        {
            self.probe.ended()
        }
        #[cfg(not(feature = "planted"))]
        false
    }

    /// No end is waiting for the process any more.
    pub fn go_on(&self) {
        #[cfg(feature = "planted")]
        self.probe.go_on();
    }

    /// The process ends here, whatever it was doing; another one opens what it left. With `restore`, what it finds is the
    /// copy that was taken before.
    pub async fn restart(&mut self, restore: bool) -> anyhow::Result<()> {
        let nodes = self.nodes.len();
        for node in &mut self.nodes {
            node.abort().await;
        }
        self.nodes.clear();
        *locked(&self.providers.tables) = None;
        self.restarts += 1;
        let copying = restore || self.restarts == 1;
        if let Some(store) = self.store.take()
            && copying
        {
            // A file that is copied is one that nobody is writing to.
            if !self.ended() {
                store.close().await;
            }
            drop(store);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        {
            let mut book = self.book();
            book.note("the process ends".to_owned());
            for handed in book.handed.values_mut().flatten().filter(|h| !h.written) {
                handed.overrun = true;
            }
        }
        self.time.pass(5 * SECOND, 5 * SECOND);
        self.closed().await?;
        if restore && let Some(copy) = self.copy.clone() {
            copy_database(&copy, &self.path())?;
            self.book().note("an older copy is put in its place".to_owned());
            self.book().restored = true;
        } else if self.restarts == 1 {
            let copy = self.folder.join("copy.db");
            copy_database(&self.path(), &copy)?;
            self.copy = Some(copy);
        }
        self.open(nodes).await
    }

    /// Waits until nobody has the database any more.
    async fn closed(&self) -> anyhow::Result<()> {
        let lock = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path().with_extension("lock"))?;
        for _ in 0..5000 {
            if lock.try_lock().is_ok() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        bail!("the process before did not let go of its database")
    }

    /// One node goes, with whatever it was doing; another takes its place.
    pub async fn drop_node(&mut self, nth: usize) {
        let Some(node) = self.nodes.get_mut(nth) else { return };
        node.abort().await;
        for handed in locked(&self.book).handed.values_mut().flatten().filter(|h| !h.written) {
            handed.overrun = true;
        }
        let (live, store) = (node.machine.live(), node.machine.store.clone());
        self.epoch += 1;
        let fresh = self.node(nth, store);
        if let Some(live) = live {
            fresh.machine.set_live((*live).clone());
        }
        self.nodes[nth] = fresh;
        self.book().note(format!("node {nth} is gone, another takes its place"));
    }

    /// Closes all and leaves the tables to be read.
    pub async fn close(&mut self) -> anyhow::Result<Tables> {
        for node in &mut self.nodes {
            node.abort().await;
        }
        self.nodes.clear();
        *locked(&self.providers.tables) = None;
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        self.closed().await?;
        Tables::open(&self.path())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.store = None;
        // Nothing there is of use to anybody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Some providers bear one message in one or in ten minutes, some are left alone after two failures in a row.
fn paces(seed: u64) -> BTreeMap<Channel, Pace> {
    let mut chance = Chance::of(seed, b"paces");
    [Channel::EMAIL, Channel::SMS]
        .into_iter()
        .map(|channel| {
            let rate = chance.one_in(3).then(|| *chance.pick(&[16, 2]).unwrap_or(&16));
            let breaker = chance.one_in(3).then(|| Breaker { failures: 2, ..Breaker::default() });
            (channel, Pace { rate: rate.and_then(Rate::per_1000_seconds), ramp: None, breaker })
        })
        .collect()
}

fn copy_database(from: &Path, to: &Path) -> anyhow::Result<()> {
    for end in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        if name(from).exists() {
            std::fs::copy(name(from), name(to))?;
        } else {
            let _ = std::fs::remove_file(name(to));
        }
    }
    let _ = std::fs::remove_file(format!("{}-shm", to.display()));
    Ok(())
}
