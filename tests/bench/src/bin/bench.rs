//! `bench`: the runner.
fn main() {}
