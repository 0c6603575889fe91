//! `tabi journey`: what is live, and how many customers stand where.

use super::Context;
use crate::{
    exit::{Exit, Fault},
    instance::Instance,
    output::{Output, table},
    voice,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use server::console::Titles;
use store::JourneyCounts;
use words::Language;

/// List the live journeys, and show one with its figures (`tabi stop --journey NAME` stops one)
#[derive(Debug, Args)]
pub(crate) struct JourneyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the live journeys with their figures
    List,
    /// Show where customers stand in a journey, and what its messages did
    ///
    /// Example: tabi journey show thank_you
    Show {
        /// The journey
        name: String,
    },
}

/// The status of an enrollment by name.
pub(super) fn status(status: u8) -> &'static str {
    match status {
        0 => "live",
        1 => "finished",
        2 => "stopped",
        3 => "superseded",
        _ => "merged",
    }
}

pub(crate) async fn run(context: &Context, args: JourneyArgs) -> anyhow::Result<Exit> {
    let instance = Instance::read(context).await?;
    match args.what {
        What::List => list(context, &instance).await,
        What::Show { name } => show(context, &instance, &name).await,
    }
}

async fn list(context: &Context, instance: &Instance) -> anyhow::Result<Exit> {
    let out = context.out;
    let release = instance.release().await?;
    let counts = instance.store.journey_counts(None).await?;
    let titles = Titles::new(Some(release.clone()), out.language);
    let of = |name: &str| counts.iter().find(|c| c.journey == name).cloned().unwrap_or_default();
    out.json(&json!({
        "release": release.id, "journeys": release.project.programs.keys().map(|name| figures(name, &of(name))).collect::<Vec<_>>(),
    }));
    let rows: Vec<Vec<String>> = release
        .project
        .programs
        .iter()
        .map(|(name, program)| {
            let counts = of(name);
            let sent: u64 = counts.messages.iter().map(|m| m.sent).sum();
            let kept: u64 = counts.messages.iter().map(|m| m.inbox).sum();
            vec![
                name.clone(),
                titles.journey(name),
                titles.purpose(&program.purpose),
                counts.enrolled.to_string(),
                counts.live.to_string(),
                sent_text(out, sent, kept),
                counts.converted.to_string(),
            ]
        })
        .collect();
    let head = match out.language {
        Language::En => ["journey", "title", "purpose", "enrolled", "live", "sent", "converted"],
        Language::Ja => ["ジャーニー", "名称", "目的", "参加", "進行中", "送信", "成果"],
    };
    for line in table(&head, &rows) {
        out.line(line);
    }
    Ok(Exit::Fine)
}

async fn show(context: &Context, instance: &Instance, name: &str) -> anyhow::Result<Exit> {
    let out = context.out;
    let release = instance.release().await?;
    let Some(program) = release.project.programs.get(name) else {
        let names: Vec<&str> = release.project.programs.keys().map(String::as_str).collect();
        return Err(
            Fault::problem(format!("no journey `{name}` is live; there is: {}", names.join(", "))).into()
        );
    };
    let counts = instance.store.journey_counts(Some(name)).await?.into_iter().next().unwrap_or_default();
    out.json(&figures(name, &counts));
    let titles = Titles::new(Some(release.clone()), out.language);
    out.line(format!("{}  {}", out.bold(&titles.journey_named(name)), titles.purpose(&program.purpose)));
    out.line(format!(
        "  {} {}  {} {}  {} {}  {} {}  {} {}",
        out.either("enrolled", "参加"),
        counts.enrolled,
        out.either("live", "進行中"),
        counts.live,
        out.either("finished", "完了"),
        counts.finished,
        out.either("stopped", "停止"),
        counts.stopped,
        out.either("converted", "成果"),
        counts.converted
    ));
    for (currency, minor) in &counts.revenue {
        out.line(format!(
            "  {} {}",
            out.either("revenue", "売上"),
            server::console::money(out.language, *minor, currency)
        ));
    }
    let standing = standing(out, instance, &release, program, &counts).await?;
    if !standing.is_empty() {
        out.line("");
        let head = [
            out.either("customers", "お客様"),
            out.either("stand at", "現在のステップ"),
            out.either("line", "場所"),
        ];
        for line in table(&head, &standing) {
            out.line(line);
        }
    }
    let rows: Vec<Vec<String>> = counts
        .messages
        .iter()
        .map(|m| {
            let mut row =
                vec![m.name.clone(), m.channel.clone(), m.planned.to_string(), m.not_sent.to_string()];
            row.push(sent_text(out, m.sent, m.inbox));
            row.extend([m.delivered, m.opened, m.clicked, m.bounced].map(|n| n.to_string()));
            row
        })
        .collect();
    if !rows.is_empty() {
        out.line("");
        let head = match out.language {
            Language::En => [
                "message",
                "channel",
                "planned",
                "not sent",
                "sent",
                "delivered",
                "opened",
                "clicked",
                "bounced",
            ],
            Language::Ja => {
                ["メッセージ", "チャネル", "予定", "見送り", "送信", "到達", "開封", "クリック", "不達"]
            }
        };
        for line in table(&head, &rows) {
            out.line(line);
        }
    }
    Ok(Exit::Fine)
}

/// A figure of what was sent, which says how much of it the development inbox kept.
fn sent_text(out: Output, sent: u64, kept: u64) -> String {
    if kept == 0 {
        return sent.to_string();
    }
    format!("{sent} ({kept} {})", out.either("in the development inbox", "件は開発用受信箱"))
}

/// How many stand at which step, and where that is written; those of earlier versions say so.
async fn standing(
    out: Output,
    instance: &Instance,
    release: &release::Release,
    live: &journey::Program,
    counts: &JourneyCounts,
) -> anyhow::Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for (no, pc, customers) in &counts.places {
        let Some(program) = instance.store.program(*no).await? else { continue };
        if program.nodes.get(*pc as usize).is_none() {
            continue;
        }
        let line = if program.hash == live.hash {
            let source =
                release.files.get(&live.file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
            // The same program may stand elsewhere in the file by now.
            let start = live.nodes.get(*pc as usize).map_or(0, |node| node.span.start);
            let before = source.get(..start).unwrap_or_default();
            format!("{}:{}", live.file, before.matches('\n').count() + 1)
        } else {
            out.either("in an earlier version", "以前の版").to_owned()
        };
        rows.push((*pc, vec![customers.to_string(), voice::step(out.language, &program, *pc), line]));
    }
    rows.sort();
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn figures(name: &str, counts: &JourneyCounts) -> Value {
    json!({
        "journey": name, "enrolled": counts.enrolled, "live": counts.live, "finished": counts.finished,
        "stopped": counts.stopped, "converted": counts.converted,
        "revenue": counts.revenue.iter().map(|(currency, minor)| json!({"currency": currency, "minor": minor})).collect::<Vec<_>>(),
        "messages": counts.messages.iter().map(|m| json!({
            "step": m.step, "name": m.name, "channel": m.channel, "planned": m.planned, "not_sent": m.not_sent, "sent": m.sent, "inbox": m.inbox,
            "delivered": m.delivered, "opened": m.opened, "clicked": m.clicked, "bounced": m.bounced,
            "complained": m.complained,
        })).collect::<Vec<_>>(),
    })
}
