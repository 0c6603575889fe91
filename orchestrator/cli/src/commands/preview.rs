//! `tabi preview`: the messages in the browser, anew with every save.

use super::Context;
use crate::{
    control,
    exit::{Exit, Fault},
    preview::Gallery,
    project,
};
use clap::Args;
use std::{collections::BTreeSet, net::SocketAddr};

/// Show every message in every language with every sample, live in the browser
///
/// Serves pages on this machine alone, without a login. Save a file, and the page shows it; what is wrong is shown on
/// top, with its line and column, and the last version that worked below.
///
/// Example: tabi preview
///
/// Example: tabi preview welcome --listen 127.0.0.1:9000
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// The message to begin with
    message: Option<String>,
    /// Where to listen; this machine alone. Port 0: a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
    listen: SocketAddr,
}

pub(crate) async fn run(context: &Context, args: &PreviewArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    if !args.listen.ip().is_loopback() {
        return Err(Fault::usage(format!(
            "{} is not an address of this machine alone, and the preview has no login: use 127.0.0.1 or [::1]",
            args.listen
        ))
        .into());
    }
    let root = project::find(context.common.project.as_deref())?;
    let files = project::read(&root)?;
    if let Some(message) = &args.message {
        known(message, &files)?;
    }
    let listener = tokio::net::TcpListener::bind(args.listen).await.map_err(|error| {
        Fault::unreachable(format!(
            "{} cannot be listened on: {error}; choose another with --listen",
            args.listen
        ))
    })?;
    let at = listener.local_addr()?;
    let page = args.message.as_ref().map(|message| format!("/m/{message}")).unwrap_or_default();
    let url = format!("http://{at}{page}");
    out.json(&serde_json::json!({"url": url}));
    out.line(format!("{} {}", out.either("Preview:", "プレビュー："), out.bold(&url)));
    out.hint(out.either("Ctrl-C ends it.", "Ctrl-C で終了します。"));
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    let gallery = Gallery::new(root, out.language);
    tokio::select! {
        served = axum::serve(listener, gallery.router()).into_future() => served?,
        () = stop => {}
    }
    Ok(Exit::Fine)
}

/// Whether there is such a message; else what there is.
fn known(message: &str, files: &release::Files) -> anyhow::Result<()> {
    let names: BTreeSet<String> = files
        .keys()
        .filter_map(|path| path.strip_prefix("templates/")?.strip_suffix("/message.yaml"))
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect();
    if names.contains(message) {
        return Ok(());
    }
    Err(Fault::problem(control::unknown("message", message, &names)).into())
}
