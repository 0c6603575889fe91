//! Limits against what providers saw: in any stretch of time no more began than the limit lets through.

use crate::clock::SECOND;
use crate::world::World;
use words::Channel;

/// Between a claim and its hand-over a lease may pass, and clocks of nodes may be most of a minute apart.
const SLACK: i64 = 3 * 60 * SECOND;

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
                let most =
                    i64::try_from(rate.in_1000_seconds()).unwrap_or(i64::MAX).saturating_mul(seconds) / 1000;
                if count > most + i64::try_from(rate.batch()).unwrap_or(i64::MAX) {
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
