//! The HTTP API, the console and the development inbox.
