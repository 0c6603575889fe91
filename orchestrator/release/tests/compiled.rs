//! A release kept as it was compiled: the same release, or none.
#![allow(clippy::unwrap_used, clippy::panic)]

use release::{Files, Release, files};
use std::{path::Path, sync::Arc};

fn at(folder: &str) -> Release {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    Release::build(files::read(&root).unwrap()).0.unwrap()
}

#[test]
fn what_is_kept_compiled_is_what_compiling_gives() {
    for project in [".", "tests/corpus", "tests/bench/project"] {
        let built = at(project);
        let kept = Release::from_compiled(&built.files, &built.to_compiled()).unwrap();
        assert_eq!(kept.id, built.id, "{project}");
        assert_eq!(kept.project, built.project, "{project}");
        assert_eq!(kept.templates.to_bytes(), built.templates.to_bytes(), "{project}");
        assert_eq!(kept.templates.catalog(), built.templates.catalog(), "{project}");
        assert_eq!(format!("{:?}", kept.listeners), format!("{:?}", built.listeners), "{project}");
        assert_eq!(format!("{:?}", kept.brand), format!("{:?}", built.brand), "{project}");
        let again = Release::again((*built.files).clone()).0.unwrap();
        assert_eq!(again.to_compiled(), built.to_compiled(), "{project}: twice the same");
    }
}

#[test]
fn what_is_of_other_files_or_damaged_is_not_read() {
    let built = at("tests/bench/project");
    let bytes = built.to_compiled();
    let mut other: Files = (*built.files).clone();
    other.insert("journeys/new.yaml".to_owned(), b"{}\n".to_vec());
    assert!(Release::from_compiled(&Arc::new(other), &bytes).is_none());
    for at in (0..bytes.len()).step_by(bytes.len() / 97).chain(0..90) {
        assert!(Release::from_compiled(&built.files, &bytes[..at]).is_none(), "cut at {at}");
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        assert!(Release::from_compiled(&built.files, &bytes).is_none(), "changed at {at}");
    }
}
