//! The project that is shipped: `journeys/` and `templates/` as they stand.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

fn read(root: &Path, folder: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, out);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            out.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn checking_the_shipped_project_is_silent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = BTreeMap::new();
    for folder in ["journeys", "templates"] {
        read(&root, &root.join(folder), &mut files);
    }
    let (release, problems) = release::Release::build(files);
    let shown: Vec<String> =
        problems.iter().map(|p| format!("{}: {:?} {} {}", p.file, p.span, p.code, p.title.en)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    let release = release.unwrap();
    assert!(release.project.programs.len() >= 3);
    let (_, problems) = release.stories();
    assert_eq!(problems, []);
}
