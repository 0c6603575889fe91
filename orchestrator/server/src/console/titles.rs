//! What people call journeys and purposes: the one way for the console and for whatever else speaks to people.

use super::language::spoken;
use release::Release;
use std::sync::Arc;
use words::Language;

/// Titles of the live release, in one language.
pub struct Titles {
    language: Language,
    release: Option<Arc<Release>>,
}

impl Titles {
    /// Without a release everything goes by its name.
    pub fn new(release: Option<Arc<Release>>, language: Language) -> Self {
        Self { language, release }
    }

    /// What a journey is called; its name where the release knows none. Messages that the API asked for directly stand in
    /// the log under a name of their own, and read as what they are.
    pub fn journey(&self, name: &str) -> String {
        let programs = self.release.as_ref().map(|release| &release.project.programs);
        let program = programs.and_then(|all| all.get(name));
        match program.map(|program| program.title.get(self.language)) {
            Some(title) if !title.is_empty() => title.to_owned(),
            None if name == crate::api::CALL => spoken(self.language).plain("direct-sends"),
            _ => name.to_owned(),
        }
    }

    /// The same, with the name that commands take beside it where the two differ: `Win-back (win_back)`.
    pub fn journey_named(&self, name: &str) -> String {
        let title = self.journey(name);
        match self.language {
            _ if title == name => title,
            Language::En => format!("{title} ({name})"),
            Language::Ja => format!("{title}（{name}）"),
        }
    }

    /// What a purpose is called; its name where the release knows none.
    pub fn purpose(&self, name: &str) -> String {
        let purposes = self.release.as_ref().map(|release| &release.project.schema.purposes);
        let title = purposes.and_then(|all| all.get(name)).map(|purpose| purpose.title.get(self.language));
        title.filter(|title| !title.is_empty()).unwrap_or(name).to_owned()
    }

    /// What is named in a stop's scope (`journey`, `channel`, `purpose`) is called.
    pub(crate) fn scoped(&self, kind: &str, name: &str) -> String {
        match kind {
            "journey" => self.journey(name),
            "purpose" => self.purpose(name),
            "channel" => spoken(self.language).named("channel", name),
            _ => name.to_owned(),
        }
    }
}
