//! The command line: what there is to say, and the help that teaches it.

use crate::{commands, output::Format};
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;
use words::Language;

/// Tabi writes to your customers: journeys in YAML, over e-mail, SMS and push, with proof.
#[derive(Debug, Parser)]
#[command(
    name = "tabi",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = false,
    max_term_width = 100,
    after_help = AFTER,
    after_long_help = AFTER
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Begin here:
  tabi init my-shop          a project with one working journey
  tabi check                 every mistake, at its line and column
  tabi test                  your stories, played in milliseconds
  tabi preview               every message, language and sample in the browser
  tabi serve                 API, console and worker; nothing leaves this machine yet
  tabi go-live --by NAME     from now on messages reach customers

Exit codes: 0 fine, 1 problems found or it failed, 2 the command line makes no sense,
3 a file, database or server cannot be reached, 4 refused (in use, held, not confirmed).";

/// What goes with every command.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Common {
    /// Text for people, or JSON for programs
    #[arg(long, global = true, value_enum, default_value_t, env = "TABI_FORMAT", hide_env = true)]
    pub(crate) format: Format,
    /// Language of sentences; left out: what LANG says
    #[arg(long, global = true, value_enum, env = "TABI_LANG", hide_env = true)]
    pub(crate) lang: Option<Lang>,
    /// The project's folder; left out: this one, or the nearest above that holds one
    #[arg(long, global = true, value_name = "DIR", env = "TABI_PROJECT")]
    pub(crate) project: Option<PathBuf>,
    /// Where databases and keys lie
    #[arg(long, global = true, value_name = "DIR", env = "TABI_DATA", default_value = "data")]
    pub(crate) data: PathBuf,
    /// The configuration file; left out: tabi.yaml in the data folder, else beside the project
    #[arg(long, global = true, value_name = "FILE", env = "TABI_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// What is logged to standard error: a level, or `target=level,…`
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", hide_env = true)]
    pub(crate) log: Option<String>,
}

/// The languages that Tabi speaks.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// 日本語
    Ja,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::En,
            Lang::Ja => Self::Ja,
        }
    }
}

/// What Tabi can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a project: brand, languages, one working journey with its story
    Init(commands::init::InitArgs),
    /// Show every mistake of the project, with a way out
    Check(commands::check::CheckArgs),
    /// Play the project's stories on a virtual clock
    Test(commands::test::TestArgs),
    /// Show every message in every language with every sample, live in the browser
    Preview(commands::preview::PreviewArgs),
    /// Run it: API, console and worker; nothing leaves this machine before `tabi go-live`
    Serve(commands::serve::ServeArgs),
    /// Check the project, store it as a release and make it live
    Deploy(commands::release::DeployArgs),
    /// Make an earlier release live again
    Rollback(commands::release::RollbackArgs),
    /// Let messages leave this machine from now on; a named person decides
    GoLive(commands::sending::GoLiveArgs),
    /// Stop sending: everything, or a journey, a channel, a purpose
    Stop(commands::sending::StopArgs),
    /// Take a stop back, or release an installation that is held
    Resume(commands::sending::ResumeArgs),
    /// Send one message with a sample's values to an address of yours
    SendTest(commands::sending::SendTestArgs),
    /// Say why a customer got something, or did not
    Why(commands::why::WhyArgs),
    /// Search, show and export every message sent, and every message not sent
    Log(commands::log::LogArgs),
    /// Send an event, see those that nobody declared, write their schema
    Event(commands::event::EventArgs),
    /// Show, find, erase and merge customers
    Customer(commands::customer::CustomerArgs),
    /// List the live journeys, and show one with its figures
    Journey(commands::journey::JourneyArgs),
    /// Make, list and withdraw API keys
    Key(commands::access::KeyArgs),
    /// Add, list and lock out people at the console
    Operator(commands::access::OperatorArgs),
    /// Copy database and keys, consistent while everything runs
    Backup(commands::upkeep::BackupArgs),
    /// Bring the tables up to date with this version of Tabi
    Migrate(commands::upkeep::MigrateArgs),
    /// Look at the whole installation, and say what needs a person
    Doctor(commands::doctor::DoctorArgs),
    /// Play eighteen months of a real shop's purchases
    Demo(commands::demo::DemoArgs),
    /// Write the completions of a shell to standard output
    Completions(commands::completions::CompletionsArgs),
}

impl Command {
    /// What is logged where nobody says: a server tells its story, a command only what goes wrong.
    pub(crate) fn usual_log(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info",
            _ => "warn",
        }
    }
}
