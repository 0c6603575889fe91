//! Rows of files, and what becomes of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Columns, Format, ImportError, Kind, Options, Progress, RejectedRow, run};
use crate::App;
use crate::testing::{app, customer, events, now};
use words::ConsentState;

fn options(format: Format, kind: Kind, columns: &[&str]) -> Options {
    let columns = Columns::parse(columns.iter().copied()).unwrap();
    Options { format, kind, columns, dry_run: false, done_to_line: 0, name: "people.csv".to_owned() }
}

async fn import(app: &App, text: &str, options: &Options) -> (Progress, Vec<RejectedRow>) {
    let mut rejected = Vec::new();
    let done = run(app, text.as_bytes(), options, |row| rejected.push(row), |_| {}).await.unwrap();
    (done.progress, rejected)
}

const PEOPLE: &str = "\u{feff}id,Mail,given_name,Points,consent.offers.email,consent_at,note\n\
    u1,hana@example.jp,Hana,10,yes,2025-01-02T03:04:05Z,\"a, b\"\n\
    u2,nobody,Ken,1,no,,\n\
    u3,ken@example.jp,Ken,1,yes,,\n\
    u4,li@example.com,Li\n\
    u5,mei@example.com,Mei,2,いいえ,,x\n";

#[tokio::test]
async fn customers_come_with_their_consents_and_bad_rows_with_their_line_and_reason() {
    let app = app().await;
    let options = options(Format::Csv, Kind::Customers, &["Mail=email", "Points=-"]);
    let (done, rejected) = import(&app, PEOPLE, &options).await;
    assert_eq!((done.rows, done.taken, done.rejected, done.line), (5, 2, 3, 6));
    let reasons: Vec<(u64, bool)> = rejected.iter().map(|row| (row.line, !row.reason.is_empty())).collect();
    assert_eq!(reasons, [(3, true), (4, true), (5, true)]);
    let hana = customer(&app, "u1").await.unwrap();
    assert_eq!(hana.addresses[0].value, "hana@example.jp");
    assert!(!hana.traits.contains_key("Points"));
    assert_eq!(hana.consents[0].state, ConsentState::Granted);
    assert_eq!(hana.consents[0].evidence.source.as_deref(), Some("people.csv:2"));
    assert_eq!(customer(&app, "u5").await.unwrap().consents[0].state, ConsentState::Revoked);
    assert!(app.store.rejected(10).await.unwrap().is_empty(), "the caller keeps them, in a file");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let app = app().await;
    let mut options = options(Format::Csv, Kind::Customers, &["Mail=email"]);
    options.dry_run = true;
    let (done, rejected) = import(&app, PEOPLE, &options).await;
    assert_eq!((done.taken, done.rejected, rejected.len()), (2, 3, 3));
    assert!(customer(&app, "u1").await.is_none());
}

#[tokio::test]
async fn history_is_stored_once_and_goes_on_where_it_ended() {
    let app = app().await;
    let lines = "{\"user_id\":\"u1\",\"event\":\"visited\",\"occurred_at\":\"2020-01-01\"}\n\n\
        {\"type\":\"track\",\"userId\":\"u1\",\"event\":\"visited\",\"timestamp\":\"2020-01-02T00:00:00Z\"}\nno json\n";
    let mut options = options(Format::Jsonl, Kind::Events, &[]);
    let (done, rejected) = import(&app, lines, &options).await;
    assert_eq!((done.taken, rejected[0].line, done.line), (2, 4, 4));
    let (again, _) = import(&app, lines, &options).await;
    assert_eq!((again.taken, again.duplicates), (0, 2));
    options.done_to_line = 4;
    let (rest, _) =
        import(&app, &format!("{lines}{}", "{\"user_id\":\"u1\",\"event\":\"visited\"}"), &options).await;
    assert_eq!((rest.rows, rest.taken), (1, 1));
    let events = events(&app, "u1").await;
    assert!(events.len() == 3 && events.iter().all(|event| event.kind == words::EventKind::History));
}

#[tokio::test]
async fn a_file_that_does_not_say_about_whom_is_refused_at_its_header() {
    let app = app().await;
    let options = options(Format::Csv, Kind::Events, &[]);
    for (text, says) in
        [("a,b\n1,2\n", "about whom"), ("user_id,b\n1,2\n", "which event"), ("", "about whom")]
    {
        let error = run(&app, text.as_bytes(), &options, |_| {}, |_| {}).await.unwrap_err();
        assert!(matches!(error, ImportError::Columns(_)) && error.to_string().contains(says), "{error}");
    }
    assert!(Columns::parse(["a=b"]).is_err() && Columns::parse(["a"]).is_err());
}

#[tokio::test]
async fn a_second_import_says_that_everything_was_known() {
    let app = app().await;
    let options = options(Format::Csv, Kind::Customers, &["Mail=email", "Points=-"]);
    let (first, _) = import(&app, PEOPLE, &options).await;
    assert_eq!((first.taken, first.duplicates), (2, 0));
    let (again, _) = import(&app, PEOPLE, &options).await;
    assert_eq!((again.taken, again.duplicates, again.rejected), (0, 2, 3));
}

/// What is refused as a file of its own.
fn refused(rows: &[RejectedRow]) -> String {
    let head = rows[0].head.to_string();
    let lines =
        (!head.is_empty()).then_some(head).into_iter().chain(rows.iter().map(|row| row.again.clone()));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test]
async fn refused_rows_are_imported_again_once_they_are_mended() {
    let app = app().await;
    let mut options = options(Format::Csv, Kind::Customers, &["Mail=email", "Points=-"]);
    let (_, rejected) = import(&app, PEOPLE, &options).await;
    let file = refused(&rejected);
    assert!(
        file.starts_with("tabi.file,tabi.line,tabi.code,tabi.reason,id,Mail,given_name,Points,"),
        "{file}"
    );
    // As it is, it is refused for the same reasons, and says of each row where it stood first.
    options.name = "people.rejected.csv".to_owned();
    let (done, again) = import(&app, &file, &options).await;
    assert_eq!((done.taken, done.rejected), (0, 3));
    assert_eq!(refused(&again), file);
    let mended = file
        .replace(",nobody,", ",ken@example.jp,")
        .replace("u3,ken@example.jp,Ken,1,yes,,", "u3,k@example.jp,Ken,1,yes,2025-01-02,");
    let (done, left) = import(&app, &mended, &options).await;
    assert_eq!((done.taken, left.len()), (2, 1), "{left:?}");
    let ken = customer(&app, "u3").await.unwrap();
    assert_eq!(
        ken.consents[0].evidence.source.as_deref(),
        Some("people.csv:4"),
        "its first place is its evidence"
    );
    assert!(ken.traits.keys().all(|name| !name.starts_with("tabi")), "{:?}", ken.traits);
}

#[tokio::test]
async fn refused_lines_are_imported_again_and_count_as_the_lines_they_were() {
    let app = app().await;
    let lines = "{\"user_id\":\"u1\",\"event\":\"visited\",\"occurred_at\":\"soon\"}\nno json\n";
    let mut options = options(Format::Jsonl, Kind::Events, &[]);
    let (_, rejected) = import(&app, lines, &options).await;
    let file = refused(&rejected);
    let mended = file
        .replace("\"soon\"", "\"2025-01-01\"")
        .replace("no json", "{\"user_id\":\"u1\",\"event\":\"visited\"}");
    options.name = "people.rejected.jsonl".to_owned();
    let (done, left) = import(&app, &mended, &options).await;
    assert_eq!((done.taken, left.len()), (2, 0), "{mended} {left:?}");
    options.name = "people.csv".to_owned();
    let (done, _) = import(&app, &lines.replace("soon", "2025-01-01"), &options).await;
    assert_eq!(
        (done.taken, done.duplicates, done.rejected),
        (0, 1, 1),
        "the whole file, mended: nothing twice"
    );
}

#[tokio::test]
async fn a_column_that_the_file_does_not_have_is_refused_and_one_that_nothing_declares_is_named() {
    let app = app().await;
    for (format, text) in
        [(Format::Csv, PEOPLE), (Format::Jsonl, "{\"user_id\":\"u1\",\"Mail\":\"a@example.jp\"}")]
    {
        let wrong = options(format, Kind::Customers, &["Mail=email", "Nope=phone"]);
        let error = run(&app, text.as_bytes(), &wrong, |_| {}, |_| {}).await.unwrap_err();
        let says = error.to_string();
        assert!(says.contains("no column `Nope`") && says.contains("Mail"), "{says}");
    }
    assert!(customer(&app, "u1").await.is_none(), "nothing was stored");
    let mut options = options(Format::Csv, Kind::Customers, &["Mail=email"]);
    for dry_run in [true, false] {
        options.dry_run = dry_run;
        let done = run(&app, PEOPLE.as_bytes(), &options, |_| {}, |_| {}).await.unwrap();
        assert_eq!(done.undeclared.iter().map(String::as_str).collect::<Vec<_>>(), ["Points", "note"]);
    }
}

#[test]
fn a_note_is_about_the_line_below_it_and_about_no_other() {
    let options = options(Format::Jsonl, Kind::Events, &[]);
    let read = |text: &str| super::fuzz::rows(text.as_bytes(), &options, now()).unwrap().1;
    let file =
        "{\"tabi\":{\"file\":\"old.jsonl\",\"line\":7}}\nnot json\n{\"user_id\":\"u1\",\"event\":\"seen\"}\n";
    let rows = read(file);
    assert!(rows[0].again.contains("\"file\":\"old.jsonl\",\"line\":7"), "{rows:?}");
    assert!(rows[0].again.ends_with("\nnot json"), "{rows:?}");
    let second = rows[1].call.clone().unwrap();
    assert!(second.contains(&format!("{}:3", options.name)), "{second}");
    // What is refused keeps its place however often it is tried, an object too.
    assert_eq!(read(&rows[0].again)[0].again, rows[0].again);
    let object = read(&file.replace("not json", "{\"user_id\":\"u1\"}"));
    assert!(object[0].again.contains("\"line\":7"), "{object:?}");
    let empty = read(&file.replace("not json", "{}"));
    assert_eq!(read(&empty[0].again)[0].again, empty[0].again);
}

#[test]
fn ids_of_a_file_are_no_longer_than_those_of_the_api() {
    let options = options(Format::Csv, Kind::Customers, &[]);
    let read = |id: &str| {
        let file = format!("user_id,email\n\"{id}\",a@example.jp\n");
        super::fuzz::rows(file.as_bytes(), &options, now()).unwrap().1.remove(0).call.map(|_| ())
    };
    assert_eq!(read(&"a".repeat(256)), Ok(()));
    assert_eq!(read(&"a".repeat(257)), Err("not_a_message"));
    assert_eq!(read("a\nb"), Err("not_a_message"));
}
