//! What tells a file or folder from its copy.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which file or folder this is. It keeps its mark as long as it lives, also under another name; a copy has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Its number in the file system.
    inode: u64,
    /// When it came to be, in microseconds since 1970; not every file system knows.
    born: Option<u64>,
}

impl FileMark {
    /// The mark of what lies at `path`; `None` where there is nothing, or where the system has no such marks.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        let born = meta.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let born = born.and_then(|since| u64::try_from(since.as_micros()).ok());
        #[cfg(unix)]
        return Some(Self { inode: std::os::unix::fs::MetadataExt::ino(&meta), born });
        #[cfg(not(unix))]
        return born.map(|born| Self { inode: 0, born: Some(born) });
    }

    /// Whether both may be marks of one file. Some file systems number anew at every mount, and some know no births: only
    /// where neither agrees it is surely another file.
    pub fn may_be(self, other: Self) -> bool {
        (cfg!(unix) && self.inode == other.inode) || (self.born.is_some() && self.born == other.born)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_stays_itself_when_it_moves_and_a_copy_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved, copy) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        std::fs::write(&path, "x").unwrap();
        let mark = FileMark::of(&path).unwrap();
        std::fs::rename(&path, &moved).unwrap();
        assert!(mark.may_be(FileMark::of(&moved).unwrap()));
        std::fs::copy(&moved, &copy).unwrap();
        assert!(!mark.may_be(FileMark::of(&copy).unwrap()));
        assert_eq!(FileMark::of(&path), None);
    }
}
