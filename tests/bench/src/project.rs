//! The project that the product runs here: `tests/bench/project`, alone or with many more journeys.

use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Journeys of [`many`].
pub const JOURNEYS: usize = 200;

/// Steps of each of them.
const NODES: usize = 30;

/// The project with [`JOURNEYS`] more journeys of thirty steps each, in `folder`; made at the first call.
///
/// # Errors
/// Those of the file system.
pub fn many(project: &Path, folder: &Path) -> Result<PathBuf> {
    let made = folder.join("project");
    if !made.exists() {
        let new = folder.join("project.new");
        copy(project, &new)?;
        for number in 0..JOURNEYS {
            let path = new.join(format!("journeys/many_{number:03}.yaml"));
            std::fs::write(&path, journey(number)).with_context(|| path.display().to_string())?;
        }
        std::fs::rename(new, &made)?;
    }
    Ok(made)
}

/// Copy a folder with all that is in it.
///
/// # Errors
/// Those of the file system.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Thirty steps: waits, branches, a way out, messages.
fn journey(number: usize) -> String {
    let mut text = format!(
        "# One of many, made by the suite.\njourney: many_{number:03}\ntitle: {{en: One of many}}\npurpose: receipts\n\
         owner: bench@example.com\n\nstart:\n  event: parcel_sent\n  if: event.weight == {number}\n  once_per: order_id\n\
         stop_if: parcel_lost\nfirst_of: [sms]\n\nsteps:\n"
    );
    // Five of six steps each.
    for turn in 0..NODES / 6 {
        let (least, hours) = (turn + number % 7, 6 + (turn * 7 + number) % 48);
        let _ = write!(
            text,
            "  - wait: {hours} hours\n  - if: customer.orders > {least}\n    then:\n      - wait: 2 hours\n      - send: \
             note\n        with: {{order_id: event.order_id}}\n    else:\n      - wait: 3 hours\n  - send: note\n    with: \
             {{order_id: event.order_id}}\n"
        );
    }
    text
}
