//! The tables: SQLite today, PostgreSQL under the same conformance suite.
