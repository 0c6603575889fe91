//! What the fuzzers reach of the console: see [`crate::fuzz`].

use super::customers::identities;
use super::messages::{address, period};
use super::visit::Fields;
use words::Zone;

/// The filter of the message log: what is read of a query, and the query that leads to the next page.
pub fn console_query(query: &[u8], zone: &Zone) -> (String, String) {
    let fields = Fields::parse(query);
    let mut wrong = Vec::new();
    let (from, to) = period(&fields, zone, &mut wrong);
    let address = fields.get("address").and_then(|text| address(text, None));
    let customer = fields.get("customer").map(identities);
    let after: Option<u64> = fields.get("after").and_then(|text| text.parse().ok());
    let read = format!("{from:?} {to:?} {wrong:?} {address:?} {customer:?} {after:?}");
    (read, fields.query_without(&["after", "lang", "note"]))
}

/// A line of a table to take away, as it is written.
pub fn cells_of_log(cells: &[String]) -> Vec<u8> {
    crate::export::csv_line(cells, false)
}
