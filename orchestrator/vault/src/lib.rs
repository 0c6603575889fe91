#![doc = include_str!("../README.md")]

mod cache;
mod chance;
mod copies;
mod keys;
mod link;
mod password;
mod root;
mod seal;
mod secret;
mod server;
mod token;

pub use copies::KeysCopy;
pub use link::LinkError;
pub use password::{PasswordError, hash_password, verify_password};
pub use root::{RootKey, RootKeyError};
pub use seal::{Cell, DataKey, SEAL_OVERHEAD, commit};
pub use secret::Secret;
pub use token::{ApiKeyKind, IssuedApiKey, IssuedSession, parse_api_key, session_hash};

use cache::KeyCache;
use chance::Chance;
use keys::KeysDb;
use ring::hmac;
use root::Derived;
use server::KeysServer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::Timestamp;

/// What kind of record a key is for: they are kept for different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyClass {
    /// Who the customer is: addresses, traits, facts. Year 0: it is kept as long as the customer.
    Profile = 1,
    /// What the customer did.
    Events = 2,
    /// What we said to the customer.
    Content = 3,
}

/// Which key: of whom, for what, of which year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef {
    /// The subject: a customer's id in bytes.
    pub subject: [u8; 16],
    /// For what kind of record.
    pub class: KeyClass,
    /// Of which year of business time, in UTC; 0 where a record has no year.
    pub year: i16,
}

/// What went wrong in the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The value was changed, belongs to another cell or was sealed under another key: do not use it.
    #[error("a sealed value does not open: it was changed, moved, or sealed under another key")]
    Tampered,
    /// The subject's keys were destroyed, or there never was one: the data is gone for good.
    #[error("the keys of this subject were destroyed: what they sealed can no longer be read")]
    Destroyed,
    /// The keys were wrapped by another root key.
    #[error("keys.db belongs to another root key: put the root key that it was made with in place")]
    WrongRoot,
    /// Longer than the cipher takes (64 GiB).
    #[error("the value is too long to seal")]
    TooLong,
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
    /// A file cannot be reached.
    #[error("{path} cannot be opened")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `keys.db` cannot be read or written.
    #[error("keys.db cannot be read or written")]
    Storage(#[from] rusqlite::Error),
    /// The keys on the server cannot be read or written.
    #[error("the keys on the server cannot be read or written: {0}")]
    Server(#[from] db::Error),
    /// Keys are copied to an empty place alone.
    #[error("there are keys in {0} already: nothing is overwritten")]
    NotEmpty(String),
    /// What was written is not what was read.
    #[error("the copy of {0} is not what it is a copy of: nothing was kept of it")]
    Differs(String),
    /// The program is being stopped.
    #[error("the program is being stopped")]
    Stopping,
}

/// The vault. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    derived: Derived,
    keys: Keys,
    cache: KeyCache,
    chance: Chance,
}

enum Keys {
    Db(Box<KeysDb>),
    Server(Box<KeysServer>),
    /// Keys follow from the seed; only destruction has to be remembered.
    Ephemeral {
        destroyed: std::sync::Mutex<std::collections::BTreeSet<[u8; 16]>>,
    },
}

impl Vault {
    /// Opens `keys.db`, making it where it is missing. Fails with [`VaultError::WrongRoot`] where another root key
    /// made it.
    pub async fn open(keys_db: &Path, root: &RootKey) -> Result<Self, VaultError> {
        let derived = root.derive();
        let (path, check) = (keys_db.to_owned(), root_check(&derived));
        let keys = Keys::Db(Box::new(blocking(move || KeysDb::open(&path, &check)).await?));
        Ok(Self(Arc::new(Inner { derived, keys, cache: KeyCache::default(), chance: Chance::system() })))
    }

    /// Opens the keys that lie on a server, making their tables where they are missing. Fails with
    /// [`VaultError::WrongRoot`] where another root key made them.
    pub async fn on_server(server: db::Server, root: &RootKey) -> Result<Self, VaultError> {
        let derived = root.derive();
        let check = root_check(&derived);
        let keys = Keys::Server(Box::new(blocking(move || KeysServer::open(server, &check)).await?));
        Ok(Self(Arc::new(Inner { derived, keys, cache: KeyCache::default(), chance: Chance::system() })))
    }

    /// Forgets what other nodes have destroyed. To be asked every second where there are others.
    pub async fn hear_of_destroyed(&self) -> Result<(), VaultError> {
        let Keys::Server(_) = &self.0.keys else { return Ok(()) };
        let vault = self.clone();
        blocking(move || {
            if let Keys::Server(server) = &vault.0.keys {
                server.destroyed_since()?.iter().for_each(|subject| vault.0.cache.forget(subject));
            }
            Ok(())
        })
        .await
    }

    /// A vault in memory whose every byte follows from `seed`. For tests, stories and the demo: it keeps no secret.
    pub fn ephemeral(seed: u64) -> Self {
        let chance = Chance::seeded(seed);
        let mut root = [0; 32];
        // A seeded source cannot fail.
        let _ = chance.fill_for(&[b"root"], &mut root);
        Self(Arc::new(Inner {
            derived: RootKey::from_bytes(root).derive(),
            keys: Keys::Ephemeral { destroyed: std::sync::Mutex::default() },
            cache: KeyCache::default(),
            chance,
        }))
    }

    /// The key, made and committed where it is missing. [`VaultError::Destroyed`] where the subject was erased.
    pub async fn subject_key(&self, key: KeyRef, now: Timestamp) -> Result<DataKey, VaultError> {
        self.keys_for(&[key], now).await?.pop().flatten().ok_or(VaultError::Destroyed)
    }

    /// The keys in the order asked for, missing ones made in one transaction and committed before this returns.
    /// `None`: the subject was erased.
    pub async fn keys_for(
        &self,
        wanted: &[KeyRef],
        now: Timestamp,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        self.look_up(wanted, Some(now)).await
    }

    /// The keys that exist, for reading. `None`: erased, or nothing was ever sealed there. Makes none.
    pub async fn existing_keys(&self, wanted: &[KeyRef]) -> Result<Vec<Option<DataKey>>, VaultError> {
        self.look_up(wanted, None).await
    }

    async fn look_up(
        &self,
        wanted: &[KeyRef],
        create: Option<Timestamp>,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        if let Keys::Ephemeral { .. } = &self.0.keys {
            return self.keys_at_once(wanted);
        }
        if let Some(found) = self.keys_in_memory(wanted) {
            return Ok(found);
        }
        let (vault, wanted) = (self.clone(), wanted.to_vec());
        blocking(move || vault.look_up_at_once(&wanted, create)).await
    }

    /// The keys, if every one of them is in memory: a look that waits for nothing.
    pub fn keys_in_memory(&self, wanted: &[KeyRef]) -> Option<Vec<Option<DataKey>>> {
        let mut found = vec![None; wanted.len()];
        let (missing, _) = self.0.cache.get_many(wanted, &mut found);
        missing.is_empty().then_some(found)
    }

    /// The keys that exist, as [`Vault::existing_keys`], for whoever may block their thread.
    pub fn keys_at_once(&self, wanted: &[KeyRef]) -> Result<Vec<Option<DataKey>>, VaultError> {
        self.look_up_at_once(wanted, None)
    }

    fn look_up_at_once(
        &self,
        wanted: &[KeyRef],
        create: Option<Timestamp>,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        if let Keys::Ephemeral { destroyed } = &self.0.keys {
            let destroyed = destroyed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            return wanted.iter().map(|key| self.ephemeral_key(key, &destroyed)).collect();
        }
        let mut found = vec![None; wanted.len()];
        let (missing, epoch) = self.0.cache.get_many(wanted, &mut found);
        if missing.is_empty() {
            return Ok(found);
        }
        let asked: Vec<KeyRef> = missing.iter().map(|index| wanted[*index]).collect();
        let wrap = &self.0.derived.wrap;
        let mut keys = self.0.keys.find(wrap, &asked)?;
        if let Some(now) = create
            && keys.iter().any(Option::is_none)
        {
            keys = self.0.keys.find_or_create(wrap, &self.0.chance, &asked, now)?;
        }
        self.0
            .cache
            .put_many(epoch, asked.iter().zip(&keys).filter_map(|(key, data)| Some((*key, data.clone()?))));
        for (index, key) in missing.into_iter().zip(keys) {
            found[index] = key;
        }
        Ok(found)
    }

    fn ephemeral_key(
        &self,
        key: &KeyRef,
        destroyed: &std::collections::BTreeSet<[u8; 16]>,
    ) -> Result<Option<DataKey>, VaultError> {
        if destroyed.contains(&key.subject) {
            return Ok(None);
        }
        let mut material = zeroize::Zeroizing::new([0; 32]);
        let year = key.year.to_be_bytes();
        self.0.chance.fill_for(&[b"key", &key.subject, &[key.class as u8], &year], &mut *material)?;
        Ok(Some(DataKey(material)))
    }

    /// Destroys every key of the subject, for good: what they sealed can no longer be read, here or in any copy of
    /// the data. Returns how many there were (0 in memory). Copies of `keys.db` keep them as long as they live.
    pub async fn destroy(&self, subject: &[u8; 16], now: Timestamp) -> Result<u64, VaultError> {
        let gone = match &self.0.keys {
            Keys::Db(_) | Keys::Server(_) => {
                let (vault, subject) = (self.clone(), *subject);
                blocking(move || match &vault.0.keys {
                    Keys::Db(db) => db.destroy(&subject, now),
                    Keys::Server(server) => server.destroy(&subject, now),
                    Keys::Ephemeral { .. } => Ok(0),
                })
                .await?
            }
            Keys::Ephemeral { destroyed } => {
                destroyed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(*subject);
                0
            }
        };
        self.0.cache.forget(subject);
        Ok(gone)
    }

    /// Seals `plaintext` for one cell.
    pub fn seal(&self, key: &DataKey, cell: Cell<'_>, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal::seal(&self.0.chance, key, cell, plaintext)
    }

    /// Opens what was sealed for this very cell under this very key.
    pub fn open_sealed(&self, key: &DataKey, cell: Cell<'_>, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal::open(key, cell, sealed)
    }

    /// The blind index of a value: what can be looked up without being stored. Equal values of one domain have equal
    /// indexes; without the root key nobody can try values. Give values in their normal form.
    pub fn blind(&self, domain: &str, value: &str) -> [u8; 16] {
        let mut mac = hmac::Context::with_key(&self.0.derived.blind);
        mac.update(&(domain.len() as u64).to_be_bytes());
        mac.update(domain.as_bytes());
        mac.update(value.as_bytes());
        let mut out = [0; 16];
        out.copy_from_slice(&mac.sign().as_ref()[..16]);
        out
    }

    /// A fresh salt for [`commit`]. In memory it follows from `context` alone.
    pub fn salt(&self, context: &[u8]) -> Result<[u8; 32], VaultError> {
        let mut salt = [0; 32];
        self.0.chance.fill_for(&[b"salt", context], &mut salt)?;
        Ok(salt)
    }

    /// Copies the keys, consistent while in use, to a new file that only its owner may read. In memory: nothing.
    pub async fn backup_keys(&self, path: &Path) -> Result<(), VaultError> {
        let (vault, path) = (self.clone(), path.to_owned());
        blocking(move || match &vault.0.keys {
            Keys::Db(db) => db.backup(&path),
            Keys::Server(server) => server.backup(&path, &root_check(&vault.0.derived)),
            Keys::Ephemeral { .. } => Ok(()),
        })
        .await
    }

    /// Closes `keys.db`.
    pub async fn close(&self) {
        let vault = self.clone();
        let closed = blocking(move || {
            match &vault.0.keys {
                Keys::Db(db) => db.close(),
                Keys::Server(server) => server.close(),
                Keys::Ephemeral { .. } => {}
            }
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::debug!("closing keys.db: {error}");
        }
    }
}

impl Keys {
    /// Those that exist.
    fn find(
        &self,
        wrap: &ring::aead::LessSafeKey,
        asked: &[KeyRef],
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        match self {
            Self::Db(db) => db.find(wrap, asked),
            Self::Server(server) => server.find(wrap, asked),
            Self::Ephemeral { .. } => Ok(vec![None; asked.len()]),
        }
    }

    /// The same, making those that are missing.
    fn find_or_create(
        &self,
        wrap: &ring::aead::LessSafeKey,
        chance: &Chance,
        asked: &[KeyRef],
        now: Timestamp,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        match self {
            Self::Db(db) => db.find_or_create(wrap, chance, asked, now),
            Self::Server(server) => server.find_or_create(wrap, chance, asked, now),
            Self::Ephemeral { .. } => Ok(vec![None; asked.len()]),
        }
    }
}

/// What keys are marked with, by which they know their root key.
fn root_check(derived: &Derived) -> Vec<u8> {
    hmac::sign(&derived.check, b"tabi/root-check/v1").as_ref().to_vec()
}

/// Runs what waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(VaultError::Stopping),
        },
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests;
