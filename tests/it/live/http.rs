//! One request, its answer read to the end: the siege's client.

pub(super) use siege::http::{Answer, request};
