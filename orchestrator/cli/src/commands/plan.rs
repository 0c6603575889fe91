//! `tabi plan`: what deploying this project would change. Reads, and changes nothing.

pub(crate) mod broadcasts;
mod journeys;
mod messages;
mod show;
mod stranded;
mod ways;

use super::Context;
use crate::{exit::Exit, instance::Instance, output::Output, place::Place, project};
use clap::Args;
use journey::Program;
use release::Release;
use serde::Serialize;
use server::console::Titles;
use std::{collections::BTreeMap, sync::Arc};

/// The programs that somebody stands in, by number.
type Programs = BTreeMap<i64, Arc<Program>>;

/// Show what `tabi deploy` would change: journeys, who stands where in them, broadcasts, messages
///
/// Customers who are on their way stay with the program that they began; a message that is changed is changed for them
/// too. For each step that they stand on it also says whether they could go on in the new program (map), and what they would
/// miss if they ended there (exit). Where a change would keep one of them from a message, it says so, and ends with exit code 1.
///
/// Example: tabi plan
///
/// Example: tabi plan --format json | jq '.journeys[] | select(.change != "same")'
#[derive(Debug, Args)]
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

/// What journeys are called once `new` is deployed; what is taken away is called as it was.
pub(crate) fn titles(
    out: Output,
    live: Option<&Arc<Release>>,
    new: &Arc<Release>,
) -> impl Fn(&str) -> String + use<> {
    let [after, before] = [Some(new), live].map(|of| Titles::new(of.cloned(), out.language));
    let new = new.clone();
    move |name| {
        let of = if new.project.programs.contains_key(name) { &after } else { &before };
        of.journey_named(name)
    }
}

pub(crate) async fn run(context: &Context, _: &PlanArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    let new = Arc::new(project::build(out, &root)?);
    let there = Place::of(&context.common).is_there().await?;
    let instance = if there { Some(Instance::read(context).await?) } else { None };
    let live = match &instance {
        Some(instance) => match instance.store.live_release().await? {
            Some(_) => Some(instance.release().await?),
            None => None,
        },
        None => None,
    };
    let (mut counts, mut programs) = (Vec::new(), Programs::new());
    if let Some(instance) = &instance {
        counts = instance.store.journey_counts(None).await?;
        for (no, ..) in counts.iter().flat_map(|of| &of.places) {
            if let Some(program) = instance.store.program(*no).await? {
                programs.insert(*no, program);
            }
        }
    }
    let journeys = journeys::journeys(live.as_deref(), &new, &counts, &programs);
    let messages = messages::messages(live.as_deref(), &new);
    let others = messages::others(live.as_deref(), &new);
    let now = store::Clock::now(&store::SystemClock);
    let broadcasts = broadcasts::broadcasts(instance.as_ref(), live.as_deref(), &new, now).await?;
    let stranded = stranded::stranded(&new, &counts, &programs);
    let changed = live.as_ref().is_none_or(|live| live.id != new.id);
    out.json(&serde_json::json!({
        "live": live.as_ref().map(|live| live.id), "new": new.id, "changed": changed, "journeys": journeys,
        "broadcasts": broadcasts, "messages": messages, "files": others, "stranded": stranded,
    }));
    if out.is_json() {
        // Said already.
    } else if changed {
        let title = titles(out, live.as_ref(), &new);
        let broadcasts = broadcasts::lines(out, &title, &broadcasts);
        show::show(out, &title, &journeys, &broadcasts, &messages, &others, &stranded);
    } else {
        out.line(out.either(
            "This is what is live: nothing would change.",
            "公開中のものと同じです。変更はありません。",
        ));
    }
    Ok(if stranded.is_empty() { Exit::Fine } else { Exit::Problems })
}
