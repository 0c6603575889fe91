//! The model of the ledger: every state of it holds, and each rule taken away is missed.

#![allow(clippy::print_stdout)]

use sim::model::{Class, Ledger, MUTATIONS, Mutation, check};

fn ledger(class: Class, mutation: Mutation) -> Ledger {
    Ledger { class, mutation, crashes: 2, claims: 4 }
}

#[test]
fn every_state_of_the_ledger_keeps_its_promises() {
    for class in [Class::NeverTwice, Class::NeverLost] {
        let checked = check(ledger(class, Mutation::None));
        assert_eq!(checked.broken, [], "{class:?}");
        println!("{class:?}: {} states", checked.states);
        assert!(checked.states > 10_000, "{} states are too few to be all", checked.states);
    }
}

#[test]
fn each_rule_that_is_taken_away_is_missed() {
    for mutation in MUTATIONS {
        let broken: Vec<_> = [Class::NeverTwice, Class::NeverLost]
            .into_iter()
            .flat_map(|class| check(ledger(class, mutation)).broken)
            .collect();
        assert!(!broken.is_empty(), "{mutation:?} breaks nothing");
    }
}
