//! `tabi check`: every problem of a project at once. Silent where there is none.

use super::Context;
use crate::{exit::Exit, project};
use clap::Args;

/// Show every mistake of the project, with a way out
///
/// Reads journeys/ and templates/, compiles everything, renders every message with every sample in every language and
/// shows all problems at once, each with file, line, column and what to write instead. Says nothing where all is well.
///
/// Example: tabi check --lang ja
///
/// Example: tabi check --format json | jq '.problems[].code'
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Warnings fail too: exit 1 where there are any
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(context: &Context, args: &CheckArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    let files = project::read(&root)?;
    let (release, mut problems) = project::check(files.clone())?;
    if let Some(release) = &release {
        problems.extend(release.stories().1);
        problems.extend(release.over(store::Clock::now(&store::SystemClock)));
        problems.extend(server::sources::compile(&files, &release.project.schema).1);
    }
    let (errors, warnings) = project::count(&problems);
    let examples = release
        .as_ref()
        .map(|release| release::placeholders(&release.files, release.templates.brand()))
        .unwrap_or_default();
    if out.is_json() {
        let problems: Vec<_> = problems.iter().map(|problem| project::json(&files, problem)).collect();
        out.json(&serde_json::json!({
            "problems": problems, "errors": errors, "warnings": warnings,
            "release": release.as_ref().map(|release| release.id.to_string()),
            "to_fill_in": examples.iter().map(|example| serde_json::json!({
                "file": example.file, "line": example.line, "value": example.value,
            })).collect::<Vec<_>>(),
        }));
    } else if !problems.is_empty() {
        project::show(out, &files, &problems);
        out.line(project::counted(out, &problems));
        let code = &problems[0].code;
        out.hint(match out.language {
            words::Language::En => {
                format!("`tabi explain {code}` says more, with an example; so for every code.")
            }
            words::Language::Ja => {
                format!("「tabi explain {code}」で例と説明を表示します。ほかのコードも同じです。")
            }
        });
    }
    if !examples.is_empty() {
        out.hint(
            out.either("To be filled in before `tabi go-live`:", "`tabi go-live` の前に書き換える項目："),
        );
        for example in &examples {
            out.hint(format!("  {example}"));
        }
    }
    let failed = errors > 0 || release.is_none() || (args.strict && warnings > 0);
    Ok(if failed { Exit::Problems } else { Exit::Fine })
}
