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
mod callbacks;
pub mod console;
pub mod export;
#[doc(hidden)]
pub mod fuzz;
mod hooks;
pub mod import;
mod intake;
mod json;
mod listen;
mod problem;
mod public;
mod query;
mod receipts;
mod requests;
mod routes;
pub mod sources;
#[cfg(test)]
mod testing;

pub use app::{App, Current, Live, Secrets, Settings};
pub use auth::{Caller, KeyKind, Scope};
pub use hooks::{Deployed, HookError, Hooks, NoHooks};
pub use intake::national;
pub use listen::{serve, serve_health};
pub use problem::{Code, Problem};
pub use routes::{Access, Route};

use axum::Router;

/// Everything that is served: API, public pages, console.
pub fn router(app: App) -> Router {
    routes::compose(app.clone()).merge(console::router(app))
}
