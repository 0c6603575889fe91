//! Providers that follow a script of chance: accept, refuse, throttle, fall silent with or without having taken it.

use crate::book::{Book, Said};
use crate::chance::Chance;
use crate::clock::Time;
use crate::gate::{Gate, Place};
use crate::tables::Tables;
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Stage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use words::Channel;

/// What all providers of a world share.
#[derive(Debug)]
pub struct Providers {
    /// The seed.
    pub seed: u64,
    /// Time.
    pub time: Arc<Time>,
    /// The record.
    pub book: Arc<Mutex<Book>>,
    /// A look at the tables of our own.
    pub tables: Arc<Mutex<Option<Tables>>>,
    /// From now on all is accepted.
    pub calm: AtomicBool,
    /// In a hundred: how often something goes wrong.
    pub trouble: u64,
    /// Whether the SMS provider takes keys.
    pub keyed: bool,
}

/// A provider, as one node reaches it.
pub struct Provider {
    channel: Channel,
    capabilities: Capabilities,
    shared: Arc<Providers>,
    gate: Arc<Gate>,
}

impl Provider {
    /// The provider of a channel, behind a node's gate.
    pub fn new(channel: Channel, shared: Arc<Providers>, gate: Arc<Gate>) -> Self {
        let keyed = shared.keyed && channel == Channel::SMS;
        let idempotency = if keyed {
            Idempotency::Key { retention: Duration::from_secs(86_400) }
        } else {
            Idempotency::None
        };
        let capabilities = Capabilities {
            parts: Vec::new(),
            idempotency,
            query: false,
            concurrency_max: 64,
            bytes_max: 1 << 20,
        };
        Self { channel, capabilities, shared, gate }
    }

    fn script(&self, parcel: &Parcel, nth: usize) -> Said {
        if self.shared.calm.load(Ordering::SeqCst) {
            return Said::Accepted;
        }
        let mut what = parcel.delivery.0.to_vec();
        what.extend(nth.to_be_bytes());
        let mut chance = Chance::of(self.shared.seed, &what);
        if chance.below(100) >= self.shared.trouble {
            return Said::Accepted;
        }
        match chance.below(12) {
            0..=2 => Said::LostTaken,
            3 | 4 => Said::LostNot,
            5 => Said::Refused,
            6 => Said::Dead,
            7 | 8 => Said::Away,
            _ => Said::Throttled(*chance.pick(&[5, 60, 600, 3600, 7200]).unwrap_or(&60)),
        }
    }
}

fn fold(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Adapter for Provider {
    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn provider(&self) -> &str {
        "simulated"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        // Every node makes them a little differently: only what was kept is the same.
        let mut bytes = parcel.message.to_string().into_bytes();
        for (part, text) in &parcel.content.parts {
            bytes.extend_from_slice(part.as_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Ok(Composed { media: "text/plain", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], _: Duration) -> Handing<'a> {
        let shared = &self.shared;
        let at = shared.time.now();
        let book = || shared.book.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = book().handed.get(&parcel.delivery).map_or(0, Vec::len);
        let door = {
            let tables = shared.tables.lock().unwrap_or_else(PoisonError::into_inner);
            tables.as_ref().and_then(|tables| tables.at_door(parcel.delivery, parcel.message))
        };
        match door {
            Some(door) => book().begun(
                (at, shared.time.machine()),
                self.channel.as_str(),
                &parcel.to,
                parcel.message,
                parcel.delivery,
                fold(bytes),
                &door,
            ),
            None => book().breach("I1", format!("a hand-over of {} that no row tells of", parcel.delivery)),
        }
        let said = self.script(parcel, nth);
        Box::pin(async move {
            self.gate.pass(Place::Opened).await;
            let keyed = !matches!(self.capabilities.idempotency, Idempotency::None);
            let said = {
                let mut book = book();
                // Who knows the key answers as the first time.
                let known = keyed
                    && book.handed.get(&parcel.delivery).is_some_and(|tries| tries.iter().any(|h| h.taken));
                // An address that took it is not dead.
                let taken =
                    book.handed.get(&parcel.delivery).is_some_and(|tries| tries.iter().any(|h| h.taken));
                let said = if taken && said == Said::Dead { Said::Refused } else { said };
                let said = if known && said != Said::LostTaken { Said::Accepted } else { said };
                if let Some(handed) =
                    book.handed.get_mut(&parcel.delivery).and_then(|tries| tries.get_mut(nth))
                {
                    handed.taken = matches!(said, Said::Accepted | Said::LostTaken) && !known;
                    handed.said = Some(said);
                }
                book.note(format!("{} answers {said:?}", shared.time.now()));
                said
            };
            self.gate.pass(Place::Answered).await;
            outcome(said)
        })
    }
}

fn outcome(said: Said) -> Outcome {
    let answer = "simulated".to_owned();
    match said {
        Said::Accepted => Outcome::Accepted { provider_id: None, answer },
        Said::LostTaken | Said::LostNot => Outcome::Unknown { stage: Stage::Answer, answer },
        Said::Refused => Outcome::MessageRefused { answer },
        Said::Dead => Outcome::AddressDead { answer },
        Said::Away => Outcome::Unavailable { answer },
        Said::Throttled(secs) => {
            Outcome::Throttled { after: Duration::from_secs(u64::try_from(secs).unwrap_or(1)), answer }
        }
    }
}
