//! Queries and forms: refused in our words or read; the console leads on to what it was asked.

use crate::parts::text;
use server::fuzz::{api_query, console_query};
use words::Zone;

/// What stands after the `?`.
pub(crate) fn run(bytes: &[u8]) {
    let _ = api_query(&text(bytes));
    for zone in ["UTC", "Asia/Tokyo", "America/Sao_Paulo"] {
        let zone = Zone::parse(zone).expect("a zone");
        let (read, next) = console_query(bytes, &zone);
        // The next page is one of the same selection; where it begins is no part of it.
        let (again, further) = console_query(next.as_bytes(), &zone);
        let selection = |read: &str| read.rsplit_once(' ').map(|(selection, _)| selection.to_owned());
        assert_eq!(selection(&again), selection(&read), "{next}");
        assert_eq!(further, next);
        assert!(!next.contains(['\r', '\n', ' ', '"', '<', '>']), "{next}");
    }
}
