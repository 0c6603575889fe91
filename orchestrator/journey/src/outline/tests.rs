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
            "4 customer.orders > 1? | customer.orders > 1？",
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
