//! What a siege is made of.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Which database the nodes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// SQLite inside, one node.
    Sqlite,
    /// PostgreSQL: a cluster of the siege's own, thrown away afterwards; any number of nodes.
    Postgres,
}

impl Store {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Tabi under fire: kills, pauses, a full disk, a destroyed queue, a restored backup, providers on a bad day.
///
/// Ends with 0 where the three records agree, with 1 and every difference where they do not.
#[derive(Debug, Clone, Parser)]
#[command(name = "siege")]
pub struct Options {
    /// How often a node is killed
    #[arg(long, default_value_t = 10)]
    pub kills: u64,
    /// How many messages, at least; each order brings four
    #[arg(long, default_value_t = 1_200)]
    pub sends: u64,
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    pub store: Store,
    /// How many nodes (SQLite takes one)
    #[arg(long, default_value_t = 1)]
    pub nodes: usize,
    /// The one seed of all chances; left out: the clock's
    #[arg(long)]
    pub seed: Option<u64>,
    /// How often a node is frozen
    #[arg(long, default_value_t = 1)]
    pub pauses: u64,
    /// For how many seconds; twice a lease is 4.8 times --hand-over-s
    #[arg(long, default_value_t = 3)]
    pub pause_s: u64,
    /// The longest that one hand-over may take, in seconds; a lease is 2.4 times as long
    #[arg(long, default_value_t = 50)]
    pub hand_over_s: u64,
    /// How often the disk is full for two seconds (without --disk-mib: no file of the node may grow)
    #[arg(long, default_value_t = 1)]
    pub full: u64,
    /// Give each node a disk of its own of so many MiB, in memory, which is filled to the last byte (needs root)
    #[arg(long)]
    pub disk_mib: Option<u64>,
    /// How often the clock of the nodes jumps, up to an hour forth and ten minutes back (needs libfaketime)
    #[arg(long, default_value_t = 2)]
    pub clock_moves: u64,
    /// How often the database server is killed (PostgreSQL)
    #[arg(long, default_value_t = 0)]
    pub database_kills: u64,
    /// How often the queue is destroyed
    #[arg(long, default_value_t = 2)]
    pub jobs_destroyed: u64,
    /// Leave the restored backup out
    #[arg(long)]
    pub no_restore: bool,
    /// Providers never fall silent: silence costs each batch that meets it a whole --hand-over-s
    #[arg(long)]
    pub no_silence: bool,
    /// The binary; left out: `TABI_BIN`, else the one beside this program
    #[arg(long)]
    pub bin: Option<PathBuf>,
    /// Keep records, logs and databases in this folder
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Write the outcome into this file, before those of earlier runs
    #[arg(long)]
    pub results: Option<PathBuf>,
}
