//! Why something waits that is due, in words.

use super::{Pause, Rate};
use words::{Text, Timestamp};

/// Why something waits that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// Others go before it, so many a second.
    Rate(Rate),
    /// The warm-up's messages of today are used up.
    Ramp {
        /// So many today.
        allowed: u64,
        /// When it goes on.
        ends: Timestamp,
    },
    /// The provider is left alone.
    Paused(Pause),
}

impl Wait {
    /// In words; instants in UTC, for `words::calendar::retold`.
    pub fn words(&self) -> Text {
        match self {
            Self::Rate(rate) => Text::new(
                format!("it waits for its turn: the channel is limited to {rate} a second"),
                format!("順番を待っています。このチャネルは毎秒 {rate} 件までに制限されています"),
            ),
            Self::Ramp { allowed, ends } => {
                let ends = minute(*ends);
                Text::new(
                    format!(
                        "it waits for the next day: the warm-up of the channel allows {allowed} today, and they are used up; it \
                         goes on at {ends}"
                    ),
                    format!(
                        "翌日まで待ちます。このチャネルのウォームアップで今日送れる {allowed} 件をすべて使いました。{ends} に再開します"
                    ),
                )
            }
            Self::Paused(pause) => {
                let (since, until, answer) = (minute(pause.since), minute(pause.until), &pause.answer);
                if pause.trying {
                    return Text::new(
                        format!(
                            "the channel pauses since {since}, because its provider fails ({answer}); one message is trying it now"
                        ),
                        format!(
                            "{since} から、事業者の障害（{answer}）のためこのチャネルを休止しています。今、1件だけ試しています"
                        ),
                    );
                }
                Text::new(
                    format!(
                        "the channel pauses since {since}, because its provider fails ({answer}); it is tried again with one \
                         message at {until}"
                    ),
                    format!(
                        "{since} から、事業者の障害（{answer}）のためこのチャネルを休止しています。{until} に1件だけ試します"
                    ),
                )
            }
        }
    }
}

/// To the minute, in UTC.
fn minute(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d %H:%M UTC").to_string()
}
