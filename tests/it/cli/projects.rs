//! From nothing to a project that passes.

use super::{Shop, tabi_in};
use std::path::Path;

#[test]
fn a_new_project_passes_check_silently_and_its_story_in_every_language() {
    for languages in ["en", "ja", "ja,en", "en,ja,fr"] {
        let shop = Shop::new(languages);
        let check = shop.tabi(&["check"]);
        assert_eq!((check.code, check.out.as_str(), check.err.as_str()), (0, "", ""), "{languages}");
        let test = shop.tabi(&["test"]);
        assert_eq!(test.code, 0, "{languages}: {}{}", test.out, test.err);
        assert!(test.out.contains("1 story passed"), "{}", test.out);
    }
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_where_an_answer_does_not_fit() {
    let shop = Shop::new("en");
    let again = shop.tabi(&["init", ".", "--yes"]);
    assert_eq!(again.code, 4, "{}", again.err);
    let here = tempfile::tempdir().unwrap();
    for (flag, value) in [
        ("--countries", "Japan"),
        ("--zone", "Tokyo"),
        ("--languages", "e"),
        ("--sender", "nobody"),
        ("--site", "shop"),
    ] {
        let said = tabi_in(here.path(), &["init", "shop", "--yes", flag, value]);
        assert_eq!(said.code, 2, "{flag} {value}: {}{}", said.out, said.err);
        assert!(said.err.contains(value), "{flag}: {}", said.err);
        assert!(!here.path().join("shop").exists(), "{flag} {value} left something behind");
    }
}

#[test]
fn init_tells_what_was_filled_in_and_has_to_be_edited() {
    let here = tempfile::tempdir().unwrap();
    let said = tabi_in(here.path(), &["init", "shop", "--yes", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        told["placeholders"],
        serde_json::json!(["senders.email.from", "legal.postal_address", "site"])
    );
    let human = tabi_in(here.path(), &["init", "other", "--yes", "--sender", "a@kumo.example"]);
    assert!(
        human.out.contains("legal.postal_address") && !human.out.contains("senders.email"),
        "{}",
        human.out
    );
}

#[test]
fn a_project_begun_in_japanese_is_commented_and_told_in_japanese() {
    let here = tempfile::tempdir().unwrap();
    let ja = |args: &[&str]| tabi_in(here.path(), &[&["--lang", "ja"][..], args].concat());
    let begun = ja(&["init", "shop", "--yes", "--languages", "ja,en"]);
    assert_eq!(begun.code, 0, "{}{}", begun.out, begun.err);
    let check = ja(&["check", "--project", "shop"]);
    assert_eq!((check.code, check.out.as_str()), (0, ""), "{}", check.err);
    assert_eq!(ja(&["test", "--project", "shop"]).code, 0);
    for file in [
        "templates/brand.yaml",
        "templates/welcome/message.yaml",
        "templates/welcome/sample.yaml",
        "journeys/schema.yaml",
        "journeys/welcome.yaml",
        "journeys/welcome.test.yaml",
    ] {
        let text = std::fs::read_to_string(here.path().join("shop").join(file)).unwrap();
        let comments = text.lines().filter_map(|line| line.split_once("# ")).map(|(_, comment)| comment);
        let comments: Vec<&str> = comments.collect();
        assert!(!comments.is_empty(), "{file} explains nothing");
        assert!(comments.iter().all(|comment| !comment.is_ascii()), "{file}: {comments:?}");
        for said in text.lines().filter(|line| line.contains("- story: ") || line.contains("description: ")) {
            assert!(!said.is_ascii(), "{file}: {said}");
        }
    }
    for (flag, value) in [
        ("--countries", "Japan"),
        ("--zone", "Tokyo"),
        ("--languages", "e"),
        ("--sender", "a"),
        ("--site", "shop"),
    ] {
        let wrong = ja(&["init", "other", "--yes", flag, value]);
        assert_eq!(wrong.code, 2, "{flag} {value}: {}", wrong.err);
        let told = wrong.err.trim_start_matches("エラー: ");
        assert!(told.starts_with(&format!("「{value}」")) && told.chars().count() < 80, "{told}");
        assert!(!told.contains(" is ") && !told.contains(" not "), "{told}");
    }
}

#[test]
fn a_project_is_found_from_a_folder_inside_it() {
    let shop = Shop::new("en");
    let check = tabi_in(&shop.path("templates/welcome"), &["check", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!((check.code, told["errors"].as_i64()), (0, Some(0)));
    assert!(told["release"].as_str().unwrap().starts_with("rel_"));
}

#[test]
fn a_story_that_goes_another_way_is_shown_at_its_line_with_what_happened() {
    let shop = Shop::new("en");
    shop.edit("journeys/welcome.test.yaml", "sent: welcome", "sent: goodbye");
    let said = shop.tabi(&["test"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("journeys/welcome.test.yaml:"), "{}", said.out);
}

#[test]
fn a_story_that_cannot_be_read_is_said_not_to_have_been_played_and_the_others_are() {
    let shop = Shop::new("en");
    let file = "journeys/welcome.test.yaml";
    let story = std::fs::read_to_string(shop.path(file)).unwrap();
    let second =
        story.split_once("stories:\n").unwrap().1.replace("once", "twice").replace("advance:", "advnce:");
    std::fs::write(shop.path(file), format!("{}\n{second}", story.trim_end())).unwrap();
    let test = shop.tabi(&["test"]);
    assert_eq!(test.code, 1, "{}{}", test.out, test.err);
    assert!(test.out.contains("did you mean `advance`?"), "{}", test.out);
    assert!(test.out.contains("not played: who signs up is welcomed, twice"), "{}", test.out);
    assert!(test.out.contains("1 story passed"), "{}", test.out);
    assert!(test.out.contains("1 story was not played: mend the errors above first"), "{}", test.out);
    let japanese = shop.tabi(&["test", "--lang", "ja"]);
    assert!(japanese.out.contains("エラー[J034]") && japanese.out.contains("ヒント: "), "{}", japanese.out);
    assert!(japanese.out.contains("1件は実行していません"), "{}", japanese.out);

    std::fs::write(shop.path(file), "stories: [\n").unwrap();
    let test = shop.tabi(&["test"]);
    assert_eq!(test.code, 1, "{}{}", test.out, test.err);
    assert!(!test.out.contains("passed") && !test.out.contains("no stories yet"), "{}", test.out);
    assert!(test.out.contains("not every story was played"), "{}", test.out);
}

#[test]
fn the_samples_of_shop_webhooks_fit_a_new_project_but_for_what_their_shop_counts() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("journeys/sources");
    for name in ["shopify.yaml", "woocommerce.yaml"] {
        let shop = Shop::new("en");
        std::fs::create_dir(shop.path("journeys/sources")).unwrap();
        let sample = std::fs::read_to_string(samples.join(name)).unwrap();
        let file = shop.path("journeys/sources").join(name);
        std::fs::write(&file, &sample).unwrap();
        let check = shop.tabi(&["check"]);
        assert_eq!(check.code, 1, "{name}: {}", check.out);
        assert!(check.out.ends_with("1 error, 0 warnings\n"), "{name}: {}", check.out);
        assert!(check.out.contains("`cds: int?`, or leave out here"), "{name}: {}", check.out);
        let without: String =
            sample.lines().filter(|line| !line.contains("cds:")).map(|l| format!("{l}\n")).collect();
        std::fs::write(&file, without).unwrap();
        let check = shop.tabi(&["check"]);
        assert_eq!((check.code, check.out.as_str()), (0, ""), "{name}");
    }
}
