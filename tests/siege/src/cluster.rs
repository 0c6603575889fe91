//! A PostgreSQL cluster of the siege's own, made and thrown away by `tests/postgres`.

use anyhow::{Context as _, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A running cluster; stopped and deleted when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    // A folder of its own in the system's: the server runs as another user, who may not look into ours.
    folder: tempfile::TempDir,
    /// How clients reach it.
    pub url: String,
}

impl Cluster {
    /// Makes one and starts it.
    ///
    /// # Errors
    /// When there are no server binaries, or it does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("siege-postgres").tempdir()?;
        let url = script("start", folder.path(), &[])?;
        Ok(Self { folder, url })
    }

    /// `kill -9` of its first process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> Result<()> {
        script("kill", self.folder.path(), &[]).map(drop)
    }

    /// Starts it after a kill, and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn again(&self) -> Result<()> {
        script("again", self.folder.path(), &[]).map(drop)
    }

    /// Makes another database in it; how clients reach that.
    ///
    /// # Errors
    /// When it is there already.
    pub fn database(&self, name: &str) -> Result<String> {
        script("database", self.folder.path(), &[name])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script("stop", self.folder.path(), &[]).ok();
    }
}

fn script(what: &str, folder: &Path, more: &[&str]) -> Result<String> {
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../postgres");
    let mut command = Command::new(&script);
    let output =
        command.arg(what).arg(folder).args(more).stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.with_context(|| format!("starting {}", script.display()))?;
    if !output.status.success() {
        bail!("tests/postgres {what} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().last().unwrap_or_default().to_owned())
}
