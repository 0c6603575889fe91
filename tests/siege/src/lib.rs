#![doc = include_str!("../README.md")]

pub mod chance;
pub mod cluster;
pub mod disk;
pub mod driver;
pub mod faults;
pub mod http;
pub mod installation;
pub mod journal;
pub mod list;
pub mod node;
pub mod options;
pub mod plan;
pub mod reconcile;
pub mod record;
pub mod report;
mod restore;
pub mod run;
pub mod sink;
