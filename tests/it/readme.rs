//! The README's five minutes, taken from its own lines: a new project, a server, a customer who signs up.

use crate::tidy::top;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The words of a command line of the README that begins like this; single and double quotes hold words together.
fn line(begins: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(top().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with(begins)).unwrap();
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if word.is_empty() => break,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            (Some(open), c) if c == open => quote = None,
            (_, c) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

fn tabi(folder: &Path, args: &[String]) -> Command {
    let mut command = Command::new(tests::tabi());
    command.args(args).current_dir(folder).env_clear();
    command
}

/// What a command line of the README says on standard output.
#[track_caller]
fn run(folder: &Path, begins: &str) -> String {
    let words = line(begins);
    let output = tabi(folder, &words[1..]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{begins}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Sends what a `curl` line of the README sends, to where the server listens; the first line of the answer.
fn send(address: &str, key: &str, begins: &str) -> String {
    let words = line(begins);
    let path = words.iter().find_map(|word| word.strip_prefix("http://127.0.0.1:8080")).unwrap();
    let body = words.last().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    run(&source, "tabi init ../my-shop");
    let shop = source.join(&line("cd ../my-shop")[1]);
    assert_eq!(run(&shop, "tabi check"), "");
    run(&shop, "tabi test");

    let serve = ["serve", "--listen", "127.0.0.1:0", "--format", "json"].map(str::to_owned);
    let mut serving =
        Serving(tabi(&shop, &serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut told = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let address = told["listens"].as_str().unwrap();

    let key = ["key", "create", "shop"].map(str::to_owned);
    let key = String::from_utf8(tabi(&shop, &key).output().unwrap().stdout).unwrap();
    for call in [
        "curl -u \"$KEY:\" http://127.0.0.1:8080/v1/identify",
        "curl -u \"$KEY:\" http://127.0.0.1:8080/v1/track",
    ] {
        assert_eq!(send(address, key.trim(), call), "HTTP/1.1 200 OK", "{call}");
    }
    let started = Instant::now();
    while !run(&shop, "tabi log search").contains("welcome") {
        assert!(started.elapsed() < Duration::from_secs(20), "no welcome in the log");
        std::thread::sleep(Duration::from_millis(100));
    }
    for command in ["tabi doctor", "tabi stop"] {
        run(&shop, command);
    }
}
