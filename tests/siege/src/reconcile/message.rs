//! One message, as the sinks saw it.

use super::{Difference, excused};
use crate::record::{Class, Expected, Fault, Received};
use std::collections::BTreeSet;

/// What is wrong with the receipts of one message; `times` is in the order of time and not empty.
pub(super) fn check(expected: &Expected, times: &[&Received], faults: &[Fault], out: &mut Vec<Difference>) {
    let mark = || expected.mark.clone();
    if let Some(why) = &expected.refused {
        out.push(Difference::SentThoughRefused { mark: mark(), why: why.clone() });
    }
    if let Some(revoked_us) = expected.revoked_us {
        let late = |one: &&&Received| {
            one.at_us > revoked_us + BEGUN_US
                && !faults.iter().any(|fault| begun_before(fault, revoked_us, one))
        };
        for one in times.iter().filter(late) {
            let why = format!("the recipient had refused it {} ms before", (one.at_us - revoked_us) / 1000);
            out.push(Difference::SentThoughRefused { mark: mark(), why });
        }
    }
    for one in times.iter().filter(|one| one.to != expected.to) {
        out.push(Difference::WrongAddress { mark: mark(), to: one.to.clone() });
    }
    if expected.class == Class::NeverTwice && times.len() > 1 {
        out.push(Difference::Twice { mark: mark(), times: times.len() });
    }
    let ids: BTreeSet<&str> = times.iter().map(|one| one.id.as_str()).collect();
    if ids.len() > 1 {
        out.push(Difference::OtherIdentity {
            mark: mark(),
            ids: ids.into_iter().map(str::to_owned).collect(),
        });
    }
    if times.iter().any(|one| one.hash != times[0].hash) {
        out.push(Difference::OtherContent { mark: mark() });
    }
    if expected.class == Class::NeverLost {
        for pair in times.windows(2) {
            if !excused(pair[0], pair[1], faults) {
                let after_s = (pair[1].at_us - pair[0].at_us) / 1_000_000;
                out.push(Difference::Repeated { mark: mark(), after_s });
            }
        }
    }
}

/// A hand-over that had begun when the refusal was told may still arrive: it waits its turn for a connection.
const BEGUN_US: i64 = 3_000_000;

/// Whether a fault may have kept something back that had begun before the refusal.
fn begun_before(fault: &Fault, revoked_us: i64, received: &Received) -> bool {
    fault.to_us >= revoked_us && fault.from_us <= received.at_us
}
