//! Limits and product side by side.
//!
//! Two programs share this crate. `limits` holds hand-written programs that do the same work as the product with
//! nothing around it: each is a sub-command that prints one [`Measure`] as a line of JSON. `bench` alternates them
//! with the product in one run, so that a busy machine is busy for both, and prints ratios.

pub mod console;
pub mod fill;
pub mod gates;
pub mod http;
pub mod judge;
pub mod latency;
pub mod machine;
pub mod measure;
pub mod mix;
pub mod page;
pub mod postgres;
pub mod process;
pub mod product;
pub mod project;
pub mod report;
pub mod smtp;
pub mod sqlite;
pub mod text;
pub mod timers;
pub mod yaml;

pub use measure::Measure;
