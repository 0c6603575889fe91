//! The log as files.

use super::FilterArgs;
use crate::{
    commands::{Context, Reading},
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use server::export;
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};
use store::LogEntry;

/// Rows per page.
const PAGE: usize = 500;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// One row per delivery, or per message that was not sent
    Csv,
    /// One object per message, with attempts, receipts and readers
    Jsonl,
    /// One file per message, as the customer got it
    Eml,
}

/// What goes where.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// The form
    #[arg(long = "as", value_enum, default_value = "csv", value_name = "FORM")]
    form: As,
    /// The file to write (for eml: the folder); left out: standard output
    #[arg(long = "into", value_name = "PATH")]
    into: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) async fn run(context: &Context, args: &ExportArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let bar =
        if out.watched && args.into.is_some() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(
        ProgressStyle::with_template(out.either("{spinner} {pos} messages", "{spinner} {pos} 件"))
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    record(context, args, &instance).await?;
    let written = match args.form {
        As::Eml => eml(context, &instance, args, &bar).await?,
        As::Csv | As::Jsonl => {
            let target: Box<dyn Write> = match &args.into {
                Some(path) => Box::new(BufWriter::new(
                    File::create(path).with_context(|| format!("{} cannot be written", path.display()))?,
                )),
                None => Box::new(std::io::stdout().lock()),
            };
            rows(&instance, args, target, &bar).await?
        }
    };
    bar.finish_and_clear();
    if args.into.is_some() {
        out.json(&serde_json::json!({"written": written}));
        out.hint(format!("{written} {}", out.either("messages written.", "件を書き出しました。")));
    }
    Ok(Exit::Fine)
}

/// Writes down that somebody takes a selection away, and by which fields: never their values where those name somebody.
async fn record(context: &Context, args: &ExportArgs, instance: &Instance) -> anyhow::Result<()> {
    let customer = args.filter.read(instance).await?.customer;
    let form = args.form.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let detail = json!({"format": form, "fields": args.filter.fields()});
    args.reading.because()?;
    args.reading.record(context, store::ReadKind::Export, customer.map(|id| id.to_string()), detail).await?;
    Ok(())
}

/// Everything that is found, page by page, in the same form as the console's export.
async fn rows(
    instance: &Instance,
    args: &ExportArgs,
    mut target: Box<dyn Write>,
    bar: &ProgressBar,
) -> anyhow::Result<u64> {
    let filter = args.filter.read(instance).await?;
    if args.form == As::Csv {
        target.write_all(&export::head())?;
    }
    let (mut after, mut written) = (None, 0);
    loop {
        let page = instance.store.log_search(&filter, after, PAGE).await?;
        for row in &page.rows {
            let Some(entry) = instance.store.log_entry(row.message).await? else { continue };
            match args.form {
                As::Csv => target.write_all(&export::csv(&entry))?,
                As::Jsonl | As::Eml => writeln!(target, "{}", export::json(&entry))?,
            }
            written += 1;
            bar.inc(1);
        }
        after = page.next;
        if after.is_none() {
            target.flush()?;
            return Ok(written);
        }
    }
}

async fn eml(
    context: &Context,
    instance: &Instance,
    args: &ExportArgs,
    bar: &ProgressBar,
) -> anyhow::Result<u64> {
    let folder =
        args.into.as_deref().ok_or_else(|| Fault::usage("eml writes a folder: name it with --into"))?;
    let reason = args.reading.because()?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let filter = args.filter.read(instance).await?;
    let reader = args.reading.named.name()?;
    let (mut after, mut written) = (None, 0);
    loop {
        let page = instance.store.log_search(&filter, after, PAGE).await?;
        for row in &page.rows {
            let Some(entry) = instance.store.log_entry(row.message).await? else { continue };
            written += write_contents(context, &entry, folder, &reader, reason).await?;
            bar.set_position(written);
        }
        after = page.next;
        if after.is_none() {
            return Ok(written);
        }
    }
}

async fn write_contents(
    context: &Context,
    entry: &LogEntry,
    folder: &Path,
    reader: &str,
    reason: &str,
) -> anyhow::Result<u64> {
    let mut written = 0;
    for delivery in entry.deliveries.iter().filter(|delivery| delivery.has_content) {
        let ask =
            Ask::Content { delivery: delivery.id, reader: reader.to_owned(), reason: reason.to_owned() };
        let done = control::ask(context, ask).await?;
        let bytes = STANDARD.decode(done["bytes"].as_str().unwrap_or_default())?;
        let end = if done["media"] == "message/rfc822" { "eml" } else { "txt" };
        std::fs::write(folder.join(format!("{}-{}.{end}", entry.row.message, delivery.ordinal)), bytes)?;
        written += 1;
    }
    Ok(written)
}
