//! The watch: what stands still or waits for a person is told to the team, once a day for each kind.
//!
//! What is due and does not move has no other voice: nobody misses a mail that was never sent.

use crate::Machine;
use render::Brand;
use sha2::{Digest as _, Sha256};
use store::{Attention, Notice, StoreError};
use words::{Channel, Elapsed, Language, Timestamp};

/// Customers are stepped within a second as a rule; after this the team hears of it.
const STEP_LATE: Elapsed = Elapsed::from_minutes(5);
/// The same of a delivery that may go out.
const SEND_LATE: Elapsed = Elapsed::from_minutes(15);
/// To whom it is where no address is configured: whoever looks at the console.
const TEAM: &str = "team";

/// What the watch sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Nothing may be sent: a restored copy.
    pub(crate) held: bool,
    /// What waits for a person.
    pub(crate) attention: Attention,
    /// How long the customer who is due the longest has waited.
    pub(crate) step_lag: Elapsed,
    /// The same of deliveries, by channel.
    pub(crate) send_lags: Vec<(Channel, Elapsed)>,
}

/// What the team is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Customers are due and nobody steps them.
    StepsLate { minutes: i64 },
    /// Deliveries are due on a channel, and nothing goes out.
    SendsLate { channel: Channel, minutes: i64 },
    /// Nobody knows whether these arrived.
    Unknown { count: u64 },
    /// These were set aside.
    Quarantined { count: u64 },
    /// Nothing is sent before a person says so.
    Held,
}

/// What is worth being told.
pub(crate) fn alarms(seen: &Seen) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    let minutes = |lag: Elapsed| lag.as_micros() / 60_000_000;
    if seen.held {
        alarms.push(Alarm::Held);
    }
    if !seen.held && seen.step_lag >= STEP_LATE {
        alarms.push(Alarm::StepsLate { minutes: minutes(seen.step_lag) });
    }
    // Whoever stopped something knows that it waits.
    if !seen.held && seen.attention.stops == 0 {
        let late = seen.send_lags.iter().filter(|(_, lag)| *lag >= SEND_LATE);
        alarms.extend(
            late.map(|(channel, lag)| Alarm::SendsLate { channel: channel.clone(), minutes: minutes(*lag) }),
        );
    }
    if seen.attention.unknown > 0 {
        alarms.push(Alarm::Unknown { count: seen.attention.unknown });
    }
    if seen.attention.quarantined > 0 {
        alarms.push(Alarm::Quarantined { count: seen.attention.quarantined });
    }
    alarms
}

impl Alarm {
    /// What counts as the same: told once a day.
    fn kind(&self) -> String {
        match self {
            Self::StepsLate { .. } => "steps_late".to_owned(),
            Self::SendsLate { channel, .. } => format!("sends_late {channel}"),
            Self::Unknown { .. } => "unknown".to_owned(),
            Self::Quarantined { .. } => "quarantined".to_owned(),
            Self::Held => "held".to_owned(),
        }
    }

    /// The id of the notice: the same on every node, for a day.
    fn id(&self, day: i64, to: &str) -> [u8; 16] {
        let hash = Sha256::digest(format!("alarm {} {day} {to}", self.kind()));
        std::array::from_fn(|at| hash[at])
    }

    fn words(&self, language: Language) -> String {
        match (self, language) {
            (Self::StepsLate { minutes }, Language::En) => format!(
                "Customers have been due for {minutes} minutes and are not stepped. `tabi doctor` looks for the cause."
            ),
            (Self::StepsLate { minutes }, Language::Ja) => format!(
                "ジャーニーを進める処理が{minutes}分遅れています。`tabi doctor` で原因を確認してください。"
            ),
            (Self::SendsLate { channel, minutes }, Language::En) => format!(
                "Deliveries by {channel} have been due for {minutes} minutes and do not go out. `tabi doctor --providers` asks the \
                 provider."
            ),
            (Self::SendsLate { channel, minutes }, Language::Ja) => format!(
                "{channel} の送信が{minutes}分遅れています。`tabi doctor --providers` で送信事業者を確認してください。"
            ),
            (Self::Unknown { count }, Language::En) => format!(
                "Of {count} deliveries nobody knows whether they arrived. They are listed in the console under Troubles, where \
                 each is settled."
            ),
            (Self::Unknown { count }, Language::Ja) => {
                format!(
                    "届いたかどうか不明な送信が{count}件あります。管理画面の「要対応」で確定してください。"
                )
            }
            (Self::Quarantined { count }, Language::En) => format!(
                "{count} deliveries were set aside after three tries that ended their process. They are listed in the console under \
                 Troubles."
            ),
            (Self::Quarantined { count }, Language::Ja) => format!(
                "3回続けて処理が中断したため隔離された送信が{count}件あります。管理画面の「要対応」で確認してください。"
            ),
            (Self::Held, Language::En) => {
                "Sending is held: nothing goes out before somebody releases it with `tabi resume --held`."
                    .to_owned()
            }
            (Self::Held, Language::Ja) => {
                "送信は保留中です。`tabi resume --held` で解除するまで何も送られません。".to_owned()
            }
        }
    }
}

impl Machine {
    /// Looks, and tells the team what has to be told. The addresses of `alerts` get a mail; without any it stands in the
    /// console alone.
    pub async fn watch(&self) -> Result<(), StoreError> {
        let Some(live) = self.live() else { return Ok(()) };
        let now = self.clock.now();
        let lag = |due: Option<Timestamp>| due.map_or(Elapsed::from_micros(0), |due| now.since(due));
        let channels = self.channels();
        let seen = Seen {
            held: self.store.held().is_some(),
            attention: self.store.attention().await?,
            step_lag: lag(self.store.next_step_due()),
            send_lags: channels
                .iter()
                .map(|channel| {
                    // What waits for room under a limit waits by somebody's word, unless its provider is paused.
                    let limited = |pace: channel::pace::Pace| pace.rate.is_some() || pace.ramp.is_some();
                    let by_word =
                        self.store.pace(channel).is_some_and(limited) && !self.store.is_paused(channel);
                    let due = self.store.next_send_due(std::slice::from_ref(channel));
                    (channel.clone(), lag(due.filter(|_| !by_word)))
                })
                .collect(),
        };
        let language = language(live.release.templates.brand());
        let day = now.as_micros().div_euclid(Elapsed::from_days(1).as_micros());
        for alarm in alarms(&seen) {
            let mut new = false;
            for to in self.alerts.iter().map(String::as_str).chain(self.alerts.is_empty().then_some(TEAM)) {
                let notice = Notice {
                    id: alarm.id(day, to),
                    at: now,
                    to: to.to_owned(),
                    customer: None,
                    journey: None,
                    text: alarm.words(language),
                    seen_at: None,
                    seen_by: None,
                    mail_due: (to != TEAM).then_some(now),
                    mail_outcome: None,
                };
                new |= self.store.tell_team(notice).await?;
            }
            if new {
                tracing::warn!(alarm = alarm.kind(), "{}", alarm.words(Language::En));
            }
        }
        Ok(())
    }
}

/// The language of the team: the brand's first one.
pub(crate) fn language(brand: &Brand) -> Language {
    if brand.default_locale.language() == "ja" { Language::Ja } else { Language::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_told_and_what_somebody_stopped_is_not() {
        let mut seen = Seen {
            step_lag: Elapsed::from_minutes(4),
            send_lags: vec![(Channel::EMAIL, Elapsed::from_minutes(14))],
            ..Seen::default()
        };
        assert!(alarms(&seen).is_empty());
        seen.step_lag = Elapsed::from_minutes(6);
        seen.send_lags =
            vec![(Channel::EMAIL, Elapsed::from_minutes(20)), (Channel::SMS, Elapsed::from_minutes(1))];
        assert_eq!(
            alarms(&seen),
            [Alarm::StepsLate { minutes: 6 }, Alarm::SendsLate { channel: Channel::EMAIL, minutes: 20 }]
        );
        seen.attention = Attention { unknown: 3, quarantined: 1, stops: 1 };
        assert_eq!(
            alarms(&seen),
            [Alarm::StepsLate { minutes: 6 }, Alarm::Unknown { count: 3 }, Alarm::Quarantined { count: 1 }]
        );
        seen.held = true;
        assert_eq!(
            alarms(&seen),
            [Alarm::Held, Alarm::Unknown { count: 3 }, Alarm::Quarantined { count: 1 }]
        );
    }
}
