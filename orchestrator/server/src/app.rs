//! What every handler shares.

use crate::auth::Limiter;
use crate::intake::Named;
use crate::requests::Requests;
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
    pub(crate) named: Arc<Named>,
    pub(crate) requests: Arc<Requests>,
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

    /// From the environment, else from this file: a line `NAME=secret` for each. It is read whenever one is needed, so that a
    /// changed secret holds at once.
    pub fn environment_or(file: std::path::PathBuf) -> Self {
        let environment = Self::environment();
        Self::new(move |name| {
            environment.get(name).or_else(|| line_of(&std::fs::read_to_string(&file).ok()?, name))
        })
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Option<vault::Secret> {
        (self.0)(name)
    }
}

/// The value of `NAME=value` among lines; what begins with `#` says nothing.
fn line_of(lines: &str, name: &str) -> Option<vault::Secret> {
    lines
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .find(|(key, value)| key.trim() == name && !value.trim().is_empty())
        .map(|(_, value)| vault::Secret::new(value.trim().to_owned()))
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
            named: Arc::default(),
            requests: Arc::default(),
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

    /// Shop webhooks of the live release that are refused because their secret is not there: source and name of the secret.
    pub fn sources_without_secret(&self) -> Vec<(String, String)> {
        let Some(live) = self.current.live() else { return Vec::new() };
        let secrets = live.sources.0.values().map(|mapping| (&mapping.source, &mapping.signature.secret));
        secrets
            .filter(|(_, secret)| self.settings.secrets.get(secret).is_none())
            .map(|(source, secret)| (source.clone(), secret.clone()))
            .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_line_of_its_file() {
        let lines = "# shop\nSHOP = s3cr3t=\n#OLD=x\nEMPTY=\n";
        let found = |name| line_of(lines, name).map(|secret| secret.expose().to_owned());
        assert_eq!(found("SHOP").as_deref(), Some("s3cr3t="));
        assert_eq!((found("OLD"), found("EMPTY"), found("HOP")), (None, None, None));
    }
}
