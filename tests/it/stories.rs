//! The shipped project and the corpus: both check silently, and every story of theirs ends as it says.

mod reference;

use crate::tidy::top;
use std::path::Path;
use words::{Diagnostic, Language};

/// Builds the project at `root`; every problem of it and of its stories is a failure.
#[track_caller]
fn built(root: &Path) -> (release::Release, Vec<journey::story::Story>) {
    built_of(release::files::read(root).unwrap())
}

/// The same of files in memory.
#[track_caller]
fn built_of(files: release::files::Files) -> (release::Release, Vec<journey::story::Story>) {
    let shown = |problems: &[Diagnostic]| {
        let source =
            |file: &str| String::from_utf8_lossy(files.get(file).map_or(&[][..], Vec::as_slice)).into_owned();
        problems
            .iter()
            .map(|p| p.render(&source(&p.file), Language::En, false))
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    let (release, problems) = release::Release::build(files.clone());
    assert!(problems.is_empty(), "\n{}\n", shown(&problems));
    let release = release.unwrap();
    let (stories, problems) = release.stories();
    assert!(problems.is_empty(), "\n{}\n", shown(&problems));
    (release, stories)
}

/// Plays every story; the failing ones are shown with their places and everything that happened.
#[track_caller]
fn play((release, stories): (release::Release, Vec<journey::story::Story>)) {
    assert!(!stories.is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut wrong = Vec::new();
    let only = std::env::var("STORY").unwrap_or_default();
    for story in stories.iter().filter(|story| story.name.contains(&only)) {
        let source = String::from_utf8_lossy(&release.files[&story.file]).into_owned();
        let line = |at: usize| source[..at.min(source.len())].matches('\n').count() + 1;
        let result = match runtime.block_on(worker::story::run(&release, story)) {
            Ok(result) => result,
            Err(error) => {
                wrong.push(format!("{}:{}: {}\n  {error}", story.file, line(story.span.start), story.name));
                continue;
            }
        };
        if result.failures.is_empty() {
            continue;
        }
        let failures: Vec<String> = result
            .failures
            .iter()
            .map(|f| format!("  {}:{}: {}", story.file, line(f.span.start), f.text.get(Language::En)))
            .collect();
        wrong.push(format!(
            "{}:{}: {}\n{}\n  what happened:\n    {}",
            story.file,
            line(story.span.start),
            story.name,
            failures.join("\n"),
            result.timeline.iter().map(|line| line.en.as_str()).collect::<Vec<_>>().join("\n    ")
        ));
    }
    let count = stories.len();
    assert!(wrong.is_empty(), "\n{} of {count} stories:\n\n{}\n", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn the_shipped_project_has_no_problem() {
    let (release, stories) = built(&top());
    for journey in release.project.programs.keys() {
        assert!(stories.iter().any(|story| story.journeys.contains(journey)), "{journey} has no story");
    }
}

#[test]
fn the_corpus_has_no_problem_and_a_story_for_every_journey() {
    let (release, stories) = built(&top().join("tests/corpus"));
    assert!(release.project.programs.len() >= 15);
    for journey in release.project.programs.keys() {
        assert!(stories.iter().any(|story| story.journeys.contains(journey)), "{journey} has no story");
    }
}

#[test]
fn the_stories_of_the_shipped_project_end_as_they_say() {
    play(built(&top()));
}

#[test]
fn the_stories_of_the_corpus_end_as_they_say() {
    play(built(&top().join("tests/corpus")));
}

#[test]
fn the_stories_of_the_reference_end_as_they_say() {
    play(built_of(reference::project("journeys/README.md")));
}

#[test]
fn the_stories_of_the_japanese_reference_end_as_they_say() {
    play(built_of(reference::project("journeys/README.ja.md")));
}
