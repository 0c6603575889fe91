//! What becomes of messages, and of the files that are nobody's own.

use super::Change;
use release::Release;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Serialize)]
pub(super) struct MessagePlan {
    pub(super) message: String,
    pub(super) change: Change,
    pub(super) files: Vec<String>,
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

pub(super) fn messages(live: Option<&Release>, new: &Release) -> Vec<MessagePlan> {
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
pub(super) fn others(live: Option<&Release>, new: &Release) -> Vec<String> {
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
