//! `tabi backup`, `tabi restore` and `tabi move`.

use super::{Context, Named};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
    output::Output,
    place::{KEYS_SCHEMA, Place},
};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use store::{Moved, Options, RestoreInto, Restored, StoreError};
use vault::KeysCopy;

/// Copy database and keys, consistent while everything runs
///
/// Writes two files, the same for SQLite and PostgreSQL: the database, and the keys without which nothing personal in it can
/// be read. Keep them apart, and keep the keys for a short time only: erased customers live on in old copies of the keys. The
/// root key is not copied: keep it where you keep other secrets. `tabi restore` puts a backup back, into either database; it
/// then starts held, unless the move was announced with --move.
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

/// Put a backup back into an empty place, verified
///
/// Reads what `tabi backup` wrote, whichever database that was, and writes it into an empty data folder, or with --database
/// into an empty PostgreSQL database. Everything is read again and compared, cell by cell, before it counts; if anything fails,
/// nothing is left. The root key has to be in the data folder, or in TABI_ROOT_KEY. It then starts held: everything works and
/// nothing is sent, until `tabi resume --held` says that the original does not run any more. Whoever was erased after the
/// backup is there again: erase them again.
///
/// Example: tabi restore --from /backup/2026-11-21
///
/// Example: tabi restore --from /backup/2026-11-21 --database postgres://tabi@db.example.jp/tabi
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The folder that `tabi backup` wrote
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The copy of the keys, where it was kept apart; left out: keys.db in that folder
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// Move from SQLite to PostgreSQL, verified
///
/// With nothing running: seals the files in the data folder, copies data and keys into an empty PostgreSQL database, reads
/// everything again and compares it cell by cell, and only then lets it count. From then on the files do not start any more, so
/// that the two can never both send; `tabi serve --database URL` goes on where they were, and is not held. If anything fails,
/// the files go on as before; if the machine fails on the way, run the same command again. The way back, or from one PostgreSQL
/// to another: stop all nodes, `tabi backup --move`, `tabi restore`.
///
/// Example: tabi move --to postgres://tabi@db.example.jp/tabi
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The empty PostgreSQL database: `postgres://user:password@host:port/name`
    #[arg(long, value_name = "URL", required_unless_present = "take_back")]
    to: Option<String>,
    /// The database that was moved to is given up for good: the files may start again, held
    #[arg(long, conflicts_with = "to")]
    take_back: bool,
    #[command(flatten)]
    named: Named,
}

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
    let instance = Instance::read(context).await?;
    if args.moving {
        control::ask(context, Ask::AnnounceMove { by: args.named.name()? }).await?;
    }
    std::fs::create_dir_all(&args.into).with_context(|| format!("{} cannot be made", args.into.display()))?;
    let copied = instance.store.backup(&database).await?;
    // The keys last: they then hold every key that the copied rows were sealed with.
    if let Err(error) = instance.store.vault().backup_keys(&keys).await {
        for half in [&database, &keys] {
            let _ = std::fs::remove_file(half);
        }
        return Err(error.into());
    }
    out.json(&json!({
        "database": database,
        "keys": keys,
        "root_key": instance.place.root_key(),
        "rows": copied.total(),
        "schema": copied.schema,
        "held": copied.held.is_some(),
    }));
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

pub(crate) async fn restore(context: &Context, args: &RestoreArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let place = Place::of(&context.common);
    let from = args.from.join("tabi.db");
    if !from.is_file() {
        return Err(Fault::unreachable(format!(
            "there is no backup in {}: it would hold a file tabi.db. --from names the folder that `tabi backup` wrote",
            args.from.display()
        ))
        .into());
    }
    let keys = keys_copy(&place, &args.keys.clone().unwrap_or_else(|| args.from.join("keys.db")))?;
    let into = match place.server()? {
        Some(server) => RestoreInto::Server { server: Box::new(server), keys: KEYS_SCHEMA.to_owned() },
        None => {
            place.make()?;
            RestoreInto::Files { data: place.database(), keys: place.keys() }
        }
    };
    let restored = store::restore(&from, &keys, into).await.map_err(may_not)?;
    out.json(&json!({
        "restored": true,
        "rows": restored.data.total(),
        "tables": restored.data.rows,
        "keys": restored.keys,
        "without_keys": restored.without_keys,
        "schema": restored.data.schema,
        "held": restored.data.held,
    }));
    tell(out, &restored);
    if restored.data.held.is_some() {
        out.line(out.either(
            "It starts held: everything works, nothing is sent. Make sure that the original does not run any more, start `tabi \
             serve`, look around, then:",
            "保留の状態で起動します。すべて動きますが、何も送りません。元の Tabi が動いていないことを確かめ、「tabi serve」で起動して内容を見たうえで、次を実行してください：",
        ));
        out.line("  tabi resume --held --by NAME --reason TEXT");
    } else {
        out.line(out.either(
            "The move was announced: it goes on where the original was, and is not held. The original must not be started again.",
            "予告された移行なので、保留にならず、続きから動きます。元の Tabi は二度と起動しないでください。",
        ));
    }
    out.line(out.either(
        "Whoever was erased after the backup was made is there again: erase them again (`tabi customer erase`).",
        "バックアップの後に消去したお客様は元に戻っています。もう一度消去してください（「tabi customer erase」）。",
    ));
    Ok(Exit::Fine)
}

pub(crate) async fn move_over(context: &Context, args: &MoveArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let place = Place::of(&context.common);
    if place.is_shared() {
        return Err(Fault::usage(
            "`tabi move` goes from the files in the data folder to PostgreSQL: leave --database and TABI_DATABASE out. From \
             PostgreSQL, stop all nodes, then `tabi backup --move` and `tabi restore`",
        )
        .into());
    }
    place.must_be_there().await?;
    let Some(to) = &args.to else {
        return take_back(context, &place).await;
    };
    let by = args.named.name()?;
    let target = Options::server(to)?;
    let server = db::Server::parse(to, store::SCHEMA)?;
    let shown = server.shown();
    let full = target.is_there().await?;
    // Opened for writing: nobody else has it open, and its tables are up to date.
    match Instance::write(context).await {
        Ok(instance) if full => {
            instance.close().await;
            return Err(Fault::refused(format!(
                "there is an installation in {shown} already: a move goes into an empty database, and nothing is overwritten"
            ))
            .into());
        }
        Ok(instance) => {
            let announced = instance.store.announce_move(&by, instance.now()).await;
            instance.close().await;
            announced?;
        }
        // Cut off on its way, or done.
        Err(error) if was_moved(&error) => {}
        Err(error) => return Err(error),
    }
    let keys = keys_copy(&place, &place.keys())?;
    let now = store::Clock::machine_now(&store::SystemClock);
    let moved =
        store::move_to(&place.options()?, &keys, (server, KEYS_SCHEMA), &by, now).await.map_err(may_not)?;
    match moved {
        Moved::Now(restored) => {
            out.json(&json!({
                "moved": true,
                "to": shown,
                "rows": restored.data.total(),
                "tables": restored.data.rows,
                "keys": restored.keys,
                "without_keys": restored.without_keys,
                "schema": restored.data.schema,
                "held": restored.data.held,
            }));
            tell(out, &restored);
        }
        Moved::Before => {
            out.json(&json!({"moved": true, "to": shown, "before": true}));
            out.line(out.either("It was moved there before.", "すでに移行を終えています。"));
        }
    }
    out.line(format!(
        "{} {shown}",
        out.either(
            "The files in the data folder are sealed and do not start any more. Go on with `tabi serve --database`",
            "データフォルダーのファイルは封をしたため、もう起動しません。続きは「tabi serve --database」で："
        ),
    ));
    out.line(out.either(
        "Once it has proven itself, delete tabi.db and keys.db (root.key is still needed): erased customers live on in them.",
        "問題がなければ tabi.db と keys.db を削除してください（root.key は引き続き必要です）。消去したお客様の情報が残るためです。",
    ));
    Ok(Exit::Fine)
}

async fn take_back(context: &Context, place: &Place) -> anyhow::Result<Exit> {
    let out = context.out;
    store::take_back(&place.options()?).await?;
    out.json(&json!({"taken_back": true, "held": true}));
    out.line(out.either(
        "Taken back. It starts held, because it knows nothing of what was sent elsewhere since: look, then `tabi resume --held`.",
        "元に戻しました。その後に移行先で送ったものは分からないため、保留の状態で起動します。確かめたうえで「tabi resume --held」を実行してください。",
    ));
    Ok(Exit::Fine)
}

/// What was written and compared, and what will not open.
fn tell(out: Output, restored: &Restored) {
    let (rows, keys) = (restored.data.total(), restored.keys);
    let of = |table: &str| restored.data.rows.get(table).copied().unwrap_or(0);
    out.line(out.either(
        &format!(
            "{rows} rows and {keys} keys, each compared ({} customers, {} events, {} messages)",
            of("customer"),
            of("event"),
            of("message")
        ),
        &format!(
            "{rows} 行と鍵 {keys} 個を書き込み、すべて照合しました（お客様 {} 人、イベント {} 件、メッセージ {} 件）",
            of("customer"),
            of("event"),
            of("message")
        ),
    ));
    if restored.without_keys > 0 {
        let count = restored.without_keys;
        out.line(out.either(
            &format!(
                "Careful: {count} customers have no key in this copy of the keys, and nothing opens what is known of them. The \
                 keys are older than the data: look for those that were backed up with it"
            ),
            &format!(
                "注意：この鍵の複製には {count} 人分の鍵がなく、その方々の情報は開けません。鍵がデータより古いためです。同じときに取った鍵の複製を探してください"
            ),
        ));
    }
}

/// A copy of the keys, and the root key that they were wrapped with.
fn keys_copy(place: &Place, path: &Path) -> anyhow::Result<KeysCopy> {
    let root = place.find_root_key()?;
    if !path.is_file() {
        return Err(Fault::unreachable(format!(
            "there are no keys at {}: without them nothing personal in the data can be read. Copy keys.db of the same backup \
             there, or name it with --keys",
            path.display()
        ))
        .into());
    }
    KeysCopy::open(path, &root).with_context(|| format!("the keys at {} cannot be used", path.display()))
}

/// PostgreSQL says what is forbidden; what to do about it stands here. What is full is not an accident.
fn may_not(error: StoreError) -> anyhow::Error {
    if let StoreError::Conflict(text) = error {
        return Fault::refused(text).into();
    }
    let error = anyhow::Error::from(error);
    let Some(forbidden) =
        error.chain().map(ToString::to_string).find(|text| text.contains("permission denied"))
    else {
        return error;
    };
    let from = forbidden.find("permission denied").unwrap_or(0);
    Fault::refused(format!(
        "the database does not let this role make its tables ({}): as its owner, run `grant create on database NAME to \
         ROLE`, or make the schemas tabi and tabi_keys and give them to the role",
        &forbidden[from..]
    ))
    .into()
}

fn was_moved(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Moved { .. })))
}
