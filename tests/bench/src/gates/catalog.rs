//! The list of gates, by number.

mod backlog;
mod lasting;
mod mail;
mod nodes;
mod resting;
mod working;

use super::{Contender, Gate, Place, Role, Run};
use crate::product::{self, Installation};
use crate::{Measure, project};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;

/// Every gate that is measured, in order.
pub fn all(tabi: &Path) -> Vec<Gate> {
    let [stepping, sending] = nodes::scaling(tabi);
    vec![
        working::steps(tabi),
        nodes::steps(tabi),
        working::ingest(tabi, 3, 1),
        working::ingest(tabi, 4, 100),
        working::ingest_to_postgres(tabi),
        mail::trigger(tabi),
        lasting::timers(tabi),
        nodes::timers(tabi),
        mail::mails(tabi),
        mail::renders(tabi),
        lasting::search(tabi),
        lasting::command(tabi),
        resting::memory(tabi),
        resting::flatness(tabi),
        resting::start(tabi),
        resting::check(tabi),
        resting::size(tabi),
        stepping,
        sending,
        lasting::sustained(tabi),
        lasting::sustained_on_postgres(tabi),
        backlog::starts(tabi),
    ]
}

fn limit(name: &'static str, run: Run) -> Contender {
    Contender { role: Role::Limit, name, run: Ok(run) }
}

/// The product, when its binary knows the command that the run needs.
fn tabi_runs(tabi: &Path, command: &str, name: &'static str, run: Run) -> Contender {
    let known = product::knows(tabi, command);
    let run = if known { Ok(run) } else { Err("this binary does not know the command") };
    Contender { role: Role::Product, name, run }
}

/// An installation of the suite's project in a folder of its own.
fn small(place: &Place, name: &str) -> Installation {
    Installation {
        tabi: place.tabi.clone(),
        data: place.folder.join(name),
        project: place.scripts.join("project"),
        database: None,
    }
}

/// The same on PostgreSQL, in a database of its own.
fn served_by_postgres(place: &Place, name: &str) -> Result<Installation> {
    let database = Some(place.cluster()?.database(&name.replace('-', "_"))?);
    Ok(Installation { database, ..small(place, name) })
}

/// The same with two hundred journeys more.
fn large(place: &Place, name: &str) -> Result<Installation> {
    let project = project::many(&place.scripts.join("project"), &place.folder)?;
    Ok(Installation { project, ..small(place, name) })
}

/// The installation with two hundred journeys in which a million customers wait; made at the first call.
fn crowded(place: &Place) -> Result<Installation> {
    let installation = large(place, "crowded")?;
    let whole = installation.data.join("whole");
    if !whole.exists() {
        let customers = place.amount(1_000_000).to_string();
        installation.run(&["bench-steps", "--customers", &customers, "--steps", "0"])?;
        std::fs::write(whole, customers)?;
    }
    Ok(installation)
}

/// The crowded installation once more, under another name and made ready; copied at the first call.
fn another(
    place: &Place,
    name: &str,
    ready: impl FnOnce(&Installation) -> Result<()>,
) -> Result<Installation> {
    let crowded = crowded(place)?;
    let installation = Installation { data: place.folder.join(name), ..crowded.clone() };
    if !installation.data.exists() {
        let new = Installation { data: place.folder.join(format!("{name}.new")), ..crowded.clone() };
        project::copy(&crowded.data, &new.data)?;
        // A copy is held until somebody says that it is meant to be one.
        new.run(&["resume", "--held", "--by", "bench", "--reason", "a copy of the suite's own"])?;
        ready(&new)?;
        std::fs::rename(&new.data, &installation.data)?;
    }
    Ok(installation)
}

/// With ten million messages in its log.
fn logged(place: &Place) -> Result<Installation> {
    another(place, "logged", |installation| {
        let mut fill = Command::new(&place.limits);
        fill.arg("fill-log").arg("--db").arg(installation.data.join("tabi.db"));
        let status = fill.args(["--messages", &place.amount(10_000_000).to_string()]).status()?;
        ensure!(status.success(), "the log could not be filled");
        Ok(())
    })
}

/// Steps on an installation, measured by the product itself.
fn stepped(installation: &Installation, journey: &str, customers: u64, steps: u64) -> Result<Measure> {
    let (customers, steps) = (customers.to_string(), steps.to_string());
    let measure = crate::process::measure(&mut installation.command(&[
        "bench-steps",
        "--journey",
        journey,
        "--customers",
        &customers,
        "--steps",
        &steps,
    ]))?;
    ensure!(measure.work > 0.0, "nothing was stepped");
    Ok(measure)
}
