//! Addresses, suppressions, stops, lateness, packs, and what holds of every verdict.

use super::*;

fn entry(kind: SuppressionKind) -> Suppression {
    Suppression { kind, at: at("2026-10-01T00:00:00Z"), expires_at: None, note: "5.1.1".to_owned() }
}

#[test]
fn a_suppression_stops_the_classes_that_it_is_about() {
    use MessageClass::{Marketing, Regulatory, Security, Service, Transactional};
    for (kind, rule, stopped) in [
        (
            SuppressionKind::HardBounce,
            "block DLV-002 hard_bounce",
            &[Marketing, Service, Transactional, Regulatory, Security][..],
        ),
        (SuppressionKind::Complaint, "block REV-004 complaint", &[Marketing, Service]),
        (SuppressionKind::OptOut, "block REV-001 opted_out", &[Marketing, Service, Transactional]),
        (SuppressionKind::Manual, "block SUP-001 suppressed_by_hand", &[Marketing, Service, Transactional]),
    ] {
        for class in MessageClass::ALL {
            let story = Story::new().class(class).with(|s| s.suppressions = vec![entry(kind)]);
            story.says(if stopped.contains(&class) { rule } else { "allow" });
        }
    }
}

#[test]
fn a_suppression_that_has_ended_counts_no_more() {
    let story = |end: &str| {
        let expires_at = Some(at(end));
        Story::new()
            .with(|s| s.suppressions = vec![Suppression { expires_at, ..entry(SuppressionKind::HardBounce) }])
    };
    story("2026-11-18T03:00:00Z").says("allow");
    story("2026-11-18T03:00:01Z").says("block DLV-002 hard_bounce");
}

#[test]
fn an_address_must_be_there_and_alive() {
    Story::new().with(|s| s.address = None).says("block ADR-001 no_address");
    Story::new()
        .with(|s| {
            s.address = None;
            s.stage = Stage::Plan;
        })
        .says("allow");
    for class in MessageClass::ALL {
        Story::new()
            .class(class)
            .with(|s| s.address.as_mut().unwrap().state = AddressState::Dead)
            .says("block ADR-002 address_dead");
    }
    Story::new()
        .on(Channel::SMS)
        .with(|s| s.address.as_mut().unwrap().value = "09012345678".to_owned())
        .says("block SMS-004 not_e164");
}

#[test]
fn a_push_token_not_seen_for_thirty_days_gets_no_marketing() {
    let story = |added: &str| {
        Story::new().on(Channel::PUSH).with(|s| s.address.as_mut().unwrap().added_at = at(added))
    };
    story("2026-10-19T03:00:00Z").says("block PSH-003 address_stale");
    story("2026-10-19T03:00:01Z").says("allow");
    story("2026-10-19T03:00:00Z").class(MessageClass::Security).says("allow");
}

#[test]
fn a_held_instance_sends_nothing_at_all_and_says_so() {
    for class in MessageClass::ALL {
        Story::new().class(class).with(|s| s.held = true).says("delay HLD-001 held 2026-11-18T03:15:00Z");
    }
}

#[test]
fn a_stop_switch_stops_what_it_names() {
    let stop = |scope, effect| Stop {
        scope,
        effect,
        by: "Sato".to_owned(),
        at: at("2026-11-18T02:00:00Z"),
        note: "wrong price".to_owned(),
    };
    for (scope, concerns) in [
        (StopScope::Everything, true),
        (StopScope::Journey("autumn".to_owned()), true),
        (StopScope::Journey("winter".to_owned()), false),
        (StopScope::Channel(Channel::EMAIL), true),
        (StopScope::Channel(Channel::SMS), false),
        (StopScope::Purpose("offers".to_owned()), true),
        (StopScope::Purpose("news".to_owned()), false),
    ] {
        let held = Story::new().with(|s| s.stops = vec![stop(scope.clone(), StopEffect::Hold)]);
        let cancelled = Story::new().with(|s| s.stops = vec![stop(scope, StopEffect::Cancel)]);
        if concerns {
            let verdict = held.says("delay STP-001 stopped 2026-11-18T03:15:00Z");
            assert!(
                verdict.reasons[0].text.en.contains("Sato")
                    && verdict.reasons[0].text.en.contains("wrong price")
            );
            cancelled.says("block STP-001 stopped");
        } else {
            held.says("allow");
            cancelled.says("allow");
        }
    }
}

#[test]
fn a_held_message_is_asked_about_for_the_last_time_at_its_end() {
    let story = |now: &str| {
        Story::new().at(now).with(|s| {
            s.held = true;
            s.expires_at = Some(at("2026-11-18T03:10:00Z"));
        })
    };
    story("2026-11-18T03:00:00Z").says("delay HLD-001 held 2026-11-18T03:10:00Z");
    story("2026-11-18T03:10:00Z").says("block TIM-001 expired");
}

#[test]
fn too_late_is_never_and_too_early_is_later() {
    Story::new().with(|s| s.expires_at = Some(s.now)).says("block TIM-001 expired");
    let late = |by: i64| {
        Story::new().with(move |s| {
            s.late_max = Some(Elapsed::from_hours(2));
            s.due_at = s.now.minus(Elapsed::from_micros(by));
        })
    };
    late(7_200_000_000).says("allow");
    late(7_200_000_001).says("block TIM-002 too_late");
    Story::new()
        .with(|s| s.due_at = at("2026-11-18T15:00:00+09:00"))
        .says("delay TIM-003 not_due 2026-11-18T06:00:00Z");
    Story::new()
        .with(|s| s.due_at = at("2026-11-18T23:00:00+09:00"))
        .says("delay TIM-003 not_due 2026-11-18T23:00:00Z");
    Story::new()
        .with(|s| {
            s.due_at = at("2026-11-18T15:00:00+09:00");
            s.expires_at = Some(s.due_at);
        })
        .says("block TIM-001 expires_before_due");
}

#[test]
fn block_beats_delay_beats_allow_and_every_reason_stays() {
    let verdict = Story::new()
        .at("2026-11-18T23:00:00+09:00")
        .with(|s| {
            s.held = true;
            s.suppressions = vec![entry(SuppressionKind::HardBounce)];
            s.customer.consents.clear();
        })
        .says("block CNS-001 consent_missing");
    let codes: Vec<&str> = verdict.reasons.iter().map(|r| r.code.as_ref()).collect();
    assert_eq!(codes, ["consent_missing", "hard_bounce", "held"]);
}

#[test]
fn an_allow_ends_when_the_rules_change() {
    let verdict = Story::american()
        .at("2027-01-30T18:59:00-05:00")
        .with(|s| {
            s.brand.windows = vec![BrandWindow {
                classes: Vec::new(),
                channels: Vec::new(),
                allow: Window::ALWAYS,
                business_days: false,
            }]
        })
        .says("allow");
    assert_eq!(verdict.valid_until, at("2027-01-31T00:00:00Z"));
}

#[test]
fn the_same_question_has_the_same_answer_to_the_byte() {
    let once = serde_json::to_string(&Story::new().judge()).unwrap();
    assert_eq!(once, serde_json::to_string(&Story::new().judge()).unwrap());
    assert!(once.contains("\"packs\":\"sha256:"), "{once}");
}

#[test]
fn a_projects_pack_replaces_the_built_in_one_and_changes_the_hash() {
    let own = Pack::from_json(
        "jp",
        r#"{"pack": "jp", "version": "1", "effective": {}, "countries": ["JP"], "sources": [],
            "rules": [{"id": "CNS-001", "classes": ["marketing"],
                       "check": {"consent": {"accept": ["express_written"]}}}]}"#,
    )
    .unwrap();
    let packs = Packs::with(vec![own]).unwrap();
    assert_ne!(packs.set().hash(), Packs::built_in().set().hash());
    assert_eq!(packs.iter().count(), 7);
}

#[test]
fn a_pack_with_a_mistake_is_refused_with_its_place() {
    let wrong = Pack::from_json("mine", r#"{"pack": "mine", "versoin": "1"}"#).unwrap_err();
    assert!(std::error::Error::source(&wrong).unwrap().to_string().contains("versoin"), "{wrong}");
    let backwards = r#"{"pack": "mine", "version": "1", "effective": {"from": "2026-02-01", "to": "2026-01-01"},
        "sources": [], "rules": []}"#;
    assert!(matches!(Pack::from_json("mine", backwards), Err(PackError::Dates(_))));
}
