//! Import of customers and of history from CSV and JSON Lines.
