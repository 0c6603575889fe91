//! What holds of every verdict, over thousands of situations drawn from a seed.

use super::*;

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % limit
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    /// An instant in the two years around the end of 2026, not only on whole minutes.
    fn instant(&mut self) -> Timestamp {
        let start = at("2026-01-01T00:00:00Z").as_micros();
        Timestamp::from_micros(start + i64::try_from(self.below(63_000_000_000_000)).unwrap())
    }

    fn story(&mut self) -> Story {
        let mut story = Story::new();
        let places = ["JP", "US", "CA", "DE", "GB", "BR", "AU", "NZ"].map(country);
        let zones =
            ["Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Chatham"];
        story.customer.country = (self.below(4) > 0).then(|| self.one(&places));
        let sources =
            [ZoneSource::Stated, ZoneSource::PhonePrefix, ZoneSource::Country, ZoneSource::BrandDefault];
        story.customer.zone =
            (self.below(4) > 0).then(|| (Zone::parse(self.one(&zones)).unwrap(), self.one(&sources)));
        story.brand.countries = (0..self.below(4)).map(|_| self.one(&places)).collect();
        story.class = self.one(&[
            MessageClass::Marketing,
            MessageClass::Marketing,
            MessageClass::Service,
            MessageClass::Security,
        ]);
        story = {
            let channel = self.one(&[Channel::EMAIL, Channel::SMS, Channel::PUSH]);
            story.on(channel)
        };
        story.customer.consents.clear();
        for _ in 0..self.below(4) {
            let when = self.instant().to_string();
            let basis = self.one(&[Basis::Express, Basis::ExpressWritten, Basis::Implied]);
            let state = self.one(&[ConsentState::Granted, ConsentState::Granted, ConsentState::Revoked]);
            let expires = (self.below(3) == 0).then(|| self.instant());
            let purpose = self.one(&[None, Some("offers".to_owned()), Some("news".to_owned())]);
            let word = story.word(state, basis, &when);
            word.expires_at = expires;
            word.purpose = purpose;
        }
        let now = self.instant();
        story.now = now;
        story.address.as_mut().unwrap().added_at = now.minus(Elapsed::from_days(1));
        story.due_at = now.minus(Elapsed::from_minutes(i64::try_from(self.below(600)).unwrap()));
        story.expires_at = (self.below(3) == 0)
            .then(|| now.plus(Elapsed::from_hours(i64::try_from(self.below(48)).unwrap())));
        story.cap_uses = (0..self.below(5))
            .map(|_| {
                (now.minus(Elapsed::from_minutes(i64::try_from(self.below(20_000)).unwrap())), Channel::EMAIL)
            })
            .collect();
        story
    }
}

#[test]
fn whatever_the_situation_the_promises_hold() {
    let (mut allowed, mut delayed, mut blocked) = (0, 0, 0);
    for seed in 0..6000 {
        let mut story = Draw(seed).story();
        let verdict = story.judge();
        match verdict.decision {
            Decision::Block => blocked += 1,
            Decision::Allow => {
                allowed += 1;
                promises(&story, &verdict, seed);
                // True until its end, if nothing changes.
                let last = verdict.valid_until.minus(Elapsed::from_micros(1));
                if verdict.valid_until < Timestamp::MAX {
                    story.now = last;
                    assert!(story.judge().is_allow(), "seed {seed}: not at {last}");
                }
            }
            Decision::Delay { .. } => {
                delayed += 1;
                // Asked again when it said, a message gets there in a few steps, or ends.
                let mut steps = 0;
                while let Decision::Delay { until } = story.judge().decision {
                    assert!(until > story.now, "seed {seed}");
                    story.now = until;
                    story.address.as_mut().unwrap().added_at = until;
                    steps += 1;
                    assert!(steps < 4, "seed {seed}: still delayed at {until}");
                }
                let verdict = story.judge();
                if verdict.is_allow() {
                    promises(&story, &verdict, seed);
                }
            }
        }
    }
    assert!(allowed > 300 && delayed > 100 && blocked > 1000, "{allowed} {delayed} {blocked}");
}

/// Never without consent, never at night, never over the cap, never past its end.
fn promises(story: &Story, verdict: &Verdict, seed: u64) {
    assert!(story.expires_at.is_none_or(|end| story.now < end), "seed {seed}");
    if story.class == MessageClass::Security {
        return;
    }
    let clocks = verdict.clocks.as_ref().unwrap();
    for name in &clocks.zones {
        let local = words::calendar::local_clock(&Zone::parse(name).unwrap(), story.now);
        assert!((8..21).contains(&local.hour()), "seed {seed}: {local} in {name}");
    }
    if story.class != MessageClass::Marketing {
        return;
    }
    let consent = verdict.consent.as_ref().unwrap();
    assert!(consent.at <= story.now && consent.expires_at.is_none_or(|end| story.now < end), "seed {seed}");
    let refused_later = story.customer.consents.iter().any(|word| {
        word.state == ConsentState::Revoked
            && word.purpose.as_deref().is_none_or(|purpose| purpose == "offers")
            && word.at >= consent.at
    });
    assert!(!refused_later, "seed {seed}");
    let week = story.now.minus(Elapsed::from_days(7));
    assert!(story.cap_uses.iter().filter(|(at, _)| *at > week).count() < 3, "seed {seed}");
}
