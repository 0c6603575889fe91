//! Broadcasts that are to come: when each goes out, to how many, and which would no longer.

use super::Change;
use crate::{instance::Instance, output::Output};
use journey::{Program, Start};
use release::Release;
use serde::Serialize;
use std::collections::BTreeSet;
use words::{Language, Timestamp, Zone};

/// Where a day ends last.
const LAST_ZONE: &str = "Etc/GMT+12";

/// A broadcast whose time has not come.
#[derive(Debug, Serialize)]
pub(crate) struct BroadcastPlan {
    pub(super) journey: String,
    pub(super) change: Change,
    /// Civil time, as it is written.
    pub(super) at: String,
    /// `None`: of each recipient.
    pub(super) zone: Option<String>,
    /// The segment.
    pub(super) to: String,
    /// How many are in it now; `None`: nobody has been counted yet, the segment is new.
    pub(super) recipients: Option<u64>,
}

/// Of the live release and of the new one, by name.
pub(crate) async fn broadcasts(
    instance: Option<&Instance>,
    live: Option<&Release>,
    new: &Release,
    now: Timestamp,
) -> anyhow::Result<Vec<BroadcastPlan>> {
    let mut names: BTreeSet<&str> = new.project.programs.keys().map(String::as_str).collect();
    names.extend(live.iter().flat_map(|live| live.project.programs.keys().map(String::as_str)));
    let mut found = Vec::new();
    for name in names {
        let before = live.and_then(|live| Some((live, to_come(live.project.programs.get(name)?, now)?)));
        let after = new.project.programs.get(name).and_then(|program| Some((new, to_come(program, now)?)));
        let hash = |of: &Release| of.project.programs.get(name).map(|program| program.hash.clone());
        let change = Change::of(
            before.and_then(|(of, _)| hash(of)).as_ref(),
            after.and_then(|(of, _)| hash(of)).as_ref(),
        );
        let Some((of, (at, zone, to))) = after.or(before) else { continue };
        let recipients = match (instance, of.listeners.segment_rows.get(to)) {
            (Some(instance), Some(row)) => instance.store.members(row).await?,
            _ => None,
        };
        found.push(BroadcastPlan {
            journey: name.to_owned(),
            change,
            at: at.replacen('T', " ", 1),
            zone: zone.map(|zone| zone.name().to_owned()),
            to: to.to_owned(),
            recipients,
        });
    }
    Ok(found)
}

fn to_come(program: &Program, now: Timestamp) -> Option<(&str, Option<&Zone>, &str)> {
    let Start::Broadcast { at, zone, to } = &program.start else { return None };
    let last = Zone::parse(LAST_ZONE).unwrap_or_else(|_| Zone::utc());
    engine::broadcast_at(program, &last).filter(|at| *at > now)?;
    Some((at, zone.as_ref(), to))
}

/// One line for each broadcast that a deployment adds, changes or takes away.
pub(crate) fn lines(
    out: Output,
    title: &dyn Fn(&str) -> String,
    broadcasts: &[BroadcastPlan],
) -> Vec<String> {
    let changed = broadcasts.iter().filter(|one| one.change != Change::Same);
    changed.map(|one| line(out, title, one)).collect()
}

fn line(out: Output, title: &dyn Fn(&str) -> String, one: &BroadcastPlan) -> String {
    let BroadcastPlan { journey, change, at, zone, to, recipients } = one;
    let (name, change_words) = (out.bold(&title(journey)), change.words(out));
    match out.language {
        Language::En => {
            let zone = zone.as_deref().unwrap_or("of each recipient's day");
            let many = match recipients {
                Some(1) => "1 customer now".to_owned(),
                Some(n) => format!("{n} customers now"),
                None => "a new segment, counted once it is deployed".to_owned(),
            };
            match change {
                Change::Removed => {
                    format!(
                        "broadcast {name}: {change_words}; it will not go out {at} ({zone}) to {to} ({many})"
                    )
                }
                _ => format!("broadcast {name}: {change_words}; goes out {at} ({zone}) to {to} ({many})"),
            }
        }
        Language::Ja => {
            let zone = zone.as_deref().unwrap_or("受信者の現地時間");
            let many = match recipients {
                Some(n) => format!("現在 {n} 人"),
                None => "新しいセグメントのため、人数はデプロイ後に分かります".to_owned(),
            };
            let what = if *change == Change::Removed {
                "予定されていた配信は行われません"
            } else {
                "配信予定"
            };
            format!("一斉配信 {name}：{change_words}（{what}：{at}、{zone}、宛先 {to}、{many}）")
        }
    }
}
