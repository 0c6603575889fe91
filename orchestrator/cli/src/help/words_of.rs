//! The Japanese words of the command line, from fluent.

use fluent_bundle::{FluentBundle, FluentResource};

/// The file inside the binary.
pub(super) const TEXT: &str = include_str!("../../help/ja.ftl");

/// A message for each command, its arguments as attributes.
pub(super) struct Words(FluentBundle<FluentResource>);

impl Words {
    /// Those of the binary.
    pub(super) fn japanese() -> Self {
        // What does not parse is left out here; a test holds that nothing is.
        let resource = FluentResource::try_new(TEXT.to_owned()).unwrap_or_else(|(resource, _)| resource);
        let mut bundle = FluentBundle::new("ja".parse().into_iter().collect());
        bundle.set_use_isolating(false);
        let _ = bundle.add_resource(resource);
        Self(bundle)
    }

    /// What a command does, in a line.
    pub(super) fn about(&self, command: &str) -> Option<String> {
        let pattern = self.0.get_message(command)?.value()?;
        Some(self.0.format_pattern(pattern, None, &mut Vec::new()).into_owned())
    }

    /// Something of a command, or of a group of words.
    pub(super) fn of(&self, command: &str, name: &str) -> Option<String> {
        let pattern = self.0.get_message(command)?.get_attribute(name)?.value();
        Some(self.0.format_pattern(pattern, None, &mut Vec::new()).into_owned())
    }

    /// An argument of a command, or a value of it: its own words, or those that many commands share.
    pub(super) fn argument(&self, command: &str, name: &str) -> Option<String> {
        self.of(command, name).or_else(|| self.of("common", name))
    }

    /// A word of the frame; the key itself where there is none.
    pub(super) fn frame(&self, name: &str) -> String {
        self.of("frame", name).unwrap_or_else(|| name.to_owned())
    }

    /// What stands between `<` and `>`: `COLUMN=MEANING` has a word for each part.
    pub(super) fn value_name(&self, english: &str) -> String {
        let parts = english.split('=');
        parts
            .map(|part| self.of("names", part).unwrap_or_else(|| part.to_owned()))
            .collect::<Vec<_>>()
            .join("=")
    }
}
