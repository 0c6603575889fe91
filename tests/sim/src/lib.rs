#![doc = include_str!("../README.md")]

pub mod book;
pub mod chance;
pub mod clock;
pub mod gate;
pub mod laws;
pub mod many;
pub mod model;
pub mod plan;
pub mod project;
pub mod provider;
pub mod races;
pub mod run;
pub mod tables;
pub mod world;
