//! The command line, read and explained in the reader's language.
//!
//! The doc comments of commands and arguments are the English help. Japanese stands in `help/ja.ftl` and is put in their
//! place before anything is parsed; what it misses is found by a test, and stays English.

mod dress;
mod fold;
mod mistake;
#[cfg(test)]
mod tests;
mod words_of;

use crate::{args::Args, output};
use clap::{CommandFactory as _, FromArgMatches as _, Parser as _, error::ErrorKind};
use std::{ffi::OsString, io::IsTerminal as _};
use words::Language;

/// No line of help is wider, however wide the terminal is.
const WIDTH_MAX: usize = 100;

/// What the command line asks for. Prints help and mistakes, and ends the process, where that is all there is to do.
pub(crate) fn parse() -> Args {
    let said: Vec<OsString> = std::env::args_os().collect();
    if language(&said) == Language::En {
        return Args::parse();
    }
    let mut command = dress::japanese(Args::command());
    let asked = command
        .try_get_matches_from_mut(said)
        .and_then(|found| Args::from_arg_matches(&found).map_err(|error| error.format(&mut command)));
    match asked {
        Ok(args) => args,
        Err(error) => tell(&error),
    }
}

/// Says what clap has to say: help to standard output, mistakes to standard error.
fn tell(error: &clap::Error) -> ! {
    let to_error = error.use_stderr();
    let watched = if to_error { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    let text = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => {
            let text = error.render();
            if watched && !output::is_plain() { text.ansi().to_string() } else { text.to_string() }
        }
        _ => mistake::japanese(error),
    };
    let text = fold::fold(text.trim_end(), width());
    if to_error {
        output::warn(&text);
    } else {
        output::answer(&text);
    }
    std::process::exit(error.exit_code());
}

/// How wide a line may be: as wide as the terminal, or as COLUMNS says.
fn width() -> usize {
    let wide = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let told = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    wide.or_else(told).unwrap_or(WIDTH_MAX).clamp(20, WIDTH_MAX)
}

/// The language that is asked for, before anything is parsed: by `--lang`, by TABI_LANG, by LANG.
fn language(said: &[OsString]) -> Language {
    let of = |name: &str| match name {
        "en" => Some(Language::En),
        "ja" => Some(Language::Ja),
        _ => None,
    };
    let mut said = said.iter().skip(1).map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    while let Some(word) = said.next() {
        let named = match word.strip_prefix("--lang") {
            Some("") => said.next(),
            Some(rest) => rest.strip_prefix('=').map(|name| name.to_owned().into()),
            None => None,
        };
        if let Some(language) = named.and_then(|name| of(&name)) {
            return language;
        }
    }
    let told = std::env::var("TABI_LANG").ok();
    told.and_then(|name| of(&name)).unwrap_or_else(output::from_environment)
}
