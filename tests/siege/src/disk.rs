//! A small disk of a node's own, which can be filled to the last byte: a file system in memory. Mounting it takes root.

use anyhow::Result;
use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A mounted file system; unmounted when it is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one of so many MiB at this folder; none where that is not allowed here.
    pub fn mount(folder: &Path, mib: u64) -> Option<Self> {
        let size = format!("size={mib}m,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "siege"]).arg(folder).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then(|| Self { folder: folder.to_owned() })
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Fills it, and goes on filling what is freed meanwhile, for as long as `go_on` says.
    ///
    /// # Errors
    /// When there can be no file at all.
    pub fn fill_while(&self, go_on: impl Fn() -> bool) -> Result<()> {
        let mut ballast = File::create(self.ballast())?;
        let mut block = vec![0x5a_u8; 1 << 20];
        while go_on() {
            if ballast.write_all(&block).is_err() {
                // Ever smaller pieces, until the last byte is taken.
                let half = (block.len() / 2).max(1);
                block.truncate(half);
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).ok();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.folder).status().ok();
    }
}
