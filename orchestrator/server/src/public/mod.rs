//! The public pages: what the links of messages lead to.
//!
//! No login, no cookie, no script. A link is signed and opaque; whoever holds it may use it, and a link that was changed,
//! or was made for another page, is answered like one that never was.
//!
//! Invariant: GET and HEAD change nothing about a customer; only POST does. Mail scanners follow links. That a link was
//! followed is written down beside the message, and what looks like a machine's doing is told apart from a person's.

mod click;
mod link;
mod page;
mod preferences;
mod survey;
#[cfg(test)]
mod tests;
mod unsubscribe;
mod view;

pub(crate) use link::about_message;

use crate::routes::{Access, Route};
use axum::routing::{MethodRouter, get, post};

/// Their routes.
pub(crate) fn routes() -> Vec<Route> {
    let route = |method, path, summary, handler: MethodRouter<crate::App>| Route {
        method,
        path,
        access: Access::Link,
        summary,
        body: "",
        handler,
    };
    vec![
        route("GET", "/u/{token}", "Asks whether to unsubscribe; changes nothing.", get(unsubscribe::ask)),
        route("POST", "/u/{token}", "Unsubscribes at once (RFC 8058).", post(unsubscribe::done)),
        route(
            "GET",
            "/p/{token}",
            "Shows what a customer gets, by purpose and channel.",
            get(preferences::show),
        ),
        route("POST", "/p/{token}", "Changes what a customer gets.", post(preferences::change)),
        route("GET", "/v/{token}", "Shows a mail in the browser.", get(view::show)),
        route(
            "GET",
            "/c/{token}",
            "Leads to where a link of a message leads, and counts the click.",
            get(click::follow),
        ),
        route("GET", "/s/{token}", "Shows a survey's question.", get(survey::ask)),
        route("POST", "/s/{token}", "Takes the answer to a survey.", post(survey::answer)),
        Route {
            access: Access::Open,
            ..route(
                "GET",
                "/public.css",
                "The style of these pages, in the brand's colours.",
                get(page::style),
            )
        },
    ]
}
