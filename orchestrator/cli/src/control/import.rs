//! Files of customers and of history.

use super::{Desk, Tell};
use crate::exit::Fault;
use serde_json::{Value, json};
use server::{
    App, Current,
    import::{self, Columns, Format, Kind, Options},
};
use std::{fs::File, io::BufReader, path::PathBuf, sync::Arc};

/// What `tabi import` imports.
pub(crate) struct ImportFile {
    pub(crate) path: PathBuf,
    pub(crate) events: bool,
    pub(crate) jsonl: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) dry_run: bool,
    pub(crate) done_to_line: u64,
    pub(crate) name: String,
}

impl Desk {
    pub(super) async fn import(&self, file: ImportFile, tell: Tell<'_>) -> anyhow::Result<Value> {
        let instance = &self.instance;
        let release = instance.release().await?;
        let app = App::new(
            instance.store.clone(),
            Arc::clone(&instance.clock),
            Arc::clone(&instance.ids),
            Current::of(release),
            "",
        );
        let columns = Columns::parse(file.columns.iter().map(String::as_str))
            .map_err(|error| Fault::usage(error.to_string()))?;
        let options = Options {
            format: if file.jsonl { Format::Jsonl } else { Format::Csv },
            kind: if file.events { Kind::Events } else { Kind::Customers },
            columns,
            dry_run: file.dry_run,
            done_to_line: file.done_to_line,
            name: file.name,
        };
        let opened = File::open(&file.path).map_err(|error| {
            Fault::unreachable(format!("{} cannot be read: {error}", file.path.display()))
        })?;
        let rejected = |row: import::RejectedRow| {
            tell(
                json!({"rejected": {"line": row.line, "code": row.code, "reason": row.reason, "again": row.again, "head": &*row.head}}),
            );
        };
        let imports = self.running.as_ref().map(|running| running.imports.clone()).unwrap_or_default();
        let id = format!("imp_{:032x}", u128::from_be_bytes(instance.ids.next(instance.now())));
        let running = imports.begin(id, &options, instance.now());
        let progress = |so_far: import::Progress| {
            running.progress(so_far);
            tell(json!({"progress": {
                "rows": so_far.rows, "taken": so_far.taken, "duplicates": so_far.duplicates,
                "rejected": so_far.rejected, "line": so_far.line,
            }}));
        };
        let done = import::run(&app, BufReader::new(opened), &options, rejected, progress).await;
        running.end(&done, instance.now());
        let done = done.map_err(|error| Fault::problem(error.to_string()))?;
        let so_far = done.progress;
        Ok(json!({
            "rows": so_far.rows, "taken": so_far.taken, "duplicates": so_far.duplicates, "rejected": so_far.rejected,
            "line": so_far.line, "dry_run": options.dry_run, "undeclared": done.undeclared,
        }))
    }
}
