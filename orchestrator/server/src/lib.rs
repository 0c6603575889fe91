//! The HTTP side of Tabi: what comes in, the public pages behind the links of messages, and the console.
//!
//! [`router`] composes everything over one [`App`]; [`serve`] runs it on a listener until it is told to stop. The crate
//! knows no adapter and not the worker: what only the wiring can do it asks of [`Hooks`].
//!
//! Invariant: a 2xx to whoever sends events or changes is given after the durable commit, never before.

pub mod api;
mod app;
mod auth;
mod body;
pub mod console;
pub mod export;
mod hooks;
pub mod import;
mod intake;
mod json;
mod problem;
mod public;
mod routes;
pub mod sources;
#[cfg(test)]
mod testing;

pub use app::{App, Current, Live, Secrets, Settings};
pub use auth::{Caller, KeyKind, Scope};
pub use hooks::{Deployed, HookError, Hooks, NoHooks};
pub use problem::{Code, Problem};
pub use routes::{Access, Route};

use axum::Router;
use std::future::{Future, IntoFuture};
use std::time::Duration;
use tokio::net::TcpListener;

/// How long requests under way may go on after the server was told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Everything that is served: API, public pages, console.
pub fn router(app: App) -> Router {
    routes::compose(app.clone()).merge(console::router(app))
}

/// Serves on `listener` until `shutdown` ends; requests under way are finished, for at most ten seconds.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        // Small answers at once: without it they wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let graceful = async move {
        shutdown.await;
        let _ = stopping.send(());
    };
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(graceful).into_future();
    let too_long = async move {
        // A sender that is gone without a word means that serving itself has ended.
        match stopped.await {
            Ok(()) => tokio::time::sleep(DRAIN_MAX).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = served => result,
        () = too_long => Ok(()),
    }
}
