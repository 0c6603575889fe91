//! The `tabi` command.

mod demo;

fn main() {}
