//! How a statement of ours is said to PostgreSQL.
//!
//! Statements are written in SQLite's words. What PostgreSQL has no word for is left out or said otherwise:
//!
//! | written | said |
//! |---|---|
//! | `?`, `?3` | `$1`, `$3`; for many rows the column `r.c3` of what the rows are unnested to |
//! | `indexed by name` | nothing: the planner has statistics |
//! | `cross join t on …` | `join t on …` |
//! | `min(a, b)`, `max(a, b)` | `least(a, b)`, `greatest(a, b)` |
//! | `x'00ff'` | `'\x00ff'::bytea` |
//! | `group_concat(distinct x)` | `string_agg(distinct x::text, ',')` |
//! | `collate nocase`, `rowid` and the like | not said: nobody writes it |
//!
//! A statement that runs for many rows becomes one statement over `unnest(…) as r`.

use crate::Error;
use crate::rows::Holds;

/// A statement for many rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Many {
    /// For all rows at once.
    pub(crate) text: String,
    /// The same, answering for each row: its number first, then what was found; or the cells at `keys`.
    pub(crate) telling: String,
    /// Columns of the rows by which an inserted row is told.
    pub(crate) keys: Option<Vec<usize>>,
}

/// A statement that runs once.
pub(crate) fn one(sql: &str) -> String {
    said(&tokens(&numbered(sql)), |nth| format!("${nth}"))
}

/// The same statement with a number behind each `?`.
fn numbered(sql: &str) -> String {
    let mut last = 0;
    let mut out = String::with_capacity(sql.len() + 16);
    for token in tokens(sql) {
        if let Some(nth) = token.strip_prefix('?') {
            last = nth.parse().unwrap_or(last + 1);
            out.push('?');
            out.push_str(&last.to_string());
        } else {
            out.push_str(token);
        }
    }
    out
}

/// How many parameters a said statement has.
pub(crate) fn parameters(text: &str) -> usize {
    let places = tokens(text).into_iter().filter_map(|token| token.strip_prefix('$')?.parse::<usize>().ok());
    places.max().unwrap_or(0)
}

/// A statement that runs for rows with these columns.
pub(crate) fn many(sql: &str, columns: &[Holds]) -> Result<Many, Error> {
    let sql = &numbered(sql);
    let parts = tokens(sql);
    let column = |nth: usize| format!("r.c{nth}");
    let arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(nth, holds)| {
            let kind = match holds {
                Holds::Int => "bigint",
                Holds::Text => "text",
                Holds::Blob => "bytea",
            };
            format!("${}::{kind}[]", nth + 1)
        })
        .collect();
    let names: Vec<String> = (1..=columns.len()).map(|nth| format!("c{nth}")).collect();
    // Rows without cells are asked once, and have nothing to be unnested.
    let rows = if columns.is_empty() {
        "(values (1)) as r(nth)".to_owned()
    } else {
        format!("unnest({}) with ordinality as r({}, nth)", arrays.join(", "), names.join(", "))
    };
    let odd = || Error::Corrupt(format!("a statement that cannot run for many rows: {sql}"));
    let say = |part: &[&str]| said(part, column);
    let first = parts.iter().find(|token| !blank(token)).copied().unwrap_or_default();
    match first {
        "select" | "with" => {
            let text = format!("select r.nth, q.* from {rows} cross join lateral ({}) q", say(&parts));
            Ok(Many { telling: text.clone(), text, keys: None })
        }
        "update" => {
            let place = top(&parts, "where").ok_or_else(odd)?;
            let (head, tail) = parts.split_at(place);
            let head = match top(head, "from") {
                Some(from) => {
                    let (set, tables) = head.split_at(from);
                    format!(
                        "{}from {rows}, {}",
                        say(set),
                        say(tables.get(1..).unwrap_or_default()).trim_start()
                    )
                }
                None => format!("{} from {rows} ", say(head).trim_end()),
            };
            let text = format!("{head}{}", say(tail));
            Ok(Many { telling: format!("{text} returning r.nth"), text, keys: None })
        }
        "delete" => {
            let place = top(&parts, "where").ok_or_else(odd)?;
            let (head, tail) = parts.split_at(place);
            let text = format!("{} using {rows} {}", say(head).trim_end(), say(tail));
            Ok(Many { telling: format!("{text} returning r.nth"), text, keys: None })
        }
        "insert" => {
            let conflict = top(&parts, "conflict")
                .and_then(|place| parts.get(..place)?.iter().rposition(|token| *token == "on"));
            let (head, tail) = parts.split_at(conflict.unwrap_or(parts.len()));
            let tail = if tail.is_empty() { String::new() } else { format!(" {}", say(tail)) };
            if let Some(values) = top(head, "values") {
                let (into, list) = head.split_at(values);
                let list = inside(list.get(1..).unwrap_or_default()).ok_or_else(odd)?;
                let said: Vec<String> = list.iter().map(|part| say(part).trim().to_owned()).collect();
                let text = format!("{}select {} from {rows}{tail}", say(into), said.join(", "));
                // The columns that a row gives as they are.
                let open = into.iter().position(|token| *token == "(").ok_or_else(odd)?;
                let into = inside(into.get(open..).unwrap_or_default()).ok_or_else(odd)?;
                let mut keys = Vec::new();
                let mut told = Vec::new();
                for (name, value) in into.iter().zip(&list) {
                    if let [parameter] = value.iter().filter(|token| !blank(token)).collect::<Vec<_>>()[..]
                        && let Some(nth) = parameter.strip_prefix('?')
                    {
                        keys.push(nth.parse::<usize>().map_err(|_| odd())?.saturating_sub(1));
                        told.push(say(name).trim().to_owned());
                    }
                }
                return Ok(Many {
                    telling: format!("{text} returning {}", told.join(", ")),
                    text,
                    keys: Some(keys),
                });
            }
            let select = top(head, "select").ok_or_else(odd)?;
            let (into, select) = head.split_at(select);
            let text = format!(
                "{}select q.* from {rows} cross join lateral ({}) q{tail}",
                say(into),
                say(select).trim()
            );
            Ok(Many { telling: text.clone(), text, keys: None })
        }
        _ => Err(odd()),
    }
}

fn blank(token: &str) -> bool {
    token.trim().is_empty()
}

/// Words, numbers, texts, parameters; each other sign by itself; blanks together.
fn tokens(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let end = |text: &str, of: &dyn Fn(char) -> bool| text.find(|c: char| !of(c)).unwrap_or(text.len());
        let length = match first {
            // A quote within is written twice: two texts side by side, for our purpose.
            '\'' => rest[1..].find('\'').map_or(rest.len(), |close| close + 2),
            'x' if rest[1..].starts_with('\'') => rest[2..].find('\'').map_or(rest.len(), |close| close + 3),
            '?' | '$' => 1 + end(&rest[1..], &|c| c.is_ascii_digit()),
            c if word(c) => end(rest, &word),
            c if c.is_whitespace() => end(rest, &char::is_whitespace),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after;
    }
    found
}

/// Where a word stands that is in no brackets.
fn top(parts: &[&str], wanted: &str) -> Option<usize> {
    let mut depth = 0;
    parts.iter().position(|token| {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == wanted
    })
}

/// What stands in the first brackets, by its commas.
fn inside<'p, 's>(parts: &'p [&'s str]) -> Option<Vec<&'p [&'s str]>> {
    let open = parts.iter().position(|token| *token == "(")?;
    let mut depth = 0;
    let mut from = open + 1;
    let mut found = Vec::new();
    for (place, token) in parts.iter().enumerate().skip(open) {
        match *token {
            "(" => depth += 1,
            ")" => {
                depth -= 1;
                if depth == 0 {
                    found.push(parts.get(from..place)?);
                    return Some(found);
                }
            }
            "," if depth == 1 => {
                found.push(parts.get(from..place)?);
                from = place + 1;
            }
            _ => {}
        }
    }
    None
}

fn said(parts: &[&str], parameter: impl Fn(usize) -> String) -> String {
    let mut out = String::new();
    let mut place = 0;
    // The next word from a place on, and where it stands.
    let word = |from: usize| {
        (from..parts.len())
            .find_map(|at| parts.get(at).filter(|token| !blank(token)).map(|token| (at, *token)))
    };
    // Brackets that have to be closed by something else.
    let mut closing: Vec<Option<&str>> = Vec::new();
    while let Some(token) = parts.get(place).copied() {
        place += 1;
        if let Some(nth) = token.strip_prefix('?') {
            out.push_str(&parameter(nth.parse().unwrap_or(0)));
        } else if let Some(bytes) = token.strip_prefix("x'") {
            out.push_str("'\\x");
            out.push_str(bytes);
            out.push_str("::bytea");
        } else if token == "indexed" && word(place).is_some_and(|(_, by)| by == "by") {
            // `by`, the name, and the blank behind it.
            let by = word(place).map_or(place, |(at, _)| at);
            place = word(by + 1).map_or(parts.len(), |(at, _)| at + 1);
            while out.ends_with(' ') && parts.get(place).is_none_or(|token| blank(token)) {
                out.pop();
            }
        } else if token == "cross" && joined_on(parts.get(place..).unwrap_or_default()) {
            // `cross` goes, and the blank behind it.
            place += 1;
        } else if (token == "min" || token == "max")
            && parts.get(place) == Some(&"(")
            && inside(parts.get(place..).unwrap_or_default()).is_some_and(|list| list.len() > 1)
        {
            out.push_str(if token == "min" { "least" } else { "greatest" });
        } else if token == "group_concat" {
            out.push_str("string_agg");
            closing.push(Some("::text, ','"));
            if parts.get(place) == Some(&"(") {
                out.push('(');
                place += 1;
            }
        } else {
            match token {
                "(" => closing.push(None),
                ")" => {
                    if let Some(Some(more)) = closing.pop() {
                        out.push_str(more);
                    }
                }
                _ => {}
            }
            out.push_str(token);
        }
    }
    out
}

/// Whether what follows `cross` is a join with an `on`.
fn joined_on(parts: &[&str]) -> bool {
    let mut depth = 0;
    let mut words = parts.iter().filter(|token| !blank(token));
    if words.next() != Some(&"join") {
        return false;
    }
    for token in words {
        match *token {
            "(" => depth += 1,
            ")" if depth == 0 => return false,
            ")" => depth -= 1,
            "on" if depth == 0 => return true,
            "where" | "join" | "cross" | "left" | "order" | "group" if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn once(sql: &str, wanted: &str) {
        assert_eq!(one(sql), wanted);
    }

    #[test]
    fn a_statement_that_runs_once() {
        once("select a from t where b = ? and c = ?", "select a from t where b = $1 and c = $2");
        once("select ?2, ?1, ?2", "select $2, $1, $2");
        once(
            "select 1 from message indexed by message_id where id = ?",
            "select 1 from message where id = $1",
        );
        once("from d indexed by delivery_due", "from d");
        once("a cross join b on b.x = a.x cross join c on c.y", "a join b on b.x = a.x join c on c.y");
        once("a cross join b where a.x = 1", "a cross join b where a.x = 1");
        once("set due_at = min(coalesce(due_at, ?), ?)", "set due_at = least(coalesce(due_at, $1), $2)");
        once("select min(a), max(b)", "select min(a), max(b)");
        once("x = x'00ff' and why = 'what? x''1'''", "x = '\\x00ff'::bytea and why = 'what? x''1'''");
        once(
            "(select group_concat(distinct d.c) from d)",
            "(select string_agg(distinct d.c::text, ',') from d)",
        );
        assert_eq!(parameters("a = $2 and b = $11"), 11);
    }

    #[test]
    fn a_statement_that_runs_for_many_rows() {
        let two = [Holds::Int, Holds::Blob];
        let rows = "unnest($1::bigint[], $2::bytea[]) with ordinality as r(c1, c2, nth)";
        let select = many("select x from t where a = ? and b = ? order by x", &two).unwrap();
        assert_eq!(
            select.telling,
            format!(
                "select r.nth, q.* from {rows} cross join lateral (select x from t where a = r.c1 and b = r.c2 order by x) q"
            )
        );
        let update = many("update t set a = ?1 where b = ?2", &two).unwrap();
        assert_eq!(update.text, format!("update t set a = r.c1 from {rows} where b = r.c2"));
        assert!(update.telling.ends_with(" returning r.nth"));
        let update =
            many("update t as u set a = ?1 from (select 1 from z where q) s where u.b = ?2", &two).unwrap();
        assert_eq!(
            update.text,
            format!("update t as u set a = r.c1 from {rows}, (select 1 from z where q) s where u.b = r.c2")
        );
        let delete = many("delete from t where a = ? and b = ?", &two).unwrap();
        assert_eq!(delete.text, format!("delete from t using {rows} where a = r.c1 and b = r.c2"));
        let insert = many(
            "insert into t (a, b, c) values (?, ?, (select max(n) from t)) on conflict do nothing",
            &two,
        )
        .unwrap();
        assert_eq!(
            insert.text,
            format!(
                "insert into t (a, b, c) select r.c1, r.c2, (select max(n) from t) from {rows} on conflict do nothing"
            )
        );
        assert!(insert.telling.ends_with(" returning a, b"));
        assert_eq!(insert.keys, Some(vec![0, 1]));
        let insert = many("insert into t (a, b) select ?2, x from u where u.a = ?1", &two).unwrap();
        assert_eq!(
            insert.text,
            format!(
                "insert into t (a, b) select q.* from {rows} cross join lateral (select r.c2, x from u where u.a = r.c1) q"
            )
        );
        assert!(many("vacuum", &two).is_err());
    }

    #[test]
    fn rows_without_cells_are_one_question() {
        let select = many("select 1 from t", &[]).unwrap();
        assert_eq!(
            select.text,
            "select r.nth, q.* from (values (1)) as r(nth) cross join lateral (select 1 from t) q"
        );
    }
}
