//! Quiet hours: windows, zones known and unknown, and what waiting may cost.

use super::*;

#[test]
fn marketing_and_service_wait_for_the_morning_and_the_rest_do_not() {
    for (class, night) in [
        (MessageClass::Marketing, "delay QH-005 quiet_hours 2026-11-18T23:00:00Z"),
        (MessageClass::Service, "delay QH-005 quiet_hours 2026-11-18T23:00:00Z"),
        (MessageClass::Transactional, "allow"),
        (MessageClass::Regulatory, "allow"),
        (MessageClass::Security, "allow"),
    ] {
        let verdict = Story::new().class(class).at("2026-11-18T21:00:00+09:00").says(night);
        let exempt = verdict.reasons.iter().any(|r| r.code == "exempt_from_quiet_hours");
        assert_eq!(exempt, night == "allow");
    }
}

#[test]
fn the_window_opens_at_its_first_minute_and_closes_at_its_last() {
    for (time, expected) in [
        ("07:59:59", "delay QH-005 quiet_hours 2026-11-17T23:00:00Z"),
        ("08:00:00", "allow"),
        ("20:59:59", "allow"),
        ("21:00:00", "delay QH-005 quiet_hours 2026-11-18T23:00:00Z"),
    ] {
        Story::new().at(&format!("2026-11-18T{time}+09:00")).says(expected);
    }
}

#[test]
fn an_allow_is_good_until_the_window_closes() {
    assert_eq!(Story::new().says("allow").valid_until, at("2026-11-18T12:00:00Z"));
}

#[test]
fn a_reason_tells_the_window_the_zone_and_its_source_in_both_languages() {
    let verdict = Story::new().at("2026-11-18T22:30:00+09:00").judge();
    assert_eq!(
        verdict.reasons[0].text.en,
        "not sent yet, because it is 22:30 there and messages go out 08:00-21:00 (Asia/Tokyo, as stated); next at \
         2026-11-19 08:00 (Asia/Tokyo)"
    );
    assert_eq!(
        verdict.reasons[0].text.ja,
        "まだ送信しません。理由: 現地は 22:30 で、送信は 08:00-21:00 に限られるため（Asia/Tokyo、申告による）。\
         次は 2026-11-19 08:00 (Asia/Tokyo) です"
    );
}

#[test]
fn a_brand_may_replace_the_courtesy_window_and_not_the_law() {
    let late = BrandWindow {
        classes: Vec::new(),
        channels: Vec::new(),
        allow: Window::parse("06:00-23:00").unwrap(),
        business_days: false,
    };
    let night = |story: Story| story.with(|s| s.brand.windows = vec![late.clone()]);
    night(Story::new().at("2026-11-18T22:00:00+09:00")).says("allow");
    night(Story::american().at("2026-11-18T22:00:00-05:00")).says("allow");
    night(Story::american().on(Channel::SMS).at("2026-11-18T22:00:00-05:00"))
        .says("delay QH-001 quiet_hours 2026-11-19T13:00:00Z");
}

#[test]
fn a_brand_may_keep_to_business_days_with_its_own_rest_days() {
    let story = |now: &str, obon: bool| {
        Story::new().at(now).with(|s| {
            s.brand.windows = vec![BrandWindow {
                classes: vec![MessageClass::Marketing],
                channels: vec![Channel::EMAIL],
                allow: Window::parse("10:00-18:00").unwrap(),
                business_days: true,
            }];
            s.brand.business =
                Some(words::calendar::BusinessCalendar { country: Country::JP, obon, year_end: true });
            s.customer.consents[0].at = at("2025-01-01T00:00:00Z");
        })
    };
    // Friday evening before three days off: Monday is 敬老の日, Tuesday a 国民の休日, Wednesday 秋分の日.
    story("2026-09-18T19:00:00+09:00", false).says("delay QH-005 quiet_hours 2026-09-24T01:00:00Z");
    story("2026-08-13T12:00:00+09:00", false).says("allow");
    story("2026-08-13T12:00:00+09:00", true).says("delay QH-005 quiet_hours 2026-08-17T01:00:00Z");
    story("2026-12-28T19:00:00+09:00", false).says("delay QH-005 quiet_hours 2027-01-04T01:00:00Z");
}

#[test]
fn a_delay_past_the_messages_end_is_given_up_now() {
    let story = || Story::new().at("2026-11-18T22:00:00+09:00");
    let verdict = story()
        .with(|s| s.expires_at = Some(at("2026-11-19T08:00:00+09:00")))
        .says("block QH-004 expired_in_quiet_hours");
    assert!(verdict.reasons.iter().any(|r| r.code == "quiet_hours"), "the window is named too");
    story()
        .with(|s| s.expires_at = Some(at("2026-11-19T08:00:01+09:00")))
        .says("delay QH-005 quiet_hours 2026-11-18T23:00:00Z");
    story().with(|s| s.late_max = Some(Elapsed::from_hours(9))).says("block QH-004 expired_in_quiet_hours");
    story()
        .with(|s| s.late_max = Some(Elapsed::from_hours(10)))
        .says("delay QH-005 quiet_hours 2026-11-18T23:00:00Z");
}

#[test]
fn an_unknown_zone_means_every_zone_of_the_country() {
    let story = |now: &str| Story::american().at(now).with(|s| s.customer.zone = None);
    // Noon in New York is 7 in Honolulu; 13:00 is 8. 20:59 in New York closes for all.
    let verdict = story("2026-11-18T12:00:00-05:00").says("delay QH-003 zone_unknown 2026-11-18T18:00:00Z");
    let clocks = verdict.clocks.unwrap();
    assert!(clocks.zones.len() > 5 && clocks.source.is_none());
    let verdict = story("2026-11-18T13:00:00-05:00").says("allow");
    assert_eq!(verdict.valid_until, at("2026-11-18T21:00:00-05:00"));
    story("2026-11-18T21:00:00-05:00").says("delay QH-003 zone_unknown 2026-11-19T18:00:00Z");
}

#[test]
fn an_unknown_zone_in_a_country_with_one_is_known() {
    let verdict = Story::new().with(|s| s.customer.zone = None).says("allow");
    assert_eq!(verdict.clocks.unwrap().source, Some(ZoneSource::Country));
}

#[test]
fn the_brands_default_zone_says_nothing_about_the_customer() {
    Story::american()
        .with(|s| {
            s.customer.zone = Some((Zone::parse("America/New_York").unwrap(), ZoneSource::BrandDefault))
        })
        .says("delay QH-003 zone_unknown 2026-11-18T18:00:00Z");
}

#[test]
fn an_unknown_country_means_every_country_that_the_brand_writes_to() {
    let verdict = Story::new()
        .at("2026-11-18T12:00:00Z")
        .with(|s| {
            s.customer.zone = None;
            s.customer.country = None;
            s.brand.countries = vec![Country::JP, country("DE")];
        })
        // 8 in Berlin is 16 in Tokyo.
        .says("delay QH-003 zone_unknown 2026-11-19T07:00:00Z");
    assert_eq!(verdict.clocks.unwrap().zones, ["Asia/Tokyo", "Europe/Berlin"]);
}

#[test]
fn zones_that_are_never_awake_together_do_not_silence_a_customer_for_good() {
    let verdict = Story::new()
        .at("2026-11-18T22:00:00+09:00")
        .with(|s| {
            s.customer.zone = None;
            s.customer.country = None;
            s.brand.countries = vec![Country::JP, country("DE"), Country::US];
        })
        .says("delay QH-003 zone_unknown 2026-11-18T23:00:00Z");
    assert!(verdict.reasons[0].text.en.contains("by Asia/Tokyo, the brand's own"), "{verdict:?}");
}

#[test]
fn a_brand_without_countries_goes_by_its_own_clock() {
    Story::new()
        .at("2026-11-18T21:30:00+09:00")
        .with(|s| {
            s.customer.zone = None;
            s.customer.country = None;
            s.brand.countries.clear();
            s.customer.consents[0].basis = Basis::ExpressWritten;
        })
        .says("delay QH-005 quiet_hours 2026-11-18T23:00:00Z");
}

#[test]
fn a_window_of_the_brand_is_for_the_classes_and_channels_that_it_names() {
    let story = |class, classes: &[MessageClass], channels: &[Channel]| {
        Story::new().class(class).with(|s| {
            s.brand.windows = vec![BrandWindow {
                classes: classes.to_vec(),
                channels: channels.to_vec(),
                allow: Window::parse("14:00-18:00").unwrap(),
                business_days: false,
            }];
        })
    };
    let (marketing, service, owed) =
        (MessageClass::Marketing, MessageClass::Service, MessageClass::Transactional);
    let waits = "delay QH-005 quiet_hours 2026-11-18T05:00:00Z";
    story(marketing, &[], &[]).says(waits);
    story(service, &[], &[]).says(waits);
    story(owed, &[], &[]).says("allow");
    story(marketing, &[service], &[]).says("allow");
    story(marketing, &[marketing], &[Channel::EMAIL]).says(waits);
    story(marketing, &[marketing], &[Channel::SMS]).says("allow");
    story(marketing, &[service], &[Channel::EMAIL]).says("allow");
}
