//! The report: a table a person can read, with every reason to doubt it beside the figures.

use crate::gates::{Bound, Figure, Gate, Role, Standing};
use std::fmt::Write as _;

/// An anchor whose rounds differ by more than this tells nothing.
pub const UNREST_MAX: f64 = 2.0;

/// The sections of one gate, as Markdown.
pub fn gate(gate: &Gate, standings: &[Standing]) -> String {
    let mut text = format!("### Gate {}: {}\n\n", gate.number, gate.name);
    text.push_str(
        "| who | min / **median** / max | CPU µs each | p99 ms | peak MiB |\n|---|---|---|---|---|\n",
    );
    for standing in standings {
        let Some(spread) = standing.spread(gate.figure) else {
            let reason = standing.measures.as_ref().err().map_or("no figure", String::as_str);
            let reason = reason.lines().next().unwrap_or_default();
            writeln!(text, "| {} | not measured: {reason} | | | |", standing.name).ok();
            continue;
        };
        let median =
            |figure: Figure| standing.spread(figure).map_or(String::new(), |spread| number(spread.median()));
        writeln!(
            text,
            "| {} | {} / **{}** / {} {} | {} | {} | {} |",
            name(standing),
            number(spread.min()),
            number(spread.median()),
            number(spread.max()),
            gate.figure.unit(gate.unit),
            standing.cpu_us().map_or(String::new(), number),
            median(Figure::P99),
            median(Figure::Memory),
        )
        .ok();
    }
    text.push('\n');
    for bound in &gate.bounds {
        writeln!(text, "- {}", judge(gate, standings, *bound)).ok();
    }
    text.push('\n');
    text
}

fn name(standing: &Standing) -> String {
    match standing.role {
        Role::Limit => format!("limit: {}", standing.name),
        Role::Peer => format!("peer: {}", standing.name),
        Role::Product => standing.name.to_owned(),
    }
}

/// One bound: the figure, the gate, and whether it was reached. No ratio to an anchor that does not stand still.
fn judge(gate: &Gate, standings: &[Standing], bound: Bound) -> String {
    let product = standings.iter().find(|standing| standing.role == Role::Product);
    let median =
        |figure: Figure| product.and_then(|product| product.spread(figure)).map(|spread| spread.median());
    match bound {
        Bound::Ratio { to, gate: floor, stretch } => {
            let wanted = if floor > 0.0 {
                format!("gate {floor}, stretch {stretch}")
            } else {
                format!("stretch {stretch}")
            };
            let anchor = standings.iter().find(|standing| standing.name == to);
            let Some(anchor) = anchor.and_then(|anchor| anchor.spread(gate.figure)) else {
                return format!("tabi by {to} ({wanted}): no anchor");
            };
            if anchor.unrest() > UNREST_MAX {
                let unrest = anchor.unrest();
                return format!(
                    "tabi by {to} ({wanted}): no ratio, the anchor itself varied {unrest:.1}x; run again"
                );
            }
            match median(gate.figure) {
                None => format!("tabi by {to} ({wanted}): not measured yet"),
                Some(value) => {
                    let ratio = value / anchor.median();
                    format!(
                        "tabi by {to}: **{ratio:.2}** ({wanted}): {}",
                        verdict(ratio >= floor, ratio >= stretch)
                    )
                }
            }
        }
        Bound::AtMost { figure, gate: most, stretch } => {
            let unit = figure.unit(gate.unit);
            match median(figure) {
                None => format!("{unit} (at most {most}, stretch {stretch}): not measured yet"),
                Some(value) => format!(
                    "{} {unit} (at most {most}, stretch {stretch}): {}",
                    number(value),
                    verdict(value <= most, value <= stretch)
                ),
            }
        }
        Bound::Times { of, to, gate: most, stretch } => {
            let wanted = format!("at most {most}, stretch {stretch}");
            match (named(gate, standings, of), named(gate, standings, to)) {
                (Some(value), Some(base)) => {
                    let times = value / base.max(1e-12);
                    format!(
                        "{of} by {to}: **{times:.2}** ({wanted}): {}",
                        verdict(times <= most, times <= stretch)
                    )
                }
                _ => format!("{of} by {to} ({wanted}): not measured yet"),
            }
        }
        Bound::More { of, than, gate: most, stretch } => {
            let wanted = format!("at most {most}, stretch {stretch}");
            match (named(gate, standings, of), named(gate, standings, than)) {
                (Some(value), Some(base)) => {
                    let (more, unit) = (value - base, gate.figure.unit(gate.unit));
                    let verdict = verdict(more <= most, more <= stretch);
                    format!("{of}, more than {than}: {more:.1} {unit} ({wanted}): {verdict}")
                }
                _ => format!("{of}, more than {than} ({wanted}): not measured yet"),
            }
        }
    }
}

/// The median of a contender.
fn named(gate: &Gate, standings: &[Standing], name: &str) -> Option<f64> {
    let standing = standings.iter().find(|standing| standing.name == name)?;
    standing.spread(gate.figure).map(|spread| spread.median())
}

fn verdict(gate: bool, stretch: bool) -> &'static str {
    match (gate, stretch) {
        (_, true) => "stretch reached",
        (true, false) => "reached",
        (false, false) => "**missed**",
    }
}

/// With as many digits as it deserves.
fn number(value: f64) -> String {
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
    use crate::Measure;

    fn standing(role: Role, name: &'static str, rates: &[f64]) -> Standing {
        let measure = |rate: &f64| Measure { work: *rate, seconds: 1.0, ..Measure::default() };
        Standing { role, name, measures: Ok(rates.iter().map(measure).collect()) }
    }

    fn check(anchor: &[f64], product: &[f64], expected: &str) {
        let bound = Bound::Ratio { to: "limit", gate: 0.5, stretch: 0.8 };
        let gate = Gate {
            number: 1,
            name: "",
            unit: "steps",
            figure: Figure::Rate,
            contenders: vec![],
            bounds: vec![bound],
        };
        let standings = [standing(Role::Limit, "limit", anchor), standing(Role::Product, "tabi", product)];
        assert_eq!(judge(&gate, &standings, bound), expected);
    }

    #[test]
    fn a_ratio_is_judged_by_the_medians() {
        check(
            &[90.0, 100.0, 110.0],
            &[50.0, 60.0, 70.0],
            "tabi by limit: **0.60** (gate 0.5, stretch 0.8): reached",
        );
        check(&[100.0], &[90.0], "tabi by limit: **0.90** (gate 0.5, stretch 0.8): stretch reached");
        check(&[100.0], &[40.0], "tabi by limit: **0.40** (gate 0.5, stretch 0.8): **missed**");
    }

    #[test]
    fn no_ratio_to_an_anchor_that_varied_more_than_twofold() {
        let expected =
            "tabi by limit (gate 0.5, stretch 0.8): no ratio, the anchor itself varied 3.0x; run again";
        check(&[50.0, 100.0, 150.0], &[60.0], expected);
    }

    #[test]
    fn numbers_are_grouped_and_not_more_exact_than_they_are() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.123), "0.12");
    }
}
