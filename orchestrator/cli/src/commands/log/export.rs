//! The log as files.

use super::{FilterArgs, channels, entry_json, outcome};
use crate::{
    commands::{Context, Named},
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};
use store::{LogEntry, LogRow};

/// Rows per page.
const PAGE: usize = 500;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// One row per message
    Csv,
    /// One object per message, with attempts and receipts
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
    /// Why contents are read, for the record (needed for eml)
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    named: Named,
}

pub(crate) async fn run(context: &Context, args: &ExportArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let bar =
        if out.watched && args.into.is_some() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(
        ProgressStyle::with_template("{spinner} {pos} messages")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
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

/// Every row that is found, page by page.
async fn rows(
    instance: &Instance,
    args: &ExportArgs,
    target: Box<dyn Write>,
    bar: &ProgressBar,
) -> anyhow::Result<u64> {
    let filter = args.filter.read(instance).await?;
    let mut sink = match args.form {
        As::Jsonl => Sink::Jsonl(target),
        As::Csv | As::Eml => {
            let mut csv = csv::Writer::from_writer(target);
            csv.write_record(HEAD)?;
            Sink::Csv(Box::new(csv))
        }
    };
    let (mut after, mut written) = (None, 0);
    loop {
        let page = instance.store.log_search(&filter, after, PAGE).await?;
        for row in &page.rows {
            match &mut sink {
                Sink::Csv(csv) => csv.write_record(cells(row))?,
                Sink::Jsonl(target) => {
                    if let Some(entry) = instance.store.log_entry(row.message).await? {
                        writeln!(target, "{}", entry_json(&entry))?;
                    }
                }
            }
            written += 1;
            bar.inc(1);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    match sink {
        Sink::Csv(mut csv) => csv.flush()?,
        Sink::Jsonl(mut target) => target.flush()?,
    }
    Ok(written)
}

enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Jsonl(Box<dyn Write>),
}

const HEAD: [&str; 12] = [
    "planned_at",
    "outcome",
    "message",
    "name",
    "channels",
    "journey",
    "step",
    "purpose",
    "class",
    "customer",
    "settled_at",
    "why",
];

fn cells(row: &LogRow) -> Vec<String> {
    let cells = [
        row.planned_at.to_string(),
        outcome(row.outcome).to_owned(),
        row.message.to_string(),
        row.name.clone(),
        channels(row),
        row.journey.clone(),
        row.step.clone(),
        row.purpose.clone(),
        row.class.as_str().to_owned(),
        row.customer.to_string(),
        row.settled_at.map(|at| at.to_string()).unwrap_or_default(),
        row.why.clone().unwrap_or_default(),
    ];
    cells.into_iter().map(no_formula).collect()
}

/// A cell that no spreadsheet takes for a formula (OWASP, «CSV Injection»).
fn no_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

async fn eml(
    context: &Context,
    instance: &Instance,
    args: &ExportArgs,
    bar: &ProgressBar,
) -> anyhow::Result<u64> {
    let folder =
        args.into.as_deref().ok_or_else(|| Fault::usage("eml writes a folder: name it with --into"))?;
    let reason = args
        .reason
        .as_deref()
        .filter(|reason| !reason.trim().is_empty())
        .ok_or_else(|| Fault::usage("reading what customers got is recorded: say why with --reason"))?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let filter = args.filter.read(instance).await?;
    let reader = args.named.name();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_taken_for_a_formula() {
        for (cell, safe) in [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("a=b", "a=b"), ("", "")] {
            assert_eq!(no_formula(cell.to_owned()), safe);
        }
    }
}
