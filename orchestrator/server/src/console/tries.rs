//! Wrong passwords: how long whoever gave them waits before the next.
//!
//! Counted by the address that they come from and the name that they try, so that nobody can shut out somebody else by
//! knowing their name. A few slips are free; then each wrong password doubles the wait, up to a quarter of an hour: a hundred
//! tries a day from one address, against passwords of twelve characters and more.

use super::Console;
use http::HeaderMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use words::{Elapsed, Timestamp};

/// So many in a row are nobody's harm.
const FREE: u32 = 5;
/// The first wait; each further wrong password doubles it.
const FIRST: Elapsed = Elapsed::from_secs(2);
/// The longest wait, and so long a row of wrong passwords is remembered at least.
const MOST: Elapsed = Elapsed::from_secs(15 * 60);
/// Pairs of address and name that are remembered at once.
const KEPT: usize = 20_000;

/// Wrong passwords by (address, name): how many in a row, and when the last.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<BTreeMap<(String, String), (u32, Timestamp)>>);

impl Tries {
    /// Counts one, before the password is looked at: many at once must not be free. The error is the wait, in seconds.
    pub(super) fn begin(&self, from: &str, name: &str, now: Timestamp) -> Result<(), i64> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= KEPT {
            tries.retain(|_, (_, last)| now.since(*last) < MOST);
        }
        if tries.len() >= KEPT {
            // Somebody tries very many names: those that waited longest are forgotten first.
            let oldest = tries.iter().min_by_key(|(_, (_, last))| *last).map(|(key, _)| key.clone());
            oldest.and_then(|key| tries.remove(&key));
        }
        let key = (from.to_owned(), name.chars().take(100).collect());
        let (count, last) = tries.get(&key).copied().unwrap_or((0, now));
        let rested = now.since(last);
        // A day of peace, and it begins anew.
        let count = if rested > Elapsed::from_days(1) { 0 } else { count };
        let left = wait(count).as_micros() - rested.as_micros();
        if left > 0 {
            return Err((left + 999_999) / 1_000_000);
        }
        tries.insert(key, (count + 1, now));
        Ok(())
    }

    /// The password was right.
    pub(super) fn forget(&self, from: &str, name: &str) {
        let key = (from.to_owned(), name.chars().take(100).collect());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// How long after the last of so many wrong passwords the next may be tried.
fn wait(count: u32) -> Elapsed {
    let Some(over) = count.checked_sub(FREE) else { return Elapsed::from_secs(0) };
    let doubled = FIRST.as_micros().saturating_mul(1_i64 << over.min(32));
    Elapsed::from_micros(doubled.min(MOST.as_micros()))
}

/// Where a request comes from, as a name to count by. What a proxy on this machine says of its client is believed: its last
/// word, which is the one that it wrote itself. Of IPv6 the network counts: whoever has one has all its addresses.
pub(super) fn from(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let told = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|text| text.trim().parse::<IpAddr>().ok())
        .next_back();
    let near = peer.is_none_or(|peer| peer.is_loopback());
    match told.filter(|_| near).or(peer).map(|ip| ip.to_canonical()) {
        None => String::new(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

impl Console {
    /// Wrong passwords.
    pub(super) fn tries(&self) -> &Tries {
        &self.tries
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + n)
    }

    #[test]
    fn wrong_passwords_from_elsewhere_shut_nobody_out() {
        let tries = Tries::default();
        for _ in 0..100 {
            let _ = tries.begin("203.0.113.9", "boss", second(0));
        }
        assert!(tries.begin("203.0.113.9", "boss", second(0)).is_err());
        assert!(tries.begin("192.0.2.7", "boss", second(0)).is_ok(), "the one who is the boss");
    }

    #[test]
    fn each_further_wrong_password_costs_twice_the_wait_up_to_a_quarter_of_an_hour() {
        let tries = Tries::default();
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..20 {
            if let Err(wait) = tries.begin("203.0.113.9", "boss", second(now)) {
                waits.push(wait);
                now += wait;
                assert!(
                    tries.begin("203.0.113.9", "boss", second(now)).is_ok(),
                    "after the wait it may go on"
                );
            }
        }
        assert_eq!(waits[..5], [2, 4, 8, 16, 32]);
        assert_eq!(*waits.last().unwrap(), 900);
        // A whole day of it.
        let day = now + 86_400;
        let mut tried = 0;
        while now < day {
            match tries.begin("203.0.113.9", "boss", second(now)) {
                Ok(()) => tried += 1,
                Err(wait) => now += wait,
            }
        }
        assert!(tried < 100, "{tried}");
        tries.forget("203.0.113.9", "boss");
        assert!(tries.begin("203.0.113.9", "boss", second(now)).is_ok());
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed_about_its_client() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "10.9.8.7, 198.51.100.4".parse().unwrap());
        let near = Some("127.0.0.1".parse().unwrap());
        let far = Some("203.0.113.9".parse().unwrap());
        assert_eq!(from(near, &headers), "198.51.100.4");
        assert_eq!(from(far, &headers), "203.0.113.9");
        assert_eq!(from(near, &HeaderMap::new()), "127.0.0.1");
        let home = |text: &str| from(Some(text.parse().unwrap()), &HeaderMap::new());
        assert_eq!(home("2001:db8:1:2::5"), home("2001:db8:1:2:ffff::1"));
        assert_eq!(home("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
