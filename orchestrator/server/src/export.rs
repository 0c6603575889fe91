//! Selections of the sent-message log to take away: CSV, JSONL, EML. Streamed, page by page: memory does not grow with it.
//!
//! CSV is safe to open in a spreadsheet: a cell that would be read as a formula gets an apostrophe before it (OWASP, CSV
//! injection). EML is one mbox (RFC 4155, `mboxrd` quoting), so that any mail program opens a selection of any size.
//! Reading content is recorded by the store, message by message.

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value as Json, json};
use store::{LogCursor, LogEntry, LogFilter, Store, StoreError};
use words::Timestamp;

/// Messages read at once.
const PAGE: usize = 200;

/// How a selection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One line per delivery, or per message that was not sent.
    Csv,
    /// One JSON object per message, with everything but its content.
    Jsonl,
    /// The mails as sent, in one mbox.
    Eml,
}

impl Format {
    /// The name in queries and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Eml => "eml",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Csv, Self::Jsonl, Self::Eml].into_iter().find(|format| format.as_str() == text)
    }

    /// The media type.
    pub fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
            Self::Eml => "application/mbox",
        }
    }

    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Eml => "mbox",
        }
    }
}

/// The columns of the CSV.
pub const COLUMNS: [&str; 29] = [
    "message",
    "customer",
    "planned_at",
    "journey",
    "step",
    "visit",
    "name",
    "purpose",
    "class",
    "outcome",
    "inbox",
    "settled_at",
    "verdict",
    "reasons",
    "consent_basis",
    "consent_at",
    "consent_method",
    "consent_source",
    "consent_wording",
    "event",
    "event_at",
    "release",
    "delivery",
    "channel",
    "address",
    "state",
    "provider",
    "handed_over_at",
    "receipts",
];

enum Stage {
    Head,
    Rows(Option<LogCursor>),
    End,
}

/// The selection in pieces, newest first. `by` and `reason` are recorded where content is read (EML).
pub fn stream(
    store: Store,
    filter: LogFilter,
    format: Format,
    by: String,
    reason: String,
    now: Timestamp,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
    futures::stream::unfold(Stage::Head, move |stage| {
        let (store, filter, by, reason) = (store.clone(), filter.clone(), by.clone(), reason.clone());
        async move {
            let after = match stage {
                Stage::Head if format == Format::Csv => {
                    return Some((Ok(Bytes::from(head())), Stage::Rows(None)));
                }
                Stage::Head => None,
                Stage::Rows(after) => after,
                Stage::End => return None,
            };
            match piece(&store, &filter, after, format, (&by, &reason, now)).await {
                Ok((bytes, Some(next))) => Some((Ok(bytes), Stage::Rows(Some(next)))),
                Ok((bytes, None)) => Some((Ok(bytes), Stage::End)),
                Err(error) => {
                    tracing::error!("An export of the message log broke off: {error}");
                    Some((Err(error), Stage::End))
                }
            }
        }
    })
}

async fn piece(
    store: &Store,
    filter: &LogFilter,
    after: Option<LogCursor>,
    format: Format,
    reader: (&str, &str, Timestamp),
) -> Result<(Bytes, Option<LogCursor>), StoreError> {
    let page = store.log_search(filter, after, PAGE).await?;
    let mut out = Vec::new();
    for row in &page.rows {
        let Some(entry) = store.log_entry(row.message).await? else { continue };
        match format {
            Format::Csv => out.extend(csv(&entry)),
            Format::Jsonl => {
                out.extend(json(&entry).to_string().into_bytes());
                out.push(b'\n');
            }
            Format::Eml => mails(store, &entry, reader, &mut out).await?,
        }
    }
    Ok((out.into(), page.next))
}

/// The first line of the CSV.
pub fn head() -> Vec<u8> {
    csv_line(&COLUMNS.map(str::to_owned), true)
}

/// The lines of one message.
pub fn csv(entry: &LogEntry) -> Vec<u8> {
    let row = &entry.row;
    let why: Json = row.why.as_deref().and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let reasons: Vec<String> = why["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| format!("{} {}", text(&r["rule"]), text(&r["text"]["en"])).trim().to_owned())
        .chain(why["because"]["en"].as_str().map(str::to_owned))
        .collect();
    let shared = [
        row.message.to_string(),
        row.customer.to_string(),
        row.planned_at.to_string(),
        row.journey.clone(),
        row.step.clone(),
        row.visit.to_string(),
        row.name.clone(),
        row.purpose.clone(),
        row.class.as_str().to_owned(),
        row.outcome.as_str().to_owned(),
        // Kept in the development inbox: nobody else got it.
        if row.in_inbox() { "yes" } else { "" }.to_owned(),
        row.settled_at.map(|t| t.to_string()).unwrap_or_default(),
        text(&why["decision"]["verdict"]),
        reasons.join(" | "),
        text(&why["consent"]["basis"]),
        instant(&why["consent"]["at"]),
        text(&why["consent"]["method"]),
        entry.consent.as_ref().and_then(|word| word.evidence.source.clone()).unwrap_or_default(),
        entry.consent.as_ref().and_then(|word| word.evidence.text.clone()).unwrap_or_default(),
        entry.cause.as_ref().map(|(_, name, _)| name.clone()).unwrap_or_default(),
        entry.cause.as_ref().map(|(_, _, at)| at.to_string()).unwrap_or_default(),
        entry.release.map(|r| r.to_string()).unwrap_or_default(),
    ];
    let mut out = Vec::new();
    if entry.deliveries.is_empty() {
        let cells: Vec<String> =
            shared.iter().cloned().chain(std::iter::repeat_n(String::new(), 7)).collect();
        out.extend(csv_line(&cells, false));
    }
    for delivery in &entry.deliveries {
        let receipts: Vec<String> =
            delivery.receipts.iter().map(|r| format!("{} {}", r.kind, r.at)).collect();
        let own = [
            delivery.id.to_string(),
            delivery.channel.to_string(),
            delivery.address.clone().unwrap_or_default(),
            delivery.state.as_str().to_owned(),
            delivery.provider.clone().unwrap_or_default(),
            delivery.handed_at.map(|t| t.to_string()).unwrap_or_default(),
            receipts.join(" | "),
        ];
        let cells: Vec<String> = shared.iter().cloned().chain(own).collect();
        out.extend(csv_line(&cells, false));
    }
    out
}

fn instant(value: &Json) -> String {
    value.as_i64().map_or_else(
        || value.as_str().unwrap_or_default().to_owned(),
        |t| Timestamp::from_micros(t).to_string(),
    )
}

/// One line (RFC 4180), with a byte order mark before the first: without it spreadsheets read UTF-8 as something else.
pub(crate) fn csv_line(cells: &[String], first: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing into a Vec cannot fail.
    let _ = writer.write_record(cells.iter().map(|cell| harmless(cell)));
    let line = writer.into_inner().unwrap_or_default();
    if first { ["\u{feff}".as_bytes(), &line].concat() } else { line }
}

/// A cell that no spreadsheet takes for a formula.
pub fn harmless(cell: &str) -> String {
    // What does not show may be passed over by a spreadsheet, so it is here.
    let unseen = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
    };
    // Full-width signs count too: spreadsheets in Japanese fold them.
    let first = cell.trim_start_matches(unseen).chars().next();
    let starts = matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    if starts || cell.starts_with(['\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

/// Everything about one message but its content.
pub fn json(entry: &LogEntry) -> Json {
    let row = &entry.row;
    let parsed = |why: &Option<String>| -> Json {
        why.as_deref().and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default()
    };
    let deliveries: Vec<Json> = entry
        .deliveries
        .iter()
        .map(|d| {
            json!({
                "delivery": d.id, "ordinal": d.ordinal, "channel": d.channel, "address": d.address,
                "state": d.state.as_str(), "inbox": d.in_inbox(),
                "handed_over_at": d.handed_at.map(|t| t.to_string()),
                "settled_at": d.settled_at.map(|t| t.to_string()),
                "provider": d.provider, "verdict": parsed(&d.why), "commitment": d.commitment, "locale": d.locale,
                "release": d.release,
                "attempts": d.attempts.iter().map(|a| json!({
                    "n": a.n, "started_at": a.started_at.to_string(), "ended_at": a.ended_at.map(|t| t.to_string()),
                    "node": a.node, "outcome": a.outcome, "stage": a.stage, "answer": a.answer,
                    "provider_id": a.provider_id,
                })).collect::<Vec<_>>(),
                "receipts": d.receipts.iter().map(|r| json!({
                    "kind": r.kind, "at": r.at.to_string(), "detail": r.detail,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "message": row.message, "customer": row.customer, "origin": row.origin.as_str(),
        "enrollment": row.enrollment, "enrolled_at": entry.enrolled_at.map(|t| t.to_string()),
        "journey": row.journey, "step": row.step, "visit": row.visit, "name": row.name,
        "purpose": row.purpose, "class": row.class, "planned_at": row.planned_at.to_string(),
        "outcome": row.outcome.as_str(), "inbox": row.in_inbox(), "consent": entry.consent,
        "settled_at": row.settled_at.map(|t| t.to_string()),
        "verdict": parsed(&row.why),
        "cause": entry.cause.as_ref().map(|(seq, name, at)| json!({"seq": seq, "event": name, "at": at.to_string()})),
        "release": entry.release, "program": entry.program_hash, "priority": entry.priority,
        "expires_at": entry.expires_at.map(|t| t.to_string()),
        "deliveries": deliveries,
        "reads": entry.reads.iter().map(read_json).collect::<Vec<_>>(),
    })
}

/// Something that a person did.
pub fn act_json(act: &store::Act) -> Json {
    json!({
        "at": act.at.to_string(), "act": act.kind.as_str(), "by": act.by, "reason": act.reason,
        "customer": act.customer(), "message": act.message(),
        "detail": serde_json::from_str::<Json>(&act.detail).unwrap_or_default(),
    })
}

/// A look at what is recorded.
pub fn read_json(read: &store::Read) -> Json {
    json!({
        "at": read.at.to_string(), "reader": read.reader, "read": read.kind.as_str(), "reason": read.reason,
        "message": read.message, "delivery": read.delivery, "customer": read.customer,
        "detail": serde_json::from_str::<Json>(&read.detail).unwrap_or_default(),
    })
}

/// Appends the mails of one message to an mbox.
async fn mails(
    store: &Store,
    entry: &LogEntry,
    (by, reason, now): (&str, &str, Timestamp),
    out: &mut Vec<u8>,
) -> Result<(), StoreError> {
    for delivery in entry.deliveries.iter().filter(|d| d.has_content) {
        if delivery.channel != words::Channel::EMAIL {
            continue;
        }
        let content = match store.log_content(delivery.id, by, reason, now).await {
            Ok(Some(content)) if content.media == "message/rfc822" => content,
            // Erased, or never rendered: there is nothing to take away.
            Ok(_) | Err(StoreError::Erased) => continue,
            Err(error) => return Err(error),
        };
        let at = delivery
            .handed_at
            .unwrap_or(entry.row.planned_at)
            .to_jiff()
            .strftime("%a %b %e %H:%M:%S %Y")
            .to_string();
        mbox(&content.bytes, &at, out);
    }
    Ok(())
}

/// One mail into an mbox, with `>` before every line that would begin a mail.
pub fn mbox(mail: &[u8], at: &str, out: &mut Vec<u8>) {
    out.extend(format!("From tabi@localhost {at}\n").bytes());
    for line in mail.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let bare = line.iter().position(|b| *b != b'>').map_or(&line[..0], |at| &line[at..]);
        if bare.starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for evil in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            " =1",
            "\t=1",
            "\r=1",
            "＝1",
            "\u{3000}＠x",
            "=cmd|' /C calc'!A0",
            " \t=1",
            "\u{a0}\u{feff}=1",
            "\u{0}=1",
        ] {
            let line =
                String::from_utf8(csv_line(&[evil.to_owned(), "x".to_owned()], false)).unwrap_or_default();
            let cell = line.trim_start_matches('"');
            assert!(cell.starts_with('\''), "{evil:?} became {line:?}");
        }
        for fine in ["", "order_placed", "注文", "a=b", "2026-11-21T00:00:00Z"] {
            assert_eq!(harmless(fine), fine);
        }
    }

    #[test]
    fn a_mail_that_quotes_mails_stays_one_mail() {
        let mut out = Vec::new();
        mbox(b"Subject: x\r\n\r\nFrom here on\r\n>From there\r\n", "Sat Nov 21 00:00:00 2026", &mut out);
        let text = String::from_utf8(out).unwrap_or_default();
        assert_eq!(text.lines().filter(|l| l.starts_with("From ")).count(), 1);
        assert!(text.contains("\n>From here on\n>>From there\n"));
    }
}
