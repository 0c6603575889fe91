//! `tabi import`: customers and history from files.

use super::Context;
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Take in customers or history from CSV or JSON Lines
///
/// Rows that are refused stop nobody: they are written to a file of the same columns, with their line and the reason, to be
/// mended there and imported again. Doing the same import twice changes nothing. History feeds facts and segments, and starts no journey.
///
/// Example: tabi import customers customers.csv --dry-run
///
/// Example: tabi import customers customers.csv --column Mail=email --column Points=traits.points
///
/// Example: tabi import events orders-2025.jsonl --rejected refused.jsonl
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What the rows are about
    kind: What,
    /// The file, UTF-8: .csv with a header line, or .jsonl
    file: PathBuf,
    /// How the file is written; left out: as its name ends
    #[arg(long, value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// What a column means where its name does not say so: COLUMN=MEANING
    #[arg(long = "column", value_name = "COLUMN=MEANING")]
    columns: Vec<String>,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Go on behind this line: where an import that was interrupted says it came to
    #[arg(long, value_name = "LINE", default_value_t = 0)]
    after: u64,
    /// Where refused rows go; left out: beside the file, with `.rejected` in its name
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// One customer a row
    Customers,
    /// One event of a customer a row
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object a line
    Jsonl,
}

pub(crate) async fn run(context: &Context, args: &ImportArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let path = std::path::absolute(&args.file)?;
    let lines = count_lines(&path)?;
    let end = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
    let form = match (args.form, end.as_deref()) {
        (Some(form), _) => form,
        (None, Some("csv")) => Form::Csv,
        (None, Some("jsonl" | "ndjson")) => Form::Jsonl,
        _ => {
            return Err(Fault::usage(
                "the file's name does not say how it is written: add --form csv or --form jsonl",
            )
            .into());
        }
    };
    let bar = if out.watched { ProgressBar::new(lines) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template(out.either(
            "{bar:40} {pos}/{len} lines  {per_sec}  {eta}",
            "{bar:40} {pos}/{len} 行  {per_sec}  {eta}",
        ))
    {
        bar.set_style(style);
    }
    let refused = Refused::new(args.rejected.clone().unwrap_or_else(|| beside(&path, form)));
    let tell = |news: Value| {
        if let Some(line) = news["progress"]["line"].as_u64() {
            bar.set_position(line);
        }
        if news["rejected"].is_object() {
            refused.keep(&news["rejected"]);
        }
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ask = Ask::Import {
        path: path.clone(),
        events: args.kind == What::Events,
        jsonl: form == Form::Jsonl,
        columns: args.columns.clone(),
        dry_run: args.dry_run,
        done_to_line: args.after,
        name,
    };
    let done = control::ask_telling(context, ask, &tell).await;
    bar.finish_and_clear();
    let file = refused.finish()?;
    let done = done?;
    let mut answer = done.clone();
    answer["rejected_file"] = serde_json::json!(file);
    out.json(&answer);
    let count = |key: &str| done[key].as_u64().unwrap_or(0);
    let (taken, known, rejected) = (count("taken"), count("duplicates"), count("rejected"));
    out.line(match (out.language, args.dry_run) {
        (words::Language::En, true) => {
            format!("{taken} rows would be taken in, {rejected} would be refused.")
        }
        (words::Language::En, false) => {
            format!("{taken} rows taken in, {known} known already, {rejected} refused.")
        }
        (words::Language::Ja, true) => format!("{taken}行を取り込めます。{rejected}行は取り込めません。"),
        (words::Language::Ja, false) => {
            format!("{taken}行を取り込みました（取込済み{known}行、取り込めなかった行{rejected}行）。")
        }
    });
    let undeclared: Vec<&str> =
        done["undeclared"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !undeclared.is_empty() {
        let columns = undeclared.join(", ");
        out.line(match (out.language, args.kind) {
            (words::Language::En, What::Customers) => format!(
                "Nothing says what these columns mean; each is kept as a trait of its own: {columns}. \
                 Say it with --column COLUMN=MEANING, or leave one alone with --column COLUMN=-"
            ),
            (words::Language::En, What::Events) => format!(
                "Nothing says what these columns mean; each is kept as a property of the event: {columns}. \
                 Say it with --column COLUMN=MEANING, or leave one alone with --column COLUMN=-"
            ),
            (words::Language::Ja, _) => format!(
                "意味の分からない列があります（そのままの名前で保存します）：{columns}。\
                 意味は--column 列=意味で指定できます。取り込まない列は--column 列=-としてください"
            ),
        });
    }
    if let Some(file) = &file {
        out.line(format!(
            "{} {}",
            out.either(
                "Refused rows, with their reasons; mend them there and import that file:",
                "取り込めなかった行と理由（このファイルを直して取り込めます）："
            ),
            file.display()
        ));
    }
    Ok(if rejected > 0 { Exit::Problems } else { Exit::Fine })
}

fn count_lines(path: &Path) -> anyhow::Result<u64> {
    let file = File::open(path)
        .map_err(|error| Fault::unreachable(format!("{} cannot be read: {error}", path.display())))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut lines = 0;
    loop {
        let read = reader.fill_buf()?;
        if read.is_empty() {
            return Ok(lines);
        }
        lines += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = read.len();
        reader.consume(length);
    }
}

fn beside(path: &Path, form: Form) -> PathBuf {
    let end = match form {
        Form::Csv => "rejected.csv",
        Form::Jsonl => "rejected.jsonl",
    };
    path.with_extension(end)
}

/// The file of refused rows; made with the first of them.
struct Refused {
    path: PathBuf,
    open: Mutex<Option<std::io::Result<BufWriter<File>>>>,
}

impl Refused {
    fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::new(None) }
    }

    fn keep(&self, row: &Value) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let file = open.get_or_insert_with(|| {
            let mut writer = BufWriter::new(File::create(&self.path)?);
            if !text("head").is_empty() {
                writeln!(writer, "{}", text("head"))?;
            }
            Ok(writer)
        });
        if let Ok(writer) = file
            && let Err(error) = writeln!(writer, "{}", text("again"))
        {
            *file = Err(error);
        }
    }

    /// Where they are; `None`: there were none.
    fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        let open = self.open.into_inner().unwrap_or_else(PoisonError::into_inner);
        match open {
            None => Ok(None),
            Some(writer) => {
                let what = || format!("the refused rows cannot be written to {}", self.path.display());
                writer.and_then(|mut writer| writer.flush()).with_context(what)?;
                Ok(Some(self.path))
            }
        }
    }
}
