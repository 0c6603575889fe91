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

pub(crate) use cdnow::LAST_DAY;
pub(crate) use play::{SEED, first_day, play, today};
pub(crate) use summary::Onlooker;
