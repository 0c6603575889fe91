//! The data folder: databases, keys, and what tells other processes where a running instance is.

use crate::args::Common;
use crate::exit::Fault;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use store::{Options, StoreError};
use vault::{RootKey, RootKeyError, Vault, VaultError};

/// Where keys lie on a server: apart from the data, so that a copy may leave them out.
pub(crate) const KEYS_SCHEMA: &str = "tabi_keys";

/// A data folder. Names alone: nothing is opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
    /// The address of the database, where it lies on a server.
    server: Option<String>,
}

impl Place {
    /// The folder at `folder`.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), server: None }
    }

    /// The place that was named on the command line.
    pub(crate) fn of(common: &Common) -> Self {
        Self { folder: common.data.clone(), server: common.database.clone() }
    }

    /// Whether other nodes may be at work on the same database.
    pub(crate) fn is_shared(&self) -> bool {
        self.server.is_some()
    }

    /// How its database is opened.
    pub(crate) fn options(&self) -> Result<Options, StoreError> {
        match &self.server {
            // What tells a restored database from the one that was left lies with the node.
            Some(url) => {
                let witness = Some(self.folder.join("tabi.witness"));
                Ok(Options { witness, ..Options::server(url)? })
            }
            None => Ok(Options::file(self.database())),
        }
    }

    /// The server that the database lies on, if it does.
    pub(crate) fn server(&self) -> Result<Option<db::Server>, StoreError> {
        Ok(self.server.as_ref().map(|url| db::Server::parse(url, store::SCHEMA)).transpose()?)
    }

    /// The root key, where there is one: none is made.
    pub(crate) fn find_root_key(&self) -> Result<RootKey, RootKeyError> {
        let from_environment = std::env::var("TABI_ROOT_KEY").ok().filter(|text| !text.is_empty());
        RootKey::find(from_environment.as_deref(), &self.root_key())
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("tabi.db")
    }

    /// The keys that everything personal is sealed with. To be backed up apart.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys.db")
    }

    /// The key that wraps those keys.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.folder.join("root.key")
    }

    /// Secrets of shop webhooks that are not in the environment: a line `NAME=secret` for each.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.folder.join("secrets")
    }

    /// The queue; may be deleted at any time.
    pub(crate) fn jobs(&self) -> PathBuf {
        self.folder.join("jobs.db")
    }

    /// The development inbox; may be deleted at any time.
    pub(crate) fn inbox(&self) -> PathBuf {
        self.folder.join("inbox.db")
    }

    /// Where a running instance listens for commands of this machine, and the token that it asks for.
    pub(crate) fn control(&self) -> PathBuf {
        self.folder.join("control.json")
    }

    /// Whether there is anything yet.
    pub(crate) async fn is_there(&self) -> Result<bool, StoreError> {
        self.options()?.is_there().await
    }

    /// Makes the folder, for its owner alone.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.folder)
            .with_context(|| format!("the data folder {} cannot be made", self.folder.display()))
    }

    /// Says what to do where there is no data.
    pub(crate) async fn must_be_there(&self) -> anyhow::Result<()> {
        if self.is_there().await? {
            return Ok(());
        }
        if self.server.is_some() {
            return Err(Fault::unreachable(
                "there is no data in this database yet: `tabi deploy` or `tabi serve` makes it, --database names another",
            )
            .into());
        }
        Err(Fault::unreachable(format!(
            "there is no data in {}: `tabi deploy` or `tabi serve` makes it, --data names another folder",
            self.folder.display()
        ))
        .into())
    }

    /// Opens the vault. A root key is made with a new folder, and never again: data would be lost without a word.
    pub(crate) async fn vault(&self) -> anyhow::Result<Vault> {
        let path = self.root_key();
        if self.server.is_some() {
            // What a node keeps for itself: its data may be there though its folder is not.
            self.make()?;
        }
        let mut made = false;
        let root = match self.find_root_key() {
            Err(RootKeyError::Missing(_)) if !self.database().is_file() && !self.keys().is_file() => {
                made = true;
                RootKey::create(&path)
            }
            found => found,
        }?;
        let Some(url) = &self.server else {
            return Vault::open(&self.keys(), &root)
                .await
                .with_context(|| format!("the keys at {} cannot be used", self.keys().display()));
        };
        let opened = Vault::on_server(db::Server::parse(url, KEYS_SCHEMA)?, &root).await;
        if made && matches!(opened, Err(VaultError::WrongRoot)) {
            // The first node made the key; ours is of no use.
            let _ = std::fs::remove_file(&path);
            return Err(Fault::refused(format!(
                "the keys in this database are wrapped by another root key: every node has the same one. Copy root.key of \
                 the first node's data folder to {}, or give it in TABI_ROOT_KEY",
                path.display()
            ))
            .into());
        }
        opened.context("the keys in this database cannot be used")
    }
}

/// From here on this process makes files and folders for their owner alone: databases, what lies beside them while they are
/// open, backups, exports, rows that an import refused. All of it is about people.
pub(crate) fn make_private() {
    #[cfg(unix)]
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
}

/// Writes a file that only its owner may read, in one step: never half there, never readable on the way.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let fresh = path.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(content)?;
    std::fs::rename(&fresh, path)
}
