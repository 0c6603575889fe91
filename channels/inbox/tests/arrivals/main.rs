//! The inbox as the adapters and the console meet it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod kept;
mod providers;
mod smtp;

use inbox::Inbox;

/// A fresh inbox; the folder has to outlive it.
async fn fresh() -> (tempfile::TempDir, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&folder.path().join("inbox.db")).await.unwrap();
    (folder, inbox)
}
