//! How things are said to the reader: names and titles in their language, as the console says them, and instants in the project's zone
//! with its offset. What is JSON keeps its names and UTC.

use crate::{
    instance::Instance,
    output::{Output, table},
};
use journey::Program;
use server::console::{Titles, label, word};
use words::{Consent, ConsentState, Language, Timestamp, Zone};

/// The reader's language and the project's zone.
pub(crate) struct Voice {
    /// Where it goes.
    pub(crate) out: Output,
    /// The brand's zone; UTC where nothing is deployed.
    pub(crate) zone: Zone,
    /// What journeys and purposes are called in the live release.
    pub(crate) titles: Titles,
}

impl Voice {
    /// In the zone of the live release, with its titles. Programs get UTC and names anyway: for them nothing is looked up.
    pub(crate) async fn of(out: Output, instance: &Instance) -> Self {
        let release = if out.is_json() { None } else { instance.release().await.ok() };
        let zone = release.as_ref().map_or_else(Zone::utc, |release| release.brand.zone.clone());
        Self { out, zone, titles: Titles::new(release, out.language) }
    }

    /// An instant: `2026-11-21 18:30:05 +09:00`.
    pub(crate) fn at(&self, at: Timestamp) -> String {
        let local = at.to_jiff().to_zoned(self.zone.to_jiff().clone());
        local.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// What the name `name` of a group (`outcome`, `channel`, `receipt` …) is called.
    pub(crate) fn label(&self, group: &str, name: &str) -> String {
        label(self.out.language, group, name)
    }

    /// A word of the console.
    pub(crate) fn word(&self, key: &str) -> String {
        word(self.out.language, key)
    }

    /// `  name: value`, where there is a value.
    pub(crate) fn say(&self, key: &str, value: &str) {
        if !value.is_empty() {
            self.out.line(format!("  {}{}{value}", self.word(key), self.colon()));
        }
    }

    /// A word on consent: what was said, when, how it can be proved, and the wording.
    pub(crate) fn consent(&self, key: &str, consent: &Consent) {
        let granted = consent.state == ConsentState::Granted;
        let purpose = consent.purpose.as_deref();
        let purpose = purpose.map_or_else(|| self.word("every-purpose"), |name| self.titles.purpose(name));
        let channel = consent.channel.as_ref();
        let channel =
            channel.map_or_else(|| self.word("every-channel"), |c| self.label("channel", c.as_str()));
        let word = self.word(if granted { "granted" } else { "revoked" });
        let evidence = &consent.evidence;
        let proof: Vec<&str> = std::iter::once(evidence.method.as_str())
            .chain(evidence.source.as_deref())
            .filter(|text| !text.is_empty())
            .collect();
        self.say(
            key,
            &format!("{word} {purpose}, {channel}, {} ({})", self.at(consent.at), proof.join(", ")),
        );
        if let Some(text) = &evidence.text {
            self.out.line(format!("    {}{}{text}", self.word("wording"), self.colon()));
        } else if let Some(hash) = &evidence.text_hash {
            self.out.line(format!("    SHA-256 {hash}"));
        }
    }

    /// The outcome of something that may have gone to the development inbox: that is never called sent.
    pub(crate) fn outcome(&self, name: &str, in_inbox: bool) -> String {
        server::console::outcome(self.out.language, name, in_inbox)
    }

    /// A table, its columns headed by words of the console.
    pub(crate) fn table<const N: usize>(&self, head: [&str; N], rows: &[Vec<String>]) {
        let head = head.map(|key| self.word(key));
        for line in table(&head.each_ref().map(String::as_str), rows) {
            self.out.line(line);
        }
    }

    /// What stands between a name and its value.
    pub(crate) fn colon(&self) -> &'static str {
        self.out.either(": ", "：")
    }
}

/// The project's zone; UTC where nothing is deployed.
pub(crate) async fn zone(instance: &Instance) -> Zone {
    instance.release().await.map_or_else(|_| Zone::utc(), |release| release.brand.zone.clone())
}

/// A step as people know it: what it does, and its name, which commands and records say.
pub(crate) fn step(language: Language, program: &Program, pc: u32) -> String {
    let boxes = journey::outline(program).boxes;
    let Some(found) = boxes.into_iter().find(|found| found.pc == pc) else { return String::new() };
    let label = found.label.get(language);
    match language {
        Language::En => format!("{label} ({})", found.step),
        Language::Ja => format!("{label}（{}）", found.step),
    }
}
