//! The project: the folder with `journeys/` and `templates/`.

use anyhow::Context as _;
use release::Files;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use words::{Diagnostic, Severity};

use crate::{exit::Fault, output::Output};

/// The folder that holds the project: the one named, else the nearest folder upwards that has one.
pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    let found = here.ancestors().find(|folder| is_project(folder));
    Ok(found.unwrap_or(&here).to_owned())
}

/// Whether a project lies here.
pub(crate) fn is_project(folder: &Path) -> bool {
    folder.join("templates/brand.yaml").is_file()
        || (folder.join("journeys").is_dir() && folder.join("templates").is_dir())
}

/// Reads the project's files.
pub(crate) fn read(root: &Path) -> anyhow::Result<Files> {
    match release::files::read(root) {
        Ok(files) => Ok(files),
        Err(error) => Err(Fault::unreachable(error.to_string()).into()),
    }
}

/// Shows every problem with its place, and says how many there are.
pub(crate) fn show(out: Output, files: &Files, problems: &[Diagnostic]) {
    for problem in problems {
        let source = source(files, &problem.file);
        out.line(problem.render(&source, out.language, out.colour));
        out.line("");
    }
}

/// One problem as JSON, with line and column.
pub(crate) fn json(files: &Files, problem: &Diagnostic) -> serde_json::Value {
    problem.to_json(&source(files, &problem.file))
}

/// The text of a file; what is not UTF-8 is shown as well as can be.
pub(crate) fn source(files: &Files, file: &str) -> String {
    files.get(file).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// Errors and warnings.
pub(crate) fn count(problems: &[Diagnostic]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    (errors, problems.len() - errors)
}

/// `2 errors, 1 warning`.
pub(crate) fn counted(out: Output, problems: &[Diagnostic]) -> String {
    let (errors, warnings) = count(problems);
    let plural = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    match out.language {
        words::Language::En => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        words::Language::Ja => format!("エラー{errors}件、警告{warnings}件"),
    }
}

/// Checks and compiles what somebody wrote: every message is tried in a child process with limits.
pub(crate) fn check(files: Files) -> anyhow::Result<(Option<release::Release>, Vec<Diagnostic>)> {
    release::Release::check(files, &trials()?).map_err(untried)
}

/// The child that tries messages. Its limits are those of live messages; what it waits for a busy machine is more.
pub(crate) fn trials() -> anyhow::Result<render::PoolOptions> {
    Ok(render::PoolOptions { wall_max: Duration::from_secs(60), ..render::PoolOptions::this_program()? })
}

/// What to say where no message could be tried.
pub(crate) fn untried(error: render::RenderError) -> anyhow::Error {
    Fault::unreachable(format!("the messages of the project could not be tried: {error}")).into()
}

/// Checks and compiles the project; its problems are shown where it cannot be.
pub(crate) fn build(out: Output, root: &Path) -> anyhow::Result<release::Release> {
    let files = read(root)?;
    let (release, problems) = check(files.clone())?;
    match release {
        Some(release) => Ok(release),
        None => {
            show(out, &files, &problems);
            let what = counted(out, &problems);
            let text = match out.language {
                words::Language::En => {
                    format!("the project has {what}: mend them first (`tabi check` shows them)")
                }
                words::Language::Ja => {
                    format!("プロジェクトに問題があります（{what}）。`tabi check` で確認して直してください")
                }
            };
            Err(Fault::problem(text).into())
        }
    }
}
