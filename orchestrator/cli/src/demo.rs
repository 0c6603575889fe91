//! The demo: a real record shop's purchases, played through the project's journeys.
//!
//! The purchases are real; names, addresses, consents, deliveries and clicks come from a seeded generator and are called
//! synthetic wherever they are shown.

mod cdnow;
mod chance;
mod future;
mod people;
mod play;
mod summary;

#[expect(unused_imports, reason = "`tabi demo` is wired in a later commit")]
#[allow(unused_imports)]
pub(crate) use play::{TODAY, first_day, play};
#[expect(unused_imports, reason = "`tabi demo` is wired in a later commit")]
pub(crate) use summary::Onlooker;
