//! `tabi migrate`.

use super::Context;
use crate::exit::Exit;
use clap::Args;
use serde_json::json;

/// Bring the tables up to date with this version of Tabi
///
/// `tabi serve` does it by itself at start; this does it beforehand. On PostgreSQL it may be done while nodes run, also those of
/// the release before: migrations only add, wait for no lock longer than a second, and try again. On SQLite nothing may run.
///
/// Example: tabi migrate
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {}

pub(crate) async fn migrate(context: &Context, _: &MigrateArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let place = crate::place::Place::of(&context.common);
    place.must_be_there().await?;
    let done = place.options()?.migrate().await?;
    out.json(&json!({"migrated": true, "from": done.from, "schema": done.to}));
    let up_to_date = out.either("The tables are up to date.", "テーブルは最新です。");
    out.line(match done.from {
        Some(from) if from < done.to => {
            format!("{up_to_date} ({} {from} → {})", out.either("schema", "スキーマ"), done.to)
        }
        _ => up_to_date.to_owned(),
    });
    Ok(Exit::Fine)
}
