//! The judge: may this message go to this customer now, and if not, why and when.
