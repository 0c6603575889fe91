//! Templates that are meant to bring the renderer down: each is stopped soon, counted in CPU time, and costs nobody else
//! their message.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "bombs/corpus.rs"]
mod corpus;
#[path = "../src/tests/pages.rs"]
mod pages;

use render::{Links, Pool, PoolOptions, RenderRequest, Templates, child_main, compile, compile_untried};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use words::{Channel, Timestamp, Value};

const BRAND: &str = "name: Kumo\ndefault_locale: en\nlocales: [en]\ncountries: [US]\nzone: UTC\ncurrency: USD\n\
    senders: {sms: {from: KUMO}, email: {from: hello@kumo.example}}\n";
const STRINGS: &str = "count = { $n ->\n    [one] one thing\n   *[other] { $n } things\n }\n";

/// CPU time that a bomb may take until it is given up. The limit of a message is half of it.
const STOPPED_WITHIN: Duration = Duration::from_millis(500);
/// Nothing here is given up by the wall clock; a machine may be as busy as it likes.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("render-child") => {
            child_main(std::io::stdin().lock(), std::io::stdout().lock()).unwrap();
            return;
        }
        Some("compile-child") => return compile_child(arguments[1].parse().unwrap()),
        _ => {}
    }
    // Its own main, for the children's sake: to a test runner it is one test of the usual protocol.
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("bombs: test");
        }
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rendered = runtime.block_on(bombs_are_stopped_and_their_neighbours_are_rendered());
    let compiled = what_is_made_to_break_the_compiler_does_not();
    let tried = what_never_ends_is_a_line_for_its_author() + the_page_of_what_never_ends_says_so();
    println!("bombs: {} tests passed", rendered + compiled + tried);
}

/// The messages m0, m1 … by their templates: each does its worst for one number that no probe uses.
fn templates() -> (Templates, Vec<&'static str>) {
    let mut files = BTreeMap::from([
        ("templates/brand.yaml".to_owned(), BRAND.as_bytes().to_vec()),
        ("templates/locales/en/common.ftl".to_owned(), STRINGS.as_bytes().to_vec()),
    ]);
    let stopped = corpus::stopped().into_iter().map(|(name, bomb)| (name, "sms/body.txt", bomb));
    let mut names = Vec::new();
    for (name, part, bomb) in stopped.chain(corpus::bounded()) {
        let at = |file: &str| format!("templates/m{}/{file}", names.len());
        let body = format!("{{% if n == 4711 %}}{bomb}{{% endif %}}ok {{{{ n }}}}");
        files.insert(at("message.yaml"), b"use: service\ninputs: {n: int}\n".to_vec());
        if part.starts_with("email/") {
            files.insert(at("email/subject.txt"), b"ok\n".to_vec());
            files.insert(at("email/body.html"), b"<p>ok</p>\n".to_vec());
        }
        files.insert(at(part), body.into_bytes());
        names.push(name);
    }
    let (templates, problems) = compile(&files);
    let told =
        || problems.iter().map(|p| format!("{} {}: {}", p.code, p.file, p.title.en)).collect::<Vec<_>>();
    (templates.unwrap_or_else(|| panic!("{:#?}", told())), names)
}

fn request(message: usize, channel: Channel, n: i64) -> RenderRequest {
    RenderRequest {
        message: format!("m{message}"),
        channel,
        locale: None,
        inputs: BTreeMap::from([("n".to_owned(), Value::Int(n))]),
        customer: BTreeMap::new(),
        links: Links::default(),
        now: Timestamp::from_secs(0),
        zone: None,
    }
}

async fn bombs_are_stopped_and_their_neighbours_are_rendered() -> usize {
    let options = PoolOptions { wall_max: PATIENCE, ..PoolOptions::this_program().unwrap() };
    let (pool, (templates, names)) = (Pool::new(options), templates());
    let must_stop = corpus::stopped().len();
    for (bomb, name) in names.iter().enumerate() {
        let channel = if bomb < must_stop { Channel::SMS } else { Channel::EMAIL };
        let neighbour = |n| request(0, Channel::SMS, n);
        // A child that has everything loaded, so that the bomb alone is measured.
        pool.render(&templates, &[neighbour(1), request(bomb, channel.clone(), 1)]).await;
        let before = cpu(&pool).await;
        let answer = pool.render(&templates, &[request(bomb, channel, 4711)]).await.remove(0);
        let took = cpu(&pool).await.saturating_sub(before);
        let said = answer.as_ref().map(|_| "came out".to_owned()).unwrap_or_else(ToString::to_string);
        println!("{name}: {took:?} of CPU, {said}");
        assert!(took <= STOPPED_WITHIN, "{name} took {took:?} of CPU time");
        assert!(bomb >= must_stop || answer.is_err(), "{name} came out");
        let after = pool.render(&templates, &[neighbour(2), neighbour(3)]).await;
        for (answer, text) in after.iter().zip(["ok 2", "ok 3"]) {
            assert_eq!(answer.as_ref().unwrap().headline(), text, "after {name}");
        }
    }
    names.len()
}

fn what_is_made_to_break_the_compiler_does_not() -> usize {
    let compiled = corpus::compiled();
    for (index, (name, _)) in compiled.iter().enumerate() {
        let before = ended_children();
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["compile-child", &index.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{name} is not decided after {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = ended_children().saturating_sub(before);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut said).unwrap();
        println!("{name}: {took:?} of CPU, {}", said.trim());
        assert!(status.success(), "{name} ended the process: {status}");
        assert!(took <= STOPPED_WITHIN * 4, "{name} took {took:?} of CPU time");
    }
    compiled.len()
}

fn compile_child(index: usize) {
    let mut files = BTreeMap::from([
        ("templates/brand.yaml".to_owned(), BRAND.as_bytes().to_vec()),
        ("templates/m/message.yaml".to_owned(), b"use: service\ninputs: {n: int}\n".to_vec()),
    ]);
    let (_, project) = corpus::compiled().into_iter().nth(index).unwrap();
    files.extend(project.into_iter().map(|(path, text)| (path, text.into_bytes())));
    let (templates, problems) = compile(&files);
    match (templates, problems.first()) {
        (Some(_), _) => println!("built"),
        (None, Some(problem)) => println!("refused, {}: {}", problem.code, problem.title.en),
        (None, None) => panic!("refused without a word"),
    }
}

/// A project whose message `hello` has this body.
fn hello(body: &str) -> BTreeMap<String, Vec<u8>> {
    let files = [
        ("templates/brand.yaml", BRAND),
        ("templates/locales/en/common.ftl", STRINGS),
        ("templates/hello/message.yaml", "use: service\ninputs: {name: text}\n"),
        ("templates/hello/sample.yaml", "ann: {inputs: {name: Ann}}\n"),
        ("templates/hello/sms/body.txt", body),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
}

/// What a trial in a child says of a project: code, line and column, and what is shown.
fn tried(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, String)> {
    let options = PoolOptions { wall_max: PATIENCE, ..PoolOptions::this_program().unwrap() };
    let problems = compile_untried(files).0.unwrap().try_in_child(&options).unwrap();
    let told = problems.iter().map(|problem| {
        assert!(!problem.title.ja.is_empty() && problem.title.ja != problem.title.en);
        let source = files.get(&problem.file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let (line, column) = problem.line_column(&source);
        let shown = problem.render(&source, words::Language::En, false);
        (format!("{} {}:{line}:{column}", problem.code, problem.file), shown)
    });
    told.collect()
}

fn what_never_ends_is_a_line_for_its_author() -> usize {
    let harmless = "{% for a in range(end=9) %}.{% endfor %}\n";
    let busy = corpus::loops("{{ name | upper | truncate(length=0) }}");
    let eightfold = "{% set s = s ~ s ~ s ~ s ~ s ~ s ~ s ~ s %}".repeat(12);
    let doubles = "{% for a in range(end=60) %}{% set_global s = s ~ s %}{% endfor %}";
    // The place, as far as it is the same on every machine: which doubling is one too many depends on it.
    let stories = [
        ("nothing to stop", "{{ name }}".to_owned(), None),
        ("the second of two loops", format!("{harmless}{}", corpus::loops("")), Some("2:1")),
        ("a loop in a loop", format!("{harmless}{busy}"), Some("2:32")),
        ("no loop", format!("{harmless}{{% set s = name %}}\n{eightfold}"), Some("3:")),
        ("a text that doubles", format!("{{% set s = name %}}\n{doubles}{{{{ name }}}}"), Some("2:1")),
    ];
    for (name, body, expected) in &stories {
        let told = tried(&hello(body));
        println!("{name}: {:?}", told.iter().map(|(place, _)| place).collect::<Vec<_>>());
        let place = expected.map(|place| format!("T048 templates/hello/sms/body.txt:{place}"));
        assert_eq!(told.len(), usize::from(place.is_some()), "{name}");
        assert!(told.iter().zip(place).all(|((told, _), place)| told.starts_with(&place)), "{name}");
    }
    stories.len()
}

fn the_page_of_what_never_ends_says_so() -> usize {
    let page = include_str!("../codes/T048.md");
    let told = tried(&pages::example(pages::section(page, "Fails"), hello("")));
    let shown: Vec<_> = told.into_iter().map(|(_, shown)| shown.trim_end().to_owned()).collect();
    assert!(
        shown.len() == 1 && page.contains(&format!("```text\n{}\n```", shown[0])),
        "{}",
        shown.join("\n")
    );
    assert_eq!(tried(&pages::example(pages::section(page, "Fixed"), hello(""))), Vec::new());
    1
}

/// CPU time of the pool's children so far, of those that have ended too.
async fn cpu(pool: &Pool) -> Duration {
    let mut all = ended_children();
    for child in pool.children().await {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        all += ticks(&stat, 0);
    }
    all
}

fn ended_children() -> Duration {
    ticks(&std::fs::read_to_string("/proc/self/stat").unwrap_or_default(), 2)
}

/// User and system time of a line of `/proc/…/stat`: its own (0) or its ended children's (2). Linux counts in hundredths.
fn ticks(stat: &str, from: usize) -> Duration {
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11 + from).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
