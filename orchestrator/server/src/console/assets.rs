//! What is inside the binary: templates, words, stylesheet, script, icon.

use super::visit::{Failure, Visit};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "assets/console/"]
struct Files;

/// What browsers may ask for, with its media type.
const SERVED: [(&str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8"),
    ("console.js", "text/javascript; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
];

/// Changes with every byte that is served, so that browsers may keep what they have.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (name, _) in SERVED {
        hash.update(text(name).as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..6])
});

/// A file of ours as text; empty where there is none (a test asks for each by name).
pub(crate) fn text(name: &str) -> String {
    Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
}

/// The templates: (name, text).
pub(crate) fn templates() -> Vec<(String, String)> {
    Files::iter()
        .filter_map(|path| path.strip_prefix("templates/").map(|name| (name.to_owned(), text(&path))))
        .collect()
}

/// `GET /console/assets/{name}`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let name = visit.path("name");
    let (name, media) = SERVED.into_iter().find(|(known, _)| *known == name).ok_or(Failure::NotFound)?;
    let headers = [(CONTENT_TYPE, media), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, text(name)).into_response())
}
