//! Product tests.
