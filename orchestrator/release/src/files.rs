//! The files of a project: what is read from disk, what a release is made of, and how it is kept in one archive.

use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io, path::Path};
use words::ReleaseId;

/// The files of a project by their path from its root, with `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The folders of a project that a release is made of.
pub const FOLDERS: [&str; 2] = ["journeys", "templates"];

/// The most bytes of one file and of all of them together that are read.
const FILE_BYTES_MAX: u64 = 16 << 20;
const PROJECT_BYTES_MAX: u64 = 64 << 20;

/// Reads `journeys/` and `templates/` under `root`. Hidden files are left out; links are not followed.
pub fn read(root: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut total = 0;
    for folder in FOLDERS {
        let path = root.join(folder);
        if path.is_dir() {
            read_folder(&path, folder, &mut files, &mut total)?;
        }
    }
    if files.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "{} holds no project: there is neither journeys/ nor templates/ with a file. Make one with `tabi init`, \
                 or name another folder with --project",
                root.display()
            ),
        ));
    }
    Ok(files)
}

fn read_folder(path: &Path, name: &str, files: &mut Files, total: &mut u64) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Some(file_name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}: the name is not UTF-8; rename the file", entry.path().display()),
            ));
        };
        if file_name.starts_with('.') || file_name.ends_with('~') {
            continue;
        }
        let full = format!("{name}/{file_name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_folder(&entry.path(), &full, files, total)?;
        } else if kind.is_file() {
            let size = entry.metadata()?.len();
            *total += size;
            if size > FILE_BYTES_MAX || *total > PROJECT_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("{full}: a file of a project has at most 16 MiB, all together at most 64 MiB"),
                ));
            }
            files.insert(full, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The files of `journeys/` alone: those of `templates/` are YAML too, and no journeys.
pub(crate) fn of_journeys(files: &Files) -> Files {
    let own = files.iter().filter(|(path, _)| path.starts_with("journeys/"));
    own.map(|(path, content)| (path.clone(), content.clone())).collect()
}

/// The id of a release: SHA-256 over paths and contents in order, its first 16 bytes.
pub fn id(files: &Files) -> ReleaseId {
    let mut hash = Sha256::new();
    hash.update(b"tabi/release/v1\0");
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    ReleaseId(id)
}

/// One archive: for each file the lengths of path and content (u32, big-endian), then both.
pub fn pack(files: &Files) -> Vec<u8> {
    let mut out = Vec::with_capacity(files.iter().map(|(p, c)| p.len() + c.len() + 8).sum());
    for (path, content) in files {
        out.extend((path.len() as u32).to_be_bytes());
        out.extend((content.len() as u32).to_be_bytes());
        out.extend(path.as_bytes());
        out.extend(content);
    }
    out
}

/// Reads what [`pack`] wrote; `None` if it did not.
pub fn unpack(mut archive: &[u8]) -> Option<Files> {
    let mut files = Files::new();
    while !archive.is_empty() {
        let (path_len, rest) = archive.split_first_chunk::<4>()?;
        let (content_len, rest) = rest.split_first_chunk::<4>()?;
        let (path, rest) = rest.split_at_checked(u32::from_be_bytes(*path_len) as usize)?;
        let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*content_len) as usize)?;
        files.insert(String::from_utf8(path.to_vec()).ok()?, content.to_vec());
        archive = rest;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_gives_back_its_files_and_a_cut_one_gives_nothing() {
        let files = Files::from([("a/b.yaml".to_owned(), b"x: 1".to_vec()), ("c".to_owned(), Vec::new())]);
        let archive = pack(&files);
        assert_eq!(unpack(&archive), Some(files.clone()));
        assert_eq!(unpack(&archive[..archive.len() - 1]), None);
        let mut other = files.clone();
        other.insert("c".to_owned(), vec![0]);
        assert_ne!(id(&files), id(&other));
    }
}
