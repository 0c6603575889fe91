//! Consent: whose word counts, where, how long, and what beats it.

use super::*;

#[test]
fn marketing_goes_out_on_consent_and_says_which() {
    let verdict = Story::new().says("allow");
    let consent = verdict.consent.unwrap();
    assert_eq!((consent.basis, consent.method.as_str()), (Basis::Express, "web_form"));
    assert!(verdict.uses_cap);
    assert_eq!(verdict.reasons[0].rule, "CNS-001");
    assert!(verdict.reasons[0].text.en.contains("express consent of 2026-01-01"), "{:?}", verdict.reasons);
}

#[test]
fn marketing_without_consent_is_not_sent_in_any_country() {
    for place in ["JP", "US", "CA", "DE", "GB", "BR", "AU"] {
        for channel in [Channel::EMAIL, Channel::SMS, Channel::PUSH, Channel::new("line")] {
            let verdict = Story::new()
                .on(channel.clone())
                .with(|s| {
                    s.customer.consents.clear();
                    s.customer.country = Some(country(place));
                })
                .judge();
            assert_eq!(verdict.decision, Decision::Block, "{place} {channel:?}");
            assert_eq!(verdict.reasons[0].code, "consent_missing", "{place} {channel:?}");
        }
    }
}

#[test]
fn consents_that_cannot_be_read_count_as_none() {
    Story::new().with(|s| s.consents_known = false).says("block CNS-007 consent_unknown");
    Story::new().class(MessageClass::Transactional).with(|s| s.consents_known = false).says("allow");
}

#[test]
fn a_consent_to_another_purpose_or_channel_is_none() {
    Story::new()
        .with(|s| s.customer.consents[0].purpose = Some("news".to_owned()))
        .says("block CNS-001 consent_missing");
    Story::new()
        .with(|s| s.customer.consents[0].channel = Some(Channel::SMS))
        .says("block CNS-001 consent_missing");
    Story::new()
        .with(|s| {
            s.customer.consents[0].channel = Some(Channel::EMAIL);
            s.customer.consents[0].purpose = Some("offers".to_owned());
        })
        .says("allow");
}

#[test]
fn a_revocation_wins_and_wins_ties() {
    Story::new()
        .with(|s| drop(s.revoke("2026-02-01T00:00:00Z").clone()))
        .says("block CNS-006 consent_revoked");
    Story::new()
        .with(|s| drop(s.revoke("2026-01-01T00:00:00Z").clone()))
        .says("block CNS-006 consent_revoked");
    Story::new().with(|s| drop(s.revoke("2025-12-31T00:00:00Z").clone())).says("allow");
    Story::new()
        .with(|s| s.revoke("2026-02-01T00:00:00Z").channel = Some(Channel::EMAIL))
        .says("block CNS-006 consent_revoked");
    Story::new().with(|s| s.revoke("2026-02-01T00:00:00Z").channel = Some(Channel::SMS)).says("allow");
    Story::new().with(|s| s.revoke("2026-02-01T00:00:00Z").purpose = Some("news".to_owned())).says("allow");
}

#[test]
fn a_revocation_from_the_future_counts_now_and_a_grant_from_the_future_does_not() {
    Story::new()
        .with(|s| drop(s.revoke("2027-02-01T00:00:00Z").clone()))
        .says("block CNS-006 consent_revoked");
    Story::new()
        .with(|s| {
            s.customer.consents.clear();
            s.grant(Basis::Express, "2027-01-01T00:00:00Z");
        })
        .says("block CNS-001 consent_missing");
}

#[test]
fn a_consent_ends_when_it_says_and_an_allow_no_later() {
    let story = |end: &str| {
        let end = at(end);
        Story::new().with(move |s| s.customer.consents[0].expires_at = Some(end))
    };
    story("2026-11-18T03:00:00Z").says("block CNS-001 consent_expired");
    let verdict = story("2026-11-18T03:00:01Z").says("allow");
    assert_eq!(verdict.valid_until, at("2026-11-18T03:00:01Z"));
}

#[test]
fn a_longer_consent_stands_in_for_one_that_has_ended() {
    Story::new()
        .with(|s| {
            s.grant(Basis::Implied, "2026-05-01T00:00:00Z").expires_at = Some(at("2026-06-01T00:00:00Z"))
        })
        .says("allow");
}

#[test]
fn implied_consent_counts_where_the_law_knows_it() {
    for (place, channel, expected) in [
        ("JP", Channel::EMAIL, "allow"),
        ("GB", Channel::SMS, "allow"),
        ("DE", Channel::EMAIL, "allow"),
        ("US", Channel::EMAIL, "allow"),
        ("DE", Channel::PUSH, "block CNS-001 consent_basis"),
        ("BR", Channel::EMAIL, "block CNS-001 consent_basis"),
        ("US", Channel::PUSH, "block CNS-001 consent_basis"),
    ] {
        Story::new()
            .on(channel)
            .with(|s| {
                s.customer.country = Some(country(place));
                s.customer.consents[0].basis = Basis::Implied;
            })
            .says(expected);
    }
}

#[test]
fn canada_ends_implied_consent_after_24_months_or_6() {
    let story = |method: &str, now: &str| {
        Story::new().at(now).with(|s| {
            s.customer.country = Some(country("CA"));
            s.customer.consents.clear();
            s.grant(Basis::Implied, "2026-01-31T12:00:00Z").evidence.method = method.to_owned();
        })
    };
    story("purchase", "2028-01-31T11:59:59Z")
        .with(|s| s.customer.zone = Some((Zone::utc(), ZoneSource::Stated)))
        .says("allow");
    story("purchase", "2028-01-31T12:00:00Z").says("block CNS-004 consent_expired");
    let verdict = story("inquiry", "2026-07-31T04:00:00Z").says("allow");
    assert_eq!(verdict.consent.unwrap().expires_at, Some(at("2026-07-31T12:00:00Z")));
    story("inquiry", "2026-07-31T12:00:00Z").says("block CNS-004 consent_expired");
    story("inquiry", "2026-07-31T12:00:00Z")
        .with(|s| s.customer.consents[0].basis = Basis::Express)
        .says("delay QH-005 quiet_hours 2026-07-31T23:00:00Z");
}

#[test]
fn american_texts_need_written_consent_and_service_texts_express_consent() {
    Story::american().on(Channel::SMS).says("allow");
    Story::american()
        .on(Channel::SMS)
        .with(|s| s.customer.consents[0].basis = Basis::Express)
        .says("block CNS-002 consent_basis");
    let service = || Story::american().on(Channel::SMS).class(MessageClass::Service);
    service().with(|s| s.customer.consents[0].basis = Basis::Express).says("allow");
    service().with(|s| s.customer.consents[0].basis = Basis::Implied).says("block CNS-003 consent_basis");
    service().with(|s| s.customer.consents.clear()).says("block CNS-003 consent_missing");
}

#[test]
fn an_american_number_brings_american_law_to_a_customer_elsewhere() {
    Story::new()
        .on(Channel::SMS)
        .with(|s| s.address.as_mut().unwrap().value = "+12125550100".to_owned())
        .says("block CNS-002 consent_basis");
}

#[test]
fn the_strictest_country_of_the_brand_decides_where_the_customers_is_unknown() {
    let story = |countries: &[&str]| {
        let countries = countries.iter().map(|c| country(c)).collect();
        Story::new().with(move |s| {
            s.customer.country = None;
            s.customer.consents[0].basis = Basis::Implied;
            s.brand.countries = countries;
        })
    };
    story(&["JP", "DE"]).says("allow");
    story(&["JP", "BR"]).says("block CNS-001 consent_basis");
    story(&["BR"]).says("block CNS-001 consent_basis");
}

#[test]
fn only_marketing_needs_consent_and_the_exemption_is_recorded() {
    for class in
        [MessageClass::Service, MessageClass::Transactional, MessageClass::Regulatory, MessageClass::Security]
    {
        let verdict = Story::new().class(class).with(|s| s.customer.consents.clear()).says("allow");
        assert!(verdict.reasons.iter().any(|r| r.code == "exempt_from_consent"), "{class:?}");
        assert!(!verdict.uses_cap);
        assert!(verdict.consent.is_none());
    }
}

#[test]
fn a_refusal_stops_service_messages_and_nothing_that_is_owed() {
    for (class, expected) in [
        (MessageClass::Service, "block CNS-006 consent_revoked"),
        (MessageClass::Transactional, "allow"),
        (MessageClass::Regulatory, "allow"),
        (MessageClass::Security, "allow"),
    ] {
        Story::new()
            .class(class)
            .with(|s| s.revoke("2026-02-01T00:00:00Z").channel = Some(Channel::EMAIL))
            .says(expected);
    }
}

#[test]
fn an_american_refusal_reaches_every_text_from_31_january_2027_on() {
    let story = |revoked: &str, place: &str, channel: Channel| {
        Story::american().on(channel.clone()).at("2027-03-01T12:00:00-05:00").with(|s| {
            s.customer.country = Some(country(place));
            let word = s.revoke(revoked);
            word.purpose = Some("news".to_owned());
            word.channel = Some(channel);
        })
    };
    story("2027-01-30T23:59:59Z", "US", Channel::SMS).says("allow");
    story("2027-01-31T00:00:00Z", "US", Channel::SMS).says("block REV-003 revoked_elsewhere");
    story("2027-01-31T00:00:00Z", "US", Channel::EMAIL).says("allow");
    story("2027-01-31T00:00:00Z", "CA", Channel::SMS).says("allow");
    story("2027-01-31T00:00:00Z", "US", Channel::SMS)
        .with(|s| s.grant(Basis::ExpressWritten, "2027-02-02T00:00:00Z").purpose = Some("offers".to_owned()))
        .says("allow");
}

#[test]
fn of_several_consents_the_one_that_lasts_longest_is_stood_on() {
    let story = |first: Option<&str>, second: Option<&str>| {
        let ends = [first, second].map(|end| end.map(at));
        let verdict = Story::new()
            .with(|s| {
                s.customer.consents[0].expires_at = ends[0];
                s.grant(Basis::Implied, "2026-02-01T00:00:00Z").expires_at = ends[1];
            })
            .says("allow");
        let consent = verdict.consent.unwrap();
        (consent.basis, consent.expires_at)
    };
    let (soon, late) = (Some("2027-01-01T00:00:00Z"), Some("2028-01-01T00:00:00Z"));
    assert_eq!(story(soon, late), (Basis::Implied, late.map(at)));
    assert_eq!(story(late, soon), (Basis::Express, late.map(at)));
    assert_eq!(story(soon, None), (Basis::Implied, None), "one without an end lasts longest");
    assert_eq!(story(None, None), (Basis::Express, None), "of two that last as long, the first");
}

#[test]
fn where_several_countries_decide_the_consent_that_ends_first_is_recorded() {
    // Implied by nothing that Canada knows by name: six months there, no end in Japan.
    for countries in [["JP", "CA"], ["CA", "JP"]] {
        let verdict = Story::new()
            .with(|s| {
                s.customer.country = None;
                s.customer.consents[0].basis = Basis::Implied;
                s.customer.consents[0].at = at("2026-09-01T00:00:00Z");
                s.brand.countries = countries.iter().map(|c| country(c)).collect();
            })
            .says("allow");
        assert_eq!(verdict.consent.unwrap().expires_at, Some(at("2027-03-01T00:00:00Z")), "{countries:?}");
    }
    // Both without an end: what the first country stands on, by its code; Brazil asks for more than Japan.
    let verdict = Story::new()
        .with(|s| {
            s.customer.country = None;
            s.customer.consents.clear();
            s.grant(Basis::Implied, "2026-01-01T00:00:00Z");
            s.grant(Basis::Express, "2026-01-02T00:00:00Z");
            s.brand.countries = ["JP", "BR"].iter().map(|c| country(c)).collect();
        })
        .says("allow");
    assert_eq!(verdict.consent.unwrap().basis, Basis::Express);
}

#[test]
fn a_refusal_of_everything_is_named_before_one_of_something_else_of_the_same_instant() {
    let when = "2027-01-31T00:00:00Z";
    Story::american()
        .on(Channel::SMS)
        .at("2027-03-01T12:00:00-05:00")
        .with(|s| {
            s.revoke(when);
            s.revoke(when).purpose = Some("news".to_owned());
        })
        .says("block CNS-006 consent_revoked");
}

#[test]
fn a_consent_given_after_a_refusal_lifts_it_for_service_messages_too() {
    let story = |granted: &str| {
        Story::new().class(MessageClass::Service).with(|s| {
            s.customer.consents.clear();
            s.revoke("2026-02-01T00:00:00Z");
            s.grant(Basis::Express, granted);
        })
    };
    story("2026-02-02T00:00:00Z").says("allow");
    story("2026-02-01T00:00:00Z").says("block CNS-006 consent_revoked");
    story("2026-01-31T00:00:00Z").says("block CNS-006 consent_revoked");
}

#[test]
fn reasons_name_how_a_word_was_given_and_what_would_be_needed() {
    let said = |story: Story, text: &str| {
        let verdict = story.judge();
        let reason = &verdict.reasons[0];
        assert!(reason.text.en.contains(text), "{text}: {reason:?}");
        reason.text.ja.clone()
    };
    said(Story::new(), "(web_form)");
    said(Story::new().with(|s| s.customer.consents[0].evidence.method.clear()), "(no evidence recorded)");
    let none = |s: &mut Story| s.customer.consents.clear();
    assert!(said(Story::new().with(none), "no express or implied consent").contains("明示または黙示の同意"));
    let pushed = Story::american().on(Channel::PUSH).with(none);
    assert!(said(pushed, "no express consent").contains("明示の同意"));
    let texted = Story::american().on(Channel::SMS).with(none);
    assert!(said(texted, "no express written consent").contains("書面による明示の同意"));
}

#[test]
fn an_exemption_names_the_class_in_both_languages() {
    for (class, en, ja) in [
        (MessageClass::Service, "class service", "サービス"),
        (MessageClass::Transactional, "class transactional", "取引"),
    ] {
        let verdict = Story::new().class(class).judge();
        let reason = verdict.reasons.iter().find(|reason| reason.code == "exempt_from_consent").unwrap();
        assert!(reason.text.en.contains(en) && reason.text.ja.contains(ja), "{reason:?}");
    }
}
