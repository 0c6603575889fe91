//! Expressions: what is shown of one reads as the same one.

use crate::journeys::compiled;
use crate::parts::text;
use journey::{Op, Project};

/// An expression, as an author writes it after `if:`.
pub(crate) fn run(bytes: &[u8]) {
    let written = text(bytes);
    let written = written.trim();
    if written.len() > 4_200 {
        return;
    }
    let Some(shown) = compiled(journey(written).as_bytes()).and_then(|project| condition(&project)) else {
        return;
    };
    // What is shown may be longer than an author may write.
    let again = compiled(journey(&shown).as_bytes()).and_then(|project| condition(&project));
    assert!(
        shown.len() > 4_000 || again.as_ref() == Some(&shown),
        "{written:?} is shown as {shown:?}, which reads as {again:?}"
    );
}

/// A journey that asks this; a block, so that nothing of it means something to YAML.
fn journey(expression: &str) -> String {
    let line: String = expression.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect();
    format!(
        "journey: a\npurpose: after_sales\nstart: {{event: order_placed}}\nfirst_of: [email]\nsteps:\n  - if: |-\n      {line}\n    \
         then:\n      - send: tips\n"
    )
}

fn condition(project: &Project) -> Option<String> {
    let program = project.programs.get("a")?;
    program.nodes.iter().find_map(|node| match &node.op {
        Op::Branch { arms, .. } => arms.first().map(|(condition, _)| condition.to_string()),
        _ => None,
    })
}
