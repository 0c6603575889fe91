//! SMS over HTTP.
