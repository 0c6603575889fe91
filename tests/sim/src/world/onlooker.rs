//! What is learnt from looking on: what was written down, and when whom was stepped.

use super::locked;
use crate::book::{Book, Said};
use crate::tables::Tables;
use std::sync::{Arc, Mutex};
use store::{CustomerChange, DeliveryState, SendWork, Settle};
use words::{CustomerId, Timestamp};
use worker::Observer;

pub(super) struct Onlooker {
    pub(super) book: Arc<Mutex<Book>>,
    pub(super) tables: Arc<Mutex<Option<Tables>>>,
}

impl Observer for Onlooker {
    fn stepped(&self, at: Timestamp, customer: CustomerId, change: &CustomerChange) {
        let mut book = locked(&self.book);
        book.stepped.entry(customer).or_default().push((at.as_micros(), change.applied_seq));
    }

    fn closed(&self, at: Timestamp, work: &SendWork, settle: &Settle) {
        let at = at.as_micros();
        if settle.attempt.is_none() && settle.why.contains("\"cap_reached\"") {
            self.cap(at, work);
        }
        let mut book = locked(&self.book);
        book.note(format!("{at} {} of {} is {}", work.step, work.journey, settle.state.as_str()));
        let refused =
            |tries: &Vec<crate::book::Handed>| tries.last().is_some_and(|h| h.said == Some(Said::Refused));
        let stopped = settle.attempt.is_none() || book.handed.get(&work.delivery).is_some_and(refused);
        if settle.state == DeliveryState::Unknown {
            book.unknown.insert(work.message);
            if stopped {
                book.given_up.insert(work.message);
            }
        }
        if settle.attempt.is_none() {
            return;
        }
        let mut dead = None;
        if let Some(last) = book.handed.get_mut(&work.delivery).and_then(|tries| tries.last_mut()) {
            last.written = true;
            dead = (last.said == Some(Said::Dead)).then(|| last.to.clone());
        }
        book.dead.extend(dead);
        if settle.state == DeliveryState::Accepted {
            book.accepted.insert(work.message);
        }
    }
}

impl Onlooker {
    /// Whoever is told that the week is full: is it?
    fn cap(&self, at: i64, work: &SendWork) {
        // Opened, and the process ended before the provider saw anything: that is a use nobody here saw.
        let unseen = {
            let book = locked(&self.book);
            let tables = locked(&self.tables);
            let rows =
                tables.as_ref().and_then(|t| t.rows("select delivery from cap_use").ok()).unwrap_or_default();
            rows.iter()
                .filter_map(|row| match row.first() {
                    Some(rusqlite::types::Value::Blob(id)) => words::DeliveryId::from_slice(id),
                    _ => None,
                })
                .filter(|id| !book.handed.contains_key(id))
                .count()
        };
        let mut book = locked(&self.book);
        let person = book
            .people
            .iter()
            .find(|p| p.email == work.address || p.phone.as_deref() == Some(&work.address))
            .map(|p| p.group);
        let Some(group) = person else { return };
        let given_back = |said: Option<Said>| {
            matches!(said, Some(Said::Refused | Said::Dead | Said::Away | Said::Throttled(_)))
        };
        let used = book.uses(group, at, Some(work.delivery), |h| !(given_back(h.said) && h.written)) + unseen;
        if used < 3 {
            book.breach(
                "I8",
                format!("{} of {}: told that three were sent, and it is {used}", work.step, work.journey),
            );
        }
    }
}
