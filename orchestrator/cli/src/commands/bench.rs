//! Commands for the benchmark suite, hidden from the help: the machine at work without its front door, measured.
//!
//! The suite (`tests/bench`) runs them beside its limits. They use what `tabi serve` uses: the database file with full
//! durability, sealed, the same batches, the same adapters. Only the clock is virtual, so that days pass at will.

mod fill;
mod meter;

use super::Context;
use crate::{calls::HttpCalls, children::Children, exit::Exit, instance, place::Place, project};
use anyhow::{Context as _, ensure};
use clap::Args;
use meter::Meter;
use render::{Pool, PoolOptions, RenderRequest};
use sandbox::Sandbox;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use store::{Clock, Store, SystemClock, VirtualClock};
use tokio::{sync::Semaphore, task::JoinSet};
use words::{Channel, Elapsed, Locale, Value};
use worker::{Adapters, Live, Machine, Parts, Stepper, live};

/// Let customers wait in a journey, then step those that fall due
///
/// Makes the customers that are missing, deploys the project where nothing is live, and steps.
#[derive(Debug, Args)]
pub(crate) struct StepsArgs {
    /// So many customers wait
    #[arg(long, default_value_t = 1000)]
    customers: u64,
    /// The journey; the event `<journey>_began` begins it
    #[arg(long, default_value = "noting")]
    journey: String,
    /// Steps, a whole batch more at most; 0: the customers are made and that is all
    #[arg(long, default_value_t = 1000)]
    steps: u64,
    /// E-mails go to the SMTP server here; left out: to an adapter that keeps nothing
    #[arg(long, value_name = "ADDRESS")]
    smtp: Option<SocketAddr>,
    /// When all is made, say `ready` and step once there is a line of input: several processes begin at the same time
    #[arg(long)]
    wait: bool,
}

/// Render one message of the project again and again, in this process
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// How often
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// On which channel
    #[arg(long, default_value = "email")]
    channel: String,
    /// The message; its first sample is rendered
    #[arg(long, default_value = "letter")]
    message: String,
}

/// Connections to the SMTP server, as the limit has them.
const CONNECTIONS: usize = 10;

/// Batches being sent at a time, as in live runs.
const SENDERS: usize = 8;

pub(crate) async fn steps(context: &Context, args: &StepsArgs) -> anyhow::Result<Exit> {
    let release = project::build(context.out, &project::find(context.common.project.as_deref())?)?;
    let place = Place::of(&context.common);
    place.make()?;
    let store = Store::open(place.options()?, place.vault().await?).await?;
    // Days that passed in earlier runs have passed.
    let now = SystemClock.now();
    let clock = Arc::new(VirtualClock::at(store.business_clock().await?.map_or(now, |stood| stood.max(now))));
    let machine = Arc::new(Machine::new(Parts {
        store: store.clone(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ids: Arc::new(instance::random_ids()),
        node: instance::random_token()?,
        base_url: "http://127.0.0.1:8080".to_owned(),
        renderer: Arc::new(Children(Pool::new(PoolOptions::this_program()?))),
        caller: Arc::new(HttpCalls::new()?),
        observer: None,
    }));
    machine.set_adapters(adapters(args.smtp)?);
    if store.live_release().await?.is_none() {
        live::deploy(&store, &release, "bench", "the suite", clock.now()).await?;
    }
    let lines = sample(&release, "letter").ok().and_then(|mut inputs| inputs.remove("lines"));
    machine.set_live(Live::of(&store, release).await?);
    // Who comes after a deployment is not looked at for its sake, here or by whoever serves this later.
    while machine.scan().await? {}
    fill::fill(&machine, &args.journey, args.customers, lines).await?;
    if args.wait {
        context.out.line("ready");
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    }
    let meter = Meter::start();
    let done = if args.steps == 0 { Done::default() } else { drive(&machine, &clock, args).await? };
    let measured = meter.stop(done.steps);
    store.put_business_clock(clock.now()).await?;
    drop(machine);
    store.close().await;
    store.vault().close().await;
    let mut said = measured;
    said["batches"] = done.batches.into();
    said["accepted"] = done.accepted.into();
    context.out.line(said.to_string());
    Ok(Exit::Fine)
}

fn adapters(smtp: Option<SocketAddr>) -> anyhow::Result<Adapters> {
    let mut adapters: Adapters = BTreeMap::new();
    adapters.insert(Channel::SMS, Arc::new(Sandbox::silent(Channel::SMS)));
    match smtp {
        None => adapters.insert(Channel::EMAIL, Arc::new(Sandbox::silent(Channel::EMAIL))),
        Some(to) => {
            ensure!(to.ip().is_loopback(), "--smtp takes an address of this machine, {to} is none");
            let mut config = email::SmtpConfig::new(to.ip().to_string(), to.port(), email::Tls::None);
            config.pool_max = CONNECTIONS;
            adapters.insert(Channel::EMAIL, Arc::new(email::SmtpAdapter::new(config)?))
        }
    };
    Ok(adapters)
}

#[derive(Debug, Default)]
struct Done {
    steps: u64,
    batches: u64,
    accepted: u64,
}

/// Steps what falls due, and sends beside it, as the drainers of live runs do; ends when everything is settled.
async fn drive(machine: &Arc<Machine>, clock: &VirtualClock, args: &StepsArgs) -> anyhow::Result<Done> {
    // Customers also come by to take in that a message was sent. Where every step sends one, messages are what is counted.
    let silent = args.journey == "stepping";
    let mut done = Done::default();
    let mut stepper = Stepper::new(Arc::clone(machine));
    let (permits, mut sending) = (Arc::new(Semaphore::new(SENDERS)), JoinSet::new());
    while done.steps < args.steps {
        let report = stepper.step().await?;
        let stepped = if silent { report.customers - report.conflicted } else { report.claimed.len() };
        done.steps += stepped as u64;
        done.batches += 1;
        if !report.claimed.is_empty() {
            let permit = Arc::clone(&permits).acquire_owned().await?;
            let machine = Arc::clone(machine);
            sending.spawn(async move {
                let _permit = permit;
                machine.send(report.claimed).await
            });
        }
        while let Some(sent) = sending.try_join_next() {
            done.accepted += sent??.accepted as u64;
        }
        if report.customers == 0 {
            done.accepted += settle(machine, &mut sending).await?;
            let next = machine.store.next_step_due().context("nobody waits for anything")?;
            clock.set(next.max(clock.now().plus(Elapsed::from_millis(1))));
        }
    }
    done.accepted += settle(machine, &mut sending).await?;
    Ok(done)
}

/// Until nothing is being sent and nothing is left to be sent now.
async fn settle(
    machine: &Machine,
    sending: &mut JoinSet<Result<worker::SendReport, store::StoreError>>,
) -> anyhow::Result<u64> {
    let mut accepted = 0;
    while let Some(sent) = sending.join_next().await {
        accepted += sent??.accepted as u64;
    }
    loop {
        let sent = machine.send_batch().await?;
        accepted += sent.accepted as u64;
        if sent.claimed == 0 {
            return Ok(accepted);
        }
    }
}

pub(crate) fn render(context: &Context, args: &RenderArgs) -> anyhow::Result<Exit> {
    let release = project::build(context.out, &project::find(context.common.project.as_deref())?)?;
    let request = RenderRequest {
        message: args.message.clone(),
        channel: Channel::new(args.channel.as_str()),
        locale: Locale::parse("en").ok(),
        inputs: sample(&release, &args.message)?,
        customer: BTreeMap::new(),
        links: render::Links {
            unsubscribe_url: "https://shop.example.com/u/0123456789abcdef".to_owned(),
            preferences_url: "https://shop.example.com/p/0123456789abcdef".to_owned(),
            survey_url: String::new(),
            view_url: "https://shop.example.com/v/0123456789abcdef".to_owned(),
        },
        now: SystemClock.now(),
        zone: None,
    };
    let first = release.templates.render(&request)?;
    // The first ones are not counted: caches fill.
    for _ in 0..(args.count / 10).min(5000) {
        release.templates.render(&request)?;
    }
    let meter = Meter::start();
    for _ in 0..args.count {
        std::hint::black_box(release.templates.render(std::hint::black_box(&request))?);
    }
    let mut said = meter.stop(args.count);
    said["bytes"] = serde_json::to_string(&format!("{:?}", first.content))?.len().into();
    context.out.line(said.to_string());
    Ok(Exit::Fine)
}

/// The inputs of a message's first sample: texts, and lists of texts.
fn sample(release: &release::Release, message: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let path = format!("templates/{message}/sample.yaml");
    let bytes = release.files.get(&path).with_context(|| format!("{path} is missing"))?;
    let samples: BTreeMap<String, serde_json::Value> = serde_saphyr::from_str(std::str::from_utf8(bytes)?)?;
    let inputs = samples.into_values().next().and_then(|mut sample| Some(sample.get_mut("inputs")?.take()));
    match inputs.map(value) {
        Some(Value::Map(inputs)) => Ok(inputs),
        _ => anyhow::bail!("{path} has no sample with inputs"),
    }
}

fn value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(value).collect()),
        serde_json::Value::Object(fields) => {
            Value::Map(fields.into_iter().map(|(name, field)| (name, value(field))).collect())
        }
        serde_json::Value::String(text) => Value::Text(text),
        other => Value::Text(other.to_string()),
    }
}
