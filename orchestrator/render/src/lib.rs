//! Brand, layouts, messages: templates in, exact bytes out.
//!
//! [`compile`] reads a project's `templates/` folder and says every problem at once; [`Templates`] is the compiled part of
//! a release; [`Templates::render`] makes the final bytes of one message, in this process, for check, preview and tests;
//! [`Pool`] does the same for live sends in a child process with limits on time, output and memory.
//! The formats are described in `templates/README.md`.
//!
//! Invariant: the same templates and the same request give the same bytes, on any machine.

mod request;

pub use request::{Content, Email, Links, Push, RenderError, RenderRequest, Rendered, Sms};
