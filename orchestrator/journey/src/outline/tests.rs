#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

#[test]
fn the_thank_you_is_drawn_in_words() {
    let source = include_str!("../compile/tests/thank_you.yaml");
    let (project, _) = crate::compile::tests::compile_with(&[("journeys/thank_you.yaml", source)]);
    let drawn = outline(&project.unwrap().programs["thank_you"]);
    let shown: Vec<String> =
        drawn.boxes.iter().map(|b| format!("{} {} | {}", b.pc, b.label.en, b.label.ja)).collect();
    assert_eq!(
        shown,
        [
            "0 Send thank_you (email) | thank_you を送信（email）",
            "1 Wait for order_delivered | order_delivered を待つ",
            "2 Stop: never_delivered | 終了：never_delivered",
            "3 Wait 3 days, on a business day, 09:00–20:00 | 3 日待つ（営業日）（09:00–20:00）",
            "4 Customer's orders: more than 1? | お客様の orders が 1 より大きい？",
            "5 Send thanks_again (push > sms > email) | thanks_again を送信（push > sms > email）",
            "6 Send how_to_use (email) | how_to_use を送信（email）",
            "7 Experiment review_ask | 実験 review_ask",
            "8 Send review_request (email) | review_request を送信（email）",
            "9 Wait 7 days | 7 日待つ",
            "10 Send review_request (email) | review_request を送信（email）",
            "11 End | 完了",
        ]
    );
    let arrows: Vec<String> = drawn
        .arrows
        .iter()
        .map(|a| format!("{}→{} {}", a.from, a.to, a.label.as_ref().map_or("", |l| l.en.as_str())))
        .collect();
    assert_eq!(
        arrows,
        [
            "0→1 ",
            "1→3 it came",
            "1→2 not within 14 days",
            "3→4 ",
            "4→5 yes",
            "4→6 no",
            "5→7 ",
            "6→7 ",
            "7→11 holdout 10%",
            "7→8 now 45%",
            "7→9 later 45%",
            "8→11 ",
            "9→10 ",
            "10→11 ",
        ]
    );
}

/// The labels of the boxes that these steps are drawn as.
#[track_caller]
fn labels(steps: &str) -> Vec<String> {
    let source = include_str!("../compile/tests/thank_you.yaml");
    let head = source.split("steps:").next().unwrap();
    let source = format!("{head}steps:\n{steps}");
    let (project, problems) = crate::compile::tests::compile_with(&[("journeys/thank_you.yaml", &source)]);
    let project = project.unwrap_or_else(|| panic!("{problems:#?}"));
    let drawn = outline(&project.programs["thank_you"]);
    drawn.boxes.iter().map(|b| format!("{} | {}", b.label.en, b.label.ja)).collect()
}

#[test]
fn a_condition_is_drawn_in_words_and_not_as_it_is_typed() {
    for (condition, words) in [
        (
            "event.total >= money(\"3000 JPY\")",
            "Event's total: at least 3000 JPY? | きっかけのイベントの total が 3000 JPY 以上？",
        ),
        (
            "customer.orders == 0 or customer.orders > 5",
            "Customer's orders: 0 or customer's orders: more than 5? | お客様の orders が 0、またはお客様の orders が 5 より大きい？",
        ),
        ("not clicked(thank_you)", "thank_you not clicked? | thank_you をクリックしていない？"),
        (
            "last_at(order_placed) < ago(\"60 days\")",
            "Last order_placed: before 60 days ago? | 最後の order_placed が 60 日前より前？",
        ),
        (
            "count(order_placed, \"90 days\") > 2",
            "Number of order_placed events in 90 days: more than 2? | 過去 90 日のイベント order_placed の回数が 2 より大きい？",
        ),
        // What has no plain words stands as it is.
        (
            "customer.orders * 2 > 4",
            "customer.orders * 2: more than 4? | customer.orders * 2 が 4 より大きい？",
        ),
    ] {
        let steps = format!("  - send: thank_you\n  - if: {condition}\n    then:\n      - stop: done\n");
        assert_eq!(labels(&steps)[1], words);
    }
}

#[test]
fn nothing_that_bounds_a_wait_is_left_out() {
    for (wait, words) in [
        ("  - wait: 3 days\n    on: business_days\n", "Wait 3 days, on a business day | 3 日待つ（営業日）"),
        (
            "  - wait: 3 days\n    since: start\n",
            "Wait until 3 days after the start | 開始から3 日後まで待つ",
        ),
        (
            "  - wait_for: order_delivered\n    if: it.order_id == event.order_id\n    up_to: 9 days\n    since: start\n",
            "Wait for order_delivered (this event's order_id: event's order_id), since the start | \
             order_delivered（このイベントの order_id がきっかけのイベントの order_id）を待つ（開始時から）",
        ),
    ] {
        assert_eq!(labels(wait)[0], words);
    }
}
