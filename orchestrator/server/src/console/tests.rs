//! The console from outside: requests in, pages out, over a store in memory with a small story in it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod doors;
mod pages;
mod story;
mod words_of;
