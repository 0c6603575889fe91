//! What is meant for a customer's own HTTP endpoint, caught before anybody goes live.

use crate::{Arrival, store::Store};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    routing::post,
};
use words::Channel;

/// `POST /webhook/{target}`: takes any body up to 1 MiB for `target`, the URL that it was meant for.
pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/webhook/{*target}", post(take))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(store)
}

async fn take(State(store): State<Store>, Path(target): Path<String>, body: Bytes) -> StatusCode {
    let arrival = Arrival {
        channel: Channel::WEBHOOK,
        from: String::new(),
        to: target,
        provider_id: String::new(),
        raw: body.to_vec(),
    };
    match store.add(vec![arrival]).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
