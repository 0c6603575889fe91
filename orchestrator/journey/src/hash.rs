//! The hash of a program: of everything in it that runs, and of nothing that is only for people.

use crate::program::Program;
use sha2::{Digest, Sha256};

/// SHA-256 in hex of the JSON of what runs: fields in the order of their declaration, maps in the order of their keys,
/// without the places in the file. Files, titles and owners may change without a new program.
pub(crate) fn of(program: &Program) -> String {
    let p = program;
    let who = (&p.journey, &p.purpose, p.class);
    let start = (&p.start, &p.start_if, &p.once_per, p.again, p.already_in, p.late);
    let end = (&p.goal, &p.stop_if, &p.stop_segments);
    let json = serde_json::to_vec(&(who, start, end, &p.nodes, &p.bindings)).unwrap_or_default();
    Sha256::digest(without_places(&json)).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Takes every `"span":{"start":…,"end":…}` out. Inside of a text the quotes would stand behind backslashes.
fn without_places(json: &[u8]) -> Vec<u8> {
    const SPAN: &[u8] = br#""span":{"start":"#;
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(byte) = rest.first() {
        if *byte == b'"'
            && let Some(range) = rest.strip_prefix(SPAN)
            && let Some(end) = range.iter().position(|b| *b == b'}')
        {
            rest = &range[end + 1..];
            continue;
        }
        out.push(*byte);
        rest = &rest[1..];
    }
    out
}
