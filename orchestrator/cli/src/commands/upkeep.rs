//! `tabi backup` and `tabi migrate`.

use super::{Context, Named};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
};
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;

/// Copy database and keys, consistent while everything runs
///
/// Writes two files: the database, and the keys without which nothing personal in it can be read. Keep them apart, and
/// keep the keys for a short time only: erased customers live on in old copies of the keys. The root key is not copied:
/// keep it where you keep other secrets. A restored copy starts held, unless the move was announced with --move.
///
/// Example: tabi backup --into /backup/2026-11-21
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder to write; made where it is not there, and must hold no backup yet
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// This is a planned move: the copy will not start held
    #[arg(long = "move")]
    moving: bool,
    #[command(flatten)]
    named: Named,
}

/// Bring the tables up to date with this version of Tabi
///
/// `tabi serve` does it by itself at start; this does it beforehand, with nothing running.
///
/// Example: tabi migrate
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {}

pub(crate) async fn backup(context: &Context, args: &BackupArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let (database, keys) = (args.into.join("tabi.db"), args.into.join("keys.db"));
    if database.exists() || keys.exists() {
        return Err(Fault::refused(format!(
            "{} holds a backup already: it is not overwritten; name another folder",
            args.into.display()
        ))
        .into());
    }
    if args.moving {
        control::ask(context, Ask::AnnounceMove { by: args.named.name()? }).await?;
    }
    std::fs::create_dir_all(&args.into).with_context(|| format!("{} cannot be made", args.into.display()))?;
    let instance = Instance::read(context).await?;
    // The keys last: they then hold every key that the copied rows were sealed with.
    instance.store.backup(&database).await?;
    instance.store.vault().backup_keys(&keys).await?;
    out.json(&serde_json::json!({"database": database, "keys": keys, "root_key": instance.place.root_key()}));
    out.line(format!("{}  {}", out.either("database", "データベース"), database.display()));
    out.line(format!("{}  {}", out.either("keys", "鍵"), keys.display()));
    out.line(format!(
        "{} {}",
        out.either(
            "Not copied, keep it safe yourself: the root key at",
            "ルート鍵は複製していません。別に保管してください："
        ),
        instance.place.root_key().display()
    ));
    Ok(Exit::Fine)
}

pub(crate) async fn migrate(context: &Context, _: &MigrateArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    crate::place::Place::of(&context.common).must_be_there().await?;
    // Opening for writing brings the tables up to date, or says why it cannot.
    let instance = Instance::write(context).await?;
    instance.close().await;
    out.json(&serde_json::json!({"migrated": true}));
    out.line(out.either("The tables are up to date.", "テーブルは最新です。"));
    Ok(Exit::Fine)
}
