#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use words::Language;

#[path = "../../tests/base/mod.rs"]
mod base;
pub(crate) use base::{SCHEMA, messages};

/// Compiles files beside the schema.
pub(crate) fn compile_with(files: &[(&str, &str)]) -> (Option<Project>, Vec<Diagnostic>) {
    let mut all = BTreeMap::from([("journeys/schema.yaml".to_owned(), SCHEMA.as_bytes().to_vec())]);
    all.extend(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    compile(&all, &messages())
}

/// `line:column code title`, one per line.
pub(crate) fn shown(diagnostics: &[Diagnostic], file: &str, source: &str) -> String {
    let line = |d: &Diagnostic| {
        if d.file != file {
            return format!("{}: {} {}", d.file, d.code, d.title.en);
        }
        let (line, column) = d.line_column(source);
        format!("{line}:{column} {} {}", d.code, d.title.en)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(journey: &str, expected: &str) {
    let (project, diagnostics) = compile_with(&[("journeys/a.yaml", journey)]);
    let found = shown(&diagnostics, "journeys/a.yaml", journey);
    assert_eq!(
        found,
        expected,
        "\n{}",
        diagnostics.iter().map(|d| d.render(journey, Language::En, false)).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(project.is_some(), diagnostics.is_empty());
}

/// The same for steps alone, in a journey that starts with an order. The first step is line 1.
#[track_caller]
fn check_steps(steps: &str, expected: &str) {
    let mut lines = vec![];
    for part in [
        "journey: a",
        "purpose: after_sales",
        "start:\n  event: order_placed\n  once_per: order_id",
        "stop_if: refund_requested",
        "first_of: [email]",
    ] {
        lines.push(part);
    }
    let head = lines.join("\n") + "\nsteps:\n";
    let skip = head.matches('\n').count();
    let journey = head + steps;
    let (_, diagnostics) = compile_with(&[("journeys/a.yaml", &journey)]);
    let found = diagnostics
        .iter()
        .map(|d| {
            let (line, column) = d.line_column(&journey);
            format!("{}:{column} {} {}", line as i64 - skip as i64, d.code, d.title.en)
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(
        found,
        expected,
        "\n{}",
        diagnostics.iter().map(|d| d.render(&journey, Language::En, false)).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_thank_you_of_the_design_compiles() {
    check(include_str!("tests/thank_you.yaml"), "");
}

#[test]
fn the_win_back_of_the_design_compiles() {
    check(include_str!("tests/win_back.yaml"), "");
}

/// The steps of a compiled program: name and what it leads to.
fn nodes(journey: &str) -> Vec<String> {
    let (project, diagnostics) = compile_with(&[("journeys/a.yaml", journey)]);
    assert_eq!(shown(&diagnostics, "journeys/a.yaml", journey), "");
    let project = project.unwrap();
    let program = project.programs.values().next().unwrap();
    let outline = crate::outline(program);
    outline
        .boxes
        .iter()
        .map(|b| {
            let to: Vec<String> =
                outline.arrows.iter().filter(|a| a.from == b.pc).map(|a| a.to.to_string()).collect();
            format!("{} -> {}", b.step, to.join(" "))
        })
        .collect()
}

#[test]
fn what_a_path_lacks_is_found_on_that_path() {
    let waiting = "  - wait_for: order_delivered\n    up_to: 14 days\n    as: delivery\n";
    let send = "  - send: how_to_use\n    with: {tracking: delivery.tracking_url}\n";
    check_steps(
        &format!("{waiting}{send}"),
        "5:22 J075 not everybody has \"delivery\" here: after 14 days without one it does not exist",
    );
    check_steps(&format!("{waiting}    if_not:\n      - stop: gone\n{send}"), "");
    check_steps(
        &format!("{waiting}    then:\n    {}    {}", send.replace("\n    with", "\n        with"), ""),
        "",
    );
    check_steps(
        &format!(
            "{waiting}  - if: has(delivery)\n    then:\n      - send: how_to_use\n        with: {{tracking: delivery.tracking_url}}\n"
        ),
        "",
    );
    check_steps(
        &format!(
            "{waiting}  - send: how_to_use\n    with:\n      tracking: default(delivery.tracking_url, \"none\")\n"
        ),
        "",
    );
    // A branch that ends in a stop does not count where the ways meet.
    check_steps(
        &format!(
            "{waiting}    if_not:\n      - if: customer.orders > 1\n        then:\n          - stop: a\n        else:\n          - stop: b\n{send}"
        ),
        "",
    );
    // Bound on one side of an `if` only.
    check_steps(
        "  - if: customer.orders > 1\n    then:\n      - wait_for: order_delivered\n        up_to: 1 day\n        as: delivery\n        if_not:\n          - stop: gone\n  - send: how_to_use\n    with: {tracking: delivery.tracking_url}\n",
        "9:22 J075 not everybody has \"delivery\" here: not every way to this step goes through it",
    );
}

#[test]
fn inputs_are_filled_in_from_what_every_path_has() {
    let (project, diagnostics) = compile_with(&[(
        "journeys/a.yaml",
        "journey: a\npurpose: after_sales\nstart: {event: order_placed}\nfirst_of: [email]\nsteps:\n  - send: thank_you\n",
    )]);
    assert_eq!(diagnostics, []);
    let program = &project.unwrap().programs["a"];
    let crate::Op::Send { send, .. } = &program.nodes[0].op else { panic!("{:?}", program.nodes[0]) };
    let with: Vec<String> = send.with.iter().map(|(name, expr)| format!("{name}: {expr}")).collect();
    assert_eq!(with, ["coupon: event.coupon", "order_id: event.order_id", "total: event.total"]);
    // An event of another kind has no order_id, and says so.
    check(
        "journey: a\npurpose: after_sales\nstart: {event: visited}\nfirst_of: [email]\nsteps:\n  - send: review_request\n",
        "6:11 J090 `review_request` needs `order_id`",
    );
}

#[test]
fn guards_hold_where_they_are_and_end_with_time() {
    let use_it = |indent: &str| format!("{indent}- set:\n{indent}    points: customer.points + 1\n");
    check_steps(&format!("  - if: has(customer.points)\n    then:\n{}", use_it("      ")), "");
    check_steps(
        &format!("  - if: not has(customer.points)\n    then:\n      - stop: no_points\n{}", use_it("  ")),
        "",
    );
    check_steps(
        &format!("  - if: customer.points > 3 and customer.points + 1 > 5\n    then:\n{}", use_it("      ")),
        "",
    );
    check_steps(
        &format!("  - if: has(customer.points) or customer.plan == \"pro\"\n    then:\n{}", use_it("      ")),
        "4:19 J074 `customer.points` may be missing here",
    );
    check_steps(
        &format!("  - if: has(customer.points)\n    then:\n      - wait: 1 day\n{}", use_it("      ")),
        "5:19 J074 `customer.points` may be missing here",
    );
    check_steps("  - set:\n      points: 5\n  - set:\n      points: customer.points + 1\n", "");
}

#[test]
fn structure_becomes_nodes_that_lead_where_they_should() {
    let head = "journey: a\npurpose: after_sales\nstart: {event: order_placed}\nfirst_of: [email]\nsteps:\n";
    assert_eq!(
        nodes(&format!(
            "{head}  - repeat: 3 times\n    while: not clicked(tips)\n    steps:\n      - send: tips\n      - wait: 7 days\n  - send: welcome\n"
        )),
        ["repeat -> 1 3", "send:tips -> 2", "wait -> 0", "send:welcome -> 4", "end -> "]
    );
    assert_eq!(
        nodes(&format!(
            "{head}  - choose:\n      - when: customer.orders > 5\n        steps:\n          - send: tips\n      - when: customer.orders > 1\n        steps:\n          - stop: enough\n    otherwise:\n      - send: tips\n  - send: welcome\n    name: hello\n"
        )),
        ["choose -> 1 2 3", "send:tips -> 4", "stop -> ", "send:tips#2 -> 4", "hello -> 5", "end -> "]
    );
    assert_eq!(
        nodes(&format!(
            "{head}  - survey: nps\n    send: ask_nps\n    up_to: 7 days\n    as: answer\n    then:\n      - if: answer.score < 7\n        then:\n          - notify: a@example.jp\n            text: \"{{answer.score}}!\"\n"
        )),
        ["survey:nps -> 1", "survey:nps/answer -> 2 4", "if -> 3 4", "notify -> 4", "end -> "]
    );
    assert_eq!(
        nodes(&format!(
            "{head}  - call: stock\n    with: {{sku: event.order_id}}\n    as: stock\n    if_fails:\n      - stop: down\n  - if: stock.left > 0\n    then:\n      - send: tips\n"
        )),
        ["call:stock -> 2 1", "stop -> ", "if -> 3 4", "send:tips -> 4", "end -> "]
    );
}

#[test]
fn every_problem_of_a_project_is_told_at_once() {
    check(
        "journey: a\npurpose: after_sale\nstart: {event: order_placd, once_per: order_id}\ngoal: {event: review_writen}\nfirst_of: [emial]\nsteps:\n  - send: thank_yu\n  - wait: 3 dys\n  - if: \"x\" == customer.plan\n    then:\n      - sned: tips\n  - if: customer.ordrs > 1 and clicked(nothing)\n    then:\n      - send: tips\n        priority: high\n",
        "2:10 J054 there is no purpose `after_sale`
3:16 J050 there is no event `order_placd`
4:15 J050 there is no event `review_writen`
5:12 J060 no message is written for the channel `emial`
7:11 J059 there is no message `thank_yu`
8:11 J035 `3 dys` is not a length of time
9:9 J021 YAML ends the text at the second quote and cannot read the rest
11:9 J034 this is no step
12:18 J052 customers have no `ordrs`
12:40 J101 this journey never sends `nothing`
15:19 J042 `high` is not a whole number from -1000 to 1000",
    );
}

#[test]
fn what_runs_decides_the_hash_and_nothing_else() {
    let hash = |text: &str| {
        let (project, diagnostics) = compile_with(&[("journeys/a.yaml", text)]);
        assert_eq!(diagnostics, []);
        project.unwrap().programs["a"].hash.clone()
    };
    let plain = "journey: a\npurpose: after_sales\nstart: {event: order_placed}\nfirst_of: [email]\nsteps:\n  - wait: 3 days\n  - send: tips\n";
    let dressed = "# a remark\njourney: a\ntitle: Something else\nowner: me\npurpose: after_sales\n\nstart: {event: order_placed}\nfirst_of: [email]\nsteps:\n  - wait: 3 days # three\n\n  - send: tips\n";
    assert_eq!(hash(plain), hash(dressed));
    assert_ne!(hash(plain), hash(&plain.replace("3 days", "4 days")));
    assert_eq!(hash(plain).len(), 64);
}

#[test]
fn hostile_files_are_refused_quickly() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
    let many = "- &x a\n".to_owned() + &"- *x\n".repeat(100);
    let deep = "a:\n".to_owned() + &(1..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
    let wide = "x".repeat(10 << 20);
    let itself = "a: &a [*a]\n";
    for (text, code) in [(bomb, "J004"), (&many, "J004"), (&deep, "J003"), (&wide, "J002"), (itself, "J027")]
    {
        let before = std::time::Instant::now();
        let (project, diagnostics) = compile_with(&[("journeys/b.yaml", text)]);
        assert!(project.is_none());
        assert!(diagnostics.iter().any(|d| d.code == code), "{code}: {:?}", diagnostics.first());
        assert!(before.elapsed().as_millis() < 1000, "{code} took {:?}", before.elapsed());
    }
}

#[test]
fn expressions_shown_read_back_as_the_same() {
    for text in [
        "event.total >= money(\"3000 JPY\") and (customer.orders == 1 or not has(event.coupon))",
        "default(customer.points, 0) * (2 + 3) - -4 > 5",
        "event.items.exists(x, x.quantity > 2 and x.sku in [\"a\", \"b\"])",
        "customer.plan not in [\"free\"]",
        "last_at(order_placed) < ago(\"60 days\") or customer.created_at > ahead(\"2 days\")",
        "(customer.orders > 1 ? 2 : 3) + 1 > 2",
        "not (customer.orders > 1 and customer.orders < 3)",
    ] {
        let compile_if = |text: &str| {
            let journey = format!(
                "journey: a\npurpose: after_sales\nstart: {{event: order_placed}}\nfirst_of: [email]\nsteps:\n  - if: >\n      {text}\n    then:\n      - send: tips\n"
            );
            let (project, diagnostics) = compile_with(&[("journeys/a.yaml", &journey)]);
            assert_eq!(shown(&diagnostics, "journeys/a.yaml", &journey), "", "{text}");
            let program = project.unwrap().programs["a"].clone();
            let crate::Op::Branch { arms, .. } = &program.nodes[0].op else { panic!("{text}") };
            (arms[0].0.to_string(), program.hash.clone())
        };
        let (shown, hash) = compile_if(text);
        assert_eq!(compile_if(&shown), (shown.clone(), hash), "{text}");
    }
}

#[test]
fn what_yaml_does_to_an_expression_has_an_error_of_its_own() {
    for (condition, code) in [
        ("!has(event.coupon)", "J020"),
        ("!(customer.orders > 1)", "J020"),
        ("!has(event.coupon) and customer.orders > 1", "J020"),
        ("\"pro\" == customer.plan", "J021"),
        ("'pro' == customer.plan", "J021"),
        ("\"pro == customer.plan", "J021"),
        ("{customer.orders} > 1", "J022"),
        ("[1, 2].exists(x, x == customer.orders)", "J022"),
        ("{a: 1}", "J022"),
        ("has(event.coupon) ? true : false", "J023"),
        ("event.order_id == \"a: b\"", "J023"),
        ("event.order_id == \" #1\"", "J024"),
        ("*event.total", "J027"),
        ("&event.total == 1", "J027"),
        ("&total event.total", "J027"),
        ("%event", "J028"),
        ("@event", "J028"),
        ("`event`", "J028"),
    ] {
        let journey = format!(
            "journey: a\npurpose: after_sales\nstart: {{event: order_placed}}\nfirst_of: [email]\nsteps:\n  - if: {condition}\n    then:\n      - send: tips\n"
        );
        let (_, diagnostics) = compile_with(&[("journeys/a.yaml", &journey)]);
        let found = shown(&diagnostics, "journeys/a.yaml", &journey);
        assert!(
            found.starts_with("6:") && found.contains(code) && !found.contains('\n'),
            "{condition}\n{found}"
        );
    }
}

#[test]
fn twenty_thousand_mistakes_are_a_thousand_problems_and_soon_told() {
    let twice = "events:\n".to_owned() + &"  a: {properties: {x: strng}}\n".repeat(5000);
    let wrong = "events:\n".to_owned()
        + &(0..3000).map(|n| format!("  a{n}: {{propertis: 1}}\n")).collect::<String>();
    for text in [twice, wrong] {
        let before = std::time::Instant::now();
        let (_, diagnostics) = compile_with(&[("journeys/b.yaml", &text)]);
        assert!((900..=1000).contains(&diagnostics.len()), "{}", diagnostics.len());
        assert!(before.elapsed().as_secs() < 5, "{:?}", before.elapsed());
    }
}

#[test]
fn a_property_that_may_be_missing_tells_enrollments_apart_where_the_start_asks_for_it() {
    let with = |condition: &str| {
        format!(
            "journey: a\npurpose: after_sales\nstart:\n  event: order_placed\n{condition}  once_per: coupon\nfirst_of: [email]\nsteps:\n  - send: tips\n"
        )
    };
    check(&with(""), "5:13 J099 `coupon` cannot tell enrollments apart");
    check(&with("  if: has(event.coupon) and event.total > money(\"1 JPY\")\n"), "");
    check(
        &with("  if: has(event.coupon) or event.total > money(\"1 JPY\")\n"),
        "6:13 J099 `coupon` cannot tell enrollments apart",
    );
}
