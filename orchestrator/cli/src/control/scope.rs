//! What a stop may name: a stop of something that does not exist stops nothing, and whoever says it believes otherwise.

use super::Desk;
use crate::{exit::Fault, instance::Instance};
use std::collections::BTreeSet;
use store::StopScope;

impl Desk {
    /// An error with the names there are, where the one that is to be stopped is not among them.
    pub(super) async fn stoppable(&self, scope: &StopScope) -> anyhow::Result<()> {
        let (kind, name) = match scope {
            StopScope::All => return Ok(()),
            StopScope::Journey(name) => ("journey", name),
            StopScope::Channel(name) => ("channel", name),
            StopScope::Purpose(name) => ("purpose", name),
        };
        let known = known(&self.instance, scope).await?;
        if known.contains(name) {
            return Ok(());
        }
        Err(Fault::problem(unknown(kind, name, &known)).into())
    }

    /// What to say of a stop that is not in force.
    pub(super) async fn no_such_stop(&self, scope: &StopScope) -> anyhow::Result<Fault> {
        let mut stops: Vec<StopScope> =
            self.instance.store.stops().await?.into_iter().map(|stop| stop.scope).collect();
        stops.sort_by_key(words);
        let text = match (stops.is_empty(), near(scope, &stops)) {
            (true, _) => format!("there is no such stop ({}): nothing is stopped", words(scope)),
            (_, Some(meant)) => {
                format!("there is no such stop ({}): did you mean `{}`?", words(scope), words(meant))
            }
            _ => {
                let all: Vec<String> = stops.iter().map(words).collect();
                format!("there is no such stop ({}); in force: {}", words(scope), all.join(", "))
            }
        };
        Ok(Fault::problem(text))
    }
}

/// A sentence about the first of these names that nothing has; `None`: all are known.
pub(crate) async fn unknown_name(
    instance: &Instance,
    journey: Option<&str>,
    channel: Option<&str>,
    purpose: Option<&str>,
) -> anyhow::Result<Option<String>> {
    for (kind, name, scope) in [
        ("journey", journey, StopScope::Journey(String::new())),
        ("channel", channel, StopScope::Channel(String::new())),
        ("purpose", purpose, StopScope::Purpose(String::new())),
    ] {
        let Some(name) = name else { continue };
        let known = known(instance, &scope).await?;
        if !known.contains(name) {
            return Ok(Some(unknown(kind, name, &known)));
        }
    }
    Ok(None)
}

/// Everything that has been called this, live or on its way.
async fn known(instance: &Instance, scope: &StopScope) -> anyhow::Result<BTreeSet<String>> {
    let store = &instance.store;
    let live = store.live_release().await?.is_some();
    let release = if live { Some(instance.release().await?) } else { None };
    let mut known = BTreeSet::new();
    match scope {
        StopScope::All => {}
        StopScope::Journey(_) => {
            known.extend(release.iter().flat_map(|release| release.project.programs.keys().cloned()));
            // Customers go on with a journey that the live release no longer has.
            known.extend(store.journey_counts(None).await?.into_iter().map(|counts| counts.journey));
        }
        StopScope::Channel(_) => {
            known.extend(["email", "sms", "push", "webhook"].map(str::to_owned));
            let messages =
                release.iter().flat_map(|release| release.templates.catalog().messages.into_values());
            known
                .extend(messages.flat_map(|entry| entry.channels).map(|channel| channel.as_str().to_owned()));
        }
        StopScope::Purpose(_) => {
            known.extend(release.iter().flat_map(|release| release.project.schema.purposes.keys().cloned()));
            // A purpose that is no longer declared, of messages that are still on their way.
            for counts in store.journey_counts(None).await? {
                for (no, ..) in &counts.places {
                    known.extend(store.program(*no).await?.map(|program| program.purpose.clone()));
                }
            }
        }
    }
    Ok(known)
}

fn words(scope: &StopScope) -> String {
    match scope {
        StopScope::All => "everything".to_owned(),
        StopScope::Journey(name) => format!("journey {name}"),
        StopScope::Channel(name) => format!("channel {name}"),
        StopScope::Purpose(name) => format!("purpose {name}"),
    }
}

fn near<'s>(scope: &StopScope, stops: &'s [StopScope]) -> Option<&'s StopScope> {
    let kind = std::mem::discriminant(scope);
    let same: Vec<&StopScope> = stops.iter().filter(|stop| std::mem::discriminant(*stop) == kind).collect();
    let meant = journey::nearest(name(scope), same.iter().map(|stop| name(stop)))?;
    same.iter().find(|stop| name(stop) == meant).copied()
}

fn name(scope: &StopScope) -> &str {
    match scope {
        StopScope::All => "",
        StopScope::Journey(name) | StopScope::Channel(name) | StopScope::Purpose(name) => name,
    }
}

/// A sentence about a name that nothing has: what was meant, or what there is.
pub(crate) fn unknown(kind: &str, name: &str, known: &BTreeSet<String>) -> String {
    match journey::nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("there is no {kind} `{name}`; did you mean `{meant}`?"),
        None if known.is_empty() => {
            format!("there is no {kind} `{name}`, and none at all yet")
        }
        None => {
            let all: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("there is no {kind} `{name}`; there is: {}", all.join(", "))
        }
    }
}
