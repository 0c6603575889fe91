//! Names the build: a hash of everything that decides how files are compiled and what comes of it.
//!
//! What one build compiled and kept, another must not read: its types may have changed. The version alone does not say so
//! while the product is being worked on.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// The crates whose types and rules are in a compiled release.
const CRATES: [&str; 5] = ["words", "journey", "policy", "render", "release"];

fn main() -> std::io::Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hash = DefaultHasher::new();
    for name in CRATES {
        add(&here.join("..").join(name).join("src"), &mut hash)?;
    }
    // Versions of the template engine, of the compiler of MJML and of all others.
    add(&here.join("../../Cargo.lock"), &mut hash)?;
    std::env::var("CARGO_PKG_VERSION").unwrap_or_default().hash(&mut hash);
    println!("cargo::rustc-env=TABI_BUILD={:016x}", hash.finish());
    Ok(())
}

fn add(path: &Path, hash: &mut DefaultHasher) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.is_dir() {
        path.file_name().hash(hash);
        std::fs::read(path)?.hash(hash);
        return Ok(());
    }
    let mut inside: Vec<_> = std::fs::read_dir(path)?.collect::<std::io::Result<_>>()?;
    inside.sort_by_key(std::fs::DirEntry::file_name);
    inside.iter().try_for_each(|entry| add(&entry.path(), hash))
}
