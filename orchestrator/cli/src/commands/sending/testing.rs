//! What testing leaves behind when an installation goes live, told before it is asked whether that is meant.

use crate::{commands::Context, instance::Instance, place::Place};
use server::console::TakenOver;
use words::Language;

/// What there is; `None` where there is no installation yet, nothing in it, or where it is live already.
pub(super) async fn taken_over(context: &Context) -> anyhow::Result<Option<TakenOver>> {
    if !Place::of(&context.common).is_there().await? {
        return Ok(None);
    }
    let instance = Instance::read(context).await?;
    let found = TakenOver::of(&instance.store, instance.now()).await;
    instance.close().await;
    Ok(found?)
}

/// How much there is, and what will happen to it.
pub(super) fn told(found: TakenOver, language: Language) -> String {
    let TakenOver { customers, under_way, planned } = found;
    let many = |n: u64, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
    match language {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_testing_left_is_told_with_what_becomes_of_it() {
        let some = TakenOver { customers: 12, under_way: 1, planned: 2 };
        let en = told(some, Language::En);
        for said in ["12 customers", "1 journey under way: they go on", "2 planned messages: they go out"] {
            assert!(en.contains(said), "{said}: {en}");
        }
        assert!(told(some, Language::Ja).contains("送信予定のメッセージ 2 件"));
    }
}
