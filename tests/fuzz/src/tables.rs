//! Tables: what is imported, and what is taken away. A refused row can be imported again and is the same row; a cell that is
//! taken away reads as it was and is a formula to nobody.

use crate::parts::{NOW, lines, number, text};
use server::fuzz::{cells_of_log, rows};
use server::import::{Columns, Format, Kind, Options};

/// The first line chooses what is imported, the rest is the file; its lines are cells, too.
pub(crate) fn run(bytes: &[u8]) {
    let [how, file] = lines(bytes);
    let options = Options {
        format: if text(how).contains("json") { Format::Jsonl } else { Format::Csv },
        kind: if text(how).contains("event") { Kind::Events } else { Kind::Customers },
        columns: Columns::parse(text(how).split(' ').filter(|word| word.contains('='))).unwrap_or_default(),
        dry_run: false,
        done_to_line: (number(how) % 3) as u64,
        name: "people.csv".to_owned(),
    };
    imported(file, &options);
    taken_away(&text(file).split('\n').map(str::to_owned).collect::<Vec<_>>());
}

fn imported(file: &[u8], options: &Options) {
    let Some((head, read)) = rows(file, options, NOW) else { return };
    let refused: Vec<_> = read.iter().filter(|row| row.call.is_err()).collect();
    // What is no UTF-8 cannot be written into a file that is: its letters are replaced there, for a person to mend.
    if refused.is_empty() || std::str::from_utf8(file).is_err() {
        return;
    }
    let mut mended = if head.is_empty() { String::new() } else { format!("{head}\n") };
    for row in &refused {
        mended.push_str(&row.again);
        mended.push('\n');
    }
    // Lines of the new file, not of the old one.
    let options = Options { done_to_line: 0, ..options.clone() };
    let Some((head_again, again)) = rows(mended.as_bytes(), &options, NOW) else {
        panic!("what is refused makes no file: {mended:?}")
    };
    assert_eq!(head_again, head);
    let codes =
        |rows: &[&server::fuzz::Row]| rows.iter().map(|row| row.call.clone().err()).collect::<Vec<_>>();
    assert_eq!(codes(&again.iter().collect::<Vec<_>>()), codes(&refused), "{mended:?}");
    // It still says from which line of which file it is.
    for (again, refused) in again.iter().zip(&refused) {
        assert_eq!(place(&again.again, options.format), place(&refused.again, options.format));
    }
}

/// Which line of which file it says to be, and why it was refused. The words for it may count the columns otherwise.
fn place(again: &str, format: Format) -> Vec<String> {
    if format == Format::Jsonl {
        // A note above the line, or a member of it.
        let note = again.lines().next().unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(note).unwrap_or_default();
        return ["file", "line", "code"].map(|name| json["tabi"][name].to_string()).into();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(again.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().take(3).map(str::to_owned).collect()
}

fn taken_away(cells: &[String]) {
    let line = cells_of_log(cells);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&line[..]);
    let mut records = reader.records();
    let record = records.next().expect("a line").expect("a line that reads");
    assert!(records.next().is_none(), "one line became two: {line:?}");
    assert_eq!(record.len(), cells.len());
    for (read, cell) in record.iter().zip(cells) {
        assert!(read == cell || read == format!("'{cell}"), "{cell:?} reads as {read:?}");
        let unseen = |c: char| c.is_whitespace() || c.is_control() || "\u{feff}\u{200b}\u{2060}".contains(c);
        let formula = read.trim_start_matches(unseen).starts_with(|c| "=+-@＝＋－＠".contains(c))
            || read.starts_with(['\t', '\r', '\n']);
        assert!(!formula, "{read:?} is a formula to a spreadsheet");
    }
}
