//! A siege from its beginning to its judgement.

use crate::{
    chance::Chance,
    driver::Driver,
    faults::{self, Blow, Done, Planned},
    installation::{Installation, UP_MAX, program},
    journal::{self, Journal},
    list,
    options::Options,
    plan,
    reconcile::{Records, reconcile},
    record::{Channel, Received, now_us},
    report::Report,
    restore,
    sink::{Rates, Receipts, Script, http, smtp},
};
use anyhow::{Context as _, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// What each order brings.
const MESSAGES: u64 = plan::JOURNEYS.len() as u64;

/// Orders that may be under way before the driver waits for the sinks.
const AHEAD: u64 = 400;

/// The longest that nothing at all may move.
const PATIENCE: Duration = Duration::from_secs(240);

/// Whose mails are compared with what Tabi keeps of them.
const COMPARED: usize = 8;

/// Everything that a siege holds.
pub(crate) struct Siege {
    pub(crate) folder: PathBuf,
    pub(crate) installation: Installation,
    pub(crate) driver: Arc<Driver>,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) done: Done,
    pub(crate) seed: u64,
    /// Milliseconds from a start to the next message at a sink.
    recovered_ms: Vec<u64>,
    left_out: Vec<String>,
}

/// Runs a siege. Differences are in the report; an error is a siege that could not be held.
///
/// # Errors
/// When the machine does not give what it needs, or Tabi does not come up again.
pub fn run(options: &Options) -> Result<Report> {
    let seed = options.seed.unwrap_or_else(|| now_us().unsigned_abs() % 1_000_000_000);
    say(&format!("seed {seed}"));
    let start = Instant::now();
    let own;
    let folder = match &options.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            folder.canonicalize()?
        }
        None => {
            own = tempfile::Builder::new().prefix("siege").tempdir()?;
            own.path().to_owned()
        }
    };
    let receipts = Arc::new(Receipts::open(&folder.join("received.jsonl"))?);
    let rates = if options.no_silence { Rates::rough() } else { Rates::rough().with_silence() };
    let postmaster =
        smtp::Recorder { script: Script::new(seed, "smtp", rates.clone()), receipts: Arc::clone(&receipts) };
    let mail = smtp::serve(Arc::new(postmaster))?;
    let provider = Arc::new(http::Provider {
        script: Script::new(seed, "sms", rates),
        receipts: Arc::clone(&receipts),
        reports: http::Reports::default(),
    });
    let texts = http::serve(Arc::clone(&provider))?;
    let installation = Installation::open(options, &folder, mail.address(), texts.address())?;

    let orders = options.sends.div_ceil(MESSAGES).max(1);
    let driver = Arc::new(Driver {
        nodes: installation.addresses(),
        key: installation.key.clone(),
        run: format!("s{}", seed % 100_000),
        // Two in three customers order twice.
        customers: (orders * 3 / 5).max(1),
        journal: Journal::open(&folder.join("told.jsonl"))?,
        allowed: 0.into(),
        told: 0.into(),
        again: 0.into(),
        at_a_loss: 0.into(),
        over: AtomicBool::new(false),
    });
    let done = Done::open(&folder.join("faults.jsonl"))?;
    let mut siege = Siege {
        folder,
        installation,
        driver,
        receipts,
        done,
        seed,
        recovered_ms: Vec::new(),
        left_out: Vec::new(),
    };
    let over = Arc::new(AtomicBool::new(false));
    let reporter = {
        let (over, provider, nodes) = (Arc::clone(&over), Arc::clone(&provider), siege.driver.nodes.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                provider.reports.deliver(&nodes);
                std::thread::sleep(Duration::from_millis(200));
            }
        })
    };
    let ended = siege.hold(options, orders, &provider);
    over.store(true, Ordering::Relaxed);
    siege.driver.over.store(true, Ordering::Relaxed);
    reporter.join().ok();
    let said = ended.with_context(|| siege.standing())?;
    siege.judge(options, said, start)
}

/// Lines for whoever watches.
#[allow(clippy::print_stderr)]
pub(crate) fn say(what: &str) {
    eprintln!("siege: {what}");
}

impl Siege {
    /// The siege itself; what Tabi lists at its end.
    fn hold(
        &mut self,
        options: &Options,
        orders: u64,
        provider: &http::Provider,
    ) -> Result<Vec<crate::record::Said>> {
        let blows = faults::plan(options, self.seed);
        let drivers = self.driver.go(0, orders, 3);
        for (number, planned) in blows.iter().enumerate() {
            self.let_the_driver_on(orders, number, blows.len())?;
            self.strike(*planned, options)?;
            if number % 20 == 19 {
                say(&format!("{} of {} faults; {}", number + 1, blows.len(), self.standing()));
            }
        }
        self.installation.heal()?;
        // What was planned while the clock was ahead is due by then.
        self.installation.set_clock(faults::CLOCKS_S.into_iter().max().unwrap_or(0))?;
        self.pace(orders)?;
        for driver in drivers {
            driver.join().map_err(|_| anyhow::anyhow!("the driver broke off"))??;
        }
        say(&format!("all is told; {}", self.standing()));
        self.settle(provider, 0)?;
        let mut said = list::export(self.installation.any()?, &self.folder.join("listed.jsonl"))?;
        if !options.no_restore {
            let after = restore::run(self, orders, provider)?;
            // What was said before the backup was played back holds for what it has forgotten.
            let known: BTreeSet<String> = after.iter().map(|one| one.message.clone()).collect();
            said.retain(|one| !known.contains(&one.message));
            said.extend(after);
        }
        Ok(said)
    }

    /// How far everything is.
    pub(crate) fn standing(&self) -> String {
        format!(
            "{} orders told, {} messages at the sinks, {} calls made again, {}",
            self.driver.told.load(Ordering::Relaxed),
            self.receipts.taken(),
            self.driver.again.load(Ordering::Relaxed),
            self.done
                .counts()
                .iter()
                .map(|(what, count)| format!("{count} × {what}"))
                .collect::<Vec<_>>()
                .join(", "),
        )
    }

    /// Before each fault the driver may go on by its share; the fault waits until the sinks have had most of what came
    /// before, so that kills and messages stay beside each other to the end.
    fn let_the_driver_on(&self, orders: u64, number: usize, faults: usize) -> Result<()> {
        let (number, faults) = (number as u64, faults as u64);
        let share = orders * (number + 1) / faults;
        self.driver.allowed.store((share + 20).min(orders), Ordering::Relaxed);
        let before = (orders * number / faults * MESSAGES).saturating_sub(AHEAD * MESSAGES) * 8 / 10;
        let limit = Instant::now() + PATIENCE;
        while (self.receipts.taken() as u64) < before {
            if Instant::now() > limit {
                anyhow::bail!("nothing moves any more; {}", self.standing());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Lets the driver on as the sinks follow, until everything is told.
    fn pace(&self, orders: u64) -> Result<()> {
        loop {
            let told = self.driver.told.load(Ordering::Relaxed);
            if told >= orders {
                return Ok(());
            }
            let follow = self.receipts.taken() as u64 / MESSAGES + AHEAD;
            self.driver.allowed.fetch_max(follow.min(orders), Ordering::Relaxed);
            self.driver.wait_for((told + 1).min(orders), PATIENCE)?;
        }
    }

    fn strike(&mut self, planned: Planned, options: &Options) -> Result<()> {
        let index = planned.node % self.installation.nodes.len();
        if planned.patient {
            self.installation.nodes[index].wait_until_up(UP_MAX)?;
        }
        std::thread::sleep(Duration::from_millis(planned.after_ms));
        let from = now_us();
        match planned.blow {
            Blow::Kill | Blow::KillAndForget => self.kill(index, planned.blow == Blow::KillAndForget),
            Blow::Pause => {
                self.installation.nodes[index].pause();
                std::thread::sleep(Duration::from_secs(options.pause_s));
                self.installation.nodes[index].wake();
                self.done.note("pause", from)
            }
            Blow::Full => self.fill(index, options),
            Blow::Clock(ahead_s) => self.move_clock(ahead_s),
            Blow::KillDatabase => self.kill_database(),
        }
    }

    fn kill_database(&mut self) -> Result<()> {
        let from = now_us();
        let Some(cluster) = &self.installation.cluster else {
            self.left_out.push("kills of the database: SQLite has no server".to_owned());
            return Ok(());
        };
        cluster.kill()?;
        cluster.again()?;
        self.done.note("kill of the database", from)
    }

    fn kill(&mut self, index: usize, forget: bool) -> Result<()> {
        let from = now_us();
        let node = &mut self.installation.nodes[index];
        let died = !node.is_running();
        node.kill();
        if died {
            anyhow::bail!("a node ended by itself; its log: {}", node.last_words());
        }
        if forget {
            node.forget_jobs();
        }
        node.launch()?;
        self.done.note(if forget { "kill with its queue destroyed" } else { "kill" }, from)?;
        self.watch_recovery(now_us());
        Ok(())
    }

    /// How long it takes until something arrives again, as far as it does before the next fault.
    fn watch_recovery(&mut self, started_us: i64) {
        if self.installation.nodes.len() > 1 {
            return;
        }
        let limit = Instant::now() + Duration::from_millis(1_500);
        while Instant::now() < limit {
            // What was under way when it was killed may still be read by the sink for a moment.
            let last = self.receipts.last_us();
            if last > started_us + 60_000 {
                self.recovered_ms.push(u64::try_from((last - started_us) / 1000).unwrap_or(0));
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn move_clock(&mut self, ahead_s: i64) -> Result<()> {
        let from = now_us();
        if !self.installation.set_clock(ahead_s)? {
            self.left_out.push("moves of the clock: libfaketime is not installed".to_owned());
            return Ok(());
        }
        // The nodes look at the file once a second.
        std::thread::sleep(Duration::from_millis(1_500));
        self.done.note("move of the clock", from)
    }

    /// The disk is full: to the last byte where the node has its own, else no file of it may grow any more.
    fn fill(&mut self, index: usize, options: &Options) -> Result<()> {
        let from = now_us();
        if let Some(disk) = self.installation.disks.get(index) {
            let filled = disk.fill_while(|| now_us() < from + 2_000_000);
            disk.free();
            filled?;
            return self.done.note("full disk, to the last byte", from);
        }
        if options.disk_mib.is_some() {
            self.left_out.push("a disk of the node's own: it cannot be mounted here".to_owned());
        }
        let node = &self.installation.nodes[index];
        // A little above what the largest has, so that it happens in the middle of work.
        if !node.limit_files(Some(node.largest_file() + 16 * 1024)) {
            self.left_out.push("the full disk: there is no `prlimit` on this machine".to_owned());
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(2));
        node.limit_files(None);
        self.done.note("full disk", from)
    }

    /// Waits until everything has come to rest: nothing without an end, nothing owed, nothing arriving, and all listed that
    /// must come of what was told, but for so many orders, which a restored copy knows nothing of.
    pub(crate) fn settle(&mut self, provider: &http::Provider, forgotten: u64) -> Result<()> {
        let (mut lines, mut since) = (self.receipts.lines(), Instant::now());
        let mut told = Instant::now();
        loop {
            std::thread::sleep(Duration::from_millis(1_000));
            if lines != self.receipts.lines() {
                (lines, since) = (self.receipts.lines(), Instant::now());
                continue;
            }
            // Offers wait for five seconds before they are planned.
            if since.elapsed() < Duration::from_secs(6) {
                continue;
            }
            let open = list::open(self.installation.any()?)?;
            let owed = provider.reports.owed();
            // Silence alone is no peace: on a busy machine a node that was started just now has not begun.
            let missing = if open == 0 && owed == 0 { self.missing(forgotten)? } else { 0 };
            if open == 0 && owed == 0 && missing == 0 {
                return Ok(());
            }
            let left = format!("{open} without an end, {missing} not listed yet, {owed} reports owed");
            if told.elapsed() > Duration::from_secs(20) {
                say(&left);
                told = Instant::now();
            }
            if since.elapsed() > PATIENCE {
                say(&format!("{left}, after {PATIENCE:?} of silence"));
                return Ok(());
            }
        }
    }

    /// How many messages must come of what was told, and are not listed.
    fn missing(&self, forgotten: u64) -> Result<usize> {
        let told = journal::read(&self.folder.join("told.jsonl"))?;
        let expected = plan::all_expected(&told).iter().filter(|one| one.told).count();
        let listed = list::export(self.installation.any()?, &self.folder.join("listed-so-far.jsonl"))?.len();
        let forgotten = usize::try_from(forgotten * MESSAGES)?;
        Ok(expected.saturating_sub(forgotten + listed))
    }

    fn judge(&mut self, options: &Options, said: Vec<crate::record::Said>, start: Instant) -> Result<Report> {
        let told = journal::read(&self.folder.join("told.jsonl"))?;
        let received: Vec<Received> = journal::read(&self.folder.join("received.jsonl"))?;
        let kept = self.kept(&received)?;
        let records = Records {
            expected: plan::all_expected(&told),
            received,
            said,
            faults: self.done.all().to_vec(),
            kept,
        };
        let program = program(options)?;
        let build = ["release", "dist", "debug"]
            .into_iter()
            .find(|name| program.to_string_lossy().contains(&format!("/{name}/")));
        let counted = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed).to_string();
        let mut measured = vec![
            ("calls of the driver that were made again".to_owned(), counted(&self.driver.again)),
            ("of these, answered by a 500 instead of a 503".to_owned(), counted(&self.driver.at_a_loss)),
        ];
        self.recovered_ms.sort_unstable();
        if let (Some(middle), Some(last)) =
            (self.recovered_ms.get(self.recovered_ms.len() / 2), self.recovered_ms.last())
        {
            let of = self.recovered_ms.len();
            let text =
                format!("{middle} ms in the middle, {last} ms at most ({of} seen before the next fault)");
            measured.push(("from a start to the next message at a sink".to_owned(), text));
        }
        self.left_out.sort_unstable();
        self.left_out.dedup();
        let counts = self.done.counts();
        Ok(Report {
            title: format!(
                "{}, {} node{}, {} kills over {} messages",
                options.store.name(),
                options.nodes,
                if options.nodes == 1 { "" } else { "s" },
                options.kills,
                self.receipts.taken()
            ),
            seed: self.seed,
            command: command(options, self.seed),
            build: format!("{} build", build.unwrap_or("unnamed")),
            seconds: start.elapsed().as_secs(),
            faults: counts.into_iter().map(|(what, count)| (what.to_owned(), count)).collect(),
            measured,
            left_out: self.left_out.clone(),
            judgement: reconcile(&records),
        })
    }

    /// What Tabi keeps of some customers' mails, spread over the run.
    fn kept(&self, received: &[Received]) -> Result<BTreeMap<String, String>> {
        let customers: BTreeSet<&str> = received
            .iter()
            .filter(|one| one.channel == Channel::Email && one.answer.took())
            .filter_map(|one| one.to.split('@').next())
            .collect();
        let mut chance = Chance::new(self.seed, "compared");
        let customers: Vec<&str> = customers.into_iter().collect();
        let mut kept = BTreeMap::new();
        for number in 0..COMPARED.min(customers.len()) {
            let customer = customers[usize::try_from(chance.below(customers.len() as u64)).unwrap_or(0)];
            let folder = self.folder.join(format!("kept-{number}"));
            kept.extend(list::kept(self.installation.any()?, customer, Path::new(&folder))?);
        }
        Ok(kept)
    }
}

/// The command that does the same again.
fn command(options: &Options, seed: u64) -> String {
    format!(
        "tests/run siege --kills {} --sends {} --store {} --nodes {} --pauses {} --pause-s {} --hand-over-s {} --full {} --clock-moves {} \
         --database-kills {} --jobs-destroyed {} --seed {seed}{}{}{}",
        options.kills,
        options.sends,
        options.store.name().to_lowercase().replace("postgresql", "postgres"),
        options.nodes,
        options.pauses,
        options.pause_s,
        options.hand_over_s,
        options.full,
        options.clock_moves,
        options.database_kills,
        options.jobs_destroyed,
        options.disk_mib.map(|mib| format!(" --disk-mib {mib}")).unwrap_or_default(),
        if options.no_restore { " --no-restore" } else { "" },
        if options.no_silence { " --no-silence" } else { "" },
    )
}
