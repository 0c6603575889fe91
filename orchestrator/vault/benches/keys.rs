//! How long a batch's keys take.
fn main() {}
