//! A command line that makes no sense: what is wrong with it and the way out, in Japanese.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::{error::Error as _, fmt::Write as _};
use words::Phrases;

/// What clap and the readers of values say for themselves.
const SAID: Phrases = Phrases::new(
    &[
        ("to pass '{}' as a value, use '{}'", "「{}」を値として渡すには「{}」と書いてください"),
        ("'{}' exists", "「{}」ならあります"),
        ("unrecognized subcommand '{}'", "「{}」というコマンドはありません"),
        ("invalid digit found in string", "数字で書いてください"),
        ("cannot parse integer from empty string", "数字で書いてください"),
        ("number too large to fit in target type", "数が大きすぎます"),
        ("number too small to fit in target type", "数が小さすぎます"),
        ("invalid socket address syntax", "127.0.0.1:8080 の形（アドレス:ポート）で書いてください"),
        (
            "expected an id with the prefix `{}` followed by {} lower-case letters and digits: `{}`",
            "「{}」で始まる ID を書いてください",
        ),
    ],
    &[],
);

/// The mistake, the values or names that may have been meant, how the command is used.
pub(super) fn japanese(error: &clap::Error) -> String {
    let mut out = format!("エラー: {}", sentence(error));
    for (kind, name) in
        [(ContextKind::ValidValue, "指定できる値"), (ContextKind::ValidSubcommand, "使えるコマンド")]
    {
        let known = strings(error, kind);
        if !known.is_empty() {
            let _ = write!(out, "\n  {name}: {}", known.join(", "));
        }
    }
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        let meant = strings(error, kind);
        if !meant.is_empty() {
            let _ = write!(out, "\n\n  「{}」のことでしょうか？", meant.join("」「"));
        }
    }
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        for tip in tips.iter().map(ToString::to_string) {
            let _ = write!(out, "\n\n  {}", SAID.japanese(&tip).unwrap_or(tip));
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        let _ = write!(out, "\n\n使い方: {}", usage.trim_start_matches("Usage:").trim());
    }
    out.push_str("\n\n詳しくは --help をご覧ください。");
    out
}

fn sentence(error: &clap::Error) -> String {
    let one = |kind| strings(error, kind).into_iter().next().unwrap_or_default();
    let (arg, value) = (one(ContextKind::InvalidArg), one(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => {
            format!("「{arg}」というオプションはありません")
        }
        ErrorKind::UnknownArgument => format!("「{arg}」は余分な引数です"),
        ErrorKind::InvalidSubcommand => {
            format!("「{}」というコマンドはありません", one(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => {
            format!("「{}」にはコマンドの指定が必要です", one(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("「{arg}」に値がありません"),
        ErrorKind::InvalidValue => format!("「{arg}」に「{value}」は指定できません"),
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            let why = SAID.japanese(&why).or_else(|| crate::japanese::told(&why)).unwrap_or(why);
            let why = if why.is_empty() { why } else { format!("（{why}）") };
            format!("「{arg}」に「{value}」は指定できません{why}")
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error, ContextKind::InvalidArg);
            format!("次の指定が必要です:\n  {}", missing.join("\n  "))
        }
        ErrorKind::ArgumentConflict => {
            let others = strings(error, ContextKind::PriorArg);
            if others.is_empty() || others == [arg.clone()] {
                format!("「{arg}」は一度しか指定できません")
            } else {
                format!("「{arg}」は「{}」と一緒には指定できません", others.join("」「"))
            }
        }
        ErrorKind::TooManyValues => format!("「{arg}」の値が多すぎます（「{value}」は余分です）"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => format!("「{arg}」の値の数が違います"),
        ErrorKind::NoEquals => format!("「{arg}」は = でつないで指定してください"),
        ErrorKind::InvalidUtf8 => "UTF-8 として読めない文字が含まれています".to_owned(),
        // Of these there are none in this command line; what is left is said as clap says it.
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            SAID.japanese(&line).unwrap_or(line)
        }
    }
}

fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(many)) => many.clone(),
        _ => Vec::new(),
    }
}
