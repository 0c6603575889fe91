//! An installation, opened: its tables, keys, clocks and ids.

use crate::{commands::Context, config::Config, place::Place, project};
use futures::future::BoxFuture;
use ring::rand::SecureRandom as _;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Clock, Options, Store, StoreError, SystemClock, VirtualClock};
use vault::VaultError;
use words::{IdSource, Timestamp};
use worker::live::LiveError;

/// The tables of one installation, and what goes with them.
#[derive(Clone)]
pub(crate) struct Instance {
    /// Where it lies.
    pub(crate) place: Place,
    /// The tables.
    pub(crate) store: Store,
    /// Both clocks.
    pub(crate) clock: Arc<dyn Clock>,
    /// The same clock, where business time is the demo's and can be moved on.
    pub(crate) advances: Option<Arc<VirtualClock>>,
    /// New ids.
    pub(crate) ids: Arc<IdSource>,
    /// Listening and providers.
    pub(crate) config: Arc<Config>,
}

impl Instance {
    /// For reading alone, also while another process runs it.
    pub(crate) async fn read(context: &Context) -> anyhow::Result<Self> {
        let place = Place::of(&context.common);
        place.must_be_there().await?;
        Self::open(context, place, |options| options.read_only()).await
    }

    /// For writing; makes the data where there is none yet. [`StoreError::InUse`] where another process runs it.
    pub(crate) async fn write(context: &Context) -> anyhow::Result<Self> {
        let place = Place::of(&context.common);
        place.make()?;
        Self::open(context, place, |options| options).await
    }

    async fn open(
        context: &Context,
        place: Place,
        how: impl FnOnce(Options) -> Options,
    ) -> anyhow::Result<Self> {
        let project = project::find(context.common.project.as_deref()).ok();
        let config = Config::load(context.common.config.as_deref(), place.folder(), project.as_deref())?;
        let vault = place.vault().await?;
        let store = Store::open(how(place.options()?), vault).await?;
        store.keeps_copies_in(Arc::new(Inbox(place.inbox())));
        Ok(Self {
            place,
            store,
            clock: Arc::new(SystemClock),
            advances: None,
            ids: Arc::new(random_ids()),
            config: Arc::new(config),
        })
    }

    /// The same, in the demo's business time.
    pub(crate) fn in_time_of(mut self, clock: Arc<VirtualClock>) -> Self {
        self.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        self.advances = Some(clock);
        self
    }

    /// Business time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The live release, compiled. An error says how to get one.
    pub(crate) async fn release(&self) -> anyhow::Result<Arc<release::Release>> {
        Ok(worker::Live::load(&self.store).await?.release)
    }

    /// Commits what is queued and closes.
    pub(crate) async fn close(self) {
        self.store.close().await;
        self.store.vault().close().await;
    }
}

/// The development inbox, where there is one: mails in clear.
struct Inbox(PathBuf);

impl store::Copies for Inbox {
    fn forget(&self, addresses: Vec<String>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if !self.0.is_file() {
                return Ok(());
            }
            let forgotten = async { inbox::Inbox::open(&self.0).await?.forget(&addresses).await };
            forgotten.await.map(drop).map_err(|error| {
                StoreError::Unfinished(format!("copies are left in the development inbox: {error}"))
            })
        })
    }
}

/// Whether the error says that another process has the database, or the folder.
pub(crate) fn in_use(error: &anyhow::Error) -> bool {
    in_use_by(error).is_some()
}

/// Who that is.
pub(crate) fn in_use_by(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(StoreError::InUse { by, .. }) => Some(by.clone()),
        _ => None,
    })
}

/// Whether the error says that the database cannot be reached, or could not do it now.
pub(crate) fn out_of_reach(error: &anyhow::Error) -> bool {
    let of_keys = |error: &VaultError| matches!(error, VaultError::Server(_));
    let of_store = |error: &StoreError| match error {
        StoreError::Unavailable(_) => true,
        StoreError::Vault(error) => of_keys(error),
        _ => false,
    };
    error.chain().any(|cause| {
        cause.downcast_ref().is_some_and(of_store)
            || cause.downcast_ref().is_some_and(of_keys)
            || matches!(cause.downcast_ref(), Some(LiveError::Store(error)) if of_store(error))
    })
}

/// Ids from the operating system's chance.
pub(crate) fn random_ids() -> IdSource {
    let chance = ring::rand::SystemRandom::new();
    IdSource::new(move || {
        let mut bytes = [0; 8];
        // A system without random bytes gives ids that are still unique in this process, by time and counter.
        let _ = chance.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    })
}

/// A fresh secret: 128 bits as hexadecimal text.
pub(crate) fn random_token() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
