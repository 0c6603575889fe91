//! `tabi worker`: a node that steps and sends, and serves nobody.

use super::Context;
use crate::{
    control::Desk,
    exit::{Exit, Fault},
    instance::Instance,
    node::{self, Outside},
    place::Place,
};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use store::NodeRole;

/// Step and send, beside `tabi serve` on the same PostgreSQL; no API, no console
///
/// One more node for more work, on this machine or another: it shares what is due with all others, and opens no port. Needs
/// the PostgreSQL database, the root key of the first node (root.key in its data folder, or TABI_ROOT_KEY), a data folder
/// of its own, the same tabi.yaml, and what customers reach `tabi serve` by, since links in messages lead there. Ends on
/// SIGTERM or Ctrl-C, after what is under way has come to its end; after a crash the others take over what it had.
///
/// Example: tabi worker --database postgres://tabi@db.example.jp/tabi --base-url https://tabi.example.jp --data worker-2
///
/// Example: tabi worker --health 0.0.0.0:8081
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// What customers reach `tabi serve` by: links in messages lead there [default: what tabi.yaml says]
    #[arg(long, value_name = "URL", env = "TABI_BASE_URL")]
    base_url: Option<String>,
    /// Answer /livez, /readyz and /metrics here, and nothing else; left out: no port is opened
    #[arg(long, value_name = "ADDRESS", env = "TABI_HEALTH")]
    health: Option<SocketAddr>,
}

pub(crate) async fn run(context: &Context, args: &WorkerArgs) -> anyhow::Result<Exit> {
    if !Place::of(&context.common).is_shared() {
        return Err(Fault::usage(
            "`tabi worker` is one more node on a PostgreSQL database: name it with --database. On files in the data folder one \
             process does all: use `tabi serve`",
        )
        .into());
    }
    let instance = node::open(context).await?;
    let prepare = async |instance: &Instance| {
        let base_url = args.base_url.clone().or_else(|| instance.config.base_url.clone()).ok_or_else(|| {
            Fault::usage(
                "say what customers reach `tabi serve` by, with --base-url or as `base_url` in tabi.yaml: links in messages lead \
                 there, also the one to unsubscribe",
            )
        })?;
        let listener = match args.health {
            Some(wanted) => Some(node::listen(wanted, "--health").await?),
            None => None,
        };
        Ok(Outside { role: NodeRole::Worker, listener, base_url: base_url.trim_end_matches('/').to_owned() })
    };
    node::run(context, instance, prepare, async |desk, _| tell(context, desk).await).await
}

async fn tell(context: &Context, desk: &Desk) -> anyhow::Result<()> {
    let out = context.out;
    let running = desk.running.as_ref().context("it runs here")?;
    let held = desk.instance.store.held();
    let live = desk.instance.store.sending_live().await?;
    out.json(&json!({
        "worker": running.machine.node, "health": running.listens, "base_url": running.base_url,
        "sending_live": live.is_some(), "held": held.as_ref().map(|held| &held.reason), "pid": std::process::id(),
    }));
    out.line(format!(
        "{} {}",
        out.either("Steps and sends; links lead to", "ステップと送信を行います。リンクの行き先："),
        running.base_url
    ));
    if let Some(health) = running.listens {
        out.line(format!("{}  http://{health}/readyz", out.either("Health", "死活監視")));
    }
    if live.is_none() {
        out.line(out.either(
            "Nothing leaves this machine before `tabi go-live`: what this node sends lies in its own development inbox, and in the \
             log that every console shows.",
            "`tabi go-live` までは何も外へ出ません。このノードが送るものは、このノードの開発用の受信箱と、どの管理画面にも出る送信記録に残ります。",
        ));
    }
    if let Some(held) = held {
        out.line(out.red(&format!("{}: {}", out.either("Held", "保留中"), held.reason)));
    }
    Ok(())
}
