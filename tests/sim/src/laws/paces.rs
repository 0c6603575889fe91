//! Limits against what providers saw: in any stretch of time no more began than the limit lets through.

use crate::clock::SECOND;
use crate::world::World;
use words::Channel;

/// Between a claim and its hand-over a lease may pass, and clocks of nodes may be most of a minute apart.
const SLACK: i64 = 3 * 60 * SECOND;
/// There are at most four nodes, and each that stood still hands over what it had claimed when it wakes: a batch.
const LATE: i64 = 4;

pub(super) fn hold(world: &World) {
    // A copy knows nothing of what was let through after it was taken.
    if world.book().restored {
        return;
    }
    for (channel, pace) in &world.paces {
        let Some(rate) = pace.rate else { continue };
        let mut began: Vec<i64> = {
            let book = world.book();
            let there = |to: &str| (*channel == Channel::EMAIL) == to.contains('@');
            // What stood still on its way for longer than a lease came when it came.
            book.handed
                .values()
                .flatten()
                .filter(|tried| there(&tried.to) && !tried.overrun)
                .map(|tried| tried.machine_at)
                .collect()
        };
        began.sort_unstable();
        for (nth, first) in began.iter().enumerate() {
            for (count, last) in (1..).zip(began.iter().skip(nth)) {
                let seconds = (last - first + SLACK) / SECOND;
                let (rate_k, batch) = (signed(rate.in_1000_seconds()), signed(rate.batch()));
                if count > rate_k.saturating_mul(seconds) / 1000 + batch * (1 + LATE) {
                    let what = format!(
                        "{count} began on {channel} within {} s, at {rate} a second",
                        (last - first) / SECOND
                    );
                    return world.book().breach("F09", what);
                }
            }
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
