//! The root key, and the keys that are derived from it.

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use ring::rand::SecureRandom;
use ring::{aead, hkdf, hmac};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const PREFIX: &str = "tabi-root-v1:";

/// The key that wraps every other key. Lose it, and nothing that was encrypted can be read again.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// There is no file.
    #[error(
        "there is no root key at {0}: `tabi init` makes one; after a restore, copy yours there or set TABI_ROOT_KEY"
    )]
    Missing(PathBuf),
    /// A file is there already; it is not overwritten.
    #[error("there is a root key at {0} already: it is never overwritten, because all data hangs on it")]
    Exists(PathBuf),
    /// Others may read the file.
    #[error(
        "others on this machine may read the root key at {path} (mode {mode:03o}): run `chmod 600 {path}`"
    )]
    Readable {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no root key.
    #[error("{0} holds no root key: expected `tabi-root-v1:` and 64 hexadecimal digits")]
    Malformed(String),
    /// The file cannot be read or written.
    #[error("the root key at {path} cannot be reached")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
}

impl RootKey {
    /// Reads the text form, as in a file or in `TABI_ROOT_KEY`. `place` is for the error message.
    pub fn parse(text: &str, place: &str) -> Result<Self, RootKeyError> {
        let wrong = || RootKeyError::Malformed(place.to_owned());
        let digits = text.trim().strip_prefix(PREFIX).ok_or_else(wrong)?;
        let bytes = Zeroizing::new(HEX.decode(digits.as_bytes()).map_err(|_| wrong())?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != 32 {
            return Err(wrong());
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// A root key from 32 bytes, for tests.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Makes a new key and writes it to a file that only its owner may read. Never overwrites one.
    pub fn create(path: &Path) -> Result<Self, RootKeyError> {
        use std::io::Write as _;
        let io = |source| RootKeyError::Io { path: path.to_owned(), source };
        let mut key = Zeroizing::new([0; 32]);
        ring::rand::SystemRandom::new().fill(&mut *key).map_err(|_| RootKeyError::Random)?;
        let text = Zeroizing::new(format!("{PREFIX}{}\n", HEX.encode(&*key)));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RootKeyError::Exists(path.to_owned()),
            _ => io(error),
        })?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        // The name must be durable too: data wrapped by a key that a crash forgets is lost.
        #[cfg(unix)]
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::File::open(parent).and_then(|dir| dir.sync_all()).map_err(io)?;
        }
        Ok(Self(key))
    }

    /// Reads the key from its file. Refuses a file that others than its owner may read.
    pub fn load(path: &Path) -> Result<Self, RootKeyError> {
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => RootKeyError::Missing(path.to_owned()),
            _ => RootKeyError::Io { path: path.to_owned(), source },
        };
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).map_err(io)?.permissions())
                    & 0o777;
            if mode & 0o077 != 0 {
                return Err(RootKeyError::Readable { path: path.to_owned(), mode });
            }
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
        Self::parse(&text, &path.display().to_string())
    }

    /// The key from `env` (the value of `TABI_ROOT_KEY`, where set), else from the file.
    pub fn find(env: Option<&str>, path: &Path) -> Result<Self, RootKeyError> {
        match env {
            Some(text) => Self::parse(text, "TABI_ROOT_KEY"),
            None => Self::load(path),
        }
    }

    /// The text form, for moving a key by hand.
    pub fn to_text(&self) -> crate::Secret {
        crate::Secret::new(format!("{PREFIX}{}", HEX.encode(&*self.0)))
    }

    pub(crate) fn derive(&self) -> Derived {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tabi/root/v1");
        let prk = salt.extract(&*self.0);
        let key = |label: &str| {
            let mut out = Zeroizing::new([0; 32]);
            prk.expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *out))
                .expect("32 bytes are what HKDF-SHA-256 gives at once");
            out
        };
        let mac = |label: &str| hmac::Key::new(hmac::HMAC_SHA256, &*key(label));
        let wrap = aead::UnboundKey::new(&aead::AES_256_GCM, &*key("wrap")).expect("the key has 32 bytes");
        Derived {
            wrap: aead::LessSafeKey::new(wrap),
            blind: mac("blind"),
            link: mac("link"),
            csrf: mac("csrf"),
            check: mac("check"),
        }
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey([secret])")
    }
}

/// One key per use, all from the root.
pub(crate) struct Derived {
    pub(crate) wrap: aead::LessSafeKey,
    pub(crate) blind: hmac::Key,
    pub(crate) link: hmac::Key,
    pub(crate) csrf: hmac::Key,
    pub(crate) check: hmac::Key,
}
