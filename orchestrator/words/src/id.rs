//! Ids: UUIDv7 in 16 bytes, prefixed text at the edges.

use crate::{SHARDS, Timestamp};
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::sync::{LazyLock, Mutex};
use uuid::Uuid;

/// Crockford's base 32, lower case, without padding: 26 characters for 16 bytes.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    spec.encoding().expect("the alphabet has 32 distinct symbols")
});

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}: expected `{prefix}_` and 26 letters and digits")]
pub struct IdError {
    text: String,
    wanted: &'static str,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Reads 16 bytes as stored; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The 16 bytes, as stored.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads the prefixed text form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError { text: text.chars().take(64).collect(), wanted: $wanted, prefix: $prefix };
                let body = text.strip_prefix(concat!($prefix, "_")).ok_or_else(wrong)?;
                let bytes = BASE32.decode(body.as_bytes()).map_err(|_| wrong())?;
                Self::from_slice(&bytes).ok_or_else(wrong)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), BASE32.encode(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                // Text for people, bytes for formats that nobody reads.
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if !d.is_human_readable() {
                    return <[u8; 16]>::deserialize(d).map(Self);
                }
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(/// A customer: the person we write to.
    CustomerId, "cus", "a customer id");
id!(/// An event as stored.
    EventId, "evt", "an event id");
id!(/// One customer's passage through one program.
    EnrollmentId, "enr", "an enrollment id");
id!(/// A message: what we say, meant once. Derived from its key, see [`MessageId::derive`].
    MessageId, "msg", "a message id");
id!(/// A delivery: saying a message to one address.
    DeliveryId, "dlv", "a delivery id");
id!(/// A release: a content-addressed bundle; the first 16 bytes of its SHA-256.
    ReleaseId, "rel", "a release id");

impl MessageId {
    /// The id of the message that `origin` (an enrollment, an API call …) means at `step` on its `visit`-th
    /// time there. Equal keys give equal ids, so planning a message twice plans it once.
    ///
    /// It begins as its origin does, until it is [`MessageId::dated`].
    pub fn derive(origin: &[u8; 16], step: &str, visit: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"tabi/message/v1\0");
        hash.update(origin);
        hash.update((step.len() as u64).to_be_bytes());
        hash.update(step.as_bytes());
        hash.update(visit.to_be_bytes());
        Self(led::<TIME>(origin, hash))
    }

    /// The same, beginning with the time of what made it be planned, in milliseconds: what is planned together lies together
    /// wherever rows are kept by message. For equal ids the time has to be that of the key: one that is stored.
    pub fn dated(self, moment: Timestamp) -> Self {
        let ms = u64::try_from(moment.as_micros().max(0) / 1000).unwrap_or(0);
        let mut bytes = self.0;
        bytes[..TIME].copy_from_slice(&ms.to_be_bytes()[2..]);
        Self(bytes)
    }
}

impl DeliveryId {
    /// The id of the `ordinal`-th delivery of `message` on `channel` to the `address`-th address of a fan-out. It begins
    /// as the message's does, see [`DeliveryId::messages`].
    pub fn derive(message: MessageId, ordinal: u16, channel: &str, address: u16) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"tabi/delivery/v1\0");
        hash.update(message.0);
        hash.update(ordinal.to_be_bytes());
        hash.update((channel.len() as u64).to_be_bytes());
        hash.update(channel.as_bytes());
        hash.update(address.to_be_bytes());
        Self(led::<OF_MESSAGE>(&message.0, hash))
    }

    /// The first and the last id that its message can have: hardly ever more than one is in use.
    pub fn messages(self) -> (MessageId, MessageId) {
        let (mut first, mut last) = (self.0, self.0);
        first[OF_MESSAGE..].fill(0);
        last[OF_MESSAGE..].fill(0xff);
        (MessageId(first), MessageId(last))
    }
}

/// Bytes of an id that are its time, as in UUIDv7.
const TIME: usize = 6;

/// Bytes of a delivery's id that are its message's: the time, and 32 bits that tell messages of one millisecond apart.
const OF_MESSAGE: usize = 10;

/// `N` bytes of what it stems from, then the hash.
fn led<const N: usize>(origin: &[u8; 16], hash: Sha256) -> [u8; 16] {
    let digest = hash.finalize();
    let mut bytes = *origin;
    bytes[N..].copy_from_slice(&digest[..16 - N]);
    bytes
}

/// The shard of a customer, `0..SHARDS`. Taken from the random tail of the id, so it costs nothing and spreads evenly.
pub fn shard_of(customer: CustomerId) -> u16 {
    let bytes = customer.0;
    u16::from_be_bytes([bytes[14], bytes[15]]) % SHARDS
}

/// Where ids come from: a counter behind a seed in virtual runs, random bytes in live ones.
///
/// Ids are UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then a counter, then random bits, so ids
/// made one after another sort in that order.
pub struct IdSource {
    state: Mutex<State>,
    random: Box<dyn Fn() -> u64 + Send + Sync>,
}

struct State {
    last_ms: u64,
    counter: u16,
}

impl IdSource {
    /// Ids whose tail comes from `random`.
    pub fn new(random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { state: Mutex::new(State { last_ms: 0, counter: 0 }), random: Box::new(random) }
    }

    /// Ids that depend on `seed` and on the order of the calls alone (SplitMix64, Steele et al. 2014).
    pub fn seeded(seed: u64) -> Self {
        let state = std::sync::atomic::AtomicU64::new(seed);
        Self::new(move || {
            let x = state
                .fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed)
                .wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        })
    }

    /// The next 16 bytes at `now`. Never goes back, even where `now` does.
    pub fn next(&self, now: Timestamp) -> [u8; 16] {
        let (ms, counter) = {
            let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let ms = u64::try_from(now.as_micros().max(0) / 1000).unwrap_or(0);
            if ms > state.last_ms {
                *state = State { last_ms: ms, counter: 0 };
            } else if state.counter == 0x0fff {
                *state = State { last_ms: state.last_ms + 1, counter: 0 };
            } else {
                state.counter += 1;
            }
            (state.last_ms, state.counter)
        };
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&counter.to_be_bytes());
        bytes[8..].copy_from_slice(&(self.random)().to_be_bytes());
        *uuid::Builder::from_bytes(bytes)
            .with_version(uuid::Version::SortRand)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
            .as_bytes()
    }

    /// A new customer id.
    pub fn customer(&self, now: Timestamp) -> CustomerId {
        CustomerId(self.next(now))
    }

    /// A new event id.
    pub fn event(&self, now: Timestamp) -> EventId {
        EventId(self.next(now))
    }

    /// A new enrollment id.
    pub fn enrollment(&self, now: Timestamp) -> EnrollmentId {
        EnrollmentId(self.next(now))
    }
}

impl std::fmt::Debug for IdSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdSource")
    }
}

/// Ids are UUIDs to the outside, where a UUID is asked for.
impl From<CustomerId> for Uuid {
    fn from(id: CustomerId) -> Self {
        Self::from_bytes(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let ids = IdSource::seeded(7);
        let id = ids.customer(Timestamp::from_micros(1_700_000_000_000_000));
        assert_eq!(CustomerId::parse(&id.to_string()), Ok(id));
        assert!(id.to_string().starts_with("cus_0"));
        assert!(EventId::parse(&id.to_string()).is_err());
    }

    #[test]
    fn ids_made_later_sort_later_even_when_the_clock_goes_back() {
        let ids = IdSource::seeded(7);
        let mut last = ids.next(Timestamp::from_micros(5_000_000));
        for micros in [5_000_000, 4_000_000, 5_001_000, 1] {
            for _ in 0..5000 {
                let id = ids.next(Timestamp::from_micros(micros));
                assert!(id > last);
                last = id;
            }
        }
    }

    #[test]
    fn a_message_key_has_one_id() {
        let origin = [1; 16];
        assert_eq!(MessageId::derive(&origin, "hello", 1), MessageId::derive(&origin, "hello", 1));
        assert_ne!(MessageId::derive(&origin, "hello", 1), MessageId::derive(&origin, "hello", 2));
    }

    #[test]
    fn a_dated_message_begins_with_its_time_and_its_deliveries_as_it_does() {
        let ids = IdSource::seeded(1);
        let (began, planned) = (Timestamp::from_secs(1_790_000_000), Timestamp::from_secs(1_790_600_000));
        let enrollment = ids.enrollment(began);
        let message = MessageId::derive(&enrollment.0, "hello", 1);
        assert_eq!(message.0[..6], enrollment.0[..6]);
        assert_eq!(message.dated(began), message);
        let other = message.0;
        let message = message.dated(planned);
        assert_eq!(message.0[..6], ids.next(planned)[..6]);
        assert_eq!(message.0[6..], other[6..]);
        assert_eq!(MessageId([7; 16]).dated(Timestamp::from_micros(-1)).0[..6], [0; 6]);
        let delivery = DeliveryId::derive(message, 1, "email", 0);
        assert_ne!(delivery, DeliveryId::derive(message, 1, "email", 1));
        assert_ne!(delivery, DeliveryId::derive(message, 1, "sms", 0));
        let (first, last) = delivery.messages();
        assert!(first <= message && message <= last);
    }
}
