//! `clicked(m)` where no click on `m` is ever counted: the condition could never hold.

use super::World;
use crate::parts::{expressions, walk};
use crate::program::{Channels, Op};
use crate::report::{Report, t};
use crate::{ExprKind, Program};
use words::{Channel, MessageClass, Text};

/// Warns of every `clicked(m)` that can never hold.
pub(super) fn check(report: &Report<'_>, world: World<'_>, program: &Program) {
    expressions(program, &mut |expr| {
        walk(expr, &mut |part| {
            if let ExprKind::Engaged(receipt, message) = &part.kind
                && receipt == "clicked"
                && let Some((why, help)) = never(world, program, message)
            {
                report.warning(
                    "J106",
                    part.span.clone(),
                    t(
                        format!("clicks on `{message}` are not counted here, so this never holds"),
                        format!(
                            "ここでは「{message}」のクリックが計測されないため、この条件は成り立ちません"
                        ),
                    ),
                    why,
                    help,
                );
            }
            true
        });
    });
}

/// Why no click on the message is counted, and the way out; `None`: it is.
fn never(world: World<'_>, program: &Program, message: &str) -> Option<(Text, Text)> {
    let entry = world.messages.get(message)?;
    let mut channels: Vec<&Channel> = Vec::new();
    for node in &program.nodes {
        if let Op::Send { send, .. } = &node.op
            && send.message == message
        {
            let (Channels::FirstOf(of) | Channels::AllOf(of)) = &send.channels;
            channels.extend(of);
        }
    }
    // Sends whose channels could not be read have problems of their own.
    if channels.is_empty() {
        return None;
    }
    let events = || {
        t(
            "ask about what the click should lead to: an event of the shop, as in `wait_for:` or `count(…)`",
            "クリックの先で起きる、お店側のイベントを「wait_for:」や「count(…)」で確かめてください",
        )
    };
    if !channels.contains(&&Channel::EMAIL) {
        channels.sort();
        channels.dedup();
        let names: Vec<&str> = channels.iter().map(|channel| channel.as_str()).collect();
        return Some((
            t(
                format!("it goes out on {}, where links are sent as written", names.join(", ")),
                format!("{} では、リンクは書かれたまま送られます", names.join("、")),
            ),
            events(),
        ));
    }
    let purpose = world.declared.schema.purposes.get(&program.purpose).and_then(|purpose| purpose.clicks);
    if words::counts_clicks(entry.clicks, purpose, world.messages.clicks, program.class) {
        return None;
    }
    let class = program.class.as_str();
    let turn_on = || {
        t(
            format!(
                "write `clicks: true` in templates/{message}/message.yaml, or ask about an event of the shop"
            ),
            format!(
                "templates/{message}/message.yaml に「clicks: true」と書くか、お店側のイベントで確かめてください"
            ),
        )
    };
    Some(match (program.class, entry.clicks, purpose) {
        (MessageClass::Security, ..) => (
            t(
                "messages of the class security keep their links as written",
                "区分 security のメッセージでは、リンクは常に書かれたまま送られます",
            ),
            events(),
        ),
        (_, Some(false), _) => (
            t(
                format!("templates/{message}/message.yaml says `clicks: false`"),
                format!("templates/{message}/message.yaml に「clicks: false」とあります"),
            ),
            turn_on(),
        ),
        (_, _, Some(false)) => (
            t(
                format!("the purpose `{}` says `clicks: false`", program.purpose),
                format!("目的「{}」に「clicks: false」とあります", program.purpose),
            ),
            turn_on(),
        ),
        (MessageClass::Marketing | MessageClass::Service, ..) => (
            t(
                "templates/brand.yaml says `clicks: false`",
                "templates/brand.yaml に「clicks: false」とあります",
            ),
            turn_on(),
        ),
        _ => (
            t(
                format!(
                    "messages of the class {class} keep their links as written, unless they say otherwise"
                ),
                format!("区分 {class} のメッセージでは、指定がなければリンクは書かれたまま送られます"),
            ),
            turn_on(),
        ),
    })
}
