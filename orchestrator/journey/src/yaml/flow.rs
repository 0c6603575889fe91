//! Braces and brackets that a value opens: closed, never closed, or an expression that YAML cannot take.

/// What becomes of the bracket at the beginning of a value.
pub(super) enum Opened {
    /// It is closed, here or in lines below that belong to it.
    Closed,
    /// One is never closed.
    Never {
        /// The innermost that stays open.
        at: usize,
        /// The value with everything closed.
        mended: String,
        /// No line below belongs to the value.
        alone: bool,
    },
    /// Something stands behind it, or brackets do not pair: no list, and no keys with values.
    Expression,
}

/// Follows the bracket at byte `start` through its line and the lines below that are indented more.
pub(super) fn opened(source: &str, start: usize) -> Opened {
    let line = source[..start].rfind('\n').map_or(0, |n| n + 1);
    let indent = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let depth = indent(&source[line..]);
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut at = start;
    let mut first = None;
    for (number, text) in source[start..].split_inclusive('\n').enumerate() {
        let code = without_comment(text.trim_end());
        if number > 0 && !code.trim().is_empty() && indent(text) <= depth {
            break;
        }
        match follow(code, at, &mut open) {
            Follow::On => {}
            Follow::Closed => return Opened::Closed,
            Follow::Odd if number == 0 => return Opened::Expression,
            // Whatever goes wrong below, this one had not been closed by then.
            Follow::Odd => break,
        }
        let end = at + code.trim_end().len();
        let known = first.get_or_insert((end, number, open.clone()));
        known.1 = if code.trim().is_empty() { known.1 } else { number };
        at += text.len();
    }
    let Some((end, last, mut left)) = first else { return Opened::Expression };
    let Some((innermost, _)) = left.last().copied() else { return Opened::Expression };
    // `{{ name }} …`: a template's braces, and no keys.
    if source[start..].starts_with("{{") {
        return Opened::Expression;
    }
    let mut mended = source[start..end].trim_end_matches([',', ' ']).to_owned();
    while let Some((_, bracket)) = left.pop() {
        mended.push(partner(bracket));
    }
    Opened::Never { at: innermost, mended, alone: last == 0 }
}

enum Follow {
    On,
    Closed,
    Odd,
}

/// One line's brackets; those in quotes are text.
fn follow(code: &str, from: usize, open: &mut Vec<(usize, char)>) -> Follow {
    let mut quote = None;
    for (at, c) in code.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if begins(&code[..at]) => quote = Some(c),
            (None, '{' | '[') => open.push((from + at, c)),
            (None, '}' | ']') => {
                if open.pop().is_none_or(|(_, bracket)| partner(bracket) != c) {
                    return Follow::Odd;
                }
                if open.is_empty() {
                    return if code[at + 1..].trim().is_empty() { Follow::Closed } else { Follow::Odd };
                }
            }
            _ => {}
        }
    }
    Follow::On
}

/// The second colon of one entry, as in `{en: Tea: hot, ja: 茶}`, and the entry with its text in quotes.
pub(super) fn two_colons(value: &str) -> Option<(usize, String)> {
    let inner = value.strip_prefix('{')?.strip_suffix('}')?;
    if inner.contains(['"', '\'', '{', '[']) {
        return None;
    }
    let mut start = 1;
    for entry in inner.split(',') {
        let first = entry.find(": ");
        let second = first.and_then(|first| Some(first + 2 + entry[first + 2..].find(": ")?));
        if let (Some(first), Some(second)) = (first, second) {
            let (key, text) = (entry[..first].trim(), entry[first + 2..].trim());
            return Some((start + second, format!("{key}: \"{text}\"")));
        }
        start += entry.len() + 1;
    }
    None
}

/// Whether a quote behind `before` opens a text.
fn begins(before: &str) -> bool {
    before.trim_end().ends_with(['{', '[', ',', ':']) || before.trim().is_empty()
}

fn partner(bracket: char) -> char {
    if bracket == '{' { '}' } else { ']' }
}

fn without_comment(line: &str) -> &str {
    match line.find(" #") {
        Some(at) if line[..at].matches('"').count().is_multiple_of(2) => &line[..at],
        _ => line,
    }
}
