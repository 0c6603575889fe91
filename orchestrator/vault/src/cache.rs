//! A small cache of unwrapped keys: two generations, so that it is bounded and what is in use stays.

use crate::{DataKey, KeyRef};
use std::collections::HashMap;
use std::sync::Mutex;

/// At most this many keys in memory: about four megabytes, when that many customers are busy at once.
pub(crate) const KEYS_MAX: usize = 32_768;

#[derive(Default)]
pub(crate) struct KeyCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    /// Raised by every [`KeyCache::forget`]: a look-up that began before it must not put a destroyed key back.
    epoch: u64,
    young: HashMap<KeyRef, DataKey>,
    old: HashMap<KeyRef, DataKey>,
}

impl KeyCache {
    /// Fills in what is known and returns the positions that are not, and the epoch to put them in.
    pub(crate) fn get_many(&self, wanted: &[KeyRef], found: &mut [Option<DataKey>]) -> (Vec<usize>, u64) {
        let mut generations = self.lock();
        let mut missing = Vec::new();
        for (index, key) in wanted.iter().enumerate() {
            found[index] = generations.get(key);
            if found[index].is_none() {
                missing.push(index);
            }
        }
        (missing, generations.epoch)
    }

    pub(crate) fn put_many(&self, epoch: u64, keys: impl Iterator<Item = (KeyRef, DataKey)>) {
        let mut generations = self.lock();
        if generations.epoch != epoch {
            return;
        }
        for (key, data) in keys {
            generations.put(key, data);
        }
    }

    pub(crate) fn forget(&self, subject: &[u8; 16]) {
        let mut generations = self.lock();
        generations.epoch += 1;
        generations.young.retain(|key, _| key.subject != *subject);
        generations.old.retain(|key, _| key.subject != *subject);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Generations {
    fn get(&mut self, key: &KeyRef) -> Option<DataKey> {
        if let Some(found) = self.young.get(key) {
            return Some(found.clone());
        }
        let found = self.old.remove(key)?;
        self.put(*key, found.clone());
        Some(found)
    }

    fn put(&mut self, key: KeyRef, data: DataKey) {
        if self.young.len() >= KEYS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, data);
    }
}
