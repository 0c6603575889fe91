//! When a wait ends.
