//! Journeys whose only time has passed: a broadcast of yesterday, a schedule of a day that no month has. They are whole,
//! and would never start; only the clock knows it.

use crate::Release;
use journey::{Program, Start};
use std::ops::Range;
use words::{Diagnostic, Text, Timestamp, Zone};

/// Where a day ends last.
const LAST_ZONE: &str = "Etc/GMT+12";

impl Release {
    /// A warning for each journey that can start for nobody after `now`.
    pub fn over(&self, now: Timestamp) -> Vec<Diagnostic> {
        self.project.programs.values().filter_map(|program| self.over_one(program, now)).collect()
    }

    /// Those of [`Release::over`] that did not run in `live` the same way: there they may have done what they were for.
    pub fn over_but_for(&self, live: Option<&Self>, now: Timestamp) -> Vec<Diagnostic> {
        let ran = |program: &Program| {
            let before = live.and_then(|live| live.project.programs.get(&program.journey));
            before.is_some_and(|before| before.start == program.start)
        };
        let new = self.project.programs.values().filter(|program| !ran(program));
        new.filter_map(|program| self.over_one(program, now)).collect()
    }

    fn over_one(&self, program: &Program, now: Timestamp) -> Option<Diagnostic> {
        let last = Zone::parse(LAST_ZONE).unwrap_or_else(|_| Zone::utc());
        let (key, title) = match &program.start {
            Start::Broadcast { at, zone, .. }
                if engine::broadcast_at(program, &last).is_some_and(|at| at <= now) =>
            {
                let written = at.replacen('T', " ", 1);
                let (en, ja) = match zone {
                    Some(zone) => (format!(" in {}", zone.name()), format!("（{}）", zone.name())),
                    None => (" everywhere".to_owned(), "（どのタイムゾーンでも）".to_owned()),
                };
                let title = Text::new(
                    format!("`{}` can never start: {written} is past{en}", program.journey),
                    format!("「{}」は開始できません。{written} は既に過ぎています{ja}", program.journey),
                );
                ("at", title)
            }
            Start::Schedule { cron, .. } if engine::next_tick(program, now, &last).is_none() => {
                let title = Text::new(
                    format!("`{}` can never start: no day is ever `{cron}`", program.journey),
                    format!("「{}」は開始できません。「{cron}」に当たる日がありません", program.journey),
                );
                ("schedule", title)
            }
            _ => return None,
        };
        let source =
            self.files.get(&program.file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let found = Diagnostic::error(
            "R002",
            &program.file,
            value_of(&source, key),
            title,
            Text::new("nobody is written to", "誰にも送られません"),
        );
        let help = if key == "at" {
            Text::new(
                "give a time to come, or delete the journey; it cannot be deployed unless it was live before that time",
                "これからの日時を書くか、このジャーニーを消してください。その日時より前に公開していなければ、デプロイできません",
            )
        } else {
            Text::new(
                "give a day that exists, or delete the journey",
                "実在する日を書くか、このジャーニーを消してください",
            )
        };
        Some(found.help(help).warning())
    }
}

/// Where the value of a key of `start:` stands; the beginning of the file where it is not found.
fn value_of(source: &str, key: &str) -> Range<usize> {
    let Some(start) = source.find("start:") else { return 0..0 };
    let rest = &source[start..];
    let wanted = format!("{key}:");
    let found = rest.match_indices(&wanted).find(|(at, _)| rest[..*at].ends_with([' ', '{', ',', '\n']));
    let Some((at, _)) = found else { return 0..0 };
    let value = &rest[at + wanted.len()..];
    let line = value.split(['\n', '#']).next().unwrap_or_default();
    let lead = line.len() - line.trim_start().len();
    let text = line.trim();
    let text = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].find(quote).map_or(text, |end| &text[..end + 2]),
        _ => text.split([',', '}']).next().unwrap_or_default().trim_end(),
    };
    let from = start + at + wanted.len() + lead;
    from..from + text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_found_in_either_style() {
        let of = |source: &str, key: &str| source[value_of(source, key)].to_owned();
        assert_eq!(
            of("start:\n  at: \"2026-01-01T09:00\"   # new year\n  to: all\n", "at"),
            "\"2026-01-01T09:00\""
        );
        assert_eq!(
            of("date: at: x\nstart: {to: all, at: 2026-01-01T09:00, zone: UTC}\n", "at"),
            "2026-01-01T09:00"
        );
        assert_eq!(of("start:\n  schedule: \"0 8 30 2 *\"\n", "schedule"), "\"0 8 30 2 *\"");
    }
}
