//! `limits`: hand-written programs that do the product's work with nothing around it.
//!
//! Servers run until they are stopped; everything else prints one measurement as a line of JSON.
#![allow(clippy::print_stdout)]

use anyhow::Result;
use bench::{fill, http, latency, machine, postgres, project, smtp, sqlite, text, yaml};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Parser)]
#[command(about = "Limit programs: the same work with nothing around it")]
struct Limits {
    #[command(subcommand)]
    limit: Limit,
}

#[derive(Subcommand)]
enum Limit {
    /// SQLite: claim due rows in due order, update and log each, commit per batch
    Claim {
        /// The database, made on first use
        #[arg(long)]
        db: PathBuf,
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
        #[arg(long, default_value_t = 200_000)]
        steps: u64,
        #[arg(long, default_value_t = 500)]
        batch: u64,
    },
    /// PostgreSQL: claim due rows in due order past what others hold, update and log each, commit per batch
    ClaimPostgres {
        /// The database; the tables are made on first use
        #[arg(long)]
        url: String,
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
        #[arg(long, default_value_t = 200_000)]
        steps: u64,
        #[arg(long, default_value_t = 500)]
        batch: u64,
        #[arg(long, default_value_t = 4)]
        clients: u64,
    },
    /// SQLite: insert event rows, commit per batch
    Insert {
        /// The database, made on first use
        #[arg(long)]
        db: PathBuf,
        #[arg(long, default_value_t = 200_000)]
        rows: u64,
        #[arg(long, default_value_t = 500)]
        batch: u64,
    },
    /// PostgreSQL: insert event rows by two clients, commit per batch
    InsertPostgres {
        /// The database; the table is made on first use
        #[arg(long)]
        url: String,
        #[arg(long, default_value_t = 200_000)]
        rows: u64,
        #[arg(long, default_value_t = 500)]
        batch: u64,
    },
    /// Write messages of thirteen months into an installation's own tables, while it does not run
    FillLog {
        /// The installation's `tabi.db`, with customers in it
        #[arg(long)]
        db: PathBuf,
        #[arg(long, default_value_t = 10_000_000)]
        messages: u64,
    },
    /// HTTP: parse the JSON, answer 202, keep nothing
    HttpServer {
        #[arg(long, default_value = "127.0.0.1:8787")]
        listen: String,
    },
    /// HTTP: load a server that speaks the tracking API
    HttpLoad {
        #[arg(long, default_value = "127.0.0.1:8787")]
        server: String,
        /// Value of the Authorization header
        #[arg(long, default_value = "")]
        authorization: String,
        #[arg(long, default_value_t = 32)]
        connections: usize,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// Events per request
        #[arg(long, default_value_t = 1)]
        batch: usize,
        /// Customers the events are spread over
        #[arg(long, default_value_t = 10_000)]
        customers: u64,
        /// What ids start with
        #[arg(long, default_value = "")]
        prefix: String,
        /// The event
        #[arg(long, default_value = "order_placed")]
        event: String,
        /// Process id of the server, to measure its CPU and memory
        #[arg(long)]
        process: Option<u32>,
    },
    /// SMTP: swallow messages and write a line for each
    SmtpSink {
        #[arg(long, default_value = "127.0.0.1:2525")]
        listen: String,
        #[arg(long)]
        log: PathBuf,
        /// How long it takes to take a message
        #[arg(long, default_value_t = 0)]
        answers_in_ms: u64,
    },
    /// SMTP: send over kept connections
    SmtpSource {
        #[arg(long, default_value = "127.0.0.1:2525")]
        to: String,
        #[arg(long, default_value_t = 10)]
        sessions: u64,
        #[arg(long, default_value_t = 20_000)]
        messages: u64,
        #[arg(long, default_value_t = 8192)]
        bytes: usize,
    },
    /// From an event over HTTP to the mail at the sink: customers first, then one event each at a steady rate
    TriggerClock {
        #[arg(long)]
        server: String,
        /// Value of the Authorization header
        #[arg(long, default_value = "")]
        authorization: String,
        /// The log of the sink that the mails go to
        #[arg(long)]
        log: PathBuf,
        /// Events per second
        #[arg(long, default_value_t = 10.0)]
        rate: f64,
        #[arg(long, default_value_t = 150)]
        count: u64,
        /// What ids and addresses start with
        #[arg(long, default_value = "clock")]
        prefix: String,
        /// The event that makes a mail
        #[arg(long, default_value = "letter_wanted")]
        event: String,
    },
    /// YAML: parse every file of a folder into a tree, and that is all
    Yaml {
        /// A folder, with those inside it
        folder: PathBuf,
    },
    /// Text: copy a mail in parts
    Copy {
        #[arg(long, default_value_t = 7950)]
        bytes: usize,
        #[arg(long, default_value_t = 60)]
        parts: usize,
        #[arg(long, default_value_t = 2_000_000)]
        count: u64,
    },
    /// Durable writes per second in a folder
    Fsync {
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // One thread each for sink and source, like the programs of that name that come with mail servers.
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measure = match Limits::parse().limit {
        Limit::Claim { db, rows, steps, batch } => sqlite::claim(&db, rows, steps, batch)?,
        Limit::ClaimPostgres { url, rows, steps, batch, clients } => {
            runtime.block_on(postgres::claim(&url, rows, steps, batch, clients))?
        }
        Limit::Insert { db, rows, batch } => sqlite::insert(&db, rows, batch)?,
        Limit::InsertPostgres { url, rows, batch } => {
            runtime.block_on(postgres::insert(&url, rows, batch))?
        }
        Limit::FillLog { db, messages } => return fill::fill(&db, messages, project::JOURNEYS),
        Limit::HttpServer { listen } => return runtime.block_on(http::accept_and_drop(&listen)),
        Limit::HttpLoad {
            server,
            authorization,
            connections,
            seconds,
            batch,
            customers,
            prefix,
            event,
            process,
        } => {
            let duration = Duration::from_secs_f64(seconds);
            let load =
                http::Load { server, authorization, connections, duration, batch, prefix, customers, event };
            runtime.block_on(http::drive(load, process))?
        }
        Limit::SmtpSink { listen, log, answers_in_ms } => {
            return single.block_on(smtp::sink(&listen, log, Duration::from_millis(answers_in_ms)));
        }
        Limit::SmtpSource { to, sessions, messages, bytes } => {
            single.block_on(smtp::source(smtp::Source { to, sessions, messages, bytes }))?
        }
        Limit::TriggerClock { server, authorization, log, rate, count, prefix, event } => {
            let clock = latency::Clock { server, authorization, log, rate, count, prefix, event };
            runtime.block_on(latency::clock(&clock))?
        }
        Limit::Copy { bytes, parts, count } => text::copy(bytes, parts, count),
        Limit::Yaml { folder } => yaml::parse(&folder)?,
        Limit::Fsync { folder } => {
            println!("{:.0} durable writes of 4 KiB per second", machine::fsync_rate(&folder)?);
            return Ok(());
        }
    };
    println!("{}", serde_json::to_string(&measure)?);
    Ok(())
}
