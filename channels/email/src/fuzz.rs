//! What the fuzzers of `tests/fuzz` reach of this crate, and nobody else should.

use crate::reply::Reply;

/// A reply of a relay, as far as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Three digits.
    pub code: u16,
    /// How many lines it has.
    pub lines: usize,
    /// The enhanced status code, where it has one that agrees with its code.
    pub enhanced: Option<(u16, u16, u16)>,
    /// As it is recorded.
    pub answer: String,
    /// How many of the bytes it took.
    pub len: usize,
}

/// Reads a reply from the start of `bytes`; `Ok(None)` while more is needed.
///
/// # Errors
/// What is no reply, in words.
pub fn reply(bytes: &[u8]) -> Result<Option<Read>, &'static str> {
    let read = Reply::read(bytes).map_err(crate::reply::Unreadable::what)?;
    Ok(read.map(|(reply, len)| Read {
        code: reply.code,
        lines: reply.lines.len(),
        enhanced: reply.enhanced(),
        answer: reply.answer(),
        len,
    }))
}
