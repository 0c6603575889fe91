//! Projects that are broken in every way that somebody may come up with: told, never a panic, and never half a release.
#![allow(clippy::unwrap_used, clippy::panic)]

use release::{Files, Release, files};
use words::{Diagnostic, Language, Severity};

const BRAND: &str = r#"name: {en: Kumo, ja: 雲}
default_locale: en
locales: [en, ja]
countries: [JP]
zone: Asia/Tokyo
currency: JPY
site: https://shop.example/
senders:
  email: {from: hello@shop.example, name: {en: Kumo, ja: 雲}}
legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}
greeting: {en: there, ja: お客様}
"#;
const DECLARATIONS: &str = r#"events:
  order_placed: {properties: {order_id: text}}
customer: {plan: text?}
facts: {orders: count(order_placed)}
segments: {buyers: customer.orders > 0}
purposes:
  after_sales: {title: {en: After sales, ja: ご購入後}, class: service}
"#;
const JOURNEY: &str = "journey: thank_you
purpose: after_sales
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
";

fn project() -> Files {
    let mut files = Files::new();
    for (path, text) in [
        ("templates/brand.yaml", BRAND),
        ("templates/thanks/message.yaml", "title: {en: Thanks, ja: お礼}\nuse: service\ninputs: {}\n"),
        ("templates/thanks/sample.yaml", "plain:\n  inputs: {}\n"),
        ("templates/thanks/email/subject.txt", "Thanks\n"),
        ("templates/thanks/email/body.html", "<p>Thanks</p>\n"),
        ("journeys/declarations.yaml", DECLARATIONS),
        ("journeys/thank_you.yaml", JOURNEY),
    ] {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    files
}

fn shown(files: &Files, problems: &[Diagnostic]) -> String {
    let text = |problem: &Diagnostic| {
        let source = files.get(&problem.file).map(|b| String::from_utf8_lossy(b)).unwrap_or_default();
        [Language::En, Language::Ja].map(|language| problem.render(&source, language, false)).join("\n")
    };
    problems.iter().map(text).collect::<Vec<_>>().join("\n\n")
}

/// Refused with a problem that names one of `files`, and that can be shown in both languages.
#[track_caller]
fn refused(files: &Files, what: &str) {
    let (release, problems) = Release::build(files.clone());
    assert!(release.is_none(), "{what} was taken");
    let errors: Vec<_> = problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert!(!errors.is_empty(), "{what}: refused without a word");
    for problem in &problems {
        assert!(
            !problem.code.is_empty() && !problem.title.en.is_empty() && !problem.title.ja.is_empty(),
            "{what}"
        );
        let len = files.get(&problem.file).map_or(usize::MAX, Vec::len);
        assert!(
            problem.span.start <= len,
            "{what}: {} points behind the end of {}",
            problem.code,
            problem.file
        );
    }
    assert!(!shown(files, &problems).is_empty());
}

#[test]
fn the_project_as_such_is_fine() {
    let files = project();
    let (release, problems) = Release::build(files.clone());
    assert!(release.is_some(), "{}", shown(&files, &problems));
}

#[test]
fn a_project_without_a_part_of_it_is_refused() {
    refused(&Files::new(), "nothing at all");
    for path in
        ["templates/brand.yaml", "templates/thanks/message.yaml", "templates/thanks/email/subject.txt"]
    {
        let mut files = project();
        files.remove(path);
        refused(&files, path);
    }
    let mut files = project();
    files.retain(|path, _| path.starts_with("templates/"));
    files.insert("journeys/thank_you.yaml".to_owned(), JOURNEY.as_bytes().to_vec());
    refused(&files, "no declarations");
}

#[test]
fn every_file_may_be_spoilt_in_every_way() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = n - 1;
            text.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{before}"); 9].join(", ")));
        }
        text
    };
    let spoilt: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("not UTF-8", vec![0xff, 0xfe, 0x00, 0x80]),
        ("half a letter", "journey: 旅".as_bytes()[..11].to_vec()),
        ("NUL", b"journey: \0\n".to_vec()),
        ("a list", b"- a\n- b\n".to_vec()),
        ("a word", b"word\n".to_vec()),
        ("tabs", b"journey:\n\tx: 1\n".to_vec()),
        ("not closed", b"journey: {a: [b, c\n".to_vec()),
        ("duplicate keys", b"journey: a\njourney: b\n".to_vec()),
        ("deep", format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes()),
        ("many", "- x\n".repeat(100_000).into_bytes()),
        ("bomb", bomb.into_bytes()),
        ("two documents", b"a: 1\n---\nb: 2\n".to_vec()),
    ];
    for path in project().into_keys().filter(|path| path.ends_with(".yaml")) {
        for (how, bytes) in &spoilt {
            let mut files = project();
            files.insert(path.clone(), bytes.clone());
            let began = std::time::Instant::now();
            let (release, problems) = Release::build(files.clone());
            // An empty sample or an empty declaration may leave a whole project; a problem or a release there must be.
            assert!(release.is_some() || !problems.is_empty(), "{path}: {how}");
            let _ = shown(&files, &problems);
            assert!(began.elapsed().as_secs() < 10, "{path}: {how} took {:?}", began.elapsed());
        }
    }
}

#[test]
fn every_prefix_of_every_file_is_told_about_or_taken() {
    for (path, content) in project() {
        for cut in (0..content.len()).step_by(7) {
            let mut files = project();
            files.insert(path.clone(), content[..cut].to_vec());
            let (release, problems) = Release::build(files.clone());
            assert!(release.is_some() || !problems.is_empty(), "{path} cut at {cut}");
            let _ = shown(&files, &problems);
        }
    }
}

#[test]
fn mistakes_of_meaning_are_refused() {
    for (what, from, to) in [
        ("an unknown message", "send: thanks", "send: thnaks"),
        ("an unknown event", "event: order_placed", "event: order_plcaed"),
        ("an unknown purpose", "purpose: after_sales", "purpose: before_sales"),
        ("an unknown property", "once_per: order_id", "once_per: order_number"),
        ("an unknown channel part", "first_of: [email]", "first_of: [sms]"),
        ("an unknown key", "first_of:", "frist_of:"),
        ("a step that is none", "  - send: thanks", "  - sned: thanks"),
        ("a type error", "once_per: order_id", "once_per: order_id, if: event.order_id > 3"),
    ] {
        let mut files = project();
        let text = JOURNEY.replace(from, to);
        assert_ne!(text, JOURNEY, "{what}");
        files.insert("journeys/thank_you.yaml".to_owned(), text.into_bytes());
        refused(&files, what);
    }
}

#[test]
fn problems_of_both_languages_come_together_and_in_order() {
    let mut files = project();
    files.insert(
        "journeys/thank_you.yaml".to_owned(),
        JOURNEY.replace("order_placed", "no_such").into_bytes(),
    );
    files.insert("templates/thanks/email/body.html".to_owned(), b"<p>{{ nothing }}</p>\n{{ open\n".to_vec());
    let (_, problems) = Release::build(files.clone());
    let of: Vec<&str> = problems.iter().map(|p| p.file.split('/').next().unwrap()).collect();
    assert!(of.contains(&"journeys") && of.contains(&"templates"), "{}", shown(&files, &problems));
    let places: Vec<_> = problems.iter().map(|p| (p.file.clone(), p.span.start)).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_same_files_are_the_same_release_and_any_other_byte_is_another() {
    let id = |files: &Files| Release::build(files.clone()).0.unwrap().id;
    let first = id(&project());
    assert_eq!(first, id(&project()));
    assert_eq!(first, files::id(&project()));
    let mut other = project();
    other.insert("templates/thanks/email/subject.txt".to_owned(), b"Thanks!\n".to_vec());
    assert_ne!(first, id(&other));
    // Where one file ends and the next begins counts.
    let two = |a: &str, b: &str| Files::from([("a".to_owned(), a.into()), ("b".to_owned(), b.into())]);
    assert_ne!(files::id(&two("xy", "")), files::id(&two("x", "y")));
    let renamed = Files::from([("a".to_owned(), b"xy".to_vec()), ("c".to_owned(), Vec::new())]);
    assert_ne!(files::id(&two("xy", "")), files::id(&renamed));
}

#[test]
fn programs_and_rows_are_stable() {
    let build = || Release::build(project()).0.unwrap();
    let (a, b) = (build(), build());
    assert_eq!(a.project.programs["thank_you"].hash, b.project.programs["thank_you"].hash);
    assert_eq!(a.listeners.segment_rows, b.listeners.segment_rows);
    let mut files = project();
    let changed = DECLARATIONS.replace("customer.orders > 0", "customer.orders > 1");
    files.insert("journeys/declarations.yaml".to_owned(), changed.into_bytes());
    let c = Release::build(files).0.unwrap();
    assert_ne!(a.listeners.segment_rows, c.listeners.segment_rows, "another definition is another row");
}

/// The files that a section of a page changes: a line with a path in backticks, then a fenced block.
fn section(page: &str, title: &str) -> Files {
    let mut files = project();
    let rest = page.split_once(&format!("## {title}\n")).unwrap().1;
    let mut lines = rest.split("\n## ").next().unwrap().lines();
    while let Some(line) = lines.next() {
        if let Some(path) = line.strip_prefix('`').and_then(|line| line.strip_suffix('`')) {
            let content: Vec<&str> = lines.by_ref().skip(1).take_while(|line| *line != "```").collect();
            files.insert(path.to_owned(), (content.join("\n") + "\n").into_bytes());
        }
    }
    files
}

#[test]
fn the_page_of_a_survey_that_nobody_asks_shows_what_is_said() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("codes/R001.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let files = section(&page, "Fails");
    let (release, problems) = Release::build(files.clone());
    assert!(release.is_some(), "{}", shown(&files, &problems));
    let told: Vec<_> = problems.iter().map(|p| (p.code.as_str(), p.severity)).collect();
    assert_eq!(told, [("R001", Severity::Warning)], "{}", shown(&files, &problems));
    for language in [Language::En, Language::Ja] {
        let source = String::from_utf8_lossy(&files[&problems[0].file]);
        let said = problems[0].render(&source, language, false);
        let said: Vec<&str> = said.lines().map(str::trim_end).collect();
        assert!(page.contains(&format!("```text\n{}\n```", said.join("\n"))), "{}", said.join("\n"));
    }
    let templates = render::compile(&files).0.unwrap();
    assert_eq!(release::unasked(&files, &templates), problems, "a preview says the same");
    let fixed = section(&page, "Fixed");
    let (release, problems) = Release::build(fixed.clone());
    assert!(release.is_some() && problems.is_empty(), "{}", shown(&fixed, &problems));
}

#[test]
fn listeners_know_every_event_that_anybody_waits_for() {
    let release = Release::build(project()).0.unwrap();
    assert!(release.listeners.listens("order_placed"));
    assert!(release.listeners.facts.contains("order_placed"));
    assert!(!release.listeners.listens("no_such"));
    assert_eq!(release.listeners.starts["order_placed"], ["thank_you"]);
    assert_eq!(release.listeners.segments["order_placed"], ["buyers"]);
}

#[test]
fn an_archive_that_is_cut_or_changed_in_its_lengths_is_no_archive() {
    let files = project();
    let archive = files::pack(&files);
    assert_eq!(files::unpack(&archive).as_ref(), Some(&files));
    for cut in 1..archive.len() {
        // A cut between two files leaves an archive of fewer of them: never one that looks whole.
        assert_ne!(files::unpack(&archive[..cut]).as_ref(), Some(&files), "cut at {cut}");
    }
    for place in 0..8 {
        let mut spoilt = archive.clone();
        spoilt[place] = 0xff;
        assert_ne!(files::unpack(&spoilt).as_ref(), Some(&files), "byte {place}");
    }
    assert_eq!(files::unpack(&[]), Some(Files::new()));
}

#[test]
fn reading_a_folder_that_is_none_says_what_to_do() {
    let root = std::env::temp_dir().join(format!("tabi-release-none-{}", std::process::id()));
    let error = files::read(&root).unwrap_err().to_string();
    assert!(error.contains("tabi init"), "{error}");
}

#[test]
fn reading_leaves_out_what_is_hidden_and_follows_no_links() {
    let root = std::env::temp_dir().join(format!("tabi-release-read-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(root.join("journeys/.git")).unwrap();
    std::fs::create_dir_all(root.join("secret")).unwrap();
    for (path, text) in [
        ("journeys/a.yaml", "a"),
        ("journeys/.hidden", "b"),
        ("journeys/a.yaml~", "c"),
        ("journeys/.git/x", "d"),
        ("secret/key", "e"),
    ] {
        std::fs::write(root.join(path), text).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.join("secret/key"), root.join("journeys/key.yaml")).unwrap();
    let files = files::read(&root).unwrap();
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["journeys/a.yaml"]);
}
