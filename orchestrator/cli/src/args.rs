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
  tabi explain J050          what a code means; the references are `journeys` and `templates`
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
    /// The PostgreSQL database, instead of files in the data folder: `postgres://user:password@host:port/name`
    #[arg(long, global = true, value_name = "URL", env = "TABI_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// The configuration file; left out: tabi.yaml in the data folder, else beside the project
    #[arg(long, global = true, value_name = "FILE", env = "TABI_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// What is logged to standard error: a level, or `target=level,…`; ids only, and of libraries nothing below info
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", hide_env = true)]
    pub(crate) log: Option<String>,
    /// How it is logged
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORM",
        env = "TABI_LOG_FORMAT",
        hide_env = true
    )]
    pub(crate) log_format: crate::log::LogFormat,
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

/// What Tabi can do. Each command is described where its options are.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::InitArgs),
    Check(commands::check::CheckArgs),
    Explain(commands::explain::ExplainArgs),
    Test(commands::test::TestArgs),
    Preview(commands::preview::PreviewArgs),
    Serve(commands::serve::ServeArgs),
    Worker(commands::worker::WorkerArgs),
    Plan(commands::plan::PlanArgs),
    Deploy(commands::release::DeployArgs),
    Rollback(commands::release::RollbackArgs),
    GoLive(commands::sending::GoLiveArgs),
    Stop(commands::sending::StopArgs),
    Resume(commands::sending::ResumeArgs),
    SendTest(commands::sending::SendTestArgs),
    Why(commands::why::WhyArgs),
    Log(commands::log::LogArgs),
    Import(commands::import::ImportArgs),
    Event(commands::event::EventArgs),
    Customer(commands::customer::CustomerArgs),
    Journey(commands::journey::JourneyArgs),
    Key(commands::access::KeyArgs),
    Operator(commands::access::OperatorArgs),
    Nodes(commands::nodes::NodesArgs),
    Backup(commands::copies::BackupArgs),
    Restore(commands::copies::RestoreArgs),
    Move(commands::copies::MoveArgs),
    Migrate(commands::upkeep::MigrateArgs),
    Doctor(commands::doctor::DoctorArgs),
    Demo(commands::demo::DemoArgs),
    Completions(commands::completions::CompletionsArgs),
    /// For the benchmark suite: let customers wait in a journey, then step those that fall due
    #[command(hide = true)]
    BenchSteps(commands::bench::StepsArgs),
    /// For the benchmark suite: render one message again and again
    #[command(hide = true)]
    BenchRender(commands::bench::RenderArgs),
}

impl Command {
    /// What is logged where nobody says: a server tells its story, a command only what goes wrong.
    pub(crate) fn usual_log(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Worker(_) => "info",
            _ => "warn",
        }
    }
}
