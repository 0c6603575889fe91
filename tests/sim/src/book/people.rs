//! People: who they are, what they said, and who turned out to be the same.

use super::Book;
use words::CustomerId;

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their number.
    pub nth: usize,
    /// Under which the product knows them.
    pub id: CustomerId,
    /// E-mail address.
    pub email: String,
    /// Telephone number, where they have one.
    pub phone: Option<String>,
    /// Minutes ahead of UTC where they live.
    pub zone: usize,
    /// Whether their messages end whoever renders them.
    pub poison: bool,
    /// The group that they belong to.
    pub group: usize,
}

/// Zones whose clocks never change: name, and minutes ahead of UTC.
pub const ZONES: [(&str, i64); 4] =
    [("Asia/Tokyo", 540), ("Asia/Kathmandu", 345), ("America/Phoenix", -420), ("Pacific/Honolulu", -600)];

/// A word on a purpose and a channel; `None`: on all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Purpose.
    pub purpose: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// Yes or no.
    pub yes: bool,
    /// When.
    pub at: i64,
}

/// People who turned out to be one.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Who, the one that is left first.
    pub members: Vec<usize>,
    /// The newest word on each purpose and channel.
    pub words: Vec<Word>,
    /// Erased, once that was acknowledged.
    pub erased: bool,
    /// The note that was written last, where one was.
    pub note: Option<String>,
    /// Where they live, by place in [`ZONES`]; several while a change of it is under way.
    pub zone: usize,
}

impl Book {
    /// The group of a person.
    pub fn group(&self, person: usize) -> usize {
        self.people.get(person).map_or(0, |person| person.group)
    }

    /// A word was acknowledged.
    pub fn said(&mut self, group: usize, word: Word) {
        let Some(group) = self.groups.get_mut(group) else { return };
        match group.words.iter_mut().find(|w| w.purpose == word.purpose && w.channel == word.channel) {
            // A refusal of the same instant stays.
            Some(old) if old.at > word.at || old.at == word.at && !old.yes => {}
            Some(old) => *old = word,
            None => group.words.push(word),
        }
    }

    /// Two groups are one: the first is left. A refusal on either side stands.
    pub fn merged(&mut self, kept: usize, lost: usize) {
        if kept == lost {
            return;
        }
        let Some(gone) = self.groups.get_mut(lost).map(std::mem::take) else { return };
        for member in &gone.members {
            if let Some(person) = self.people.get_mut(*member) {
                person.group = kept;
            }
        }
        let Some(group) = self.groups.get_mut(kept) else { return };
        group.members.extend(gone.members);
        group.erased |= gone.erased;
        if group.note.is_none() {
            group.note = gone.note;
        }
        for word in gone.words {
            match group.words.iter_mut().find(|w| w.purpose == word.purpose && w.channel == word.channel) {
                None => group.words.push(word),
                Some(mine) => {
                    if mine.yes && !word.yes || mine.yes == word.yes && word.at > mine.at {
                        *mine = word;
                    }
                }
            }
        }
    }

    /// Whether they refused this, for all that they said.
    pub fn refused(&self, group: usize, purpose: &str, channel: &str) -> bool {
        let Some(group) = self.groups.get(group) else { return false };
        let covers = |word: &&Word| {
            word.purpose.as_deref().is_none_or(|p| p == purpose)
                && word.channel.as_deref().is_none_or(|c| c == channel)
        };
        let newest =
            |yes: bool| group.words.iter().filter(covers).filter(|w| w.yes == yes).map(|w| w.at).max();
        newest(false).is_some_and(|no| newest(true).is_none_or(|yes| yes <= no))
    }
}
