//! `tabi plan`: what deploying this project would change. Reads, and changes nothing.

use super::Context;
use crate::{exit::Exit, instance::Instance, output::Output, place::Place, project};
use clap::Args;
use journey::{Op, Program};
use release::Release;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use store::JourneyCounts;

/// Show what `tabi deploy` would change: journeys, who stands where in them, messages
///
/// Customers who are on their way stay with the program that they began; a message that is changed is changed for them
/// too. Where a change would keep one of them from a message, it says so, and ends with exit code 1.
///
/// Example: tabi plan
/// Example: tabi plan --format json | jq '.journeys[] | select(.change != "same")'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct PlanArgs {}

/// What would become of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    New,
    Changed,
    Removed,
    Same,
}

impl Change {
    fn of<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> Self {
        match (before, after) {
            (None, _) => Self::New,
            (_, None) => Self::Removed,
            (Some(before), Some(after)) if before == after => Self::Same,
            _ => Self::Changed,
        }
    }

    fn words(self, out: Output) -> &'static str {
        match self {
            Self::New => out.either("new", "追加"),
            Self::Changed => out.either("changed", "変更"),
            Self::Removed => out.either("removed", "削除"),
            Self::Same => out.either("same", "変更なし"),
        }
    }
}

#[derive(Debug, Serialize)]
struct JourneyPlan {
    journey: String,
    change: Change,
    /// Customers on their way.
    live: u64,
    /// Of those, customers who go on with a program that is not the one to be deployed.
    stay: u64,
    steps: Vec<Standing>,
}

/// How many stand on a step of a program.
#[derive(Debug, Serialize)]
struct Standing {
    program: String,
    /// Whether new enrollments would begin with this program.
    current: bool,
    step: String,
    customers: u64,
}

#[derive(Debug, Serialize)]
struct MessagePlan {
    message: String,
    change: Change,
    files: Vec<String>,
}

/// Customers who would not get a message that their program sends.
#[derive(Debug, Serialize)]
struct Stranded {
    journey: String,
    message: String,
    customers: u64,
    because: words::Text,
}

pub(crate) async fn run(context: &Context, _: &PlanArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    let new = project::build(out, &root)?;
    let there = Place::at(&context.common.data).is_there();
    let instance = if there { Some(Instance::read(context).await?) } else { None };
    let live = match &instance {
        Some(instance) => match instance.store.live_release().await? {
            Some(_) => Some(instance.release().await?),
            None => None,
        },
        None => None,
    };
    let (mut counts, mut programs) = (Vec::new(), BTreeMap::new());
    if let Some(instance) = &instance {
        counts = instance.store.journey_counts(None).await?;
        for (no, ..) in counts.iter().flat_map(|of| &of.places) {
            if let Some(program) = instance.store.program(*no).await? {
                programs.insert(*no, program);
            }
        }
    }
    let journeys = journeys(live.as_deref(), &new, &counts, &programs);
    let messages = messages(live.as_deref(), &new);
    let others = others(live.as_deref(), &new);
    let stranded = stranded(&new, &counts, &programs);
    let changed = live.as_ref().is_none_or(|live| live.id != new.id);
    out.json(&serde_json::json!({
        "live": live.as_ref().map(|live| live.id), "new": new.id, "changed": changed, "journeys": journeys,
        "messages": messages, "files": others, "stranded": stranded,
    }));
    if !out.is_json() {
        show(out, changed, &journeys, &messages, &others, &stranded);
    }
    Ok(if stranded.is_empty() { Exit::Fine } else { Exit::Problems })
}

fn journeys(
    live: Option<&Release>,
    new: &Release,
    counts: &[JourneyCounts],
    programs: &BTreeMap<i64, Arc<Program>>,
) -> Vec<JourneyPlan> {
    let hash_in = |release: &Release, name: &str| release.project.programs.get(name).map(|p| p.hash.clone());
    let mut names: BTreeSet<&str> = new.project.programs.keys().map(String::as_str).collect();
    names.extend(live.iter().flat_map(|live| live.project.programs.keys().map(String::as_str)));
    names.extend(
        counts.iter().filter(|of| of.places.iter().any(|(.., n)| *n > 0)).map(|of| of.journey.as_str()),
    );
    names
        .into_iter()
        .map(|name| {
            let (before, after) = (live.and_then(|live| hash_in(live, name)), hash_in(new, name));
            let change = match (&before, &after) {
                // Customers of a journey that was removed earlier.
                (None, None) => Change::Removed,
                _ => Change::of(before.as_ref(), after.as_ref()),
            };
            let places = counts.iter().filter(|of| of.journey == name).flat_map(|of| &of.places);
            let mut steps = Vec::new();
            for (no, pc, customers) in places.filter(|(.., n)| *n > 0) {
                let Some(program) = programs.get(no) else { continue };
                let node = usize::try_from(*pc).ok().and_then(|pc| program.nodes.get(pc));
                steps.push(Standing {
                    program: program.hash.chars().take(12).collect(),
                    current: Some(&program.hash) == after.as_ref(),
                    step: node.map(|node| node.step.clone()).unwrap_or_default(),
                    customers: *customers,
                });
            }
            let live = steps.iter().map(|at| at.customers).sum();
            let stay = steps.iter().filter(|at| !at.current).map(|at| at.customers).sum();
            JourneyPlan { journey: name.to_owned(), change, live, stay, steps }
        })
        .collect()
}

/// The message that a file of `templates/` belongs to.
fn message_of<'f>(release: &Release, file: &'f str) -> Option<&'f str> {
    let (folder, _) = file.strip_prefix("templates/")?.split_once('/')?;
    release.templates.messages().any(|name| name == folder).then_some(folder)
}

fn changed_files(live: Option<&Release>, new: &Release) -> Vec<(String, Change)> {
    let mut files: BTreeSet<&String> = new.files.keys().collect();
    files.extend(live.iter().flat_map(|live| live.files.keys()));
    files
        .into_iter()
        .map(|file| {
            (file.clone(), Change::of(live.and_then(|live| live.files.get(file)), new.files.get(file)))
        })
        .filter(|(_, change)| *change != Change::Same)
        .collect()
}

fn messages(live: Option<&Release>, new: &Release) -> Vec<MessagePlan> {
    let mut plans: BTreeMap<String, MessagePlan> = BTreeMap::new();
    for (file, _) in changed_files(live, new) {
        let known = message_of(new, &file).or_else(|| live.and_then(|live| message_of(live, &file)));
        let Some(message) = known else { continue };
        let is_in =
            |release: &Release| release.templates.messages().any(|name| name == message).then_some(());
        let change = match Change::of(live.and_then(is_in).as_ref(), is_in(new).as_ref()) {
            Change::Same => Change::Changed,
            other => other,
        };
        let plan = plans.entry(message.to_owned()).or_insert_with(|| MessagePlan {
            message: message.to_owned(),
            change,
            files: Vec::new(),
        });
        plan.files.push(file.clone());
    }
    plans.into_values().collect()
}

/// Changed files that are neither a journey's nor a message's own: brand, layouts, strings, declarations, rules.
fn others(live: Option<&Release>, new: &Release) -> Vec<String> {
    let mine: BTreeSet<&String> = std::iter::once(new)
        .chain(live)
        .flat_map(|release| release.project.programs.values().map(|program| &program.file))
        .collect();
    changed_files(live, new)
        .into_iter()
        .map(|(file, _)| file)
        .filter(|file| !mine.contains(file) && !file.ends_with(".test.yaml"))
        .filter(|file| {
            message_of(new, file).or_else(|| live.and_then(|live| message_of(live, file))).is_none()
        })
        .collect()
}

/// What customers on their way would be kept from: their programs say with which inputs a message is sent, and the new
/// release renders it.
fn stranded(
    new: &Release,
    counts: &[JourneyCounts],
    programs: &BTreeMap<i64, Arc<Program>>,
) -> Vec<Stranded> {
    let catalog = new.templates.catalog();
    let mut found: BTreeMap<(String, String), Stranded> = BTreeMap::new();
    let mut on: BTreeMap<i64, u64> = BTreeMap::new();
    for (no, _, customers) in counts.iter().flat_map(|of| &of.places) {
        *on.entry(*no).or_default() += customers;
    }
    for (no, customers) in on.into_iter().filter(|(_, customers)| *customers > 0) {
        let Some(program) = programs.get(&no) else { continue };
        for node in &program.nodes {
            let Op::Send { send, .. } = &node.op else { continue };
            let given: BTreeSet<&str> = send.with.iter().map(|(name, _)| name.as_str()).collect();
            let because = match catalog.messages.get(&send.message) {
                None => words::Text::new("there is no such message any more", "このメッセージはなくなります"),
                Some(entry) => {
                    let lacks = entry
                        .inputs
                        .iter()
                        .find(|(name, input)| input.required && !given.contains(name.as_str()));
                    let extra = given.iter().find(|name| !entry.inputs.contains_key(**name));
                    match (lacks, extra) {
                        (Some((name, _)), _) => words::Text::new(
                            format!(
                                "it needs `{name}`, which they began without: declare it optional, or with a default"
                            ),
                            format!(
                                "「{name}」が必要になりますが、進行中の人にはありません。省略可能にするか、既定値を付けてください"
                            ),
                        ),
                        (_, Some(name)) => words::Text::new(
                            format!(
                                "it no longer declares `{name}`, which they bring: leave it declared until they are through"
                            ),
                            format!(
                                "「{name}」の宣言がなくなりますが、進行中の人は持っています。全員が終わるまで残してください"
                            ),
                        ),
                        _ => continue,
                    }
                }
            };
            let key = (program.journey.clone(), send.message.clone());
            let entry = found.entry(key).or_insert_with(|| Stranded {
                journey: program.journey.clone(),
                message: send.message.clone(),
                customers: 0,
                because,
            });
            entry.customers = entry.customers.max(customers);
        }
    }
    found.into_values().collect()
}

fn show(
    out: Output,
    changed: bool,
    journeys: &[JourneyPlan],
    messages: &[MessagePlan],
    others: &[String],
    stranded: &[Stranded],
) {
    if !changed {
        out.line(out.either(
            "This is what is live: nothing would change.",
            "公開中のものと同じです。変更はありません。",
        ));
        return;
    }
    for plan in journeys.iter().filter(|plan| plan.change != Change::Same || plan.stay > 0) {
        out.line(format!(
            "{} {}: {}",
            out.either("journey", "ジャーニー"),
            out.bold(&plan.journey),
            plan.change.words(out)
        ));
        if plan.live > 0 {
            out.line(match out.language {
                words::Language::En => {
                    format!("  {} on their way; {} go on with what they began", plan.live, plan.stay)
                }
                words::Language::Ja => {
                    format!(
                        "  進行中 {} 人、うち {} 人は始めたときの内容のまま進みます",
                        plan.live, plan.stay
                    )
                }
            });
        }
        for at in &plan.steps {
            out.line(format!("    {:>8}  {}  {}", at.customers, at.program, at.step));
        }
    }
    for plan in messages {
        let files = plan.files.len();
        out.line(format!(
            "{} {}: {} ({files} {})",
            out.either("message", "メッセージ"),
            out.bold(&plan.message),
            plan.change.words(out),
            out.either(if files == 1 { "file" } else { "files" }, "ファイル"),
        ));
    }
    for file in others {
        out.line(format!("{} {file}", out.either("file", "ファイル")));
    }
    for one in stranded {
        let because = one.because.get(out.language);
        out.line(out.red(&match out.language {
            words::Language::En => {
                format!("{} in {} would not get `{}`: {because}", one.customers, one.journey, one.message)
            }
            words::Language::Ja => format!(
                "{} の {} 人に「{}」が届かなくなります：{because}",
                one.journey, one.customers, one.message
            ),
        }));
    }
}
