//! What people did: `tabi log acts`.

use super::filter::period;
use crate::{
    commands::Context,
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use clap::Args;
use serde_json::Value;
use std::collections::BTreeSet;
use store::{Act, ActFilter, AuditKind};

/// List what people did: went live, stopped, resumed, deployed, erased, tested, exported, read … who, when and why
///
/// Example: tabi log acts --what sending --from 2026-11-01
///
/// Example: tabi log acts --by hanako --format json
#[derive(Debug, Args)]
pub(crate) struct ActsArgs {
    /// By this person
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Of this kind alone: `sending.stopped`, or a group of them: sending, release, customer, api_key, operator, log …
    #[arg(long, value_name = "KIND")]
    what: Option<String>,
    /// At or after: a day (in the project's zone) or an instant
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until: a day, the whole of it (in the project's zone), or before an instant
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(crate) async fn run(context: &Context, args: &ActsArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    if let Some(what) = args.what.as_deref().filter(|what| !ActFilter::knows(what)) {
        let acts = AuditKind::ALL.iter().filter(|kind| kind.is_act()).map(|kind| kind.as_str());
        let known: BTreeSet<&str> = acts.collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Fault::usage(format!(
            "`{what}` is no kind of act; there is: {}; the part before the dot names a group",
            known.join(", ")
        ))
        .into());
    }
    let instance = Instance::read(context).await?;
    let (from, to) = period(args.from.as_deref(), args.to.as_deref(), &instance).await?;
    let filter = ActFilter { by: args.by.clone(), kind: args.what.clone(), from, to };
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < args.limit {
        let page = instance.store.acts(&filter, after, args.limit - rows.len()).await?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for act in &rows {
        out.json(&json(act));
    }
    let voice = Voice::of(out, &instance).await;
    if rows.is_empty() {
        out.hint(voice.word("acts-none"));
        return Ok(Exit::Fine);
    }
    table(&voice, &rows);
    super::goes_on(out, after.is_some());
    Ok(Exit::Fine)
}

/// Acts as lines.
pub(super) fn table(voice: &Voice, acts: &[Act]) {
    let lines: Vec<Vec<String>> = acts
        .iter()
        .map(|act| {
            vec![
                voice.at(act.at),
                act.by.clone(),
                voice.label("act", act.kind.as_str()),
                server::console::particulars(voice.out.language, &voice.titles, act),
                act.reason.clone(),
            ]
        })
        .collect();
    voice.table(["when", "who", "act", "what", "reason"], &lines);
}

/// An act for programs.
pub(super) fn json(act: &Act) -> Value {
    server::export::act_json(act)
}
