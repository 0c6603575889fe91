//! Rows of a file, one batch after another.

use super::again::{self, Place};
use super::{Format, ImportError, Kind, Options, row};
use crate::api::read_message;
use crate::intake::{Item, Refusal, Why};
use crate::json;
use journey::Schema;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::io::BufRead;
use words::Timestamp;

/// So many columns of JSON Lines are remembered.
const COLUMNS_MAX: usize = 1_000;
/// The longest line of a JSONL file.
const LINE_MAX: usize = 1 << 20;

pub(super) enum Rows<'o, R: BufRead> {
    Csv { reader: csv::Reader<R>, header: Vec<String>, meanings: Vec<String>, options: &'o Options },
    Jsonl { reader: R, line: u64, seen: BTreeSet<String>, noted: Place, options: &'o Options },
}

impl<'o, R: BufRead> Rows<'o, R> {
    pub(super) fn open(mut reader: R, options: &'o Options) -> Result<Self, ImportError> {
        skip_mark(&mut reader)?;
        if options.format == Format::Jsonl {
            return Ok(Self::Jsonl {
                reader,
                line: 0,
                seen: BTreeSet::new(),
                noted: Place::default(),
                options,
            });
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header: Vec<String> =
            reader.headers().map_err(|e| failed(1, &e))?.iter().map(str::to_owned).collect();
        options.columns.check(&header, options.kind)?;
        let meanings = header.iter().map(|column| options.columns.meaning(column, options.kind)).collect();
        Ok(Self::Csv { reader, header, meanings, options })
    }

    /// At most `max` rows with their lines; none at the end.
    pub(super) fn next_batch(&mut self, max: usize, now: Timestamp) -> Result<Vec<(u64, Item)>, ImportError> {
        let mut out = Vec::with_capacity(max);
        while out.len() < max {
            match self.next(now)? {
                Some((line, item)) if line > self.options().done_to_line => out.push((line, item)),
                Some(_) => {}
                None => break,
            }
        }
        // Of JSON Lines this is known only now; nothing was stored before the first batch was read.
        if let Self::Jsonl { seen, options, .. } = self
            && !out.is_empty()
        {
            options.columns.all_in(seen.iter().map(String::as_str))?;
        }
        Ok(out)
    }

    /// The first line of a file of what is refused.
    pub(super) fn head(&self) -> String {
        match self {
            Self::Csv { header, .. } => again::head(header),
            Self::Jsonl { .. } => String::new(),
        }
    }

    /// The columns so far that nothing declares.
    pub(super) fn undeclared(&self, schema: &Schema) -> BTreeSet<String> {
        let options = self.options();
        let unknown = |column: &&String| options.columns.unknown(column, options.kind, schema);
        match self {
            Self::Csv { header, .. } => header.iter().filter(unknown).cloned().collect(),
            Self::Jsonl { seen, .. } => seen.iter().filter(unknown).cloned().collect(),
        }
    }

    fn options(&self) -> &'o Options {
        match self {
            Self::Csv { options, .. } | Self::Jsonl { options, .. } => options,
        }
    }

    fn next(&mut self, now: Timestamp) -> Result<Option<(u64, Item)>, ImportError> {
        match self {
            Self::Csv { reader, header, meanings, options } => {
                let mut record = csv::ByteRecord::new();
                let line = reader.position().line();
                if !reader.read_byte_record(&mut record).map_err(|e| failed(line, &e))? {
                    return Ok(None);
                }
                let line = record.position().map_or(line, csv::Position::line);
                let values = || record.iter().map(|field| String::from_utf8_lossy(field).into_owned());
                let body = again::kept(header, &values().collect::<Vec<_>>());
                let refuse = |reason: &str| Err(Refusal::new(Why::NotARow, "import", reason));
                let ours = header.iter().filter(|column| again::is_ours(column)).count();
                let own = |fields: usize| fields.saturating_sub(ours);
                let call = if record.len() != header.len() {
                    let (has, wanted) = (own(record.len()), own(header.len()));
                    refuse(&format!("it has {has} fields, the header has {wanted}"))
                } else if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
                    refuse("it is not UTF-8: save the file as UTF-8 and import it again")
                } else {
                    let mut place = Place::default();
                    let cells = (header.iter().zip(meanings.iter()))
                        .zip(values().map(Json::String))
                        .filter(|((column, _), value)| !place.note(column, value))
                        .map(|((_, meaning), value)| (meaning.clone(), value))
                        .collect();
                    row::call(cells, options, &place.name(options, line))
                };
                Ok(Some((line, Item { call, body })))
            }
            Self::Jsonl { reader, line, seen, noted, options } => loop {
                *line += 1;
                let Some(bytes) = read_line(reader, *line)? else { return Ok(None) };
                if bytes.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let about;
                let call = match json::parse(&bytes) {
                    // A note about the line below it.
                    Ok(Json::Object(map)) if map.len() == 1 && map.contains_key(again::MEMBER) => {
                        *noted = Place::of_member(&map[again::MEMBER]);
                        continue;
                    }
                    Ok(json) => {
                        about = std::mem::take(noted);
                        let place = again::taken(&json).unwrap_or_else(|| about.clone());
                        from_json(json, &place.name(options, *line), options, seen, now)
                    }
                    Err(why) => {
                        about = std::mem::take(noted);
                        Err(Refusal::new(Why::InvalidJson, "import", why))
                    }
                };
                return Ok(Some((*line, Item { call, body: again::below(&about, bytes) })));
            },
        }
    }
}

fn from_json(
    json: Json,
    place: &str,
    options: &Options,
    seen: &mut BTreeSet<String>,
    now: Timestamp,
) -> Result<crate::intake::Call, Refusal> {
    if json.get("type").is_some_and(Json::is_string)
        && (json.get("userId").or(json.get("anonymousId"))).is_some()
    {
        let mut call = read_message(&json, now)?;
        call.message_id.get_or_insert_with(|| place.to_owned());
        return Ok(call);
    }
    let Json::Object(map) = json else {
        return Err(Refusal::new(Why::NotARow, "import", "a line is a JSON object"));
    };
    let mut row = Vec::with_capacity(map.len());
    for (column, value) in map {
        if !seen.contains(&column) && seen.len() < COLUMNS_MAX {
            seen.insert(column.clone());
        }
        match (column.as_str(), value) {
            (again::MEMBER, _) => {}
            // Nested, as the tracking API has them.
            ("traits", Json::Object(traits)) => {
                row.extend(traits.into_iter().map(|(name, value)| (format!("traits.{name}"), value)));
            }
            ("properties", Json::Object(properties)) if options.kind == Kind::Events => {
                row.extend(properties.into_iter().map(|(name, value)| (format!("properties.{name}"), value)));
            }
            (_, value) => row.push((options.columns.meaning(&column, options.kind), value)),
        }
    }
    row::call(row, options, place)
}

fn failed(line: u64, error: &csv::Error) -> ImportError {
    ImportError::Read { line, reason: error.to_string() }
}

/// A byte order mark says nothing.
fn skip_mark(reader: &mut impl BufRead) -> Result<(), ImportError> {
    let start = reader.fill_buf().map_err(|e| ImportError::Read { line: 1, reason: e.to_string() })?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(())
}

/// One line without its end; `None` at the end of the file. A line that is too long is an error of the file.
fn read_line(reader: &mut impl BufRead, line: u64) -> Result<Option<Vec<u8>>, ImportError> {
    let mut bytes = Vec::new();
    let failed = |reason: String| ImportError::Read { line, reason };
    let read = std::io::Read::take(&mut *reader, LINE_MAX as u64 + 1)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.len() > LINE_MAX {
        return Err(failed("the line has more than a megabyte".to_owned()));
    }
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(bytes))
}
