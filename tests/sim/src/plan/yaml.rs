//! The same journeys, as a marketer writes them.

use super::{By, Journey, Start, Step};
use std::fmt::Write as _;

impl Journey {
    /// As a file.
    pub fn yaml(&self) -> String {
        let mut out = format!("journey: {}\npurpose: {}\n", self.name, self.purpose);
        out.push_str("start:\n");
        match self.start {
            Start::Order { least } => {
                out.push_str("  event: order_placed\n  once_per: order_id\n");
                if least > 0 {
                    let _ = writeln!(out, "  if: event.total >= money(\"{least} JPY\")");
                }
            }
            Start::Visit => out.push_str("  event: visited\n"),
        }
        if self.stops {
            out.push_str("stop_if: refund_requested\n");
        }
        let _ = writeln!(out, "first_of: [{}]\nsteps:", self.first_of.join(", "));
        list(&mut out, &self.steps, 1);
        out
    }
}

fn list(out: &mut String, steps: &[Step], depth: usize) {
    for step in steps {
        one(out, step, depth);
    }
}

fn one(out: &mut String, step: &Step, depth: usize) {
    let (at, under) = ("  ".repeat(depth), "  ".repeat(depth + 1));
    let mut line = |text: String| {
        let _ = writeln!(out, "{at}{text}");
    };
    let mut more = Vec::new();
    let mut lists: Vec<(&str, &[Step])> = Vec::new();
    let name = match step {
        Step::Send { name, message, expires_h, priority } => {
            line(format!("- send: {message}"));
            more.push(format!("priority: {priority}"));
            if *expires_h > 0 {
                more.push(format!("expires: {expires_h} hours"));
            }
            name
        }
        Step::Wait { name, length, days, office } => {
            line(format!("- wait: {length} {}", if *days { "days" } else { "hours" }));
            if *office {
                more.push("between: \"09:00-20:00\"".to_owned());
            }
            name
        }
        Step::WaitFor { name, hours, or_stop, then, otherwise } => {
            line("- wait_for: order_delivered".to_owned());
            more.push(format!("up_to: {hours} hours"));
            lists.push(("then", then));
            lists.push(("if_not", otherwise));
            if *or_stop {
                more.push("if_not:".to_owned());
                more.push("  - stop: never_delivered".to_owned());
            }
            name
        }
        Step::If { name, by, then, otherwise } => {
            line(match by {
                By::TotalAtLeast(least) => format!("- if: event.total >= money(\"{least} JPY\")"),
                By::OrdersOver(n) => format!("- if: customer.orders > {n}"),
            });
            lists.push(("then", then));
            lists.push(("else", otherwise));
            name
        }
        Step::Experiment { name, one: first, other } => {
            line(format!("- experiment: x_{name}"));
            let _ = writeln!(out, "{under}name: {name}\n{under}arms:");
            for (arm, steps) in [("a", first), ("b", other)] {
                let _ = writeln!(out, "{under}  - arm: {arm}\n{under}    share: 50%\n{under}    steps:");
                list(out, steps, depth + 4);
            }
            return;
        }
        Step::Repeat { name, times, steps } => {
            line(format!("- repeat: {times} times"));
            lists.push(("steps", steps));
            name
        }
        Step::Set { name } => {
            line("- set:".to_owned());
            more.push("  plan: \"pro\"".to_owned());
            name
        }
        Step::Stop { name } => {
            line("- stop: enough".to_owned());
            name
        }
    };
    for text in more {
        let _ = writeln!(out, "{under}{text}");
    }
    let _ = writeln!(out, "{under}name: {name}");
    for (key, steps) in lists.into_iter().filter(|(_, steps)| !steps.is_empty()) {
        let _ = writeln!(out, "{under}{key}:");
        list(out, steps, depth + 2);
    }
}
