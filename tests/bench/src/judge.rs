//! What a bound says about the figures: reached or missed, and by how much. No ratio to an anchor that does not stand
//! still.

use crate::gates::{Bound, Figure, Gate, Role, Standing};
use crate::measure::Spread;
use crate::report::number;

/// An anchor whose rounds differ by more than this tells nothing.
pub const UNREST_MAX: f64 = 2.0;

const REACHED: &str = "reached";
/// The verdict on what falls short.
pub const MISSED: &str = "**missed**";
const UNKNOWN: &str = "not measured";
/// The verdict where a stretch is all that was wished for.
const STRETCH_MISSED: &str = "stretch missed";

/// One bound, judged; everything as text for a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whose figure.
    pub what: String,
    /// The figure with its unit.
    pub value: String,
    /// What it is compared with, with its figure; empty: with nothing.
    pub to: String,
    /// How many times as much, or how much more.
    pub ratio: String,
    /// Largest round by smallest, of the one and of the other.
    pub spread: String,
    /// CPU microseconds per unit of work.
    pub cpu: String,
    /// What was wished for.
    pub wish: String,
    /// Reached, missed, not measured.
    pub verdict: &'static str,
}

/// Judge one bound.
pub fn judge(gate: &Gate, standings: &[Standing], bound: Bound) -> Judgement {
    let product = || standings.iter().find(|standing| standing.role == Role::Product);
    let named = |name: &str| standings.iter().find(|standing| standing.name == name);
    match bound {
        Bound::Ratio { to, gate: floor, stretch } => {
            let wish = if floor > 0.0 {
                format!("at least {floor}, stretch {stretch}")
            } else {
                format!("stretch {stretch}")
            };
            let compared =
                compare(gate, gate.figure, product(), named(to), (to, wish), |value, anchor| value / anchor);
            let mut said = compared.finish(|ratio| (ratio >= floor, ratio >= stretch));
            if floor <= 0.0 && said.verdict == REACHED {
                said.verdict = STRETCH_MISSED;
            }
            said
        }
        Bound::Times { figure, of, to, gate: most, stretch } => {
            let wish = format!("at most {most} times, stretch {stretch}");
            let compared = compare(gate, figure, named(of), named(to), (to, wish), |value, base| {
                value / base.max(1e-12)
            });
            compared.finish(|times| (times <= most, times <= stretch))
        }
        Bound::More { figure, of, than, gate: most, stretch } => {
            let wish = format!("at most {most} more, stretch {stretch}");
            let compared =
                compare(gate, figure, named(of), named(than), (than, wish), |value, base| value - base);
            compared.finish(|more| (more <= most, more <= stretch))
        }
        Bound::AtMost { figure, gate: most, stretch } => at_most(gate, product(), figure, most, stretch),
        Bound::Of { of, figure, gate: most, stretch } => at_most(gate, named(of), figure, most, stretch),
        Bound::Each { figure, gate: most, stretch } => {
            let products = standings.iter().filter(|standing| standing.role == Role::Product);
            let median = |standing: &&Standing| standing.spread(figure).map_or(f64::INFINITY, |s| s.median());
            let worst = products.max_by(|one, other| median(one).total_cmp(&median(other)));
            at_most(gate, worst, figure, most, stretch)
        }
    }
}

/// A comparison before its verdict.
struct Compared {
    said: Judgement,
    value: Option<f64>,
}

impl Compared {
    fn finish(mut self, reached: impl Fn(f64) -> (bool, bool)) -> Judgement {
        if let Some(value) = self.value {
            self.said.verdict = verdict(reached(value));
        }
        self.said
    }
}

fn compare(
    gate: &Gate,
    figure: Figure,
    value: Option<&Standing>,
    anchor: Option<&Standing>,
    (to, wish): (&str, String),
    how: impl Fn(f64, f64) -> f64,
) -> Compared {
    let mut said = about(gate, value, figure, wish);
    to.clone_into(&mut said.to);
    let Some(base) = anchor.and_then(|anchor| anchor.spread(figure)) else {
        return Compared { said, value: None };
    };
    said.to = format!("{to} {}", shown(gate, figure, &base));
    said.spread = format!("{} / {:.1}", said.spread, base.unrest());
    // What is not the product has no reason to vary but the machine.
    let anchor_is_product = anchor.is_some_and(|anchor| anchor.role == Role::Product);
    if !anchor_is_product && base.unrest() > UNREST_MAX {
        said.verdict = "no ratio: what it is compared with varied too much; run again";
        return Compared { said, value: None };
    }
    let value = value.and_then(|value| value.spread(figure)).map(|value| how(value.median(), base.median()));
    said.ratio = value.map_or(String::new(), |value| format!("{value:.2}"));
    Compared { said, value }
}

fn at_most(gate: &Gate, standing: Option<&Standing>, figure: Figure, most: f64, stretch: f64) -> Judgement {
    let mut said = about(gate, standing, figure, format!("at most {most}, stretch {stretch}"));
    if let Some(spread) = standing.and_then(|standing| standing.spread(figure)) {
        said.verdict = verdict((spread.median() <= most, spread.median() <= stretch));
    }
    said
}

fn about(gate: &Gate, standing: Option<&Standing>, figure: Figure, wish: String) -> Judgement {
    let spread = standing.and_then(|standing| standing.spread(figure));
    Judgement {
        what: standing.map_or("tabi", |standing| standing.name).to_owned(),
        value: spread.as_ref().map_or(String::new(), |spread| shown(gate, figure, spread)),
        spread: spread.as_ref().map_or(String::new(), |spread| format!("{:.1}", spread.unrest())),
        cpu: standing.and_then(Standing::cpu_us).map_or(String::new(), number),
        wish,
        verdict: UNKNOWN,
        ..Judgement::default()
    }
}

fn shown(gate: &Gate, figure: Figure, spread: &Spread) -> String {
    format!("{} {}", number(spread.median()), figure.unit(gate.unit))
}

fn verdict((gate, stretch): (bool, bool)) -> &'static str {
    match (gate, stretch) {
        (_, true) => "stretch reached",
        (true, false) => REACHED,
        (false, false) => MISSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Measure;

    fn standing(role: Role, name: &'static str, rates: &[f64]) -> Standing {
        let measure = |rate: &f64| Measure { work: *rate, seconds: 1.0, ..Measure::default() };
        Standing { role, name, measures: Ok(rates.iter().map(measure).collect()) }
    }

    #[track_caller]
    fn check(bound: Bound, anchor: &[f64], product: &[f64], ratio: &str, verdict: &str) {
        let (name, unit, figure) = ("", "steps", Figure::Rate);
        let gate = Gate { number: 1, name, unit, figure, contenders: vec![], bounds: vec![bound] };
        let standings = [standing(Role::Limit, "limit", anchor), standing(Role::Product, "tabi", product)];
        let said = judge(&gate, &standings, bound);
        assert_eq!((said.ratio.as_str(), said.verdict), (ratio, verdict), "{said:?}");
    }

    const HALF: Bound = Bound::Ratio { to: "limit", gate: 0.5, stretch: 0.8 };

    #[test]
    fn a_ratio_is_judged_by_the_medians() {
        check(HALF, &[90.0, 100.0, 110.0], &[50.0, 60.0, 70.0], "0.60", "reached");
        check(HALF, &[100.0], &[90.0], "0.90", "stretch reached");
        check(HALF, &[100.0], &[40.0], "0.40", MISSED);
    }

    #[test]
    fn where_a_stretch_is_all_that_was_wished_for_nothing_less_is_called_reached() {
        let wished = Bound::Ratio { to: "limit", gate: 0.0, stretch: 0.8 };
        check(wished, &[100.0], &[1.0], "0.01", STRETCH_MISSED);
        check(wished, &[100.0], &[90.0], "0.90", "stretch reached");
    }

    #[test]
    fn no_ratio_to_an_anchor_that_varied_more_than_twofold() {
        let verdict = "no ratio: what it is compared with varied too much; run again";
        check(HALF, &[50.0, 100.0, 150.0], &[60.0], "", verdict);
    }

    #[test]
    fn the_worst_of_all_products_is_judged() {
        let each = Bound::Each { figure: Figure::Rate, gate: 50.0, stretch: 10.0 };
        check(each, &[100.0], &[40.0], "", "reached");
        check(each, &[1.0], &[60.0], "", MISSED);
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        check(HALF, &[100.0], &[], "", UNKNOWN);
    }
}
