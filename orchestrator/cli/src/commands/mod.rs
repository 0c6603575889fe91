//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod init;
pub(crate) mod preview;
pub(crate) mod test;

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

/// Runs what the command line asks for.
pub(crate) fn run(args: Args, out: Output) -> anyhow::Result<Exit> {
    let context = Context { common: args.common, out };
    match args.command {
        Command::Init(args) => init::run(&context, args),
        Command::Check(args) => check::run(&context, &args),
        Command::Test(args) => test::run(&context, &args),
        Command::Preview(args) => on_runtime(preview::run(&context, &args)),
        Command::Completions(args) => completions::run(&context, &args),
    }
}

/// For commands that wait for something: one thread is enough.
fn on_runtime(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
