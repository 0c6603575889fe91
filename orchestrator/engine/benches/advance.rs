//! What one transition costs: a branch, a send and a wait, as most wake-ups are; and evaluating a condition.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use engine::{Choice, Env, Facts, Input, Known, NoItems, Snapshot, State, View, advance, holds};
use journey::expr::{BinaryOp, Expr, ExprKind, Root};
use journey::program::{
    Again, AlreadyIn, Channels, Duration, IfBlocked, Node, Op, Program, Send, Start, Wait, WaitUntil,
};
use journey::{Fact, FactKind, Schema};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use words::{
    Channel, Country, Customer, CustomerId, Elapsed, EnrollmentId, Event, MessageClass, Text, Timestamp,
    Type, Value, Zone,
};

struct Person<'a>(Snapshot<'a>);

impl Known for Person<'_> {
    fn customer(&self) -> &Customer {
        self.0.customer()
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.0.fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.0.fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.0.in_segment(name, now)
    }
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.0.item(catalog, id)
    }
    fn zone(&self) -> &Zone {
        self.0.zone()
    }
    fn country(&self) -> Option<Country> {
        self.0.country()
    }
}

impl View for Person<'_> {
    fn enrollment(&self) -> EnrollmentId {
        EnrollmentId([1; 16])
    }
    fn key(&self) -> &str {
        ""
    }
    fn start_event(&self) -> Option<&Event> {
        None
    }
    fn choose(&self, _: &Send, _: Timestamp) -> Choice {
        Choice::Go(vec![Channel::EMAIL])
    }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, ty: Type::Any, nullable: true, span: 0..0 }
}

/// `customer.orders > 1`
fn condition() -> Expr {
    let orders = expr(ExprKind::Field(Box::new(expr(ExprKind::Root(Root::Customer))), "orders".to_owned()));
    let one = expr(ExprKind::Literal(Value::Int(1)));
    expr(ExprKind::Binary(BinaryOp::Greater, Box::new(orders), Box::new(one)))
}

fn program() -> Program {
    let wait = Wait {
        until: WaitUntil::After { duration: Duration::CalendarDays(3), since_start: false },
        between: None,
        on: None,
    };
    let send = Send {
        message: "thanks".to_owned(),
        channels: Channels::FirstOf(vec![Channel::EMAIL]),
        with: Vec::new(),
        priority: 0,
        expires: None,
        if_blocked: IfBlocked::Skip,
        survey: None,
    };
    let ops = vec![
        Op::Branch { arms: vec![(condition(), 1)], otherwise: 3 },
        Op::Send { send: Box::new(send), next: 2 },
        Op::Wait { wait: Box::new(wait), next: 3 },
        Op::End,
    ];
    Program {
        journey: "thank_you".to_owned(),
        title: Text::new("", ""),
        purpose: "offers".to_owned(),
        class: MessageClass::Marketing,
        owner: None,
        hash: String::new(),
        file: String::new(),
        start: Start::Event { event: "order_placed".to_owned() },
        start_if: None,
        once_per: None,
        again: Again::Always,
        already_in: AlreadyIn::Skip,
        late: Elapsed::from_days(1),
        goal: None,
        stop_if: Vec::new(),
        stop_segments: Vec::new(),
        nodes: ops
            .into_iter()
            .enumerate()
            .map(|(index, op)| Node { step: format!("step#{index}"), span: 0..0, op })
            .collect(),
        bindings: BTreeMap::new(),
        listens: BTreeSet::new(),
    }
}

fn transitions(c: &mut Criterion) {
    let now = Timestamp::from_secs(1_767_225_600);
    let orders = Fact {
        kind: FactKind::Count,
        event: "order_placed".to_owned(),
        condition: None,
        window: None,
        ty: Type::Int,
        by: None,
    };
    let schema = Schema { facts: BTreeMap::from([("orders".to_owned(), orders)]), ..Schema::default() };
    let customer = Customer::new(CustomerId([7; 16]), now);
    let zone = Zone::parse("Asia/Tokyo").unwrap();
    let facts = Facts::from_bytes(br#"{"orders":{"n":3}}"#).unwrap();
    let snapshot = Snapshot {
        schema: &schema,
        customer: &customer,
        facts: &facts,
        items: &NoItems,
        zone: &zone,
        country: None,
        business_days: None,
    };
    let person = Person(snapshot);
    let program = program();
    let fresh = State::new(now, now);
    let moved = advance(&program, &fresh, &Input::Begin, &person, now);
    assert!(moved.due.is_some() && moved.effects.len() == 3);

    c.bench_function("advance: branch, send, wait", |b| {
        b.iter(|| advance(&program, black_box(&fresh), &Input::Begin, &person, now));
    });
    let later = moved.due.unwrap();
    c.bench_function("advance: the end of a wait", |b| {
        b.iter(|| advance(&program, black_box(&moved.state), &Input::Due, &person, later));
    });
    let condition = condition();
    c.bench_function("eval: customer.orders > 1", |b| {
        b.iter(|| holds(black_box(&condition), &Env::new(&person, now)));
    });
}

criterion_group!(benches, transitions);
criterion_main!(benches);
