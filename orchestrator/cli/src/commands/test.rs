//! `tabi test`: the project's stories, in parallel, on a virtual clock.

mod unplayed;

use super::Context;
use crate::{exit::Exit, output::Output, project};
use clap::Args;
use journey::story::Story;
use release::Release;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use words::{Diagnostic, Text};
use worker::story::{Failure, StoryResult};

/// Play the project's stories on a virtual clock
///
/// Runs journeys/*.test.yaml: the same engine that runs live, with consent, caps, quiet hours, retries and stops in
/// force, on a clock that jumps. A failing expectation is shown at its line and column, with everything that happened.
///
/// Example: tabi test
///
/// Example: tabi test thank_you --timeline
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only stories with one of these in their name or file
    #[arg(value_name = "WORDS")]
    only: Vec<String>,
    /// Show what happened in every story, not only in failing ones
    #[arg(long)]
    timeline: bool,
}

/// A story that was played.
struct Played<'s> {
    story: &'s Story,
    took: Duration,
    result: Result<StoryResult, String>,
}

impl Played<'_> {
    fn passed(&self) -> bool {
        matches!(&self.result, Ok(result) if result.failures.is_empty())
    }
}

pub(crate) fn run(context: &Context, args: &TestArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = project::find(context.common.project.as_deref())?;
    let release = project::build(out, &root)?;
    let (stories, problems) = release.stories();
    let broken = project::count(&problems).0 > 0;
    if !out.is_json() {
        project::show(out, &release.files, &problems);
    }
    let wanted: Vec<&Story> = stories
        .iter()
        .filter(|story| {
            args.only.is_empty()
                || args.only.iter().any(|word| story.name.contains(word) || story.file.contains(word))
        })
        .collect();
    let mut left_out = unplayed::find(&release.files, &stories);
    left_out.retain(|one| {
        args.only.is_empty()
            || args.only.iter().any(|word| {
                one.file.contains(word) || one.name.as_ref().is_none_or(|name| name.contains(word))
            })
    });
    let began = Instant::now();
    let played = play(&release, &wanted)?;
    let took = began.elapsed();
    let failed = played.iter().filter(|played| !played.passed()).count();
    if out.is_json() {
        let stories: Vec<_> = played.iter().map(|played| json(&release, played)).collect();
        let problems: Vec<_> = problems.iter().map(|p| project::json(&release.files, p)).collect();
        out.json(&serde_json::json!({
            "stories": stories, "passed": played.len() - failed, "failed": failed, "not_played": left_out.len(),
            "problems": problems,
            "took_ms": took.as_secs_f64() * 1000.0,
        }));
    } else {
        for played in &played {
            show(out, &release, played, args.timeline);
        }
        for one in &left_out {
            one.show(out);
        }
        if !played.is_empty() || (left_out.is_empty() && !broken) {
            summary(out, played.len(), failed, took, !args.only.is_empty());
        }
        if let Some(told) = unplayed::told(out, &left_out) {
            out.line(told);
        }
    }
    Ok(if failed > 0 || broken || !left_out.is_empty() { Exit::Problems } else { Exit::Fine })
}

/// Plays every story before a deployment: how many fail, and of how many. Those that fail are named, with what was expected.
pub(crate) fn failing(out: Output, release: &Release) -> anyhow::Result<(usize, usize)> {
    let (stories, problems) = release.stories();
    let wanted: Vec<&Story> = stories.iter().collect();
    let played = play(release, &wanted)?;
    project::show(out, &release.files, &problems);
    for played in played.iter().filter(|played| !played.passed()) {
        show(out, release, played, false);
    }
    // A file of stories that cannot be read tells nothing: it counts as one that fails.
    let unread = project::count(&problems).0;
    Ok((played.iter().filter(|played| !played.passed()).count() + unread, played.len() + unread))
}

/// Plays the stories on as many threads as the machine has; the answers stand in the stories' order.
fn play<'s>(release: &Release, stories: &[&'s Story]) -> anyhow::Result<Vec<Played<'s>>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(stories.len().max(1));
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Played<'s>)>> = Mutex::default();
    let failed: Mutex<Option<std::io::Error>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
                };
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(story) = stories.get(index) else { return };
                    let began = Instant::now();
                    let result =
                        runtime.block_on(worker::story::run(release, story)).map_err(|e| e.to_string());
                    let played = Played { story, took: began.elapsed(), result };
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, played));
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error.into());
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, played)| played).collect())
}

/// A failed expectation, shown as the compiler shows a mistake.
fn diagnostic(story: &Story, failure: &Failure) -> Diagnostic {
    let title = Text::new(
        format!("the story `{}` went another way", story.name),
        format!("ストーリー「{}」は期待どおりに進みませんでした", story.name),
    );
    Diagnostic::error("story", &story.file, failure.span.clone(), title, failure.text.clone())
}

fn show(out: Output, release: &Release, played: &Played<'_>, timeline: bool) {
    let story = played.story;
    let source = project::source(&release.files, &story.file);
    let line = source.get(..story.span.start).map_or(1, |before| before.matches('\n').count() + 1);
    let mark = if played.passed() { out.green("✓") } else { out.red("✗") };
    let place = out.dim(&format!("{}:{line}", story.file));
    let took = out.dim(&format!("{:.1} ms", played.took.as_secs_f64() * 1000.0));
    if !played.passed() || timeline || out.colour {
        out.line(format!("{mark} {} {place} {took}", story.name));
    }
    match &played.result {
        Err(error) => out.line(format!("  {}", out.error_words(error.clone()))),
        Ok(result) => {
            for failure in &result.failures {
                out.line(diagnostic(story, failure).render(&source, out.language, out.colour));
                out.line("");
            }
            if timeline || !result.failures.is_empty() {
                let zone = story.zone.name();
                out.line(match out.language {
                    words::Language::En => format!("  what happened, in {zone}:"),
                    words::Language::Ja => format!("  実際の経過（{zone}）："),
                });
                if result.timeline.is_empty() {
                    out.line(format!("    {}", out.either("nothing", "何も起きませんでした")));
                }
                for happened in &result.timeline {
                    out.line(format!("    {}", happened.get(out.language)));
                }
                out.line("");
            }
        }
    }
}

fn summary(out: Output, played: usize, failed: usize, took: Duration, filtered: bool) {
    let seconds = took.as_secs_f64();
    let text = match (played, failed, out.language) {
        (0, _, words::Language::En) if filtered => "no story has these words in its name or file".to_owned(),
        (0, _, words::Language::Ja) if filtered => "該当するストーリーはありません".to_owned(),
        (0, _, words::Language::En) => {
            "no stories yet: write journeys/<name>.test.yaml beside a journey".to_owned()
        }
        (0, _, words::Language::Ja) => {
            "ストーリーがまだありません。journeys/<名前>.test.yaml を書いてください".to_owned()
        }
        (1, 0, words::Language::En) => format!("1 story passed in {seconds:.2} s"),
        (_, 0, words::Language::En) => format!("{played} stories passed in {seconds:.2} s"),
        (_, 0, words::Language::Ja) => format!("ストーリー{played}件すべて成功（{seconds:.2}秒）"),
        (_, _, words::Language::En) => format!("{failed} of {played} stories failed in {seconds:.2} s"),
        (_, _, words::Language::Ja) => format!("ストーリー{played}件中{failed}件が失敗（{seconds:.2}秒）"),
    };
    out.line(text);
}

fn json(release: &Release, played: &Played<'_>) -> serde_json::Value {
    let story = played.story;
    let mut value = serde_json::json!({
        "story": story.name, "file": story.file, "passed": played.passed(),
        "took_ms": played.took.as_secs_f64() * 1000.0,
    });
    match &played.result {
        Err(error) => value["error"] = serde_json::json!(error),
        Ok(result) => {
            let failures: Vec<_> = result
                .failures
                .iter()
                .map(|failure| {
                    let mut json = project::json(&release.files, &diagnostic(story, failure));
                    json["at"] = serde_json::json!(failure.at);
                    json
                })
                .collect();
            value["failures"] = serde_json::json!(failures);
            value["zone"] = serde_json::json!(story.zone.name());
            value["timeline"] = result.timeline.iter().map(|happened| happened.en.clone()).collect();
        }
    }
    value
}
