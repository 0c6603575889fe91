//! What is said about a person is read by the schema.
