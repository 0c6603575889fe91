//! Customers and history from files.

use super::Shop;

const CUSTOMERS: &str = "user_id,email,given_name,consent.onboarding,consent_at
hana,hana@example.jp,花子,yes,2026-01-01T00:00:00Z
ken,not-an-address,健,yes,2026-01-01T00:00:00Z
mei,mei@example.jp,芽衣,no,2026-01-01T00:00:00Z
";

#[test]
fn an_import_takes_what_is_good_and_writes_what_is_refused_to_a_file_with_its_line() {
    let shop = Shop::new("ja");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    std::fs::write(shop.path("people.csv"), CUSTOMERS).unwrap();
    let dry = shop.tabi(&["import", "customers", "people.csv", "--dry-run", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!(
        (told["taken"].as_u64(), told["rejected"].as_u64()),
        (Some(2), Some(1)),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(shop.tabi(&["customer", "find", "hana"]).code, 1, "a dry run wrote something");
    let done = shop.tabi(&["import", "customers", "people.csv", "--rejected", "refused.jsonl"]);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    let refused = std::fs::read_to_string(shop.path("refused.jsonl")).unwrap();
    let refused: serde_json::Value = serde_json::from_str(refused.lines().next().unwrap()).unwrap();
    assert_eq!(refused["line"], 3, "{refused}");
    assert!(shop.tabi(&["customer", "show", "hana@example.jp"]).out.contains("花子"));
}

#[test]
fn an_import_without_a_person_or_a_file_says_so() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    std::fs::write(shop.path("no-one.csv"), "given_name\nHana\n").unwrap();
    let nobody = shop.tabi(&["import", "customers", "no-one.csv"]);
    assert_eq!((nobody.code, nobody.err.contains("user_id")), (1, true), "{}", nobody.err);
    let nothing = shop.tabi(&["import", "customers", "missing.csv"]);
    assert_eq!((nothing.code, nothing.err.contains("missing.csv")), (3, true), "{}", nothing.err);
}
