//! The product as a contender: the `tabi` binary, driven from outside.

use crate::process::Server;
use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The `tabi` binary: `TABI_BIN`, else the one beside this program.
///
/// # Errors
/// When this program does not know where it lies.
pub fn tabi() -> Result<PathBuf> {
    match std::env::var_os("TABI_BIN") {
        Some(path) => Ok(path.into()),
        None => Ok(std::env::current_exe()?.with_file_name("tabi")),
    }
}

/// Does this binary know the sub-command?
pub fn knows(tabi: &Path, command: &str) -> bool {
    Command::new(tabi)
        .args([command, "--help"])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// A running product and the key that lets events in.
#[derive(Debug)]
pub struct Product {
    /// The process.
    pub server: Server,
    /// Value of the `Authorization` header.
    pub authorization: String,
}

/// Start `tabi serve` on a data folder, with the write key in `TABI_BENCH_KEY`.
///
/// # Errors
/// When there is no key, or the product does not start.
pub fn serve(tabi: &Path, data: &Path) -> Result<Product> {
    let key = std::env::var("TABI_BENCH_KEY")
        .context("no write key: set TABI_BENCH_KEY to one that the data folder knows")?;
    std::fs::create_dir_all(data)?;
    let address = crate::process::free_address()?;
    let mut command = Command::new(tabi);
    command.arg("serve").arg("--data").arg(data).arg("--listen").arg(&address);
    let server = Server::start(&mut command, address, &data.join("serve.log"))?;
    Ok(Product { server, authorization: basic(&key) })
}

/// Basic authentication with the key as the user and no password, as the tracking API has it.
pub fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_travels_as_basic_authentication() {
        assert_eq!(basic("key"), "Basic a2V5Og==");
        assert_eq!(basic("ab"), "Basic YWI6");
        assert_eq!(basic("abcd"), "Basic YWJjZDo=");
    }
}
