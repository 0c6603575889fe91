//! The ledger against what providers got: every message has one end, and it is the true one.

use super::{blob, int, text};
use crate::book::{Handed, Said};
use crate::tables::Tables;
use crate::world::World;
use words::{DeliveryId, MessageId};

/// What became of messages, by number.
const UNKNOWN: i64 = 8;
const REJECTED: i64 = 20;
const QUARANTINED: i64 = 21;

pub(super) fn hold(world: &World, tables: &Tables) -> anyhow::Result<()> {
    let rows = tables.rows(
        "select m.id, m.outcome, j.name, s.name, max(d.delivery_class), max(coalesce(e.status, 0)), m.customer, \
            (select count(*) from attempt a join delivery x on x.customer = a.customer and x.id = a.delivery \
             where x.message = m.id), \
            max(d.settled_at is not null and coalesce(d.why, '') like '%not_sent_again%') from message m \
         join symbol j on j.id = m.journey left join enrollment e on e.id = m.enrollment \
         join symbol s on s.id = m.step \
         left join delivery d on d.shard = m.shard and d.customer = m.customer and d.message = m.id group by m.id",
    )?;
    let groups = super::group_of(world);
    for row in rows {
        let Some(id) = MessageId::from_slice(&blob(&row, 0)) else { continue };
        let (outcome, class) = (int(&row, 1).unwrap_or(0), int(&row, 4).unwrap_or(0));
        let who = format!("{} of {}", text(&row, 3), text(&row, 2));
        let mut book = world.book();
        let tries: Vec<Handed> = {
            let of: Vec<DeliveryId> = book.of_message.get(&id).into_iter().flatten().copied().collect();
            let mut tries: Vec<Handed> =
                of.iter().filter_map(|delivery| book.handed.get(delivery)).flatten().cloned().collect();
            tries.sort_by_key(|h| h.at);
            tries
        };
        book.note(format!("{who}: {outcome} after {}", tries.len()));
        // Of one message the e-mail may be resent, and the text under a key.
        let class = if tries.iter().any(|h| h.class == 1) { 1 } else { class };
        let erased = groups
            .get(&blob(&row, 6))
            .and_then(|group| book.groups.get(*group))
            .is_some_and(|group| group.erased);
        // What a process wrote in the commit that ended it is in the record alone: nobody heard of it.
        let unheard = int(&row, 8) == Some(1) && !book.unknown.contains(&id);
        let given_up = book.given_up.contains(&id) || unheard;
        let ended = int(&row, 5).unwrap_or(0) > 1 || given_up || erased;
        let begun = usize::try_from(int(&row, 7).unwrap_or(0)).unwrap_or(0);
        for (law, what) in judged(outcome, class, &tries, begun, ended) {
            book.breach(law, format!("{who} (outcome {outcome}, class {class}): {what}"));
        }
    }
    Ok(())
}

/// What is wrong with an end, for what providers got. `begun`: hand-overs in the tables, also those whose process ended before
/// the provider saw anything.
fn judged(
    outcome: i64,
    class: i64,
    tries: &[Handed],
    begun: usize,
    ended: bool,
) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let mut say = |law, what: &str| wrong.push((law, what.to_owned()));
    let taken = tries.iter().filter(|h| h.taken).count();
    let accepted = matches!(outcome, 2 | 3 | 9 | 10);
    let lost = |h: &&Handed| matches!(h.said, None | Some(Said::LostTaken | Said::LostNot)) || !h.written;
    let windows = tries.iter().filter(lost).count();
    let most = if class == 1 { 1 + windows } else { 1 };
    if taken > most {
        say("I3", &format!("{taken} arrived, and {windows} answers were lost"));
    }
    if accepted && taken == 0 {
        say("I2", "recorded as accepted, and nobody took it");
    }
    if tries.iter().any(|h| h.said == Some(Said::Accepted) && h.written) && !accepted {
        say("I2", "a provider took it and said so, and that is not what the record says");
    }
    // What was not to be sent any more, or might not, while it was to be sent again.
    // On its second channel it may be of another class than on its first.
    let never_twice = class == 0 || tries.iter().any(|h| h.class == 0 && lost(&h));
    // Sent again after an answer was lost, and refused then: the first one may have arrived, and there is nothing left to try.
    let refused_at_last =
        windows > 0 && tries.last().is_some_and(|h| matches!(h.said, Some(Said::Refused | Said::Dead)));
    if outcome == UNKNOWN && !never_twice && !ended && !refused_at_last {
        say("I4", "one that may not be lost is left as unknown");
    }
    if outcome == UNKNOWN && !tries.is_empty() && windows == 0 && begun <= tries.len() {
        say("I4", "unknown, though every answer was heard");
    }
    let set_aside = outcome == QUARANTINED && class != 0;
    if outcome >= 16 && outcome != REJECTED && !set_aside && taken > 0 {
        say("I4", "recorded as not sent, and it was taken");
    }
    wrong
}
