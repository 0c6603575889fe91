//! The demo: real purchases through the shipped journeys, on the virtual clock.

pub(crate) mod cdnow;
