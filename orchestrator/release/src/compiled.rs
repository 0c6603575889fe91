//! A release as the compiler left it, in bytes: what a start reads instead of compiling its files again.
//!
//! Invariant: what is read is what compiling these very files with this very program gives. The bytes name the files by their
//! hash and the program by its build, and carry a digest; whatever does not agree is not read, and compiled anew instead.

use crate::{Files, Listeners, Release, files, rules};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use words::ReleaseId;

/// Which program compiles here, see `build.rs`.
const BUILD: &[u8; 16] = match env!("TABI_BUILD").as_bytes().first_chunk() {
    Some(build) => build,
    None => b"0000000000000000",
};

/// What the bytes begin with.
const MAGIC: &[u8; 8] = b"tabi-c1\0";

impl Release {
    /// As bytes: magic, SHA-256 of the rest, build, id, length of the project (u64, big-endian), project
    /// (JSON), templates.
    pub fn to_compiled(&self) -> Vec<u8> {
        // As JSON, like stored programs: fields may be left out in it.
        let project = serde_json::to_vec(&*self.project).expect("a project has text keys alone");
        let templates = self.templates.to_bytes();
        let mut rest = Vec::with_capacity(project.len() + templates.len() + 64);
        rest.extend(BUILD);
        rest.extend(self.id.0);
        rest.extend((project.len() as u64).to_be_bytes());
        rest.extend(project);
        rest.extend(templates);
        [MAGIC.as_slice(), &Sha256::digest(&rest), &rest].concat()
    }

    /// Reads what [`Release::to_compiled`] wrote of these files. `None`: it is of other files or of another build, or damaged;
    /// then [`Release::again`] is the way.
    pub fn from_compiled(files: &Arc<Files>, bytes: &[u8]) -> Option<Self> {
        let (digest, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
        if Sha256::digest(rest).as_slice() != digest {
            return None;
        }
        let id = files::id(files);
        let (named, rest) = rest.strip_prefix(BUILD)?.split_first_chunk::<16>()?;
        if ReleaseId(*named) != id {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (project, templates) =
            rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        let project: journey::Project = serde_json::from_slice(project).ok()?;
        let templates = render::Templates::from_bytes(templates).ok()?;
        let (brand, _) = rules::read(files, templates.brand());
        Some(Self {
            id,
            listeners: Arc::new(Listeners::of(&project)),
            project: Arc::new(project),
            brand: Arc::new(brand?),
            templates: Arc::new(templates),
            packs: Arc::new(policy::Packs::built_in()),
            files: Arc::clone(files),
        })
    }
}
