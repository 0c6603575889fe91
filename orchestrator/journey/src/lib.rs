//! The journey language: YAML in, checked programs or diagnostics out.
//!
//! Pure. What [`Project`] holds has been checked: whoever runs it never has to doubt it.

pub mod builtin;
mod cel;
mod check;
mod compile;
mod declare;
pub mod expr;
mod hash;
mod lean;
pub mod outline;
pub mod parts;
pub mod program;
mod read;
mod report;
pub mod rules;
pub mod schema;
mod shared;
pub mod story;
mod types;
pub mod yaml;

pub use compile::compile;
pub use expr::{BinaryOp, Expr, ExprKind, Function, Root, UnaryOp};
pub use outline::outline;
pub use program::{
    Again, AlreadyIn, Between, Channels, Days, Duration, EventMatch, Goal, IfBlocked, Node, Op, Pc, Program,
    SegmentRef, Send, Start, Wait,
};
pub use report::nearest;
pub use rules::rules;
pub use schema::{
    CallSchema, CatalogSchema, EventSchema, Fact, FactKind, Field, Purpose, Schema, Segment, Survey,
};
pub use story::stories;

/// A whole project, compiled and checked.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Project {
    /// What customers, events, catalogues and calls look like; facts, segments and purposes.
    pub schema: Schema,
    /// The programs, by journey name. Whoever runs them shares them.
    #[serde(with = "shared")]
    pub programs: std::collections::BTreeMap<String, std::sync::Arc<Program>>,
}
