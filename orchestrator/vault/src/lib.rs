//! Keys, encryption, blind indexes and signed tokens.
