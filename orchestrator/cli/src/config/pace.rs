//! What a provider bears, as `tabi.yaml` says it: a limit, a warm-up, and when it is left alone.

use channel::pace::{Breaker, Days, Pace, Ramp, Rate};
use serde::Deserialize;
use words::{Elapsed, calendar::Date};

/// A warm-up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RampConfig {
    /// Its first day.
    start: String,
    /// So many on it …
    first_day: Option<u64>,
    /// … and so many times more on each day after.
    growth: Option<f64>,
    /// Or so many on each day.
    days: Option<Vec<u64>>,
}

/// When a provider that fails is left alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BreakerConfig {
    /// After so many failures in a row.
    failures: Option<u32>,
    /// The first pause, in seconds.
    pause_seconds: Option<u64>,
    /// The longest pause, in seconds.
    pause_max_seconds: Option<u64>,
}

/// What one channel of the file says.
pub(crate) struct Said<'c> {
    pub(crate) channel: &'static str,
    pub(crate) per_second: Option<f64>,
    pub(crate) ramp: Option<&'c RampConfig>,
    pub(crate) breaker: Option<&'c BreakerConfig>,
}

/// A day's worth of seconds: the longest pause that can be asked for.
const PAUSE_MAX: u64 = 86_400;

impl Said<'_> {
    /// What it means; every provider is left alone when it fails, also where nothing is said about that.
    pub(crate) fn pace(&self) -> Result<Pace, String> {
        let channel = self.channel;
        let rate = match self.per_second {
            None => None,
            Some(per_second) => Some(thousandths(per_second).and_then(Rate::per_1000_seconds).ok_or_else(|| {
                format!(
                    "`{channel}.per_second: {per_second}`: write how many a second, 0.001 to 1000000; leave it out where \
                     there is no limit"
                )
            })?),
        };
        let ramp = self.ramp.map(|ramp| self.ramp(ramp)).transpose()?;
        Ok(Pace { rate, ramp, breaker: Some(self.breaker()?) })
    }

    fn ramp(&self, ramp: &RampConfig) -> Result<Ramp, String> {
        let channel = self.channel;
        let start: Date = ramp
            .start
            .parse()
            .map_err(|_| format!("`{channel}.ramp.start: {}`: write a day, like 2026-12-01", ramp.start))?;
        let days = match (ramp.first_day, ramp.growth, &ramp.days) {
            (None, None, Some(days)) if !days.is_empty() && !days.contains(&0) => Days::Listed(days.clone()),
            (None, None, Some(_)) => {
                return Err(format!(
                    "`{channel}.ramp.days`: write how many on each day, each more than 0, like [50, 100, 200]"
                ));
            }
            (Some(first @ 1..), growth, None) => {
                let growth = growth.unwrap_or(1.0);
                let growth = thousandths(growth).filter(|growth| (1000..=100_000).contains(growth)).ok_or_else(
                    || {
                        format!(
                            "`{channel}.ramp.growth: {growth}`: write how many times more each day, 1 to 100, like 1.5; 1 is \
                             the same every day"
                        )
                    },
                )?;
                Days::Growing { first, growth }
            }
            (Some(_), _, None) => {
                return Err(format!(
                    "`{channel}.ramp.first_day: 0`: write how many on the first day, 1 or more"
                ));
            }
            _ => {
                return Err(format!(
                    "`{channel}.ramp`: write either `first_day` and `growth`, or `days`, a list of how many on each day"
                ));
            }
        };
        Ok(Ramp { start, days })
    }

    fn breaker(&self) -> Result<Breaker, String> {
        let channel = self.channel;
        let usual = Breaker::default();
        let Some(said) = self.breaker else { return Ok(usual) };
        let failures = said.failures.unwrap_or(usual.failures);
        if !(1..=1000).contains(&failures) {
            return Err(format!(
                "`{channel}.breaker.failures: {failures}`: write after how many failures in a row, 1 to 1000"
            ));
        }
        let pause = said.pause_seconds.map_or(Ok(usual.pause), |secs| self.pause("pause_seconds", secs))?;
        let longest = said
            .pause_max_seconds
            .map_or(Ok(usual.pause_max.max(pause)), |secs| self.pause("pause_max_seconds", secs))?;
        if longest < pause {
            return Err(format!(
                "`{channel}.breaker.pause_max_seconds`: the longest pause is shorter than the first one, `pause_seconds`"
            ));
        }
        Ok(Breaker { failures, pause, pause_max: longest })
    }

    fn pause(&self, key: &str, secs: u64) -> Result<Elapsed, String> {
        let channel = self.channel;
        i64::try_from(secs)
            .ok()
            .filter(|_| (1..=PAUSE_MAX).contains(&secs))
            .map(Elapsed::from_secs)
            .ok_or_else(|| format!("`{channel}.breaker.{key}: {secs}`: write seconds, 1 to {PAUSE_MAX}"))
    }
}

/// In thousandths; `None`: no number that is more than nothing.
fn thousandths(number: f64) -> Option<u64> {
    let thousandths = (number * 1000.0).round();
    // Far below the numbers that are no longer exact.
    if !thousandths.is_finite() || !(1.0..=1e15).contains(&thousandths) {
        return None;
    }
    format!("{thousandths:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use channel::pace::{Breaker, Days, Rate};
    use words::{Channel, Elapsed};

    #[test]
    fn limits_are_read_and_senseless_ones_name_their_key_and_a_way_out() {
        let text = "email:\n  host: a\n  per_second: 14\n  ramp: {start: 2026-12-01, first_day: 200, growth: 1.5}\nsms:\n  account: \
                    AC1\n  secret: {env: X}\n  per_second: 0.2\n  ramp: {start: 2026-12-01, days: [50, 100]}\n  breaker: \
                    {failures: 3, pause_seconds: 600}\n";
        let paces = Config::parse(text).expect("it is understood").paces().expect("it makes sense");
        let email = &paces[&Channel::EMAIL];
        assert_eq!((email.rate, email.breaker), (Rate::per_1000_seconds(14_000), Some(Breaker::default())));
        let days = email.ramp.as_ref().map(|ramp| ramp.days.clone());
        assert_eq!(days, Some(Days::Growing { first: 200, growth: 1500 }));
        let sms = &paces[&Channel::SMS];
        assert_eq!(sms.rate, Rate::per_1000_seconds(200));
        let ten = Elapsed::from_minutes(10);
        assert_eq!(sms.breaker, Some(Breaker { failures: 3, pause: ten, pause_max: ten }));
        for (wrong, key) in [
            ("per_second: 0", "email.per_second"),
            ("per_second: -3", "email.per_second"),
            ("per_second: .nan", "email.per_second"),
            ("ramp: {start: soon, first_day: 1}", "email.ramp.start"),
            ("ramp: {start: 2026-12-01, first_day: 0}", "email.ramp.first_day"),
            ("ramp: {start: 2026-12-01, first_day: 5, growth: 0.5}", "email.ramp.growth"),
            ("ramp: {start: 2026-12-01, days: []}", "email.ramp.days"),
            ("ramp: {start: 2026-12-01, days: [5, 0]}", "email.ramp.days"),
            ("ramp: {start: 2026-12-01, days: [5], first_day: 5}", "email.ramp"),
            ("ramp: {start: 2026-12-01}", "email.ramp"),
            ("breaker: {failures: 0}", "email.breaker.failures"),
            ("breaker: {pause_seconds: 0}", "email.breaker.pause_seconds"),
            ("breaker: {pause_seconds: 60, pause_max_seconds: 5}", "email.breaker.pause_max_seconds"),
        ] {
            let said = Config::parse(&format!("email:\n  host: a\n  {wrong}\n")).expect_err(wrong);
            assert!(
                said.contains(key) && said.contains("write") || said.contains("shorter"),
                "{wrong}: {said}"
            );
            let named = format!("/srv/tabi.yaml: {said}");
            assert!(crate::japanese::told(&named).is_some_and(|told| told.contains(key)), "{named}");
        }
    }
}
