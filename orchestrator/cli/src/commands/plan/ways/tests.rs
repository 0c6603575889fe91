#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use std::collections::BTreeMap;
use words::{Channel, MessageCatalog, MessageEntry};

const SCHEMA: &str = "events:\n  order_placed: {properties: {order_id: text}}\n  order_delivered: {properties: {order_id: text}}\n\
    purposes:\n  after_sales: {title: {en: After sales, ja: ご購入後}, class: service}\n";

fn program(steps: &str) -> Program {
    let journey = format!(
        "journey: a\npurpose: after_sales\nstart:\n  event: order_placed\n  once_per: order_id\nfirst_of: [email]\nsteps:\n{steps}"
    );
    let files = BTreeMap::from([
        ("journeys/schema.yaml".to_owned(), SCHEMA.as_bytes().to_vec()),
        ("journeys/a.yaml".to_owned(), journey.into_bytes()),
    ]);
    let mut messages = MessageCatalog::default();
    for name in ["thanks", "review", "tips"] {
        let entry = MessageEntry { channels: [Channel::EMAIL].into(), ..MessageEntry::default() };
        messages.messages.insert(name.to_owned(), entry);
    }
    let (project, problems) = journey::compile(&files, &messages);
    let program = project.unwrap_or_else(|| panic!("{problems:#?}")).programs.remove("a").unwrap();
    std::sync::Arc::unwrap_or_clone(program)
}

fn from(old: &Program, step: &str, new: Option<&Program>) -> Ways {
    ways(old, old.nodes.iter().position(|node| node.step == step).unwrap(), new)
}

const OLD: &str = "  - send: thanks\n  - wait: 3 days\n    name: pause\n  - send: review\n";

#[test]
fn a_step_that_is_as_it_was_can_be_gone_on_from_wherever_it_moved_to() {
    let (old, new) = (program(OLD), program(&format!("  - send: tips\n{OLD}")));
    let found = from(&old, "pause", Some(&new));
    assert_eq!((found.became, found.no_map), (Became::Same, None));
    assert_eq!(found.ahead, BTreeSet::from(["review".to_owned()]));
}

#[test]
fn a_longer_wait_is_a_changed_step_and_one_of_another_kind_is_no_way() {
    let old = program(OLD);
    let longer = program(&OLD.replace("3 days", "5 days"));
    let found = from(&old, "pause", Some(&longer));
    assert_eq!((found.became, found.no_map), (Became::Changed, None));
    let other =
        program("  - wait_for: order_delivered\n    name: pause\n    up_to: 3 days\n  - send: review\n");
    let found = from(&old, "pause", Some(&other));
    assert_eq!(found.became, Became::Changed);
    assert!(found.no_map.is_some());
}

#[test]
fn a_step_that_is_gone_or_a_journey_that_is_gone_leads_nowhere() {
    let old = program(OLD);
    let new = program("  - send: thanks\n");
    for new in [Some(&new), None] {
        let found = from(&old, "pause", new);
        assert_eq!((found.became, found.no_map.is_some()), (Became::Gone, true));
    }
}

#[test]
fn whoever_lacks_what_the_new_program_reads_there_cannot_go_on_in_it() {
    let old = program(OLD);
    let new = program(
        "  - wait_for: order_delivered\n    up_to: 9 days\n    as: parcel\n    if_not:\n      - stop: never\n  - wait: 3 days\n    name: pause\n  \
         - if: parcel.order_id == event.order_id\n    then:\n      - send: review\n",
    );
    let found = from(&old, "pause", Some(&new));
    assert!(found.no_map.is_some_and(|why| why.en.contains("parcel")));
}
