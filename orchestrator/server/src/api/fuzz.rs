//! What the fuzzers reach of the API: see [`crate::fuzz`].

use super::{customers, events, idempotency, import, tracking};
use crate::intake::Item;
use crate::problem::Problem;
use axum::extract::Query;
use http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;
use words::Timestamp;

pub(crate) use tracking::{MESSAGE_MAX, again, split};

/// A message by the route of `kind`.
pub(crate) fn message(bytes: &[u8], kind: &str, exact: bool, now: Timestamp) -> Result<Item, String> {
    tracking::by_route(bytes, kind, exact, now)
}

/// `None`: refused.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Option<Option<String>> {
    idempotency::key_in(headers).map_err(|_: Problem| ()).ok()
}

/// What each route with a query makes of it.
pub(crate) fn queries(query: &str) -> Vec<Option<String>> {
    let Ok(uri) = Uri::builder().path_and_query(format!("/?{query}")).build() else { return Vec::new() };
    fn read<T: DeserializeOwned + std::fmt::Debug>(uri: &Uri) -> Option<String> {
        Query::<T>::try_from_uri(uri).ok().map(|Query(asked)| format!("{asked:?}"))
    }
    vec![read::<import::Wanted>(&uri), read::<events::Limit>(&uri), read::<customers::Said>(&uri)]
}
