//! Bodies of the tracking API: within limits, and what is kept for a replay reads as the message did.

use crate::parts::{NOW, lines, number, text};
use server::fuzz::{LIMITS, Read, again, batch, message};

const KINDS: [&str; 7] = ["identify", "track", "page", "screen", "group", "alias", "nothing"];

/// The first line chooses the route, the rest is the body.
pub(crate) fn run(bytes: &[u8]) {
    let [route, body] = lines(bytes);
    let said = text(route);
    let kind = KINDS.iter().find(|kind| **kind == said).unwrap_or(&KINDS[number(route) % KINDS.len()]);
    for exact in [true, false] {
        let read = message(body, kind, exact, NOW);
        limited(&read);
        // A replay takes times as they are.
        if let (true, Ok(told)) = (exact, &read) {
            let replayed = again(&told.kept, NOW);
            let told_again = replayed.as_ref().map(|told| &told.whole);
            assert_eq!(told_again, Ok(&told.whole), "replayed, it says something else");
        }
    }
    limited(&again(body, NOW));
    for history in [true, false] {
        let Ok(items) = batch(body, history, NOW) else { continue };
        assert!(items.len() <= 2_500);
        items.iter().for_each(limited);
    }
    let whole = message(bytes, kind, true, NOW);
    limited(&whole);
}

#[track_caller]
fn limited(read: &Read) {
    let (id_max, name_max, _, token_max) = LIMITS;
    match read {
        Ok(told) => {
            for (text, max) in
                told.ids.iter().map(|id| (id, id_max)).chain([(&told.name, name_max.max(id_max))])
            {
                assert!(text.chars().count() <= max && !text.chars().any(char::is_control), "{text:?}");
            }
            assert!(told.push_token.as_ref().is_none_or(|token| token.len() <= token_max));
        }
        Err((code, reason)) => assert!(!code.is_empty() && !reason.is_empty()),
    }
}
