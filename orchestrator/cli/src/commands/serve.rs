//! `tabi serve`: API, console, worker and development inbox in one process.

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
use server::App;
use std::net::SocketAddr;
use store::NodeRole;

/// Run it: API, console and worker; nothing leaves this machine before `tabi go-live`
///
/// Makes the data folder where there is none, deploys the project of this folder where nothing was deployed yet, and
/// says where the console is. Ends on SIGTERM or Ctrl-C, after what is under way has come to its end.
///
/// Example: tabi serve
///
/// Example: tabi serve --listen 0.0.0.0:8080 --base-url https://tabi.example.jp --data /var/lib/tabi
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where API and console listen [default: what tabi.yaml says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "TABI_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// What customers and shops reach us by [default: what tabi.yaml says, else the address that is listened on]
    #[arg(long, value_name = "URL", env = "TABI_BASE_URL")]
    pub(crate) base_url: Option<String>,
    /// API and console alone; other nodes on the same PostgreSQL step and send, as `tabi worker` does
    #[arg(long)]
    pub(crate) no_worker: bool,
}

/// Where it listens where nobody says so.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

pub(crate) async fn run(context: &Context, args: &ServeArgs) -> anyhow::Result<Exit> {
    if args.no_worker && !Place::of(&context.common).is_shared() {
        return Err(Fault::usage(
            "with --no-worker nobody would step and send: on files in the data folder one process does all. Leave it out, or \
             name a PostgreSQL that other nodes share with --database",
        )
        .into());
    }
    let instance = node::open(context).await?;
    serve(context, args, instance).await
}

/// Serves an installation until the process is told to end.
pub(crate) async fn serve(context: &Context, args: &ServeArgs, instance: Instance) -> anyhow::Result<Exit> {
    let prepare = async |instance: &Instance| {
        let wanted = args.listen.or(instance.config.listen).unwrap_or_else(|| LISTEN.into());
        let listener = node::listen(wanted, "--listen").await?;
        let base_url = args.base_url.clone().or_else(|| instance.config.base_url.clone());
        let base_url = match base_url {
            Some(base_url) => base_url,
            None => format!("http://{}", node::reachable(listener.local_addr()?)),
        };
        Ok(Outside {
            role: if args.no_worker { NodeRole::ServeOnly } else { NodeRole::Serve },
            listener: Some(listener),
            base_url: base_url.trim_end_matches('/').to_owned(),
        })
    };
    node::run(context, instance, prepare, async |desk, app| tell(context, desk, app).await).await
}

async fn tell(context: &Context, desk: &Desk, app: &App) -> anyhow::Result<()> {
    let out = context.out;
    let running = desk.running.as_ref().context("it runs here")?;
    let here = running.console.as_deref().context("it serves here")?;
    let setup = if app.settings.demo { None } else { server::console::setup_link(app, here).await? };
    let held = desk.instance.store.held();
    let live = desk.instance.store.sending_live().await?;
    out.json(&serde_json::json!({
        "listens": running.listens, "console": format!("{here}/console"), "setup": setup, "base_url": running.base_url,
        "sending_live": live.is_some(), "held": held.as_ref().map(|held| &held.reason), "pid": std::process::id(),
        "inbox_smtp": running.inbox.smtp, "inbox_http": running.inbox.http,
    }));
    out.line(format!("{}  {here}/console", out.either("Console", "管理画面")));
    if running.base_url != here {
        let beyond = out.either("From outside", "外部から");
        out.line(format!("{beyond}  {}/console", running.base_url));
    }
    if let Some(setup) = setup {
        out.line(format!("{}  {}", out.either("First login", "初回ログイン"), out.bold(&setup)));
    }
    if live.is_none() {
        out.line(out.either(
            "Nothing leaves this machine: messages go to the development inbox until `tabi go-live`.",
            "`tabi go-live` までは、メッセージはすべて開発用の受信箱に届き、外へは出ません。",
        ));
    }
    for (source, secret) in if app.settings.demo { Vec::new() } else { app.sources_without_secret() } {
        let file = desk.instance.place.secrets();
        let file = file.display();
        let en = format!(
            "Webhooks of {source} are refused: set {secret} in the environment, or as a line {secret}=… of {file}"
        );
        let ja = format!(
            "{source} のWebhookは受け付けられません。環境変数 {secret} を設定するか、{file} に「{secret}=…」の行を書いてください。"
        );
        out.line(out.either(&en, &ja));
    }
    if let Some(held) = held {
        out.line(out.red(&format!(
            "{}: {}. {}",
            out.either("Held", "保留中"),
            held.reason,
            out.either("`tabi resume --held` releases it.", "`tabi resume --held` で解除します。")
        )));
    }
    Ok(())
}
