//! Releases: a project's files, checked, compiled and content-addressed.
//!
//! The one place where journeys, templates and rules meet: `check`, `deploy`, the live worker, the server and the stories
//! all build a [`Release`] here, from files alone, so that what was checked is what runs.

mod asked;
mod compiled;
pub mod files;
mod listeners;
mod over;
mod placeholders;
mod rules;

pub use asked::unasked;
pub use files::Files;
pub use listeners::{Listeners, segment_row, start_row};
pub use placeholders::{Placeholder, is_reserved, is_reserved_host, placed, placeholders};

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
    ///
    /// Every message is tried in this process, for as long as it takes: for tests, whose templates come to an end. What a
    /// person wrote goes through [`Release::check`].
    pub fn build(files: Files) -> (Option<Self>, Vec<Diagnostic>) {
        // Nothing but a child can be out of reach.
        Self::compile(files, |templates| Ok(templates.try_here())).unwrap_or_default()
    }

    /// The same, with every message tried in a child process within the limits of `children`: the door for what people write.
    ///
    /// Blocks for as long as it takes.
    ///
    /// # Errors
    /// Where no child can be started, whatever the files are.
    pub fn check(
        files: Files,
        children: &render::PoolOptions,
    ) -> Result<(Option<Self>, Vec<Diagnostic>), render::RenderError> {
        Self::compile(files, |templates| templates.try_in_child(children))
    }

    /// Compiles what was accepted before, by this or an earlier version: no message is tried.
    pub fn again(files: Files) -> (Option<Self>, Vec<Diagnostic>) {
        Self::compile(files, |_| Ok(Vec::new())).unwrap_or_default()
    }

    fn compile(
        files: Files,
        trial: impl Send + FnOnce(&render::Templates) -> Result<Vec<Diagnostic>, render::RenderError>,
    ) -> Result<(Option<Self>, Vec<Diagnostic>), render::RenderError> {
        let (templates, mut problems) = render::compile_untried(&files);
        let catalog = templates.as_ref().map(render::Templates::catalog).unwrap_or_default();
        // While the messages are tried, the journeys are compiled.
        let (tried, project, of_journeys) = std::thread::scope(|scope| {
            let tried = templates.as_ref().map(|templates| scope.spawn(move || trial(templates)));
            let (project, of_journeys) = journey::compile(&files::of_journeys(&files), &catalog);
            let tried = tried.map_or(Ok(Vec::new()), |tried| {
                let broken =
                    |_| render::RenderError::Unavailable { reason: "the trial broke off".to_owned() };
                tried.join().map_err(broken).and_then(|told| told)
            });
            (tried, project, of_journeys)
        });
        problems.extend(tried?);
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
        if let Some(project) = &project {
            problems.extend(asked::check(&files, &catalog, project));
        }
        problems.sort_by(|a, b| (&a.file, a.span.start, &a.code).cmp(&(&b.file, b.span.start, &b.code)));
        problems.dedup();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Ok((None, problems));
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
        Ok((release, problems))
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
