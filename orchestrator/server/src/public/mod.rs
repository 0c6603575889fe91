//! The public pages: what the links of messages lead to.

use crate::routes::Route;

/// Their routes.
pub(crate) fn routes() -> Vec<Route> {
    Vec::new()
}
