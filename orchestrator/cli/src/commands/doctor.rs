//! `tabi doctor`: what is wrong with this installation, and what to do about it.

use super::Context;
use crate::{
    config::Config,
    control::{self, Ask},
    exit::Exit,
    instance::Instance,
    place::Place,
    project,
};
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

/// Look at the whole installation: files, keys, tables, providers, and what needs a person
///
/// Example: tabi doctor
/// Example: tabi doctor --providers
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DoctorArgs {
    /// Also connect to the configured mail relay and log in
    #[arg(long)]
    providers: bool,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Note,
    Bad,
}

struct Finding {
    what: &'static str,
    health: Health,
    text: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &'static str, health: Health, text: impl Into<String>) {
        self.0.push(Finding { what, health, text: text.into() });
    }
}

pub(crate) async fn run(context: &Context, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let mut found = Findings::default();
    let place = Place::at(&context.common.data);
    project_stands(context, &mut found);
    private(&place, &mut found);
    running(&place, &mut found).await;
    let config = Config::load(
        context.common.config.as_deref(),
        place.folder(),
        project::find(context.common.project.as_deref()).ok().as_deref(),
    );
    match &config {
        Ok(config) => providers(config, args.providers, &mut found).await,
        Err(error) => found.add("configuration", Health::Bad, format!("{error:#}")),
    }
    if place.is_there() {
        match Instance::read(context).await {
            Ok(instance) => tables(&instance, &mut found).await,
            Err(error) => found.add("database", Health::Bad, format!("{error:#}")),
        }
    } else {
        found.add("database", Health::Note, format!("none yet in {}", place.folder().display()));
    }
    let bad = found.0.iter().any(|finding| finding.health == Health::Bad);
    out.json(&json!({
        "healthy": !bad,
        "findings": found.0.iter().map(|finding| json!({
            "what": finding.what, "text": finding.text,
            "health": match finding.health { Health::Good => "good", Health::Note => "note", Health::Bad => "bad" },
        })).collect::<Vec<_>>(),
    }));
    for finding in &found.0 {
        let mark = match finding.health {
            Health::Good => out.green("✓"),
            Health::Note => "·".to_owned(),
            Health::Bad => out.red("✗"),
        };
        out.line(format!("{mark} {}: {}", finding.what, finding.text));
    }
    Ok(if bad { Exit::Problems } else { Exit::Fine })
}

fn project_stands(context: &Context, found: &mut Findings) {
    let Ok(root) = project::find(context.common.project.as_deref()) else { return };
    if !project::is_project(&root) {
        found.add("project", Health::Note, "none in this folder");
        return;
    }
    match release::files::read(&root) {
        Err(error) => found.add("project", Health::Bad, error.to_string()),
        Ok(files) => {
            let (release, problems) = release::Release::build(files);
            let (errors, warnings) = project::count(&problems);
            match release {
                Some(release) => found.add(
                    "project",
                    if warnings > 0 { Health::Note } else { Health::Good },
                    format!(
                        "{}: {} journeys, {warnings} warnings",
                        root.display(),
                        release.project.programs.len()
                    ),
                ),
                None => {
                    found.add("project", Health::Bad, format!("{errors} errors: `tabi check` shows them"))
                }
            }
        }
    }
}

/// Keys and doors are their owner's alone.
fn private(place: &Place, found: &mut Findings) {
    #[cfg(unix)]
    for path in [place.root_key(), place.keys(), place.control()] {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(about) = std::fs::metadata(&path) else { continue };
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            found.add(
                "keys",
                Health::Bad,
                format!("others may read {0} (mode {mode:03o}): chmod 600 {0}", path.display()),
            );
        }
    }
    let _ = (place, found);
}

async fn running(place: &Place, found: &mut Findings) {
    match control::ask_running(place, &Ask::Status, &|_| {}).await {
        Ok(Some(status)) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let runs = &status["running"];
            let other = status["version"] != env!("CARGO_PKG_VERSION");
            found.add(
                "server",
                if other { Health::Note } else { Health::Good },
                format!(
                    "runs on {} (process {}){}",
                    text(&runs["listens"]),
                    runs["pid"],
                    if other { ", of another version: restart it" } else { "" }
                ),
            );
        }
        Ok(None) => found.add("server", Health::Note, "nothing runs"),
        Err(error) => found.add("server", Health::Bad, error.to_string()),
    }
}

async fn providers(config: &Config, connect: bool, found: &mut Findings) {
    match crate::adapters::providers(config, config.base_url.as_deref().unwrap_or_default()) {
        Err(error) => found.add("providers", Health::Bad, format!("{error:#}")),
        Ok(adapters) if adapters.is_empty() => {
            found.add(
                "providers",
                Health::Note,
                "none configured: name them in tabi.yaml before `tabi go-live`",
            );
        }
        Ok(adapters) => {
            let names: Vec<String> = adapters
                .iter()
                .map(|(channel, adapter)| format!("{} by {}", channel.as_str(), adapter.provider()))
                .collect();
            found.add("providers", Health::Good, names.join(", "));
        }
    }
    if let (true, Some(email)) = (connect, &config.email) {
        match crate::adapters::smtp(config, email) {
            Err(error) => found.add("mail relay", Health::Bad, format!("{error:#}")),
            Ok(smtp) => match smtp.probe(Duration::from_secs(20)).await {
                Ok(()) => found.add("mail relay", Health::Good, "connected and logged in"),
                Err(outcome) => found.add("mail relay", Health::Bad, format!("{outcome:?}")),
            },
        }
    }
}

async fn tables(instance: &Instance, found: &mut Findings) {
    let store = &instance.store;
    match store.check().await {
        Ok(problems) if problems.is_empty() => found.add("database", Health::Good, "whole"),
        Ok(problems) => found.add("database", Health::Bad, problems.join("; ")),
        Err(error) => found.add("database", Health::Bad, error.to_string()),
    }
    if let Ok(totals) = store.totals(instance.now()).await {
        found.add(
            "size",
            Health::Good,
            format!(
                "{} customers, {} due, {} deliveries due, {} MiB",
                totals.customers,
                totals.steps_due,
                totals.sends_due,
                totals.bytes >> 20
            ),
        );
    }
    match store.live_release().await {
        Ok(Some(live)) => {
            found.add("release", Health::Good, format!("{} since {} by {}", live.release, live.at, live.by))
        }
        Ok(None) => found.add("release", Health::Note, "nothing is deployed: `tabi deploy`"),
        Err(error) => found.add("release", Health::Bad, error.to_string()),
    }
    match store.sending_live().await {
        Ok(Some(live)) => {
            found.add("sending", Health::Good, format!("live since {} by {}", live.at, live.by))
        }
        Ok(None) => found.add("sending", Health::Note, "nothing leaves this machine: `tabi go-live`"),
        Err(error) => found.add("sending", Health::Bad, error.to_string()),
    }
    let Ok(troubles) = store.troubles(100).await else { return };
    if let Some(held) = &troubles.held {
        found.add("held", Health::Bad, format!("{}: `tabi resume --held`", held.reason));
    }
    for stop in &troubles.stops {
        found.add(
            "stop",
            Health::Note,
            format!("{:?} since {} by {}: {}", stop.scope, stop.at, stop.by, stop.reason),
        );
    }
    let counts = [
        ("deliveries of unknown outcome", troubles.unknown.len(), Health::Bad),
        ("quarantined deliveries", troubles.quarantined.len(), Health::Bad),
        ("rejected items", troubles.rejected.len(), Health::Note),
        ("events nobody declared", troubles.unknown_events.len(), Health::Note),
        ("notices not seen", troubles.notices.len(), Health::Note),
    ];
    for (what, count, health) in counts {
        if count > 0 {
            let more = if count >= 100 { " or more" } else { "" };
            found.add(what, health, format!("{count}{more}: see the console"));
        }
    }
}
