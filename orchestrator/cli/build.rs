//! Lays the pages of the codes into the program: `tabi explain` shows them wherever it runs.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

/// The crates that have codes, beside this one.
const HOMES: [&str; 4] = ["journey", "release", "render", "server"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let crates = here.parent().ok_or("a crate lies in a folder")?;
    let mut pages: BTreeMap<String, [Option<PathBuf>; 2]> = BTreeMap::new();
    for home in HOMES {
        let folder = crates.join(home).join("codes");
        println!("cargo::rerun-if-changed={}", folder.display());
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let Some(stem) = name.strip_suffix(".md") else { continue };
            // `J050.md`, and its Japanese twin `J050.ja.md` where there is one.
            match stem.strip_suffix(".ja") {
                Some(code) => pages.entry(code.to_owned()).or_default()[1] = Some(path),
                None => pages.entry(stem.to_owned()).or_default()[0] = Some(path),
            }
        }
    }
    let rows: Vec<String> = pages
        .into_iter()
        .filter_map(|(code, [en, ja])| {
            let ja = ja.map_or("None".to_owned(), |path| format!("Some({})", included(&path)));
            Some(format!("    ({code:?}, {}, {ja}),\n", included(&en?)))
        })
        .collect();
    let table = format!("&[\n{}]\n", rows.concat());
    fs::write(Path::new(&env::var("OUT_DIR")?).join("codes.rs"), table)?;
    Ok(())
}

fn included(path: &Path) -> String {
    format!("include_str!({:?})", path.display().to_string())
}
