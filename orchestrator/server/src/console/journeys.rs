//! Journeys: their figures, and one journey with its picture, its steps and its source.

use super::graph;
use super::visit::{Failure, Visit};
use axum::response::Response;
use journey::Program;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{EnrollmentRow, JourneyCounts};

/// How many of a journey's enrollments its page lists.
const RECENT: usize = 20;

/// `GET /console/journeys`.
pub(crate) async fn list(visit: Visit) -> Result<Response, Failure> {
    let counts = visit.store().journey_counts(None).await?;
    let rows = rows(&visit, &counts);
    visit.page("journeys.html", json!({"journeys": rows})).await
}

/// A line for every journey that is live or has figures.
pub(crate) fn rows(visit: &Visit, counts: &[JourneyCounts]) -> Vec<Json> {
    let view = visit.view();
    let by_name: BTreeMap<&str, &JourneyCounts> = counts.iter().map(|c| (c.journey.as_str(), c)).collect();
    let release = visit.console.app.current.release();
    let programs = release.as_ref().map(|r| &r.project.programs);
    let mut names: BTreeSet<&str> = by_name.keys().copied().filter(|name| !name.is_empty()).collect();
    names.extend(programs.into_iter().flat_map(|p| p.keys()).map(String::as_str));
    names
        .into_iter()
        .map(|name| {
            let program = programs.and_then(|p| p.get(name));
            let none = JourneyCounts::default();
            let counts = by_name.get(name).copied().unwrap_or(&none);
            let sum = |of: fn(&store::MessageCounts) -> u64| counts.messages.iter().map(of).sum::<u64>();
            json!({
                "name": name,
                "title": view.journey(name),
                "direct": program.is_none() && name == crate::api::CALL,
                "purpose": program.map(|p| view.purpose(&p.purpose)),
                "is_live": program.is_some(),
                "enrolled": view.number(counts.enrolled),
                "live": view.number(counts.live),
                "sent": view.number(sum(|m| m.sent)),
                "inbox": Some(sum(|m| m.inbox)).filter(|n| *n > 0).map(|n| view.number(n)),
                "not_sent": view.number(sum(|m| m.not_sent)),
                "delivered": view.number(sum(|m| m.delivered)),
                "clicked": view.number(sum(|m| m.clicked)),
                "click_share": view.share(sum(|m| m.clicked), sum(|m| m.sent)),
                "converted": view.number(counts.converted),
                "converted_share": view.share(counts.converted, counts.enrolled),
                "revenue": view.amounts(&counts.revenue),
            })
        })
        .collect()
}

/// `GET /console/journeys/{name}`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let name = visit.path("name").to_owned();
    let view = visit.view();
    let release = visit.console.app.current.release();
    let program = release.as_ref().and_then(|r| r.project.programs.get(&name)).cloned();
    let counts = visit.store().journey_counts(Some(&name)).await?.into_iter().next();
    if program.is_none() && counts.as_ref().is_none_or(|c| c.enrolled == 0 && c.messages.is_empty()) {
        return Err(Failure::NotFound);
    }
    let mut counts = counts.unwrap_or_default();
    counts.journey.clone_from(&name);
    let row = rows(&visit, std::slice::from_ref(&counts)).into_iter().find(|r| r["name"] == name.as_str());
    let places = match &program {
        Some(program) => Some(places(&visit, program, &counts).await?),
        None => None,
    };
    let (drawn, steps, elsewhere) = match (&program, &places) {
        (Some(program), Some((here, elsewhere))) => {
            let outline = journey::outline(program);
            let steps = steps(&visit, &outline, here);
            (graph::draw(&outline, here, view.language), steps, *elsewhere)
        }
        _ => (Json::Null, Vec::new(), counts.live),
    };
    let recent = visit.store().enrollments_of(&name, RECENT).await?;
    let mut enrollments = Vec::new();
    for (customer, row) in recent {
        let mut shown = enrollment(&visit, &row).await?;
        shown["customer"] = customer.to_string().into();
        enrollments.push(shown);
    }
    let source = program.as_ref().zip(release.as_ref()).and_then(|(program, release)| {
        release.files.get(&program.file).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    });
    let messages: Vec<Json> = counts
        .messages
        .iter()
        .map(|m| {
            json!({
                "step": m.step, "name": m.name,
                "channel": if m.channel.is_empty() { Json::Null } else { view.channel(&m.channel) },
                "sent": view.number(m.sent), "inbox": Some(m.inbox).filter(|n| *n > 0).map(|n| view.number(n)),
                "not_sent": view.number(m.not_sent), "planned": view.number(m.planned),
                "delivered": view.number(m.delivered), "opened": view.number(m.opened),
                "clicked": view.number(m.clicked), "click_share": view.share(m.clicked, m.sent),
                "bounced": view.number(m.bounced), "complained": view.number(m.complained),
            })
        })
        .collect();
    let context = json!({
        "name": name,
        "journey": row,
        "class": program.as_ref().map(|p| view.words.named("class", p.class.as_str())),
        "owner": program.as_ref().and_then(|p| p.owner.clone()),
        "file": program.as_ref().map(|p| p.file.clone()),
        "hash": program.as_ref().map(|p| p.hash.chars().take(12).collect::<String>()),
        "release": release.as_ref().map(|r| r.id.to_string()),
        "graph": drawn,
        "steps": steps,
        "elsewhere": elsewhere,
        "elsewhere_text": view.number(elsewhere),
        "messages": messages,
        "enrollments": enrollments,
        "source": source,
        "finished": view.number(counts.finished),
        "stopped": view.number(counts.stopped),
    });
    visit.page("journey.html", context).await
}

/// How many customers stand on each node of the live program, and how many in earlier versions of it.
async fn places(
    visit: &Visit,
    program: &Program,
    counts: &JourneyCounts,
) -> Result<(BTreeMap<u32, u64>, u64), Failure> {
    let no = visit.store().program_no(&program.hash).await?;
    let mut here = BTreeMap::new();
    let mut elsewhere = 0;
    for (of, node, n) in &counts.places {
        if Some(*of) == no {
            *here.entry(*node).or_default() += n;
        } else {
            elsewhere += n;
        }
    }
    Ok((here, elsewhere))
}

fn steps(visit: &Visit, outline: &journey::outline::Outline, here: &BTreeMap<u32, u64>) -> Vec<Json> {
    let view = visit.view();
    let place: BTreeMap<u32, usize> = outline.boxes.iter().enumerate().map(|(i, b)| (b.pc, i + 1)).collect();
    outline
        .boxes
        .iter()
        .map(|b| {
            let ways: Vec<Json> = outline
                .arrows
                .iter()
                .filter(|a| a.from == b.pc)
                .map(|a| {
                    json!({
                        "to": place.get(&a.to),
                        "label": a.label.as_ref().map(|text| text.get(view.language)),
                    })
                })
                .collect();
            let n = here.get(&b.pc).copied().unwrap_or(0);
            json!({
                "step": b.step, "kind": b.kind, "label": b.label.get(view.language),
                "n": n, "count": view.number(n), "ways": ways,
            })
        })
        .collect()
}

/// An enrollment, with the words of the step it stands on.
pub(crate) async fn enrollment(visit: &Visit, row: &EnrollmentRow) -> Result<Json, Failure> {
    let view = visit.view();
    let program = visit.store().program(row.program).await?;
    let label = program.as_ref().and_then(|p| {
        let outline = journey::outline(p);
        outline.boxes.into_iter().find(|b| b.pc == row.pc).map(|b| b.label.get(view.language).to_owned())
    });
    let (status, tone) = match row.status {
        0 => ("live", "calm"),
        1 => ("finished", "good"),
        2 => ("stopped", "quiet"),
        3 => ("superseded", "quiet"),
        4 => ("merged", "quiet"),
        _ => ("goal", "good"),
    };
    Ok(json!({
        "id": row.id.to_string(),
        "journey": row.journey,
        "title": match program.as_ref().map(|p| p.title.get(view.language)) {
            // As it is called now; what is no longer released, as it was called when they began it.
            Some(then) if view.journey(&row.journey) == row.journey && !then.is_empty() => then.to_owned(),
            _ => view.journey(&row.journey),
        },
        "status": {"text": view.words.named("enrollment", status), "tone": tone},
        "label": label,
        "live": row.status == 0,
        "due": view.time_opt(row.due_at),
        "started": view.time(row.started_at),
        "ended": view.time_opt(row.ended_at),
        "goal": view.time_opt(row.goal_at),
        // That it finished is said by its state.
        "reason": row.reason.as_deref().filter(|r| *r != status).map(|r| view.words.named("reason", r)),
    }))
}
