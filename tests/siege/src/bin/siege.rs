//! `tests/run siege`: a long siege by options; the outcome on the screen, and in a file where one is named.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser as _;
use siege::{options::Options, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    let held = run::run(&options).and_then(|report| {
        println!("{}", report.markdown());
        if let Some(page) = &options.results {
            report.keep(page)?;
        }
        Ok(report.judgement.differences.is_empty())
    });
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("siege: {error:#}");
            ExitCode::from(2)
        }
    }
}
