//! Which tables a copy takes along, and how. Every table of either database stands here: a test looks.

/// How a table comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Row by row.
    Rows,
    /// On PostgreSQL in lanes, of which a file has the sums.
    Lanes,
    /// Made anew where it is needed, out of what came along; or of no use elsewhere.
    Left,
}

/// In the order in which they are written: who is referred to comes first.
pub(super) const TABLES: [(&str, Way); 52] = [
    ("setting", Way::Rows),
    ("symbol", Way::Rows),
    ("release", Way::Rows),
    ("release_live", Way::Rows),
    ("release_program", Way::Rows),
    ("release_compiled", Way::Rows),
    ("program", Way::Rows),
    ("likeness", Way::Rows),
    ("customer", Way::Rows),
    ("customer_profile", Way::Rows),
    ("customer_segment", Way::Rows),
    ("identity", Way::Rows),
    ("suppression", Way::Rows),
    ("consent_change", Way::Rows),
    ("event", Way::Rows),
    ("event_seen", Way::Rows),
    ("rejected_event", Way::Rows),
    ("unknown_event", Way::Rows),
    ("idempotency", Way::Rows),
    ("enrollment", Way::Rows),
    ("enrollment_context", Way::Rows),
    ("goal", Way::Rows),
    ("message", Way::Rows),
    ("delivery", Way::Rows),
    ("addressed", Way::Rows),
    ("content", Way::Rows),
    ("attempt", Way::Rows),
    ("receipt", Way::Rows),
    ("cap_use", Way::Rows),
    ("decision", Way::Rows),
    ("call", Way::Rows),
    ("notice", Way::Rows),
    ("audit_event", Way::Rows),
    ("item", Way::Rows),
    ("account", Way::Rows),
    ("fanout", Way::Rows),
    ("stop", Way::Rows),
    ("channel_pace", Way::Rows),
    ("operator", Way::Rows),
    ("session", Way::Rows),
    ("api_key", Way::Rows),
    ("place_tally", Way::Lanes),
    ("tally", Way::Lanes),
    ("not_sent_tally", Way::Lanes),
    // The lanes themselves.
    ("place_tally_lane", Way::Left),
    ("tally_lane", Way::Left),
    ("not_sent_tally_lane", Way::Left),
    // How the log is searched in a file: made anew.
    ("message_bits", Way::Left),
    ("message_span", Way::Left),
    // The processes that run now; whose turn it is; which migrations were run.
    ("node", Way::Left),
    ("work_shard", Way::Left),
    ("tabi_migration", Way::Left),
];

/// Numbers that PostgreSQL gives out: table and column.
pub(super) const NUMBERED: [(&str, &str); 4] =
    [("symbol", "id"), ("program", "no"), ("release_live", "n"), ("likeness", "id")];
