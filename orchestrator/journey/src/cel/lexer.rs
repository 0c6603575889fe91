//! Words, numbers, texts and signs of an expression.

use super::{Mistake, Origin};
use crate::report::t;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Float(f64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 25] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]",
    "{", "}", ",", ".", "=",
];

/// All tokens with their places in the file, [`Token::End`] last.
pub(super) fn tokens(origin: &Origin<'_>) -> Result<Vec<(Token, Range<usize>)>, Mistake> {
    let text = origin.text;
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let from = at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let token = if c.is_alphabetic() || c == '_' {
            at += text[at..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len() - at);
            Token::Name(text[from..at].to_owned())
        } else if c.is_ascii_digit() {
            number(origin, &mut at)?
        } else if c == '"' || c == '\'' {
            string(origin, &mut at, c)?
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| text[at..].starts_with(sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            return Err(strange(origin, at, c));
        };
        out.push((token, origin.range(from..at)));
    }
    out.push((Token::End, origin.range(text.len()..text.len())));
    Ok(out)
}

fn number(origin: &Origin<'_>, at: &mut usize) -> Result<Token, Mistake> {
    let text = origin.text;
    let from = *at;
    let digits = |at: usize| {
        text[at..].find(|c: char| !(c.is_ascii_digit() || c == '_')).map_or(text.len(), |n| at + n)
    };
    *at = digits(*at);
    let mut float = false;
    if text[*at..].starts_with('.') && text[*at + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        float = true;
        *at = digits(*at + 1);
    }
    let plain = text[from..*at].replace('_', "");
    let token = if float { plain.parse().map(Token::Float).ok() } else { plain.parse().map(Token::Int).ok() };
    let unit = text[*at..].starts_with(|c: char| c.is_alphabetic() || c == ',');
    match token {
        Some(token) if !unit || text[*at..].starts_with(", ") => Ok(token),
        Some(token)
            if text[*at..].starts_with(',') && !text[*at + 1..].starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Ok(token)
        }
        Some(_) => {
            let end = text[*at..]
                .find(|c: char| !(c.is_alphanumeric() || c == ','))
                .map_or(text.len(), |n| *at + n);
            Err(Mistake {
                span: origin.range(from..end),
                title: t("this is not a number", "数値として読めません"),
                label: t(
                    "letters or a comma stand right after the digits",
                    "数字のすぐ後に文字やカンマがあります",
                ),
                help: Some(t(
                    "write plain digits (`3000`), and money as `money(\"3000 JPY\")`",
                    "数字だけ（3000）で書き、金額は money(\"3000 JPY\") と書いてください",
                )),
            })
        }
        None => Err(Mistake {
            span: origin.range(from..*at),
            title: t("this number is too large", "数値が大きすぎます"),
            label: t("past 64 bits", "64 ビットを超えています"),
            help: None,
        }),
    }
}

fn string(origin: &Origin<'_>, at: &mut usize, quote: char) -> Result<Token, Mistake> {
    let text = origin.text;
    let from = *at;
    let mut out = String::new();
    let mut chars = text[from + 1..].char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            _ if c == quote => {
                *at = from + 1 + index + 1;
                return Ok(Token::Text(out));
            }
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, c @ ('\\' | '"' | '\''))) => out.push(c),
                _ => {
                    let place = from + 1 + index;
                    return Err(Mistake {
                        span: origin.range(place..place + 1),
                        title: t(
                            "this backslash means nothing here",
                            "このバックスラッシュ（円記号）は意味を持ちません",
                        ),
                        label: t(
                            "known are \\n, \\t, \\\\, \\\" and \\'",
                            "使えるのは \\n、\\t、\\\\、\\\"、\\' です",
                        ),
                        help: Some(t(
                            "write `\\\\` for a backslash",
                            "バックスラッシュそのものは「\\\\」と書いてください",
                        )),
                    });
                }
            },
            _ => out.push(c),
        }
    }
    Err(Mistake {
        span: origin.range(from..text.len()),
        title: t("this quote is never closed", "引用符が閉じられていません"),
        label: t("it opens here", "ここで開いています"),
        help: Some(t(format!("end the text with {quote}"), format!("文の終わりに {quote} を書いてください"))),
    })
}

fn strange(origin: &Origin<'_>, at: usize, c: char) -> Mistake {
    let half = match c {
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0),
        '“' | '”' | '„' | '「' | '」' => Some('"'),
        '‘' | '’' => Some('\''),
        '、' => Some(','),
        '。' => Some('.'),
        '×' => Some('*'),
        '÷' => Some('/'),
        '−' | '–' | '—' | 'ー' => Some('-'),
        _ => None,
    };
    let wide = match c {
        '≥' | '≧' => Some(">="),
        '≤' | '≦' => Some("<="),
        '≠' => Some("!="),
        '&' => Some("and"),
        '|' => Some("or"),
        _ => None,
    };
    let meant = wide.map(str::to_owned).or(half.map(String::from));
    Mistake {
        span: origin.range(at..at + c.len_utf8()),
        title: t(format!("`{c}` is no part of an expression"), format!("「{c}」は式に使えません")),
        label: t("this character", "この文字です"),
        help: meant.map(|m| t(format!("write `{m}`"), format!("半角の「{m}」と書いてください"))),
    }
}
