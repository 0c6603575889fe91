//! Names of kinds.

use super::AuditKind;
use std::collections::BTreeSet;

#[test]
fn every_kind_has_a_name_of_its_own_and_is_found_by_it() {
    let names: BTreeSet<&str> = AuditKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), AuditKind::ALL.len());
    for kind in AuditKind::ALL {
        assert_eq!(AuditKind::parse(kind.as_str()), Some(*kind));
    }
    assert_eq!(AuditKind::parse("message.dreamt"), None);
}

#[test]
fn names_say_what_it_is_about_and_what_happened() {
    for kind in AuditKind::ALL {
        let (about, what) = kind.as_str().split_once('.').expect("two words");
        for word in [about, what] {
            assert!(!word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{kind}");
        }
    }
}
