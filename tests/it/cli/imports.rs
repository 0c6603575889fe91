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
    let done = shop.tabi(&["import", "customers", "people.csv", "--rejected", "refused.csv"]);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    let refused = std::fs::read_to_string(shop.path("refused.csv")).unwrap();
    let lines: Vec<&str> = refused.lines().collect();
    assert!(lines[0].starts_with("tabi.file,tabi.line,tabi.code,tabi.reason,user_id,email,"), "{refused}");
    assert!(lines[1].starts_with("people.csv,3,trait_type,"), "{refused}");
    // Mended there, it is imported as it is.
    std::fs::write(shop.path("refused.csv"), refused.replace("not-an-address", "ken@example.jp")).unwrap();
    let again = shop.tabi(&["import", "customers", "refused.csv"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(shop.tabi(&["customer", "show", "ken@example.jp"]).out.contains("健"));
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

#[test]
fn a_mistyped_column_is_refused_and_one_that_nothing_declares_is_named_in_a_dry_run_too() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    std::fs::write(shop.path("people.csv"), "user_id,email,Shoe size\nhana,hana@example.jp,24\n").unwrap();
    let wrong = shop.tabi(&["import", "customers", "people.csv", "--column", "Emial=email"]);
    assert_eq!(
        (wrong.code, wrong.err.contains("Emial") && wrong.err.contains("Shoe size")),
        (1, true),
        "{}",
        wrong.err
    );
    for dry_run in [&["--dry-run"][..], &[]] {
        let said = shop.tabi(&[&["import", "customers", "people.csv"][..], dry_run].concat());
        assert!(said.code == 0 && said.out.contains("kept as a trait of its own: Shoe size"), "{}", said.out);
    }
    let again = shop.tabi(&["import", "customers", "people.csv"]);
    assert!(again.out.contains("0 rows taken in, 1 known already"), "{}", again.out);
}
