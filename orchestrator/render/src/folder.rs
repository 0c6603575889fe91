//! Reads a project's `templates/` folder from disk.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Folders into each other, at most.
const DEPTH_MAX: usize = 6;

/// All files below `<root>/templates`, by path from the root with `/`. Symbolic links and hidden files are passed over,
/// so that nothing outside of the folder is ever read. A file of more than 1 MiB is read to its first MiB and a byte: the
/// compiler refuses it.
///
/// # Errors
/// Where the folder or a file cannot be read.
pub fn read_folder(root: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    walk(&root.join("templates"), "templates", 0, &mut files)?;
    Ok(files)
}

fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    use io::Read;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if name.starts_with('.') || kind.is_symlink() {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if kind.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), &path, depth + 1, files)?;
        } else if kind.is_file() {
            let mut bytes = Vec::new();
            std::fs::File::open(entry.path())?.take(1024 * 1024 + 1).read_to_end(&mut bytes)?;
            files.insert(path, bytes);
        }
    }
    Ok(())
}
