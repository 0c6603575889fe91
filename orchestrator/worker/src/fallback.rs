//! The next channel or address of a message, after proof that this one did not take it.

use crate::Live;
use channel::Outcome;
use journey::{Channels, Op};
use store::{NewDelivery, SendWork};
use words::{Channel, DeliveryId, Timestamp};

/// The next delivery of the message: after a dead address another one on the same channel, else the next channel of
/// `first_of`. `None`: this was the last. The judge is asked when it is claimed.
///
/// Push has no other address: all tokens of a customer were written to at once.
pub(crate) fn next(
    keyed: &[Channel],
    work: &SendWork,
    outcome: &Outcome,
    live: &Live,
    now: Timestamp,
) -> Option<NewDelivery> {
    let program = live.programs.get(work.program?)?;
    let node = program.nodes.iter().find(|node| node.step == work.step)?;
    let Op::Send { send, .. } = &node.op else { return None };
    let Channels::FirstOf(channels) = &send.channels else { return None };
    let place = channels.iter().position(|channel| *channel == work.channel)?;
    let dead = matches!(outcome, Outcome::AddressDead { .. }) && work.channel != Channel::PUSH;
    // Addresses are tried in their order, so what stands behind this one has not been tried.
    let another = dead.then(|| {
        work.customer.reachable(&work.channel).skip_while(|address| address.value != work.address).nth(1)
    });
    let address = another.flatten().or_else(|| {
        channels[place + 1..].iter().find_map(|channel| work.customer.reachable(channel).next())
    })?;
    let ordinal = work.ordinal.checked_add(1)?;
    Some(NewDelivery {
        id: DeliveryId::derive(work.message, ordinal, address.channel.as_str(), 0),
        ordinal,
        channel: address.channel.clone(),
        address: address.value.clone(),
        due_at: now,
        class: work.class.delivery_class(keyed.contains(&address.channel)),
    })
}
