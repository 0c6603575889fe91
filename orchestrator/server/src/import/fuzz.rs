//! What the fuzzers reach of imports: see [`crate::fuzz`].

use super::rows::Rows;
use super::{ImportError, Options, again};
use words::Timestamp;

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line.
    pub line: u64,
    /// What it says, or the code of its refusal.
    pub call: Result<String, &'static str>,
    /// A refused row as a line of a file to be mended and imported again; empty where it was taken.
    pub again: String,
}

/// The first line of a file of what is refused, and the rows; `None` where the file as a whole is refused.
pub fn rows(bytes: &[u8], options: &Options, now: Timestamp) -> Option<(String, Vec<Row>)> {
    read(bytes, options, now).ok()
}

fn read(bytes: &[u8], options: &Options, now: Timestamp) -> Result<(String, Vec<Row>), ImportError> {
    let mut rows = Rows::open(bytes, options)?;
    let head = rows.head();
    let mut out = Vec::new();
    loop {
        let batch = rows.next_batch(64, now)?;
        if batch.is_empty() {
            return Ok((head, out));
        }
        for (line, item) in batch {
            let (call, again) = match item.call.and_then(|call| call.within_limits().map(|()| call)) {
                Ok(call) => (Ok(format!("{call:?}")), String::new()),
                Err(refusal) => {
                    (Err(refusal.code.as_str()), again::line(options, line, &refusal, &item.body))
                }
            };
            out.push(Row { line, call, again });
        }
    }
}
