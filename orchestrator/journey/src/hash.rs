//! The hash of a program: of everything in it that runs, and of nothing that is only for people.

use crate::program::Program;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 in hex of the canonical JSON: keys in order, no spaces.
pub(crate) fn of(program: &Program) -> String {
    let mut bytes = Vec::new();
    if let Ok(Value::Object(mut map)) = serde_json::to_value(program) {
        for key in ["title", "owner", "file", "hash"] {
            map.remove(key);
        }
        write(&Value::Object(map), &mut bytes);
    }
    Sha256::digest(&bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            out.push(b'{');
            let mut keys: Vec<&String> =
                map.keys().filter(|key| !is_place(key, &map[key.as_str()])).collect();
            keys.sort();
            for key in keys {
                out.extend(Value::String(key.clone()).to_string().bytes());
                out.push(b':');
                write(&map[key], out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                write(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        other => out.extend(other.to_string().bytes()),
    }
}

/// A range in the file: `{"start": …, "end": …}` under `span`. A property called `span` of an event is no such thing.
fn is_place(key: &str, value: &Value) -> bool {
    key == "span"
        && value.get("start").is_some_and(Value::is_u64)
        && value.get("end").is_some_and(Value::is_u64)
}
