//! The console: pages for the people who run Tabi.

use crate::App;
use axum::Router;

/// The console's pages.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
