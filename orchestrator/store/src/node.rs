//! Nodes: the processes that are at work on an installation.

use words::{Elapsed, Timestamp};

/// How often a node gives a sign of life on a server, where others look for it, and on files, where nobody does.
pub const BEAT_SHARED: Elapsed = Elapsed::from_secs(10);
/// The same on files.
pub const BEAT_ALONE: Elapsed = Elapsed::from_secs(30);

/// A node of which nothing was heard for so long is silent.
pub const SILENT_AFTER: Elapsed = Elapsed::from_secs(45);

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// API and console, and it steps and sends.
    Serve,
    /// API and console alone.
    ServeOnly,
    /// It steps and sends, and serves nothing.
    Worker,
}

impl NodeRole {
    /// The name, as stored and as JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::ServeOnly => "serve_only",
            Self::Worker => "worker",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Serve, Self::ServeOnly, Self::Worker].into_iter().find(|role| role.as_str() == name)
    }

    /// Whether it steps and sends.
    pub fn works(self) -> bool {
        self != Self::ServeOnly
    }
}

/// What a node tells of itself with a sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSign {
    /// Its name, fresh at every start.
    pub name: String,
    /// What it does.
    pub role: NodeRole,
    /// The version of Tabi.
    pub version: String,
    /// Where it listens; empty: nowhere.
    pub listens: String,
}

/// A node as the others see it. Times are the server's, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it does; `None`: a release before this one did not say.
    pub role: Option<NodeRole>,
    /// The version of Tabi; empty: not said.
    pub version: String,
    /// The machine; empty: not said.
    pub host: String,
    /// Its process there; 0: not said.
    pub process: u64,
    /// Where it listens; empty: nowhere.
    pub listens: String,
    /// Since when.
    pub started_at: Timestamp,
    /// The last sign of life.
    pub seen_at: Timestamp,
    /// How long ago that was.
    pub quiet: Elapsed,
}

impl Node {
    /// Whether nothing was heard of it for longer than a node that works lets pass.
    pub fn is_silent(&self) -> bool {
        self.quiet > SILENT_AFTER
    }
}
