//! The audit record: what is written down, in the transaction that makes it true.
