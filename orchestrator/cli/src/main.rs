//! The `tabi` command: reads argv and environment, wires the parts.
#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "doc comments of arguments are the help that people read in a terminal"
)]

mod adapters;
mod args;
mod calls;
mod children;
mod commands;
mod config;
mod control;
mod demo;
mod exit;
mod help;
mod hooks;
mod instance;
mod japanese;
mod log;
mod node;
#[cfg(feature = "otel")]
mod otel;
mod output;
mod place;
mod preview;
mod project;
mod voice;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: the child renders what customers get, on little memory, and reads no argument.
    if std::env::args_os().nth(1).is_some_and(|first| first == "render-child") {
        return match render::child_main(std::io::stdin().lock(), std::io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let args = help::parse();
    let out = output::Output::new(args.common.format, args.common.lang.map(Into::into));
    match commands::run(args, out) {
        Ok(exit) => exit.into(),
        Err(error) => {
            out.error(&error);
            exit::code(&error).into()
        }
    }
}
