//! `tabi deploy` and `tabi rollback`: which release is live.

use super::{Context, Named, plan, show_answer};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
    output::Output,
    place::Place,
    project,
    voice::Voice,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use std::sync::Arc;
use words::ReleaseId;

/// Check the project, store it as a release and make it live
///
/// The stories are played first, and where one fails nothing is deployed. Customers who are on their way stay with the
/// program that they began. Deploying what is live already changes nothing.
///
/// Example: tabi deploy --note "spring texts"
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// What this release is about, for the record
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Deploy although a story fails; recorded with the note
    #[arg(long)]
    despite_stories: bool,
    #[command(flatten)]
    named: Named,
}

/// Make an earlier release live again
///
/// Example: tabi rollback --list
///
/// Example: tabi rollback
///
/// Example: tabi rollback --to rel_…
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Which; left out: the one that was live before this one
    #[arg(long, value_name = "RELEASE")]
    to: Option<ReleaseId>,
    /// Show what was live when, and change nothing
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    named: Named,
}

pub(crate) async fn deploy(context: &Context, args: &DeployArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    // Checked here too: problems are shown with their places, and a broken project reaches nobody.
    let release = Arc::new(project::build(out, &root)?);
    let note = with_stories(out, &release, args)?;
    let (broadcasts, live) = broadcasts(context, &release).await?;
    let files = STANDARD.encode(release::files::pack(&release.files));
    let ask = Ask::Deploy { files, by: args.named.name()?, note };
    let done = control::ask(context, ask).await;
    if done.is_err() {
        // Only the clock knows of these; perhaps they are why.
        let over = release.over(store::Clock::now(&store::SystemClock));
        project::show(out, &release.files, &over);
    }
    let mut done = done?;
    if done["changed"].as_bool() == Some(true) {
        done["broadcasts"] = serde_json::json!(broadcasts);
        let title = plan::titles(out, live.as_ref(), &release);
        for line in plan::broadcasts::lines(out, &title, &broadcasts) {
            out.line(line);
        }
    }
    show_answer(out, &done, |done| {
        let id = done["release"].as_str().unwrap_or_default();
        if done["changed"].as_bool() == Some(true) {
            format!("{} {id}", out.either("Live now:", "公開しました："))
        } else {
            format!(
                "{id} {}",
                out.either("is live already; nothing changed.", "はすでに公開中です。変更はありません。")
            )
        }
    });
    Ok(Exit::Fine)
}

/// Plays the stories; the note of the release, which says where some failed.
fn with_stories(out: Output, release: &release::Release, args: &DeployArgs) -> anyhow::Result<String> {
    let (failed, played) = super::test::failing(out, release)?;
    if failed == 0 {
        return Ok(args.note.clone());
    }
    if !args.despite_stories {
        let text = match out.language {
            words::Language::En => format!(
                "{failed} of {played} stories fail, so nothing was deployed: mend them (`tabi test` shows what happened), or \
                 deploy all the same with --despite-stories, which is recorded"
            ),
            words::Language::Ja => format!(
                "ストーリー{played}件中{failed}件が失敗したため、デプロイしていません。`tabi test` で経過を確認して直してください。\
                 それでもデプロイする場合は --despite-stories を付けてください（記録に残ります）"
            ),
        };
        return Err(Fault::problem(text).into());
    }
    let despite = format!("[{failed} of {played} stories failed]");
    Ok(format!("{} {despite}", args.note).trim().to_owned())
}

/// Broadcasts to come, of what is live and of what is to be, and what is live; nothing where nothing is installed yet.
async fn broadcasts(
    context: &Context,
    release: &release::Release,
) -> anyhow::Result<(Vec<plan::broadcasts::BroadcastPlan>, Option<Arc<release::Release>>)> {
    let there = Place::of(&context.common).is_there().await?;
    let instance = if there { Some(Instance::read(context).await?) } else { None };
    let live = match &instance {
        Some(instance) if instance.store.live_release().await?.is_some() => instance.release().await.ok(),
        _ => None,
    };
    let now = store::Clock::now(&store::SystemClock);
    let found = plan::broadcasts::broadcasts(instance.as_ref(), live.as_deref(), release, now).await?;
    Ok((found, live))
}

pub(crate) async fn rollback(context: &Context, args: &RollbackArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    if args.list {
        return list(context).await;
    }
    let done = control::ask(context, Ask::Rollback { to: args.to, by: args.named.name()? }).await?;
    if done["changed"].as_bool() == Some(false) {
        return Err(Fault::problem("that release is live already").into());
    }
    show_answer(out, &done, |done| {
        format!(
            "{} {}",
            out.either("Live again:", "戻しました："),
            done["release"].as_str().unwrap_or_default()
        )
    });
    Ok(Exit::Fine)
}

async fn list(context: &Context) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let history = instance.store.release_history(200).await?;
    let notes = instance.store.releases(1000).await?;
    let note = |id: ReleaseId| notes.iter().find(|r| r.id == id).map(|r| r.note.clone()).unwrap_or_default();
    out.json(&serde_json::json!({"history": history.iter().map(|live| serde_json::json!({
        "release": live.release.to_string(), "at": live.at, "by": live.by, "action": live.action, "note": note(live.release),
    })).collect::<Vec<_>>()}));
    let voice = Voice::of(out, &instance).await;
    let rows: Vec<Vec<String>> = history
        .iter()
        .map(|live| {
            vec![
                voice.at(live.at),
                live.release.to_string(),
                voice.label("release", &live.action),
                live.by.clone(),
                note(live.release),
            ]
        })
        .collect();
    voice.table(["when", "release", "what", "who", "release-note"], &rows);
    Ok(Exit::Fine)
}
