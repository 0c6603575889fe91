//! The next channel or address of a message, after proof that this one did not take it.

use crate::{Live, Machine};
use journey::{Channels, Op};
use store::{NewDelivery, SendWork};
use words::{AddressState, DeliveryId, Timestamp};

/// The next delivery of the message: another address on the same channel, else the next channel of `first_of`. `None`: this
/// was the last. The judge is asked when it is claimed.
pub(crate) fn next(machine: &Machine, work: &SendWork, live: &Live, now: Timestamp) -> Option<NewDelivery> {
    let program = live.programs.get(work.program?)?;
    let node = program.nodes.iter().find(|node| node.step == work.step)?;
    let Op::Send { send, .. } = &node.op else { return None };
    let Channels::FirstOf(channels) = &send.channels else { return None };
    let place = channels.iter().position(|channel| *channel == work.channel)?;
    let keyed = machine.keyed();
    channels[place + 1..].iter().find_map(|channel| {
        let address = work.customer.addresses.iter().find(|address| {
            address.channel == *channel
                && address.state == AddressState::Active
                && address.value != work.address
        })?;
        let ordinal = work.ordinal.checked_add(1)?;
        Some(NewDelivery {
            id: DeliveryId::derive(work.message, ordinal, channel.as_str(), 0),
            ordinal,
            channel: channel.clone(),
            address: address.value.clone(),
            due_at: now,
            class: work.class.delivery_class(keyed.contains(channel)),
        })
    })
}
