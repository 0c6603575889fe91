//! `tabi nodes`: the processes that are at work on an installation.

use super::Context;
use crate::{exit::Exit, instance::Instance, voice::Voice};
use clap::Args;
use serde_json::json;
use store::{Clock as _, Node, NodeRole, SystemClock};
use words::{Elapsed, Language};

/// The nodes at work: what each does, since when, and when it was last heard of
///
/// A node gives a sign of life every few seconds; one that has been silent for 45 seconds has crashed, stands still or has lost
/// the database, and the others do its work meanwhile. One that was stopped in order is not listed, one that crashed for a
/// day, or until it is started again in its data folder.
///
/// Example: tabi nodes --database postgres://tabi@db.example.jp/tabi
#[derive(Debug, Args)]
pub(crate) struct NodesArgs {}

pub(crate) async fn run(context: &Context, _: &NodesArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let nodes = instance.store.nodes(SystemClock.machine_now()).await?;
    for node in &nodes {
        out.json(&json!({
            "node": node.name, "does": node.role.map(NodeRole::as_str), "version": node.version, "host": node.host,
            "process": node.process, "listens": Some(&node.listens).filter(|listens| !listens.is_empty()),
            "since": node.started_at, "seen": node.seen_at, "seconds_ago": seconds(node.quiet), "silent": node.is_silent(),
        }));
    }
    if !out.is_json() {
        let voice = Voice::of(out, &instance).await;
        let rows: Vec<Vec<String>> = nodes.iter().map(|node| row(&voice, node)).collect();
        if rows.is_empty() {
            out.line(out.either("No node is at work.", "動いているノードはありません。"));
        } else {
            voice.table(
                ["node", "node-does", "node-listens", "node-version", "node-since", "node-heard"],
                &rows,
            );
        }
        if !rows.is_empty() && !nodes.iter().any(steps_and_sends) {
            out.line(out.red(out.either(
                "Nobody steps and sends: start `tabi worker`, or `tabi serve` without --no-worker.",
                "ステップと送信を行うノードがありません。「tabi worker」か、--no-worker を付けない「tabi serve」を起動してください。",
            )));
        }
    }
    instance.close().await;
    Ok(Exit::Fine)
}

/// Whether it moves customers, as far as is known.
pub(crate) fn steps_and_sends(node: &Node) -> bool {
    !node.is_silent() && node.role.is_none_or(NodeRole::works)
}

/// Where it is: machine and process.
pub(crate) fn place(node: &Node) -> String {
    let short = node.name.get(..8).unwrap_or(&node.name);
    if node.host.is_empty() { short.to_owned() } else { format!("{}/{}", node.host, node.process) }
}

fn seconds(quiet: Elapsed) -> i64 {
    quiet.as_micros() / 1_000_000
}

fn row(voice: &Voice, node: &Node) -> Vec<String> {
    let ago = seconds(node.quiet);
    let heard = match voice.out.language {
        Language::En => format!("{ago} s ago"),
        Language::Ja => format!("{ago} 秒前"),
    };
    let heard = if node.is_silent() {
        voice.out.red(&format!("{heard} ({})", voice.word("node-silent")))
    } else {
        heard
    };
    let does = node.role.map_or_else(String::new, |role| voice.label("node-does", role.as_str()));
    vec![place(node), does, node.listens.clone(), node.version.clone(), voice.at(node.started_at), heard]
}
