//! One mistake gives one error, at its place, with a way out.

use super::Shop;

/// Makes one mistake in a new project, and reads the one error of `tabi check`.
#[track_caller]
fn one_error(file: &str, from: &str, to: &str) -> serde_json::Value {
    let shop = Shop::new("en,ja");
    shop.edit(file, from, to);
    let said = shop.tabi(&["check", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, told["errors"].as_i64()), (1, Some(1)), "{}", shop.tabi(&["check"]).out);
    let problem = told["problems"][0].clone();
    let human = shop.tabi(&["check"]);
    let place = format!("{}:{}:{}", problem["file"].as_str().unwrap(), problem["line"], problem["column"]);
    assert!(human.out.contains(&place), "{place} is not in:\n{}", human.out);
    let japanese = shop.tabi(&["check", "--lang", "ja"]);
    assert!(!japanese.out.is_ascii(), "{}", japanese.out);
    problem
}

#[test]
fn a_misspelt_field_is_found_and_the_right_one_offered() {
    let problem = one_error("journeys/welcome.yaml", "first_of: [email]", "frist_of: [email]");
    assert_eq!(problem["file"], "journeys/welcome.yaml");
    assert!(problem["help"]["en"].as_str().unwrap().contains("first_of"), "{problem}");
}

#[test]
fn a_missing_translation_is_found() {
    let problem = one_error("templates/locales/ja/welcome.ftl", "button = お店を見る\n", "");
    assert!(problem["title"]["en"].as_str().unwrap().contains("button"), "{problem}");
}

#[test]
fn an_unknown_message_is_found() {
    let problem = one_error("journeys/welcome.yaml", "  - send: welcome", "  - send: welcmoe");
    assert!(problem["help"]["en"].as_str().unwrap().contains("welcome"), "{problem}");
}

#[test]
fn a_type_error_is_found() {
    let problem = one_error(
        "journeys/welcome.yaml",
        "  - send: welcome",
        "  - if: customer.orders == \"many\"\n    then:\n      - send: welcome",
    );
    assert!(problem["line"].as_i64().unwrap() >= 15, "{problem}");
}

#[test]
fn an_expression_that_yaml_eats_is_found_with_what_to_write_instead() {
    let problem = one_error(
        "journeys/welcome.yaml",
        "  - send: welcome",
        "  - if: !has(customer.given_name)\n    then:\n      - send: welcome",
    );
    assert!(problem["help"]["en"].as_str().unwrap().contains("not has"), "{problem}");
}

#[test]
fn a_template_that_never_ends_is_one_error_at_its_loop_and_stops_no_deployment_for_good() {
    let bomb =
        "{% for a in range(end=90000) %}{% for b in range(end=90000) %}{% endfor %}{% endfor %}\n{{ t(";
    let problem = one_error("templates/welcome/email/subject.txt", "{{ t(", bomb);
    assert_eq!((&problem["code"], &problem["line"]), (&"T048".into(), &1.into()), "{problem}");
    let shop = Shop::new("en");
    shop.edit("templates/welcome/email/subject.txt", "{{ t(", bomb);
    let said = shop.tabi(&["deploy"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("T048"), "{}", said.out);
}

#[test]
fn an_error_speaks_the_readers_language_and_json_keeps_english() {
    let shop = Shop::new("en");
    let said = shop.tabi(&["why", "nobody", "--lang", "ja"]);
    assert_ne!(said.code, 0);
    assert!(said.err.starts_with("エラー: ") && said.err.contains("データがありません"), "{}", said.err);
    let json = shop.tabi(&["why", "nobody", "--lang", "ja", "--format", "json"]);
    assert!(json.err.contains("there is no data in"), "{}", json.err);
}
