//! How a provider stands: what was let through, and whether it is left alone.

use super::{BATCH_MAX, Breaker, Pace, Rate, Said, Wait};
use serde::{Deserialize, Serialize};
use words::{Elapsed, Timestamp, Zone};

/// How a provider stands. The same for all nodes; instants are the server's, where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Nothing before this: what was let through last is paid for by then.
    pub next_at: Timestamp,
    /// The day of `used`, since 1970 in the project's zone.
    pub day: i64,
    /// How many were let through on that day, as long as a warm-up counts them.
    pub used: u64,
    /// The limit that held when something was let through last, for whoever reads this.
    pub rate: Option<Rate>,
    /// The same of the warm-up: how many that day, and when it ends.
    pub today: Option<(u64, Timestamp)>,
    /// Failures in a row.
    pub failures: u32,
    /// Left alone.
    pub pause: Option<Pause>,
}

/// A provider that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// It is tried with one message then; where one is under way already, with another one then.
    pub until: Timestamp,
    /// How many pauses there were before this one, in a row.
    pub before: u32,
    /// One message is under way.
    pub trying: bool,
    /// The provider itself named the time.
    pub asked: bool,
    /// Its words, or what happened instead.
    pub answer: String,
}

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// For so many, now.
    Now(u64),
    /// Not before this.
    At(Timestamp),
}

/// What was let through at one time; by it what was not used is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    at: Timestamp,
    messages: u64,
    next_at: Timestamp,
    rate: Option<Rate>,
    day: i64,
    tries: bool,
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is left alone from now on.
    Paused,
    /// It is left alone for longer.
    PausedAgain,
    /// It answers again.
    Resumed,
}

impl Standing {
    /// How many may go now.
    pub fn room(&self, pace: &Pace, zone: &Zone, now: Timestamp) -> Room {
        let mut room = BATCH_MAX;
        if let Some(pause) = &self.pause {
            if now < pause.until {
                return Room::At(pause.until);
            }
            room = 1;
        }
        if let Some(rate) = pace.rate {
            if now < self.next_at {
                return Room::At(self.next_at);
            }
            room = room.min(rate.batch());
        }
        if let Some((allowed, day, ends)) = pace.today(zone, now) {
            let left = allowed.saturating_sub(if self.day >= day { self.used } else { 0 });
            if left == 0 {
                return Room::At(ends);
            }
            room = room.min(left);
        }
        Room::Now(room)
    }

    /// Lets so many through, no more than there is room for. One that tries a provider which is left alone has `lease` to
    /// do it.
    pub fn take(&mut self, pace: &Pace, zone: &Zone, now: Timestamp, messages: u64, lease: Elapsed) -> Taken {
        self.next_at = pace.rate.map_or(now, |rate| now.plus(rate.cost(messages)));
        self.rate = pace.rate;
        let today = pace.today(zone, now);
        self.today = today.map(|(allowed, _, ends)| (allowed, ends));
        if let Some((_, day, _)) = today {
            if day > self.day {
                (self.day, self.used) = (day, 0);
            }
            self.used += messages;
        }
        if let Some(pause) = &mut self.pause {
            (pause.trying, pause.until) = (true, now.plus(lease));
        }
        Taken {
            at: now,
            messages,
            next_at: self.next_at,
            rate: pace.rate,
            day: today.map_or(0, |(_, day, _)| day),
            tries: self.pause.is_some(),
        }
    }

    /// Gives back what was let through and not handed over after all. What others waited for meanwhile stays waited for.
    pub fn give_back(&mut self, taken: &Taken, messages: u64) {
        let used = taken.messages.saturating_sub(messages);
        if let Some(rate) = taken.rate
            && self.next_at == taken.next_at
        {
            self.next_at = taken.at.plus(rate.cost(used));
        }
        if taken.day != 0 && taken.day == self.day {
            self.used = self.used.saturating_sub(messages);
        }
        if let Some(pause) = &mut self.pause
            && taken.tries
            && used == 0
            && pause.trying
        {
            (pause.trying, pause.until) = (false, taken.at);
        }
    }

    /// Takes in what a hand-over said about the provider.
    pub fn hear(&mut self, breaker: &Breaker, said: &Said, now: Timestamp) -> Option<Change> {
        match said {
            Said::Answers => {
                self.failures = 0;
                // What was under way when the provider named a time says nothing about that time.
                let over = |pause: &Pause| pause.trying || !pause.asked || now >= pause.until;
                let resumed = self.pause.as_ref().is_some_and(over);
                if resumed {
                    self.pause = None;
                }
                resumed.then_some(Change::Resumed)
            }
            Said::Fails { after, answer } => self.fail(breaker, *after, answer, now),
            Said::Nothing => {
                // The one that tried it learned nothing: another one does, later.
                let pause = self.pause.as_mut().filter(|pause| pause.trying)?;
                (pause.trying, pause.until) = (false, now.plus(breaker.pause_after(pause.before)));
                None
            }
        }
    }

    fn fail(
        &mut self,
        breaker: &Breaker,
        after: Option<Elapsed>,
        answer: &str,
        now: Timestamp,
    ) -> Option<Change> {
        self.failures = self.failures.saturating_add(1);
        let asked = after.map(|after| now.plus(after));
        match &mut self.pause {
            Some(pause) if pause.trying => {
                pause.before = pause.before.saturating_add(1);
                let until = now.plus(breaker.pause_after(pause.before));
                pause.until = asked.map_or(until, |asked| asked.max(until));
                (pause.trying, pause.asked) = (false, asked.is_some());
                answer.clone_into(&mut pause.answer);
                Some(Change::PausedAgain)
            }
            // Others were under way, too.
            Some(pause) => {
                if let Some(asked) = asked.filter(|asked| *asked > pause.until) {
                    (pause.until, pause.asked) = (asked, true);
                }
                None
            }
            None if asked.is_some() || self.failures >= breaker.failures => {
                let until = asked.unwrap_or_else(|| now.plus(breaker.pause_after(0)));
                self.pause = Some(Pause {
                    since: now,
                    until,
                    before: 0,
                    trying: false,
                    asked: asked.is_some(),
                    answer: answer.to_owned(),
                });
                Some(Change::Paused)
            }
            None => None,
        }
    }

    /// Why something waits that is due, as far as this says.
    pub fn wait(&self, now: Timestamp) -> Option<Wait> {
        if let Some(pause) = &self.pause {
            return Some(Wait::Paused(pause.clone()));
        }
        match (self.today, self.rate) {
            (Some((allowed, ends)), _) if self.used >= allowed && now < ends => {
                Some(Wait::Ramp { allowed, ends })
            }
            (_, Some(rate)) => Some(Wait::Rate(rate)),
            _ => None,
        }
    }

    /// Says what is configured now, to whoever reads it.
    pub fn told(&mut self, pace: &Pace) {
        self.rate = pace.rate;
        if pace.ramp.is_none() {
            self.today = None;
        }
        if pace.breaker.is_none() {
            (self.failures, self.pause) = (0, None);
        }
    }
}
