//! The rendering child, as a process: what it renders, and how it survives templates that are meant to break it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use render::{
    Links, Pool, PoolOptions, RenderError, RenderRequest, Rendered, Templates, child_main, compile,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use words::{Channel, Timestamp, Value};

const BRAND: &str = "name: Kumo\ndefault_locale: en\nlocales: [en]\ncountries: [US]\nzone: UTC\ncurrency: USD\n\
    senders: {sms: {from: KUMO}}\n";

fn main() {
    if std::env::args().nth(1).as_deref() == Some("render-child") {
        child_main(std::io::stdin().lock(), std::io::stdout().lock()).unwrap();
        return;
    }
    // Its own main, for the child's sake: to a test runner it is one test of the usual protocol.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("pool: test");
        }
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        a_batch_comes_back_in_order_and_equal_to_a_render_in_process().await;
        bombs_are_stopped_and_their_neighbours_are_rendered().await;
        a_killed_child_is_replaced().await;
        an_idle_child_is_ended().await;
        a_program_that_does_not_start_is_an_error_and_no_panic().await;
    });
    println!("pool: 5 tests passed");
}

fn pool() -> Pool {
    Pool::new(PoolOptions::this_program().unwrap())
}

/// `n` decides what a message does: the probes of a compile use small numbers alone.
fn templates() -> Templates {
    let bombs = [
        // Nested loops over ranges: 10^8 turns.
        "{% for a in range(end=9999) %}{% for b in range(end=9999) %}{% endfor %}{% endfor %}",
        // A text that doubles itself until the memory is gone.
        "{% set s = \"xxxxxxxx\" %}{% for a in range(end=60) %}{% set_global s = s ~ s %}{% endfor %}",
        // More output than a message may have.
        "{% for a in range(end=99999) %}{{ \"0123456789abcdef\" }}{% endfor %}",
        // A captured block grows outside of the output's cap.
        "{% set s %}{% for a in range(end=99999) %}{% for b in range(end=9999) %}0123456789{% endfor %}{% endfor %}{% endset %}",
        // A list that doubles.
        "{% set s = range(end=99999) %}{% for a in range(end=60) %}{% set_global s = [s, s, s, s] %}{{ s | length }}{% endfor %}\
         {% set t %}{{ s }}{% endset %}",
        // Sorting and joining again and again.
        "{% for a in range(end=99999) %}{{ range(end=99999) | reverse | join(sep=\"-\") | length }}{% endfor %}",
    ];
    let mut files = BTreeMap::from([("templates/brand.yaml".to_owned(), BRAND.as_bytes().to_vec())]);
    for (index, bomb) in bombs.iter().enumerate() {
        let body = format!("{{% if n == 4711 %}}{bomb}{{% endif %}}ok {{{{ n }}}}");
        files
            .insert(format!("templates/m{index}/message.yaml"), b"use: service\ninputs: {n: int}\n".to_vec());
        files.insert(format!("templates/m{index}/sms/body.txt"), body.into_bytes());
    }
    let (templates, problems) = compile(&files);
    templates.unwrap_or_else(|| panic!("{problems:?}"))
}

fn request(message: usize, n: i64) -> RenderRequest {
    RenderRequest {
        message: format!("m{message}"),
        channel: Channel::SMS,
        locale: None,
        inputs: BTreeMap::from([("n".to_owned(), Value::Int(n))]),
        customer: BTreeMap::new(),
        links: Links::default(),
        now: Timestamp::from_secs(0),
        zone: None,
    }
}

fn text(result: &Result<Rendered, RenderError>) -> String {
    match result {
        Ok(rendered) => rendered.headline().to_owned(),
        Err(error) => panic!("{error}"),
    }
}

async fn a_batch_comes_back_in_order_and_equal_to_a_render_in_process() {
    let (pool, templates) = (pool(), templates());
    let requests: Vec<_> = (0..500).map(|n| request(0, n)).collect();
    let answers = pool.render(&templates, &requests).await;
    assert_eq!(answers.len(), 500);
    for (request, answer) in requests.iter().zip(&answers) {
        assert_eq!(*answer, templates.render(request));
    }
    let again = Instant::now();
    pool.render(&templates, &requests).await;
    println!("500 messages through the child: {:?}", again.elapsed());
}

async fn bombs_are_stopped_and_their_neighbours_are_rendered() {
    let (pool, templates) = (pool(), templates());
    pool.render(&templates, &[request(0, 1)]).await;
    for bomb in 0..6 {
        let batch = [request(bomb, 1), request(bomb, 4711), request(0, 2)];
        let began = Instant::now();
        let answers = pool.render(&templates, &batch).await;
        let took = began.elapsed();
        println!("bomb {bomb}: {took:?}, {}", answers[1].as_ref().unwrap_err());
        assert!(
            matches!(&answers[1], Err(RenderError::Bound { .. } | RenderError::Template { .. })),
            "{:?}",
            answers[1]
        );
        assert_eq!((text(&answers[0]), text(&answers[2])), ("ok 1".to_owned(), "ok 2".to_owned()));
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

async fn a_killed_child_is_replaced() {
    let (pool, templates) = (pool(), templates());
    pool.render(&templates, &[request(0, 1)]).await;
    let children = pool.children().await;
    assert_eq!(children.len(), 1);
    let killed = std::process::Command::new("kill").args(["-9", &children[0].to_string()]).status().unwrap();
    assert!(killed.success());
    let answers = pool.render(&templates, &[request(0, 7)]).await;
    assert_eq!(text(&answers[0]), "ok 7");
    assert_ne!(pool.children().await, children);
}

async fn an_idle_child_is_ended() {
    let options =
        PoolOptions { idle_max: Duration::from_millis(200), ..PoolOptions::this_program().unwrap() };
    let (pool, templates) = (Pool::new(options), templates());
    pool.render(&templates, &[request(0, 1)]).await;
    assert_eq!(pool.children().await.len(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(pool.children().await.len(), 0);
}

async fn a_program_that_does_not_start_is_an_error_and_no_panic() {
    for program in ["/nonexistent/program", "/bin/true"] {
        let options = PoolOptions { program: program.into(), ..PoolOptions::this_program().unwrap() };
        let answers = Pool::new(options).render(&templates(), &[request(0, 1), request(0, 2)]).await;
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
    }
}
