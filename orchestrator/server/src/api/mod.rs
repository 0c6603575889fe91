//! The API: what comes in.

mod health;

use crate::routes::Route;

/// Its routes.
pub(crate) fn routes() -> Vec<Route> {
    let mut all = Vec::new();
    all.extend(health::routes());
    all
}
