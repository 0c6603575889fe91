//! What testing leaves behind when an installation goes live: it is taken over as it stands.

use crate::{commands::Context, instance::Instance, place::Place};
use serde::Serialize;
use words::Language;

/// What there is when sending is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Legacy {
    customers: u64,
    /// Enrollments that have not ended.
    under_way: u64,
    /// Messages that have not gone out and have not ended.
    planned: u64,
}

impl Legacy {
    /// `None` where there is no installation yet, or where it is live already.
    pub(super) async fn of(context: &Context) -> anyhow::Result<Option<Self>> {
        if !Place::at(&context.common.data).is_there() {
            return Ok(None);
        }
        let instance = Instance::read(context).await?;
        let store = &instance.store;
        let found = match store.sending_live().await? {
            Some(_) => None,
            None => {
                let totals = store.totals(instance.now()).await?;
                let counts = store.journey_counts(None).await?;
                Some(Self {
                    customers: totals.customers,
                    under_way: counts.iter().map(|of| of.live).sum(),
                    planned: totals.sends_due + totals.sends_waiting,
                })
            }
        };
        instance.close().await;
        Ok(found)
    }

    /// How much there is, and what will happen to it; nothing where there is nothing.
    pub(super) fn told(&self, language: Language) -> Option<String> {
        let Self { customers, under_way, planned } = *self;
        if customers + under_way + planned == 0 {
            return None;
        }
        let many = |n: u64, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
        Some(match language {
            Language::En => format!(
                "What is here from testing is taken over as it stands:\n  \
                 {}\n  \
                 {}: they go on with their next step\n  \
                 {}: they go out to those addresses when they are due\n\
                 `tabi stop` first, and all of it waits; `tabi customer erase` takes a customer out with everything planned for \
                 them; a new --data folder begins with nobody.",
                many(customers, "customer", "customers"),
                many(under_way, "journey under way", "journeys under way"),
                many(planned, "planned message", "planned messages"),
            ),
            Language::Ja => format!(
                "試用中のデータは、そのまま引き継がれます。\n  \
                 登録済みのお客様 {customers} 名\n  \
                 進行中のジャーニー {under_way} 件（次のステップへ進みます）\n  \
                 送信予定のメッセージ {planned} 件（予定の時刻に、その宛先へ実際に届きます）\n\
                 先に `tabi stop` を実行すると、すべて送らずに待機します。`tabi customer erase` は、そのお客様を送信予定ごと消去します。\
                 お客様のいない状態から始めるには、別の --data フォルダーを使ってください。"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_testing_left_is_told_with_what_becomes_of_it_and_nothing_is_said_of_nothing() {
        let some = Legacy { customers: 12, under_way: 1, planned: 2 };
        let told = some.told(Language::En).unwrap();
        for said in ["12 customers", "1 journey under way: they go on", "2 planned messages: they go out"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        assert!(some.told(Language::Ja).unwrap().contains("送信予定のメッセージ 2 件"));
        assert_eq!(Legacy { customers: 0, under_way: 0, planned: 0 }.told(Language::En), None);
    }
}
