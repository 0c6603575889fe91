//! Gates: the places at which a node may be made to stand still while the world goes on.

use release::Release;
use render::RenderRequest;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use worker::{InProcess, Renderer, Rendering};

/// Where a node may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A step is decided and not yet written.
    Decided,
    /// The judge has spoken, and the hand-over is not yet opened.
    Judged,
    /// The hand-over is opened, and the provider has seen nothing yet.
    Opened,
    /// The provider has answered, and nothing is written down yet.
    Answered,
}

/// All of them.
pub const PLACES: [Place; 4] = [Place::Decided, Place::Judged, Place::Opened, Place::Answered];

/// A node's gates.
#[derive(Debug, Default)]
pub struct Gate {
    stop_at: Mutex<Option<Place>>,
    standing: Mutex<Option<Place>>,
    stands: Notify,
    go: Notify,
    /// The process is ended by what it was about to render.
    poisoned: AtomicBool,
    deaths: Arc<AtomicU32>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Gates that count deaths by poison here.
    pub fn counting(deaths: Arc<AtomicU32>) -> Self {
        Self { deaths, ..Self::default() }
    }

    /// The node is to stand still when it next comes to this place.
    pub fn stop_at(&self, place: Option<Place>) {
        *locked(&self.stop_at) = place;
    }

    /// Where it stands.
    pub fn standing(&self) -> Option<Place> {
        *locked(&self.standing)
    }

    /// Whether it met a message that ends processes.
    pub fn poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Waits until it stands.
    pub async fn stands(&self) {
        while self.standing().is_none() && !self.poisoned() {
            self.stands.notified().await;
        }
    }

    /// It goes on.
    pub fn go(&self) {
        *locked(&self.standing) = None;
        self.go.notify_one();
    }

    /// Comes to a place.
    pub async fn pass(&self, place: Place) {
        {
            let mut wanted = locked(&self.stop_at);
            if *wanted != Some(place) {
                return;
            }
            *wanted = None;
            *locked(&self.standing) = Some(place);
        }
        self.stands.notify_one();
        self.go.notified().await;
    }

    async fn die(&self) {
        self.deaths.fetch_add(1, Ordering::SeqCst);
        self.poisoned.store(true, Ordering::SeqCst);
        self.stands.notify_one();
        std::future::pending::<()>().await;
    }
}

/// The locale of those whose messages end the process that renders them.
pub const POISON: &str = "fr";

/// Renders as live runs do, behind a gate.
#[derive(Debug)]
pub struct Gated(pub Arc<Gate>);

impl Renderer for Gated {
    fn render<'a>(&'a self, release: &'a Arc<Release>, requests: Vec<RenderRequest>) -> Rendering<'a> {
        Box::pin(async move {
            if requests
                .iter()
                .any(|request| request.locale.as_ref().is_some_and(|locale| locale.to_string() == POISON))
            {
                self.0.die().await;
            }
            self.0.pass(Place::Judged).await;
            InProcess.render(release, requests).await
        })
    }
}
