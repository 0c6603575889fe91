//! Final content on its way into its cell: small, and the same to the byte when it comes out.
//!
//! A mail says everything twice: as rendered, for showing, and encoded, as it went out; and it resembles the next one. So
//! the parts are kept once and the bytes as what stands around them, and all of it is compressed against a *likeness*: the
//! same message made from its sample, in which nobody is named. Whatever does not come out the same is kept as it is.
//!
//! Invariant: what is unpacked is what was packed; [`pack`] asks before it promises.
//!
//! The packed form is `1 | salt (32) | length (4, little endian) | LZ4 block`. A later form has another first byte.

mod encode;
#[cfg(test)]
mod tests;

use crate::StoreError;
use encode::Encoding;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

const VERSION: u8 = 1;
const SALT: usize = 32;
const HEAD: usize = 1 + SALT + 4;
/// The most of a likeness that is kept: the window of 64 KB holds it and a mail of usual length.
const LIKENESS_MAX: usize = 40 * 1024;
/// No content is larger; a length beyond it is damage.
const LENGTH_MAX: usize = 256 * 1024 * 1024;
/// Shorter parts are not worth being looked for.
const PART_MIN: usize = 24;

/// What is compressed.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    parcel: Cow<'a, str>,
    #[serde(borrow)]
    pieces: Vec<Piece<'a>>,
}

/// A piece of the bytes.
#[derive(Serialize, Deserialize)]
enum Piece<'a> {
    /// As it is.
    Plain(#[serde(borrow)] Cow<'a, [u8]>),
    /// The part of the parcel with this name, encoded so.
    Part(Encoding, #[serde(borrow)] Cow<'a, str>),
    /// The parcel itself.
    Parcel,
}

/// The texts of a parcel; other shapes have none.
#[derive(Deserialize, Default)]
struct Parts {
    #[serde(default)]
    parts: BTreeMap<String, String>,
}

impl Parts {
    fn of(parcel: &str) -> Self {
        serde_json::from_str(parcel).unwrap_or_default()
    }
}

/// What content is compressed against; empty: nothing.
#[derive(Debug, Default)]
pub(crate) struct Likeness(Vec<u8>);

impl Likeness {
    /// Of content that was made from a sample.
    pub(crate) fn of(bytes: &[u8], parcel: &str) -> Self {
        let parts = Parts::of(parcel);
        let mut text = Vec::with_capacity(parcel.len() + 2048);
        for piece in take_apart(bytes, parcel, &parts) {
            if let Piece::Plain(plain) = piece {
                text.extend_from_slice(&plain);
            }
        }
        text.extend_from_slice(parcel.as_bytes());
        // What lies further back than the window is never found.
        text.drain(..text.len().saturating_sub(LIKENESS_MAX));
        Self(text)
    }

    /// As stored.
    pub(crate) fn stored(&self) -> Vec<u8> {
        lz4_flex::block::compress_prepend_size(&self.0)
    }

    /// From [`Likeness::stored`].
    pub(crate) fn from_stored(stored: &[u8]) -> Result<Self, StoreError> {
        let wrong = |_| StoreError::corrupt("likeness.body");
        let (length, small) = lz4_flex::block::uncompressed_size(stored).map_err(wrong)?;
        if length > LIKENESS_MAX {
            return Err(StoreError::corrupt("likeness.body"));
        }
        Ok(Self(lz4_flex::block::decompress(small, length).map_err(wrong)?))
    }

    /// Its bytes, for telling it from others.
    pub(crate) fn text(&self) -> &[u8] {
        &self.0
    }
}

/// Packs bytes and parcel, the salt of their commitment in front.
pub(crate) fn pack(
    salt: &[u8; SALT],
    bytes: &[u8],
    parcel: &str,
    likeness: &Likeness,
) -> Result<Vec<u8>, StoreError> {
    let parts = Parts::of(parcel);
    let pieces = take_apart(bytes, parcel, &parts);
    let packed = Packed { parcel: Cow::Borrowed(parcel), pieces };
    let plain = postcard::to_stdvec(&packed).map_err(StoreError::corrupt)?;
    let length = u32::try_from(plain.len())
        .ok()
        .filter(|length| *length as usize <= LENGTH_MAX)
        .ok_or_else(|| StoreError::Invalid("the content of a message is too long".to_owned()))?;
    let small = lz4_flex::block::compress_with_dict(&plain, &likeness.0);
    let mut out = Vec::with_capacity(HEAD + small.len());
    out.push(VERSION);
    out.extend_from_slice(salt);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&small);
    Ok(out)
}

/// Bytes and parcel as they were packed.
pub(crate) fn unpack(packed: &[u8], likeness: &Likeness) -> Result<(Vec<u8>, String), StoreError> {
    let wrong = || StoreError::corrupt("content.body");
    let (head, small) = packed.split_at_checked(HEAD).ok_or_else(wrong)?;
    if head[0] != VERSION {
        return Err(StoreError::corrupt(format!(
            "content.body has form {}, which this release does not know: it was written by a newer one",
            head[0]
        )));
    }
    let length: [u8; 4] = head[1 + SALT..].try_into().map_err(|_| wrong())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LENGTH_MAX {
        return Err(wrong());
    }
    let plain =
        lz4_flex::block::decompress_with_dict(small, length, &likeness.0).map_err(StoreError::corrupt)?;
    let packed: Packed<'_> = postcard::from_bytes(&plain).map_err(StoreError::corrupt)?;
    let parts = Parts::of(&packed.parcel);
    let bytes = put_together(&packed.pieces, &packed.parcel, &parts).ok_or_else(wrong)?;
    Ok((bytes, packed.parcel.clone().into_owned()))
}

/// The bytes as pieces. Every piece is looked for in the bytes as it will be made again: what is not found is not one.
fn take_apart<'a>(bytes: &'a [u8], parcel: &str, parts: &'a Parts) -> Vec<Piece<'a>> {
    if bytes == parcel.as_bytes() {
        return vec![Piece::Parcel];
    }
    let mut found: Vec<(usize, usize, Encoding, &'a str)> = Vec::new();
    for (name, text) in &parts.parts {
        if text.len() < PART_MIN {
            continue;
        }
        for encoding in Encoding::likely(text) {
            let encoded = encoding.encode(text);
            if let Some(at) = position(bytes, &encoded)
                && found.iter().all(|(from, to, ..)| at >= *to || at + encoded.len() <= *from)
            {
                found.push((at, at + encoded.len(), encoding, name));
                break;
            }
        }
    }
    found.sort_unstable_by_key(|(from, ..)| *from);
    let (mut pieces, mut done) = (Vec::with_capacity(2 * found.len() + 1), 0);
    for (from, to, encoding, name) in found {
        pieces.push(Piece::Plain(Cow::Borrowed(&bytes[done..from])));
        pieces.push(Piece::Part(encoding, Cow::Borrowed(name)));
        done = to;
    }
    pieces.push(Piece::Plain(Cow::Borrowed(&bytes[done..])));
    pieces
}

/// Where `part` stands first. Looked for by its beginning: a part is as long as the letter itself, and preparing a search
/// for the whole of it costs more than the search.
fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let beginning = &part[..part.len().min(PART_MIN)];
    memchr::memmem::find_iter(bytes, beginning).find(|at| bytes[*at..].starts_with(part))
}

/// The bytes from their pieces; `None`: a part is missing.
fn put_together(pieces: &[Piece<'_>], parcel: &str, parts: &Parts) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2 * parcel.len());
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => bytes.extend_from_slice(plain),
            Piece::Part(encoding, name) => {
                let text = parts.parts.get(name.as_ref())?;
                bytes.extend_from_slice(&encoding.encode(text));
            }
            Piece::Parcel => bytes.extend_from_slice(parcel.as_bytes()),
        }
    }
    Some(bytes)
}
