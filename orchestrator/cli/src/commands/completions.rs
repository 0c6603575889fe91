//! `tabi completions`: what a shell needs to complete our commands.

use super::Context;
use crate::exit::Exit;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Write the completions of a shell to standard output
///
/// Example: tabi completions bash > ~/.local/share/bash-completion/completions/tabi
///
/// Example: tabi completions zsh > "${fpath[1]}/_tabi"
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(context: &Context, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "tabi", &mut script);
    context.out.bytes(&script)?;
    Ok(Exit::Fine)
}
