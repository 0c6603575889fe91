//! Caps: rolling windows, priorities, and what loses to whom.

use super::*;

fn uses(times: &[&str]) -> Vec<(Timestamp, Channel)> {
    times.iter().map(|t| (at(t), Channel::EMAIL)).collect()
}

#[test]
fn the_fourth_marketing_message_in_seven_days_waits_until_the_first_is_seven_days_old() {
    let times = ["2026-11-12T03:00:00Z", "2026-11-14T03:00:00Z", "2026-11-16T03:00:00Z"];
    let verdict = Story::new()
        .with(|s| s.cap_uses = uses(&times))
        .says("delay FRQ-001 cap_reached 2026-11-19T03:00:00Z");
    assert!(verdict.reasons[0].text.en.contains("at most 3 marketing messages in 7 days"), "{verdict:?}");
    Story::new().with(|s| s.cap_uses = uses(&times[1..])).says("allow");
}

#[test]
fn a_cap_rolls_to_the_microsecond_and_knows_no_midnight() {
    let first = |text: &str| uses(&[text, "2026-11-17T03:00:00Z", "2026-11-17T04:00:00Z"]);
    Story::new().with(|s| s.cap_uses = first("2026-11-11T03:00:00Z")).says("allow");
    Story::new()
        .with(|s| s.cap_uses = first("2026-11-11T03:00:00.000001Z"))
        .says("delay FRQ-001 cap_reached 2026-11-18T03:00:00.000001Z");
}

#[test]
fn many_uses_wait_for_enough_of_them_to_leave() {
    let times =
        ["2026-11-12T03:00:00Z", "2026-11-13T03:00:00Z", "2026-11-14T03:00:00Z", "2026-11-15T03:00:00Z"];
    Story::new().with(|s| s.cap_uses = uses(&times)).says("delay FRQ-001 cap_reached 2026-11-20T03:00:00Z");
}

#[test]
fn a_place_that_frees_at_night_is_taken_in_the_morning() {
    let times = ["2026-11-11T15:00:00Z", "2026-11-16T03:00:00Z", "2026-11-17T03:00:00Z"];
    let verdict = Story::new()
        .with(|s| s.cap_uses = uses(&times))
        .says("delay FRQ-001 cap_reached 2026-11-18T23:00:00Z");
    assert_eq!(verdict.reasons[1].code, "quiet_hours");
}

#[test]
fn a_message_that_expires_before_there_is_room_is_given_up_now() {
    let times = ["2026-11-12T03:00:00Z", "2026-11-14T03:00:00Z", "2026-11-16T03:00:00Z"];
    Story::new()
        .with(|s| {
            s.cap_uses = uses(&times);
            s.expires_at = Some(at("2026-11-19T03:00:00Z"));
        })
        .says("block FRQ-001 expired_under_cap");
}

#[test]
fn other_classes_use_no_cap() {
    for class in [MessageClass::Service, MessageClass::Transactional, MessageClass::Security] {
        let verdict =
            Story::new().class(class).with(|s| s.cap_uses = uses(&["2026-11-18T02:00:00Z"; 9])).says("allow");
        assert!(!verdict.uses_cap);
    }
}

#[test]
fn a_brands_own_caps_replace_the_default_and_may_be_for_one_channel() {
    let cap = |max, channel| Cap { max, per: Elapsed::from_days(1), channel };
    let story = |caps| {
        Story::new().with(|s| {
            s.brand.caps = Some(caps);
            s.cap_uses = uses(&["2026-11-18T00:00:00Z", "2026-11-18T01:00:00Z"]);
        })
    };
    story(vec![]).says("allow");
    story(vec![cap(2, Some(Channel::SMS))]).says("allow");
    story(vec![cap(2, Some(Channel::EMAIL))]).says("delay FRQ-001 cap_reached 2026-11-19T00:00:00Z");
    story(vec![cap(3, None)]).says("allow");
    story(vec![cap(0, None)]).says("block FRQ-001 cap_is_zero");
}

#[test]
fn the_higher_priority_goes_first_and_the_losers_reason_names_it() {
    let two_used = uses(&["2026-11-16T03:00:00Z", "2026-11-17T03:00:00Z"]);
    let story = |own: i32, other: (u8, i32)| {
        let two_used = two_used.clone();
        Story::new().with(move |s| {
            s.cap_uses = two_used;
            s.priority = own;
            s.competitors = vec![(other.0, other.1, s.now)];
        })
    };
    let verdict = story(1, (200, 3)).says("delay FRQ-001 cap_lost 2026-11-18T03:05:00Z");
    assert!(
        verdict.reasons[0].text.en.contains("`other_offer` (win_back, priority 3) goes first"),
        "{verdict:?}"
    );
    assert!(verdict.reasons[0].text.ja.contains("other_offer"));
    story(3, (200, 1)).says("allow");
    story(1, (99, 1)).says("delay FRQ-001 cap_lost 2026-11-18T03:05:00Z");
    story(1, (200, 1)).says("allow");
}

#[test]
fn of_two_messages_due_together_exactly_one_goes() {
    for (own, other) in [(0, 0), (1, 0), (0, 1)] {
        let story = |id: u8, mine: i32, theirs: i32| {
            Story::new()
                .with(|s| {
                    s.brand.caps = Some(vec![Cap { max: 1, per: Elapsed::from_days(7), channel: None }]);
                    s.priority = mine;
                    s.competitors = vec![(id, theirs, s.now)];
                })
                .judge()
                .is_allow()
        };
        // The story's own id is 100: seen from the other side, the other's is smaller or larger.
        assert_ne!(story(200, own, other), story(50, other, own), "{own} {other}");
    }
}

#[test]
fn those_that_are_not_due_yet_compete_for_nothing() {
    Story::new()
        .with(|s| {
            s.brand.caps = Some(vec![Cap { max: 1, per: Elapsed::from_days(7), channel: None }]);
            s.competitors = vec![(1, 9, at("2026-11-18T12:00:01+09:00"))];
        })
        .says("allow");
}

#[test]
fn a_brand_that_sets_no_cap_has_none() {
    let times = ["2026-11-12T03:00:00Z", "2026-11-14T03:00:00Z", "2026-11-16T03:00:00Z"];
    Story::new()
        .with(|s| {
            s.brand.caps = Some(Vec::new());
            s.cap_uses = uses(&times);
        })
        .says("allow");
}

#[test]
fn only_marketing_on_the_channel_of_a_cap_competes_for_it() {
    let story = |class, channel| {
        Story::new().with(move |s| {
            let cap = Cap { max: 1, per: Elapsed::from_days(7), channel: Some(Channel::EMAIL) };
            s.brand.caps = Some(vec![cap]);
            s.competitors = vec![(1, 9, s.now)];
            s.competing = (class, channel);
        })
    };
    story(MessageClass::Marketing, None).says("delay FRQ-001 cap_lost 2026-11-18T03:05:00Z");
    story(MessageClass::Service, None).says("allow");
    story(MessageClass::Marketing, Some(Channel::SMS)).says("allow");
}

#[test]
fn a_cap_is_told_in_its_own_unit() {
    for (per, en, ja) in [
        (Elapsed::from_days(2), "in 2 days", "2 日 につき"),
        (Elapsed::from_hours(36), "in 36 hours", "36 時間 につき"),
        (Elapsed::from_minutes(90), "in 90 minutes", "90 分 につき"),
    ] {
        let verdict = Story::new()
            .with(|s| {
                s.brand.caps = Some(vec![Cap { max: 1, per, channel: None }]);
                s.cap_uses = uses(&["2026-11-18T02:00:00Z"]);
            })
            .judge();
        let text = &verdict.reasons[0].text;
        assert!(text.en.contains(en) && text.ja.contains(ja), "{text:?}");
    }
}
