//! Refused rows, written so that they can be mended and imported again.
//!
//! CSV: the columns of the file behind four of our own. JSON Lines: the object with a member of our own, `tabi`; a line that
//! is no object stands as it is, below a line that says about it. What is ours is read again as the row's place, so that
//! nothing counts twice, whichever file is imported first.

use super::{Format, Options};
use crate::intake::Refusal;
use serde_json::{Map, Value as Json, json};

/// Our columns; of JSON Lines, the members of [`MEMBER`].
const OURS: [&str; 4] = ["file", "line", "code", "reason"];
/// Our member of an object of JSON Lines, and what our columns begin with.
pub(super) const MEMBER: &str = "tabi";

/// Where a row was refused first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
}

impl Place {
    /// Notes what one of our columns says; false: it is none of ours.
    pub(super) fn note(&mut self, column: &str, value: &Json) -> bool {
        let Some(ours) = column.strip_prefix(MEMBER).and_then(|rest| rest.strip_prefix('.')) else {
            return false;
        };
        let text = value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
        match ours {
            "file" => self.file = Some(text.chars().filter(|c| !c.is_control()).take(128).collect()),
            "line" => self.line = text.trim().parse().ok(),
            _ => return OURS.contains(&ours),
        }
        true
    }

    /// The same of our member of an object.
    pub(super) fn of_member(member: &Json) -> Self {
        let mut place = Self::default();
        for (name, value) in member.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            place.note(&format!("{MEMBER}.{name}"), value);
        }
        place
    }

    /// The name that the row goes by: evidence of its consents, and what makes its message id.
    pub(super) fn name(&self, options: &Options, line: u64) -> String {
        format!("{}:{}", self.file.as_deref().unwrap_or(&options.name), self.line.unwrap_or(line))
    }
}

/// Where an object of JSON Lines says that it was refused first.
pub(super) fn taken(json: &Json) -> Option<Place> {
    json.get(MEMBER).map(Place::of_member)
}

/// The header of a file of refused rows. A file that is one already has our columns in front, and they go.
pub(super) fn head(header: &[String]) -> String {
    let ours = OURS.iter().map(|name| format!("{MEMBER}.{name}"));
    record(ours.chain(header.iter().filter(|column| !is_ours(column)).cloned()))
}

/// Whether a column, or a member of an object, is of our own making.
pub(super) fn is_ours(column: &str) -> bool {
    column == MEMBER || Place::default().note(column, &Json::Null)
}

/// The fields of a row as it was read, for [`line()`].
pub(super) fn kept(header: &[String], fields: &[String]) -> Vec<u8> {
    let mut place = Place::default();
    let mut own = Vec::with_capacity(fields.len());
    for (nth, field) in fields.iter().enumerate() {
        let ours = header.get(nth).is_some_and(|column| place.note(column, &Json::String(field.clone())));
        if !ours {
            own.push(field.as_str());
        }
    }
    json!({"file": place.file, "line": place.line, "own": own}).to_string().into_bytes()
}

/// One refused row. `body` is what [`kept`] made of it, of JSON Lines the line itself.
pub(super) fn line(options: &Options, line: u64, refusal: &Refusal, body: &[u8]) -> String {
    let code = refusal.code.as_str();
    if options.format == Format::Csv {
        let row: Json = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let file = row["file"].as_str().unwrap_or(&options.name).to_owned();
        let line = row["line"].as_u64().unwrap_or(line).to_string();
        let own = row["own"].as_array().into_iter().flatten().map(text);
        let ours = [file, line, code.to_owned(), refusal.reason.clone()].into_iter();
        return record(ours.chain(own));
    }
    let note = |place: &Place| {
        json!({
            "file": place.file.as_deref().unwrap_or(&options.name), "line": place.line.unwrap_or(line),
            "code": code, "reason": refusal.reason,
        })
    };
    let (noted, body) = noted_in(body);
    match serde_json::from_slice::<Map<String, Json>>(body) {
        // Alone, the member would be a note about the line below.
        Ok(map) if map.is_empty() => format!("{}\n{{}}", json!({MEMBER: note(&noted)})),
        Ok(mut map) => {
            let place = map.get(MEMBER).map_or(noted, Place::of_member);
            map.insert(MEMBER.to_owned(), note(&place));
            Json::Object(map).to_string()
        }
        Err(_) => format!("{}\n{}", json!({MEMBER: note(&noted)}), String::from_utf8_lossy(body)),
    }
}

/// A line below a note about it: what is kept of both, so that whoever writes it again knows its place.
pub(super) fn below(noted: &Place, line: Vec<u8>) -> Vec<u8> {
    if *noted == Place::default() {
        return line;
    }
    let note = json!({MEMBER: {"file": noted.file, "line": noted.line}});
    [note.to_string().as_bytes(), b"\n", &line].concat()
}

/// The other way round. A line has no end within.
fn noted_in(body: &[u8]) -> (Place, &[u8]) {
    let Some(end) = body.iter().position(|byte| *byte == b'\n') else { return (Place::default(), body) };
    let note: Json = serde_json::from_slice(&body[..end]).unwrap_or_default();
    (taken(&note).unwrap_or_default(), &body[end + 1..])
}

fn record(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) || field.trim() != field {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}
