//! Sealing: AES-256-GCM under a subject's key, bound to the cell that it lies in.
//!
//! A sealed value is `1 | nonce (12) | ciphertext | tag (16)`, 29 bytes more than the plaintext. The nonce is random;
//! a key serves one subject, one class and one year, far below the 2^32 messages that random nonces allow.

use crate::VaultError;
use crate::chance::Chance;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{digest, hmac};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// How many bytes sealing adds.
pub const SEAL_OVERHEAD: usize = 1 + NONCE_LEN + 16;

/// The key of one subject, class and year.
#[derive(Clone)]
pub struct DataKey(pub(crate) Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey([secret])")
    }
}

/// The cell that a sealed value belongs to. A value moved to another cell does not open.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's key, in bytes.
    pub row: &'a [u8],
}

impl<'a> Cell<'a> {
    /// The cell at `column` of the row `row` of `table`.
    pub const fn new(table: &'a str, column: &'a str, row: &'a [u8]) -> Self {
        Self { table, column, row }
    }

    /// Length-prefixed, so that no two cells write the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.table.len() + self.column.len() + self.row.len());
        out.push(VERSION);
        for part in [self.table.as_bytes(), self.column.as_bytes()] {
            out.extend_from_slice(&(part.len() as u16).to_be_bytes());
            out.extend_from_slice(part);
        }
        out.extend_from_slice(self.row);
        out
    }
}

fn cipher(key: &DataKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key.0).expect("the key has 32 bytes"))
}

pub(crate) fn seal(
    chance: &Chance,
    key: &DataKey,
    cell: Cell<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let aad = cell.bytes();
    let mut nonce = [0; NONCE_LEN];
    match chance {
        Chance::System(_) => chance.fill(&mut nonce)?,
        // From all that is sealed: equal nonces then mean equal values, which a virtual run may show.
        Chance::Seeded { .. } => {
            let whole = digest::digest(&digest::SHA256, plaintext);
            chance.fill_for(&[&*key.0, &aad, whole.as_ref()], &mut nonce)?;
        }
    }
    let mut out = Vec::with_capacity(plaintext.len() + SEAL_OVERHEAD);
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let body = 1 + NONCE_LEN;
    let tag = cipher(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&aad), &mut out[body..])
        .map_err(|_| VaultError::TooLong)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

pub(crate) fn open(key: &DataKey, cell: Cell<'_>, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let [VERSION, rest @ ..] = sealed else { return Err(VaultError::Tampered) };
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(VaultError::Tampered)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Tampered)?;
    let mut body = body.to_vec();
    let length = cipher(key)
        .open_in_place(nonce, Aad::from(cell.bytes()), &mut body)
        .map_err(|_| VaultError::Tampered)?
        .len();
    body.truncate(length);
    Ok(body)
}

/// A commitment to `plaintext`: HMAC-SHA-256 under a random salt. The salt lies inside the sealed blob, so that the
/// commitment says nothing once the key is destroyed. It is needed because AES-GCM does not commit to its key.
pub fn commit(salt: &[u8; 32], plaintext: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), plaintext);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}
