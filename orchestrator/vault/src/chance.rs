//! Where randomness comes from: the operating system, or a seed in virtual runs.

use crate::VaultError;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes.
pub(crate) enum Chance {
    /// The operating system's.
    System(SystemRandom),
    /// Depends on the seed and on what is asked for alone. For tests, stories and the demo: no secret is safe with it.
    Seeded { key: hmac::Key, counter: AtomicU64 },
}

impl Chance {
    pub(crate) fn system() -> Self {
        Self::System(SystemRandom::new())
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes());
        Self::Seeded { key, counter: AtomicU64::new(0) }
    }

    /// Fresh bytes. Seeded, they depend on the number of calls so far.
    pub(crate) fn fill(&self, bytes: &mut [u8]) -> Result<(), VaultError> {
        match self {
            Self::System(random) => random.fill(bytes).map_err(|_| VaultError::Random),
            Self::Seeded { counter, .. } => {
                let call = counter.fetch_add(1, Ordering::Relaxed);
                self.fill_for(&[b"call", &call.to_be_bytes()], bytes)
            }
        }
    }

    /// Fresh bytes for something named by `context`. Seeded, they depend on the context alone and not on the order of
    /// calls, so that a virtual run on several threads writes the same bytes each time.
    pub(crate) fn fill_for(&self, context: &[&[u8]], bytes: &mut [u8]) -> Result<(), VaultError> {
        let Self::Seeded { key, .. } = self else { return self.fill(bytes) };
        for (index, chunk) in bytes.chunks_mut(32).enumerate() {
            let mut mac = hmac::Context::with_key(key);
            mac.update(&(index as u64).to_be_bytes());
            for part in context {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            chunk.copy_from_slice(&mac.sign().as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}
