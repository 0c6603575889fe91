//! What every handler shares.

use crate::auth::Limiter;
use crate::sources::Sources;
use crate::{Hooks, NoHooks};
use release::Release;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Clock, Store};
use words::{IdSource, Timestamp};

/// The shared state. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct App {
    /// The tables.
    pub store: Store,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<IdSource>,
    /// What is live.
    pub current: Current,
    /// What the outside reaches us by, without a slash at the end: `https://tabi.example.jp`.
    pub base_url: Arc<str>,
    /// What only the wiring can do.
    pub hooks: Arc<dyn Hooks>,
    /// Limits and the like.
    pub settings: Arc<Settings>,
    /// Imports under way and of late.
    pub imports: crate::import::Imports,
    pub(crate) limiter: Arc<Limiter>,
}

/// How the server behaves; the defaults are meant for production.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests per second that one server key may make on average; bursts of twice as many are taken.
    pub server_key_per_second: u32,
    /// The same for a browser key.
    pub browser_key_per_second: u32,
    /// Where secrets of shop webhooks are looked up, by the name that the mapping gives.
    pub secrets: Secrets,
    /// What is here is synthetic, and whoever comes to the console from this machine is its operator. Serve it on
    /// loopback alone.
    pub demo: bool,
}

/// Looks up a secret by name.
#[derive(Clone)]
pub struct Secrets(Arc<LookUp>);

/// Gives the secret of a name.
type LookUp = dyn Fn(&str) -> Option<vault::Secret> + Send + Sync;

impl Secrets {
    /// By this function.
    pub fn new(look_up: impl Fn(&str) -> Option<vault::Secret> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// From the environment.
    pub fn environment() -> Self {
        Self::new(|name| std::env::var(name).ok().filter(|v| !v.is_empty()).map(vault::Secret::new))
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Option<vault::Secret> {
        (self.0)(name)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server_key_per_second: 20_000,
            browser_key_per_second: 100,
            secrets: Secrets::environment(),
            demo: false,
        }
    }
}

/// The live release and what is derived from it for the doors.
#[derive(Debug)]
pub struct Live {
    /// The release.
    pub release: Arc<Release>,
    /// The mappings of shop webhooks in it.
    pub sources: Sources,
}

/// A handle on what is live; swapped as a whole when a release is deployed.
#[derive(Clone, Default)]
pub struct Current(Arc<RwLock<Option<Arc<Live>>>>);

impl Current {
    /// With this release.
    pub fn of(release: Arc<Release>) -> Self {
        let current = Self::default();
        current.set(release);
        current
    }

    /// Makes `release` the one that requests are read by from now on.
    pub fn set(&self, release: Arc<Release>) {
        let (sources, _) = crate::sources::compile(&release.files, &release.project.schema);
        let live = Arc::new(Live { release, sources });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(live);
    }

    /// The live release with its mappings; `None`: nothing was deployed yet.
    pub fn live(&self) -> Option<Arc<Live>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The live release; `None`: nothing was deployed yet.
    pub fn release(&self) -> Option<Arc<Release>> {
        self.live().map(|live| live.release.clone())
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Current")
    }
}

impl App {
    /// With default settings and nothing but the store behind it.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<IdSource>,
        current: Current,
        base_url: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            current,
            base_url: base_url.into(),
            hooks: Arc::new(NoHooks),
            settings: Arc::default(),
            imports: crate::import::Imports::default(),
            limiter: Arc::default(),
        }
    }

    /// The same, sharing these imports with somebody else who imports.
    #[must_use]
    pub fn with_imports(mut self, imports: crate::import::Imports) -> Self {
        self.imports = imports;
        self
    }

    /// The same with these hooks.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = hooks;
        self
    }

    /// The same with these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = Arc::new(settings);
        self
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
