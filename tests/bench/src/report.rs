//! The report: tables a person can read, with every reason to doubt them beside the figures.

use crate::gates::{Figure, Gate, Role, Standing};
use crate::judge::{self, Judgement};
use std::fmt::Write as _;

/// The head of the overview.
pub const OVERVIEW: &str = "| gate | what | figure | to | ratio | spread | CPU µs each | wish | |\n\
                            |---|---|---|---|---|---|---|---|---|\n";

/// One line of the overview for each thing that must hold.
pub fn overview(gate: &Gate, standings: &[Standing]) -> String {
    let mut text = String::new();
    for bound in &gate.bounds {
        let said = judge::judge(gate, standings, *bound);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            gate.number,
            said.what,
            said.value,
            said.to,
            said.ratio,
            said.spread,
            said.cpu,
            said.wish,
            said.verdict
        )
        .ok();
    }
    text
}

/// The section of one gate, as Markdown; `when`: when and on what it was measured.
pub fn gate(gate: &Gate, standings: &[Standing], when: &str) -> String {
    let mut text = format!("### Gate {}: {}\n\n{when}\n\n", gate.number, gate.name);
    text.push_str(
        "| who | min / **median** / max | CPU µs each | p50 ms | p99 ms | MiB |\n|---|---|---|---|---|---|\n",
    );
    for standing in standings {
        let Some(spread) = standing.spread(gate.figure) else {
            let reason = standing.measures.as_ref().err().map_or("no figure", String::as_str);
            let reason = reason.lines().next().unwrap_or_default();
            writeln!(text, "| {} | not measured: {reason} | | | | |", standing.name).ok();
            continue;
        };
        let median =
            |figure: Figure| standing.spread(figure).map_or(String::new(), |spread| number(spread.median()));
        writeln!(
            text,
            "| {} | {} / **{}** / {} {} | {} | {} | {} | {} |",
            name(standing),
            number(spread.min()),
            number(spread.median()),
            number(spread.max()),
            gate.figure.unit(gate.unit),
            standing.cpu_us().map_or(String::new(), number),
            median(Figure::P50),
            median(Figure::P99),
            median(Figure::Memory),
        )
        .ok();
    }
    text.push('\n');
    for bound in &gate.bounds {
        writeln!(text, "- {}", sentence(&judge::judge(gate, standings, *bound))).ok();
    }
    text
}

fn sentence(said: &Judgement) -> String {
    let to = if said.to.is_empty() { String::new() } else { format!(" to {}", said.to) };
    let ratio = if said.ratio.is_empty() { String::new() } else { format!(": **{}**", said.ratio) };
    format!("{} {}{to}{ratio} ({}): {}", said.what, said.value, said.wish, said.verdict)
}

/// The section of `gate` in the page about what holds gates back: from its heading `## N` to the next one.
pub fn section(page: &str, gate: u8) -> Option<&str> {
    let heading = format!("## {gate}\n");
    let after = match page.strip_prefix(&heading) {
        Some(after) => after,
        None => page.split_once(&format!("\n{heading}"))?.1,
    };
    Some(after.split("\n## ").next().unwrap_or(after).trim()).filter(|text| !text.is_empty())
}

fn name(standing: &Standing) -> String {
    match standing.role {
        Role::Limit => format!("limit: {}", standing.name),
        Role::Peer => format!("peer: {}", standing.name),
        Role::Product => standing.name.to_owned(),
    }
}

/// With as many digits as it deserves.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        big if big >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let whole = text.split('.').next().unwrap_or_default();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 && digit.is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &text[whole.len()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_not_more_exact_than_they_are() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.123), "0.12");
    }

    #[test]
    fn what_holds_a_gate_back_is_found_by_its_number() {
        let page = "# Page\n\nIntro.\n\n## 1\n\nThe disk.\n\n## 12\n\nThe code.\n";
        assert_eq!(section(page, 1), Some("The disk."));
        assert_eq!(section(page, 12), Some("The code."));
        assert_eq!(section(page, 2), None);
    }
}
