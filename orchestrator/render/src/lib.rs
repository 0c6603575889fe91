//! Brand, layouts, messages: templates in, exact bytes out.
//!
//! [`compile()`] reads a project's `templates/` folder and says every problem at once; [`Templates`] is the compiled part of
//! a release; [`Templates::render`] makes the final bytes of one message, in this process, for check, preview and tests;
//! [`Pool`] does the same for live sends in a child process with limits on time, output and memory.
//! The formats are described in `templates/README.md`.
//!
//! Invariant: the same templates and the same request give the same bytes, on any machine.

mod bounds;
mod brand;
mod check;
mod child;
mod colours;
mod compile;
mod declare;
mod filters;
mod flatten;
mod fold;
mod folder;
mod format;
mod frame;
mod japanese;
mod limits;
mod links;
mod lints;
mod mjml;
mod names;
mod pool;
mod preview;
mod probe;
mod problems;
mod request;
mod scan;
mod scope;
mod slips;
mod strings;
mod syntax;
mod tags;
mod templates;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod trial;
mod values;
mod yaml;

pub use brand::{Brand, Localised, Sender};
pub use child::child_main;
pub use compile::{compile, compile_untried};
pub use declare::{Input, Sample};
pub use filters::escape_html;
pub use folder::read_folder;
pub use links::{rewrite_links, rewrite_text_links};
pub use pool::{Pool, PoolOptions};
pub use preview::Preview;
pub use request::{Content, Email, Links, Push, RenderError, RenderRequest, Rendered, Sms};
pub use templates::{LoadError, Templates};
