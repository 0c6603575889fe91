//! The commands, one file each.

pub(crate) mod access;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod copies;
pub(crate) mod customer;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod journey;
pub(crate) mod log;
pub(crate) mod nodes;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod release;
pub(crate) mod sending;
pub(crate) mod serve;
pub(crate) mod test;
pub(crate) mod upkeep;
pub(crate) mod why;
pub(crate) mod worker;

use crate::{
    args::{Args, Command, Common},
    exit::Exit,
    output::Output,
};
use std::future::Future;

/// What every command gets.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) out: Output,
}

/// Who does it, for the record.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// Who does it, for the record; left out: your name on this machine
    #[arg(long, value_name = "NAME", env = "TABI_BY", hide_env = true)]
    by: Option<String>,
}

impl Named {
    /// The name.
    ///
    /// # Errors
    /// Where nobody is named, and this machine has no name for whoever runs the process.
    pub(crate) fn name(&self) -> anyhow::Result<String> {
        match self.by.as_deref().map(str::trim) {
            Some("") => Err(nobody()),
            Some(by) => Ok(by.to_owned()),
            None => who_am_i().ok_or_else(nobody),
        }
    }
}

fn nobody() -> anyhow::Error {
    crate::exit::Fault::usage(
        "this is recorded, and nobody is named: say who does it with --by NAME, or set TABI_BY",
    )
    .into()
}

/// The name of whoever runs this process: by the environment, else as the system knows them.
pub(crate) fn who_am_i() -> Option<String> {
    let fit = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().and_then(|name| fit(&name)))
        .or_else(|| {
            let told =
                std::process::Command::new("id").arg("-un").stderr(std::process::Stdio::null()).output();
            told.ok()
                .filter(|told| told.status.success())
                .and_then(|told| fit(&String::from_utf8_lossy(&told.stdout)))
        })
}

/// Who reads, and why: readings of what is personal are recorded.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// Why you read it, for the record
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) named: Named,
}

impl Reading {
    /// Writes the reading down; without that nothing is shown.
    pub(crate) async fn record(
        &self,
        context: &Context,
        what: store::ReadKind,
        about: Option<String>,
        detail: serde_json::Value,
    ) -> anyhow::Result<()> {
        let ask = crate::control::Ask::Reads {
            what: what.as_str().to_owned(),
            about,
            reader: self.named.name()?,
            reason: self.reason.trim().to_owned(),
            detail,
        };
        crate::control::ask(context, ask).await.map(drop)
    }

    /// The reason, where one has to be given.
    pub(crate) fn because(&self) -> anyhow::Result<&str> {
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Err(
                crate::exit::Fault::usage("this is recorded with its reason: say why with --reason").into()
            );
        }
        Ok(reason)
    }
}

/// An answer as JSON, or as the line that `words` makes of it.
pub(crate) fn show_answer(
    out: Output,
    answer: &serde_json::Value,
    words: impl FnOnce(&serde_json::Value) -> String,
) {
    out.json(answer);
    if !out.is_json() {
        out.line(words(answer));
    }
}

/// Runs what the command line asks for.
pub(crate) fn run(args: Args, out: Output) -> anyhow::Result<Exit> {
    let context = Context { common: args.common, out };
    let c = &context;
    let _traces = crate::log::begin(c.common.log.as_deref(), args.command.usual_log(), c.common.log_format);
    if matches!(args.command, Command::Serve(_) | Command::Worker(_)) {
        crate::log::panics();
    }
    // A new project alone is for whoever works on it.
    if !matches!(args.command, Command::Init(_)) {
        crate::place::make_private();
    }
    match args.command {
        Command::Demo(args) => server_runtime(demo::run(c, &args)),
        Command::Init(args) => init::run(c, args),
        Command::Check(args) => check::run(c, &args),
        Command::Explain(args) => explain::run(c, &args),
        Command::Test(args) => test::run(c, &args),
        Command::Preview(args) => on_runtime(preview::run(c, &args)),
        Command::Serve(args) => server_runtime(serve::run(c, &args)),
        Command::Worker(args) => server_runtime(worker::run(c, &args)),
        Command::Nodes(args) => on_runtime(nodes::run(c, &args)),
        Command::Plan(args) => on_runtime(plan::run(c, &args)),
        Command::Deploy(args) => on_runtime(release::deploy(c, &args)),
        Command::Rollback(args) => on_runtime(release::rollback(c, &args)),
        Command::GoLive(args) => on_runtime(sending::go_live(c, &args)),
        Command::Stop(args) => on_runtime(sending::stop(c, &args)),
        Command::Resume(args) => on_runtime(sending::resume(c, &args)),
        Command::SendTest(args) => on_runtime(sending::send_test(c, &args)),
        Command::Why(args) => on_runtime(why::run(c, &args)),
        Command::Log(args) => on_runtime(log::run(c, args)),
        Command::Import(args) => on_runtime(import::run(c, &args)),
        Command::Event(args) => on_runtime(event::run(c, args)),
        Command::Customer(args) => on_runtime(customer::run(c, args)),
        Command::Journey(args) => on_runtime(journey::run(c, args)),
        Command::Key(args) => on_runtime(access::key(c, args)),
        Command::Operator(args) => on_runtime(access::operator(c, args)),
        Command::Backup(args) => on_runtime(copies::backup(c, &args)),
        Command::Restore(args) => on_runtime(copies::restore(c, &args)),
        Command::Move(args) => on_runtime(copies::move_over(c, &args)),
        Command::Migrate(args) => on_runtime(upkeep::migrate(c, &args)),
        Command::Doctor(args) => on_runtime(doctor::run(c, &args)),
        Command::Completions(args) => completions::run(c, &args),
        Command::BenchSteps(args) => server_runtime(bench::steps(c, &args)),
        Command::BenchRender(args) => bench::render(c, &args),
    }
}

/// For commands that wait for something: one thread is enough.
fn on_runtime(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// For the server: two threads work, few wait for files and databases; each has a stack that costs memory.
fn server_runtime(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()?
        .block_on(command)
}
