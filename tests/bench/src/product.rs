//! The product as a contender: the `tabi` binary, driven from outside.

use crate::process::{self, Server};
use anyhow::{Context as _, Result, ensure};
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

/// An installation: a data folder and the project that it runs.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The binary.
    pub tabi: PathBuf,
    /// Where databases and keys lie.
    pub data: PathBuf,
    /// The project's folder.
    pub project: PathBuf,
    /// The database, where it lies on a server.
    pub database: Option<String>,
}

impl Installation {
    /// A command of the product on this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tabi);
        command.arg("--data").arg(&self.data).arg("--project").arg(&self.project);
        command.args(self.database.iter().flat_map(|url| ["--database", url])).args(arguments);
        // Nothing of the environment of whoever runs the suite.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TABI_") || name == "RUST_LOG")
        {
            command.env_remove(name);
        }
        command
    }

    /// Run a command to its end; what it said.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).stdin(Stdio::null()).output().context("starting tabi")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tabi {} failed: {}", arguments.join(" "), said.trim_end());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Another node of it, with a data folder of its own beside the first one's.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn node(&self, number: usize) -> Result<Self> {
        let data = self.data.join(format!("node{number}"));
        std::fs::create_dir_all(&data)?;
        // Every node has the same root key.
        std::fs::copy(self.data.join("root.key"), data.join("root.key")).context("copying the root key")?;
        Ok(Self { data, ..self.clone() })
    }

    /// A key that lets events in, as the value of the `Authorization` header; made at the first call.
    ///
    /// # Errors
    /// When none can be made.
    pub fn authorization(&self) -> Result<String> {
        let file = self.data.join("bench.key");
        if let Ok(key) = std::fs::read_to_string(&file) {
            return Ok(basic(&key));
        }
        std::fs::create_dir_all(&self.data)?;
        let said = self.run(&["--format", "json", "key", "create", "bench"])?;
        let said: serde_json::Value = serde_json::from_str(&said).context("the answer to `key create`")?;
        let key = said["key"].as_str().context("a key in the answer to `key create`")?;
        std::fs::write(&file, key)?;
        Ok(basic(key))
    }

    /// Start `tabi serve`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn serve(&self) -> Result<Server> {
        std::fs::create_dir_all(&self.data)?;
        let address = process::free_address()?;
        let mut command = self.command(&["--log", "warn", "serve", "--listen", &address]);
        Server::start(&mut command, address, &self.data.join("serve.log"))
    }
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
