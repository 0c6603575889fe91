//! Replies of a relay: the same however they are cut on their way, and ending.

use crate::parts::{number, one_short_line};
use email::fuzz::reply;

/// What a relay says.
pub(crate) fn run(bytes: &[u8]) {
    let whole = reply(bytes);
    if let Ok(Some(read)) = &whole {
        assert!((200..600).contains(&read.code) && read.len <= bytes.len() && read.lines >= 1);
        assert_eq!(bytes.get(read.len - 1), Some(&b'\n'), "a reply ends with its line");
        assert!(read.enhanced.is_none_or(|(class, ..)| class == read.code / 100));
        assert!(
            read.answer.starts_with(&read.code.to_string()) && !read.answer.contains('@'),
            "{}",
            read.answer
        );
        one_short_line(&read.answer);
        // What stands behind it is another reply.
        assert_eq!(reply(&bytes[..read.len]), whole);
    }
    assert!(bytes.len() <= 40_000 || whole != Ok(None), "it waits for the end of what never ends");
    // What the first part already tells stays true when the rest arrives.
    let cut = number(bytes) % (bytes.len() + 1);
    for cut in [cut, cut / 2, bytes.len().saturating_sub(1)] {
        let told = reply(&bytes[..cut]);
        assert!(told == Ok(None) || told == whole, "cut at {cut}: {told:?}, whole: {whole:?}");
    }
}
