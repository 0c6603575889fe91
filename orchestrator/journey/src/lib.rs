//! The journey language: YAML in, checked programs or diagnostics out.
