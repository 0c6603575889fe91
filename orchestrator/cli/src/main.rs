//! The `tabi` command.

fn main() {}
