//! Releases: a project's files, checked, compiled and content-addressed.
//!
//! The one place where journeys, templates and rules meet: `check`, `deploy`, the live worker, the server and the stories
//! all build a [`Release`] here, from files alone, so that what was checked is what runs.

pub mod files;
mod listeners;
mod rules;

pub use files::Files;
pub use listeners::{Listeners, segment_row, start_row};

use std::sync::Arc;
use words::{Diagnostic, ReleaseId, Severity};

/// The codes of «there is no such message» and «no message is written for this channel».
const OF_MESSAGES: [&str; 2] = ["J059", "J060"];

/// A checked, compiled project.
#[derive(Clone)]
pub struct Release {
    /// Its id: the hash of its files.
    pub id: ReleaseId,
    /// Schema and programs.
    pub project: Arc<journey::Project>,
    /// Brand and messages.
    pub templates: Arc<render::Templates>,
    /// The brand's own rules: where it writes to, hours, caps, rest days.
    pub brand: Arc<policy::Brand>,
    /// The rule packs of the law.
    pub packs: Arc<policy::Packs>,
    /// Which journeys, facts and segments listen to which event.
    pub listeners: Arc<Listeners>,
    /// The files it was built from.
    pub files: Arc<Files>,
}

impl Release {
    /// Checks and compiles `files`: every problem at once, sorted by place; and the release where none is an error.
    pub fn build(files: Files) -> (Option<Self>, Vec<Diagnostic>) {
        let (templates, mut problems) = render::compile(&files);
        let catalog = templates.as_ref().map(render::Templates::catalog).unwrap_or_default();
        let (project, of_journeys) = journey::compile(&files::of_journeys(&files), &catalog);
        // Without templates every message would be unknown: their own problems say it better.
        let keep = templates.is_some();
        problems.extend(of_journeys.into_iter().filter(|d| keep || !OF_MESSAGES.contains(&d.code.as_str())));
        let brand = match &templates {
            Some(templates) => {
                let (brand, of_rules) = rules::read(&files, templates.brand());
                problems.extend(of_rules);
                brand
            }
            None => None,
        };
        problems.sort_by(|a, b| (&a.file, a.span.start, &a.code).cmp(&(&b.file, b.span.start, &b.code)));
        problems.dedup();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return (None, problems);
        }
        let release = match (project, templates, brand) {
            (Some(project), Some(templates), Some(brand)) => Some(Self {
                id: files::id(&files),
                listeners: Arc::new(Listeners::of(&project)),
                project: Arc::new(project),
                templates: Arc::new(templates),
                brand: Arc::new(brand),
                packs: Arc::new(policy::Packs::built_in()),
                files: Arc::new(files),
            }),
            _ => None,
        };
        (release, problems)
    }

    /// The stories of the project, and what is wrong in them.
    pub fn stories(&self) -> (Vec<journey::story::Story>, Vec<Diagnostic>) {
        journey::stories(&files::of_journeys(&self.files), &self.project)
    }
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release").field("id", &self.id).finish_non_exhaustive()
    }
}
