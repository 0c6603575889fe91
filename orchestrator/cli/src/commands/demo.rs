//! `tabi demo`: a real record shop's purchases through the project's journeys, then the console on the result.

use super::{Context, serve};
use crate::{
    demo::{self, Onlooker},
    exit::Exit,
    node,
    output::Output,
    project,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sandbox::Sandbox;
use std::{
    io::BufWriter,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use store::{Clock, Durability, Options, Store, VirtualClock};
use words::{IdSource, Language, Timestamp};
use worker::{Adapters, InProcess, Live, Machine, Parts, calls::NoCalls, live};

/// Play eighteen months of a real shop's purchases
///
/// Plays every purchase of 2,357 customers of a record shop (real, with their dates moved to end yesterday of the demo's
/// date) through the journeys of this project on a virtual clock: who was written to, who was not and why, who came back.
/// Names, addresses, consents, deliveries and clicks are synthetic. Nothing leaves this machine.
///
/// Example: tabi demo
///
/// Example: tabi demo --once --data /tmp/demo
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the summary
    #[arg(long)]
    pub(crate) once: bool,
    /// Where the console listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7117")]
    pub(crate) listen: std::net::SocketAddr,
    /// Only the first so many customers of the data, for tests
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) customers: Option<usize>,
}

/// Where the demo keeps its data unless told.
const DATA: &str = "data/demo";

/// Every decision, one JSON line each.
pub(crate) const DECISIONS: &str = "decisions.jsonl";

/// The summary as printed.
pub(crate) const SUMMARY: &str = "summary.txt";

/// Where the demo keeps its data.
pub(crate) fn data(context: &Context) -> PathBuf {
    let given = &context.common.data;
    if given == Path::new("data") { PathBuf::from(DATA) } else { given.clone() }
}

pub(crate) async fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    let release = project::build(out, &root)?;
    let data = data(context);
    play(out, release, &data, args.customers).await?;
    if args.once {
        return Ok(Exit::Fine);
    }
    let mut context = context.clone();
    context.common.data = data;
    let instance = node::open(&context).await?;
    let stands = instance.store.business_clock().await?.unwrap_or_else(demo::today);
    let clock = Arc::new(VirtualClock::at(stands));
    clock.run();
    context.out.line(context.out.either(
        "Names, addresses, consents, deliveries and clicks are synthetic; the purchases are real. Business time runs on.",
        "氏名・宛先・同意・配信・クリックは合成データ、購買は実データです。業務時計はここから進み続けます。",
    ));
    let serve_args = serve::ServeArgs { listen: Some(args.listen), base_url: None, no_worker: false };
    serve::serve(&context, &serve_args, instance.in_time_of(clock)).await
}

/// Plays the demo into `data` unless it was played to its end there before; prints the summary.
async fn play(
    out: Output,
    release: release::Release,
    data: &Path,
    customers: Option<usize>,
) -> anyhow::Result<()> {
    let summary_path = data.join(SUMMARY);
    if let Ok(summary) = std::fs::read_to_string(&summary_path) {
        out.line(summary);
        return Ok(());
    }
    // Begun and not ended: played again from the start. Nothing of it ever left this machine.
    if data.join("tabi.db").exists() {
        for file in
            ["tabi.db", "tabi.db-wal", "tabi.db-shm", "tabi.witness", "keys.db", "keys.db-wal", "keys.db-shm"]
        {
            let _ = std::fs::remove_file(data.join(file));
        }
    }
    crate::place::Place::at(data).make()?;
    let root_key = data.join("root.key");
    let key =
        if root_key.exists() { vault::RootKey::load(&root_key)? } else { vault::RootKey::create(&root_key)? };
    let vault = vault::Vault::open(&data.join("keys.db"), &key).await?;
    // What is played can be played again: only what is live later has to survive a power cut.
    let store =
        Store::open(Options::file(data.join("tabi.db")).durability(Durability::Normal), vault).await?;
    let decisions = std::fs::File::create(data.join(DECISIONS))?;
    let onlooker = Arc::new(Onlooker::new(Box::new(BufWriter::new(decisions))));
    let clock = Arc::new(VirtualClock::at(demo::first_day()));
    let machine = Machine::new(Parts {
        store,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ids: Arc::new(IdSource::seeded(demo::SEED)),
        node: "demo".to_owned(),
        base_url: "http://127.0.0.1:7117".to_owned(),
        renderer: Arc::new(InProcess),
        caller: Arc::new(NoCalls),
        observer: Some(Arc::clone(&onlooker) as Arc<dyn worker::Observer>),
    });
    machine.set_adapters(silent(&release));
    live::deploy(&machine.store, &release, "demo", "the demo", demo::first_day()).await?;
    let live = Live::of(&machine.store, release).await?;
    machine.set_live(live);
    let bar = bar(out);
    if bar.is_hidden() && !out.is_json() {
        out.say(out.either(
            "Playing eighteen months of a shop; that takes a minute or two.",
            "お店の18か月分を再生しています。1、2分かかります。",
        ));
    }
    let months = Months::new(!bar.is_hidden() || out.is_json());
    let first = demo::first_day();
    let progress = |now: Timestamp| {
        let days = now.since(first).as_micros() / 86_400_000_000;
        bar.set_position(u64::try_from(days).unwrap_or(0));
        bar.set_message(now.to_string().get(..10).unwrap_or_default().to_owned());
        if let Some((month, of)) = months.reached(days) {
            out.say(match out.language {
                Language::En => format!("  {month} of {of} months played"),
                Language::Ja => format!("  {of}か月のうち{month}か月分まで再生しました"),
            });
        }
    };
    demo::play(&machine, &clock, &onlooker, customers, &progress).await?;
    bar.finish_and_clear();
    let summary = onlooker.text();
    std::fs::write(&summary_path, &summary)?;
    out.line(summary);
    machine.store.close().await;
    Ok(())
}

/// Tells a reader without a terminal, where no bar can be drawn, each month that has been played.
struct Months {
    silent: bool,
    told: AtomicI64,
}

impl Months {
    fn new(silent: bool) -> Self {
        Self { silent, told: AtomicI64::new(0) }
    }

    /// The month that is over after so many days, and of how many, where that has not been told yet.
    fn reached(&self, days: i64) -> Option<(i64, i64)> {
        const DAYS: i64 = 30;
        let month = days / DAYS;
        let news = !self.silent && self.told.fetch_max(month, Ordering::Relaxed) < month;
        news.then(|| (month, i64::from(demo::LAST_DAY) / DAYS))
    }
}

/// Adapters that accept everything and send nothing, for every channel of the project.
fn silent(release: &release::Release) -> Adapters {
    let channels = release.templates.catalog().messages.into_values().flat_map(|entry| entry.channels);
    channels
        .map(|channel| {
            let adapter: Arc<dyn channel::Adapter> = Arc::new(Sandbox::silent(channel.clone()));
            (channel, adapter)
        })
        .collect()
}

fn bar(out: Output) -> ProgressBar {
    if out.is_json() || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::from(demo::LAST_DAY) + 1);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} days  {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_terminal_hears_of_each_month_once() {
        let months = Months::new(false);
        let heard: Vec<i64> =
            (0..=95).filter_map(|day| months.reached(day)).map(|(month, _)| month).collect();
        assert_eq!(heard, [1, 2, 3]);
        assert!((0..=95).all(|day| Months::new(true).reached(day).is_none()));
    }
}
