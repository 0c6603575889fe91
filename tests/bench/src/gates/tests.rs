//! How rounds alternate and what becomes of a contender that fails.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;

fn place() -> Place {
    let nowhere = PathBuf::new();
    Place {
        folder: nowhere.clone(),
        limits: nowhere.clone(),
        tabi: nowhere.clone(),
        scripts: nowhere,
        quick: true,
        minutes: 1.0,
        cluster: OnceCell::new(),
    }
}

fn contender(name: &'static str, seen: &Rc<RefCell<Vec<&'static str>>>, fails_at: usize) -> Contender {
    let (seen, mut round) = (seen.clone(), 0);
    let run: Run = Box::new(move |_| {
        seen.borrow_mut().push(name);
        round += 1;
        anyhow::ensure!(round != fails_at, "it broke");
        Ok(Measure { work: 10.0, seconds: 1.0, ..Measure::default() })
    });
    Contender { role: Role::Limit, name, run: Ok(run) }
}

fn gate(contenders: Vec<Contender>) -> Gate {
    Gate { number: 0, name: "", unit: "", figure: Figure::Rate, contenders, bounds: vec![] }
}

#[test]
fn the_order_is_turned_round_in_every_second_round() {
    let seen = Rc::default();
    let mut gate = gate(vec![contender("a", &seen, 0), contender("b", &seen, 0)]);
    gate.play(&place(), 3, &|_| {});
    assert_eq!(*seen.borrow(), ["a", "b", "b", "a", "a", "b"]);
}

#[test]
fn a_contender_that_fails_is_out_and_the_others_go_on() {
    let seen = Rc::default();
    let mut gate = gate(vec![contender("a", &seen, 2), contender("b", &seen, 0)]);
    let standings = gate.play(&place(), 3, &|_| {});
    assert_eq!(standings[0].measures.as_ref().err().map(String::as_str), Some("it broke"));
    assert_eq!(standings[1].spread(Figure::Rate).map(|spread| spread.median()), Some(10.0));
    assert_eq!(*seen.borrow(), ["a", "b", "b", "a", "b"]);
}
