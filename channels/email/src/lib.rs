#![doc = include_str!("../README.md")]

mod adapter;
mod address;
mod classify;
mod compose;
mod config;
#[doc(hidden)]
pub mod fuzz;
mod line;
mod pool;
mod reply;
mod session;
mod step;
mod tls;
mod wire;

pub use adapter::SmtpAdapter;
pub use config::{ConfigError, Deadlines, SmtpConfig, Tls};
