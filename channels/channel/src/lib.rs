//! The adapter trait, its outcomes and its conformance suite.
