//! Messages as signed HTTP calls.
