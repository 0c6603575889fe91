//! What the tests of this crate share: small ways to write expressions, customers, programs and stories.

use crate::{Choice, Effect, Facts, Input, Known, NoItems, Reason, Snapshot, State, View, advance};
use journey::program::WaitUntil;
use journey::{
    Again, AlreadyIn, BinaryOp, Channels, Duration, EventMatch, Expr, ExprKind, Fact, FactKind, Function,
    IfBlocked, Node, Op, Pc, Program, Root, Schema, Segment, Send, Start, Wait,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use words::{
    Channel, Country, Customer, CustomerId, Elapsed, EnrollmentId, Event, EventId, EventKind, MessageClass,
    Money, Text, Timestamp, Type, Value, Zone,
};

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Days after the first of January 2026, 00:00 UTC.
pub(crate) fn day(days: i64) -> Timestamp {
    at("2026-01-01T00:00:00Z").plus(Elapsed::from_days(days))
}

pub(crate) fn span(text: &str) -> Elapsed {
    Elapsed::parse(text).unwrap()
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn money(text: &str) -> Value {
    Value::Money(Money::parse(text).unwrap())
}

pub(crate) fn expr(kind: ExprKind) -> Expr {
    Expr { kind, ty: Type::Any, nullable: true, span: 0..0 }
}

pub(crate) fn lit(value: impl Into<Lit>) -> Expr {
    expr(ExprKind::Literal(value.into().0))
}

pub(crate) struct Lit(Value);
impl From<Value> for Lit {
    fn from(value: Value) -> Self {
        Self(value)
    }
}
impl From<i64> for Lit {
    fn from(value: i64) -> Self {
        Self(Value::Int(value))
    }
}
impl From<f64> for Lit {
    fn from(value: f64) -> Self {
        Self(Value::Float(value))
    }
}
impl From<bool> for Lit {
    fn from(value: bool) -> Self {
        Self(Value::Bool(value))
    }
}
impl From<&str> for Lit {
    fn from(value: &str) -> Self {
        Self(text(value))
    }
}

/// `customer.orders`, `event.total`, `it.x`, `now`, a binding otherwise.
pub(crate) fn path(path: &str) -> Expr {
    let mut parts = path.split('.');
    let root = match parts.next().unwrap() {
        "event" => Root::Event,
        "customer" => Root::Customer,
        "it" => Root::It,
        "item" => Root::Item,
        "before" => Root::Before,
        "now" => Root::Now,
        "turn" => Root::Turn,
        name => Root::Binding(name.to_owned()),
    };
    parts.fold(expr(ExprKind::Root(root)), |of, name| expr(ExprKind::Field(Box::new(of), name.to_owned())))
}

pub(crate) fn fact(name: &str) -> Expr {
    expr(ExprKind::Root(Root::Fact(name.to_owned())))
}

pub(crate) fn op(left: Expr, op: &str, right: Expr) -> Expr {
    let op = match op {
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        "in" => BinaryOp::In,
        _ => unreachable!("{op}"),
    };
    expr(ExprKind::Binary(op, Box::new(left), Box::new(right)))
}

pub(crate) fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    expr(ExprKind::Call(function, arguments))
}

pub(crate) fn ago(length: &str) -> Expr {
    call(Function::Ago, vec![lit(Value::Duration(span(length)))])
}

pub(crate) fn not(of: Expr) -> Expr {
    expr(ExprKind::Unary(journey::UnaryOp::Not, Box::new(of)))
}

pub(crate) fn engaged(receipt: &str, message: &str) -> Expr {
    expr(ExprKind::Engaged(receipt.to_owned(), message.to_owned()))
}

pub(crate) fn event(name: &str, when: Timestamp, properties: &[(&str, Value)]) -> Event {
    // A name and an instant make an event here.
    let mut id = [0; 16];
    id[..8].copy_from_slice(&when.as_micros().to_be_bytes());
    for (index, byte) in name.bytes().enumerate() {
        id[8 + index % 8] ^= byte;
    }
    Event {
        id: EventId(id),
        name: name.to_owned(),
        occurred_at: when,
        received_at: when,
        properties: properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        kind: EventKind::Live,
    }
}

pub(crate) fn customer() -> Customer {
    let mut customer = Customer::new(CustomerId([7; 16]), day(-100));
    customer.country = Some(Country::JP);
    customer
}

pub(crate) fn count_of(event: &str, window: Option<&str>) -> Fact {
    Fact {
        kind: FactKind::Count,
        event: event.to_owned(),
        condition: None,
        window: window.map(span),
        ty: Type::Int,
        by: None,
    }
}

pub(crate) fn segment(condition: Expr) -> Segment {
    Segment { title: None, condition, events: BTreeSet::new(), timed: true }
}

/// A customer and what is known of them, owned.
pub(crate) struct World {
    pub(crate) schema: Schema,
    pub(crate) customer: Customer,
    pub(crate) facts: Facts,
    pub(crate) zone: Zone,
    pub(crate) start: Option<Event>,
    pub(crate) key: String,
    /// Messages that may not be sent: until when.
    pub(crate) blocked: RefCell<BTreeMap<String, Option<Timestamp>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            schema: Schema::default(),
            customer: customer(),
            facts: Facts::default(),
            zone: zone("Asia/Tokyo"),
            start: None,
            key: String::new(),
            blocked: RefCell::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            schema: &self.schema,
            customer: &self.customer,
            facts: &self.facts,
            items: &NoItems,
            zone: &self.zone,
            country: self.customer.country,
            business_days: None,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.customer.traits.insert(name.to_owned(), value);
    }

    pub(crate) fn fold(&mut self, event: &Event, now: Timestamp) {
        let mut facts = std::mem::take(&mut self.facts);
        facts.fold(&self.schema, event, &self.snapshot(), now);
        self.facts = facts;
    }
}

impl Known for World {
    fn customer(&self) -> &Customer {
        &self.customer
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.snapshot().fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.snapshot().fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.snapshot().in_segment(name, now)
    }
    fn item(&self, _: &str, _: &str) -> Option<&BTreeMap<String, Value>> {
        None
    }
    fn zone(&self) -> &Zone {
        &self.zone
    }
    fn country(&self) -> Option<Country> {
        self.customer.country
    }
}

impl View for World {
    fn enrollment(&self) -> EnrollmentId {
        EnrollmentId([1; 16])
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn start_event(&self) -> Option<&Event> {
        self.start.as_ref()
    }
    fn choose(&self, send: &Send, now: Timestamp) -> Choice {
        match self.blocked.borrow().get(&send.message) {
            Some(until) if until.is_none_or(|until| until > now) => Choice::Blocked {
                reasons: vec![Reason::new("cap", "too many already", "上限に達しています")],
                until: *until,
            },
            _ => match &send.channels {
                Channels::FirstOf(channels) | Channels::AllOf(channels) => Choice::Go(channels.clone()),
            },
        }
    }
}

/// A journey of these steps; steps are named by their place: `0`, `1` …
pub(crate) fn program(ops: Vec<Op>) -> Program {
    Program {
        journey: "test".to_owned(),
        title: Text::new("Test", "テスト"),
        purpose: "offers".to_owned(),
        class: MessageClass::Marketing,
        owner: None,
        hash: String::new(),
        file: "test.yaml".to_owned(),
        start: Start::Event { event: "order_placed".to_owned() },
        start_if: None,
        once_per: None,
        again: Again::Always,
        already_in: AlreadyIn::Skip,
        late: span("24 hours"),
        goal: None,
        stop_if: Vec::new(),
        stop_segments: Vec::new(),
        nodes: ops
            .into_iter()
            .enumerate()
            .map(|(index, op)| Node { step: index.to_string(), span: 0..0, op })
            .collect(),
        bindings: BTreeMap::new(),
        listens: BTreeSet::new(),
    }
}

pub(crate) fn on(event: &str) -> EventMatch {
    EventMatch { event: event.to_owned(), condition: None }
}

pub(crate) fn send(message: &str, next: Pc) -> Op {
    send_with(message, next, |_| {})
}

pub(crate) fn send_with(message: &str, next: Pc, change: impl FnOnce(&mut Send)) -> Op {
    let mut send = Send {
        message: message.to_owned(),
        channels: Channels::FirstOf(vec![Channel::EMAIL]),
        with: Vec::new(),
        priority: 0,
        expires: None,
        if_blocked: IfBlocked::Skip,
        survey: None,
    };
    change(&mut send);
    Op::Send { send: Box::new(send), next }
}

pub(crate) fn wait(days: i32, next: Pc) -> Op {
    wait_until(WaitUntil::After { duration: Duration::CalendarDays(days), since_start: false }, next)
}

pub(crate) fn wait_until(until: WaitUntil, next: Pc) -> Op {
    Op::Wait { wait: Box::new(Wait { until, between: None, on: None }), next }
}

pub(crate) fn wait_for(events: &[&str], up_to: &str, then: Pc, otherwise: Pc) -> Op {
    Op::WaitFor {
        events: events.iter().map(|name| on(name)).collect(),
        up_to: Some(Duration::Elapsed(span(up_to))),
        since_start: false,
        bind: None,
        then,
        otherwise,
    }
}

/// One enrollment, told as a story.
pub(crate) struct Story {
    pub(crate) program: Program,
    pub(crate) world: World,
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    told: String,
}

impl Story {
    pub(crate) fn new(program: Program, now: &str) -> Self {
        let now = at(now);
        Self { program, world: World::new(), state: State::new(now, now), now, told: String::new() }
    }

    /// Gives an input now, and tells what came of it.
    pub(crate) fn give(&mut self, input: &Input<'_>) -> Vec<Effect> {
        let transition = advance(&self.program, &self.state, input, &self.world, self.now);
        assert_eq!(transition.due, transition.state.at.due_at);
        // What is stored is what goes on.
        let stored = serde_json::to_string(&transition.state).unwrap();
        self.state = serde_json::from_str(&stored).unwrap();
        assert_eq!(self.state, transition.state);
        for effect in &transition.effects {
            self.told.push_str(&line(self.now, effect));
        }
        transition.effects
    }

    pub(crate) fn begin(&mut self) -> &mut Self {
        self.give(&Input::Begin);
        self
    }

    /// Lets time pass, taking each due time when it comes.
    pub(crate) fn until(&mut self, now: &str) -> &mut Self {
        let end = at(now);
        while let Some(due) = self.state.at.due_at.filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.give(&Input::Due);
        }
        self.now = end;
        self
    }

    /// Lets time pass without anybody looking.
    pub(crate) fn asleep_until(&mut self, now: &str) -> &mut Self {
        self.now = at(now);
        self
    }

    pub(crate) fn event(&mut self, name: &str, properties: &[(&str, Value)]) -> &mut Self {
        let event = event(name, self.now, properties);
        self.give(&Input::Event(&event));
        self
    }

    /// Receipts, as the worker reports them.
    pub(crate) fn receipt(&mut self, receipt: &str, message: &str) -> &mut Self {
        let enrollment = self.world.enrollment().to_string();
        self.event(
            &format!("message_{receipt}"),
            &[("enrollment", text(&enrollment)), ("message", text(message))],
        )
    }

    #[track_caller]
    pub(crate) fn tells(&mut self, expected: &str) {
        let lines = |text: &str| {
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&self.told).join("\n"), lines(expected).join("\n"));
        self.told.clear();
    }
}

/// `01-05 09:00 step effect`, in UTC.
fn line(now: Timestamp, effect: &Effect) -> String {
    let clock = |at: Timestamp| at.to_string().get(5..16).unwrap_or_default().replace('T', " ");
    let codes = |reasons: &[Reason]| reasons.iter().map(|r| r.code.clone()).collect::<Vec<_>>().join(" ");
    let what = match effect {
        Effect::Plan(p) => {
            let inputs: Vec<String> =
                p.inputs.iter().map(|(name, value)| format!(" {name}={}", value.to_plain_json())).collect();
            format!("{}/{} send {}{}", p.step, p.visit, p.message, inputs.concat())
        }
        Effect::NotSent { step, visit, message, reasons } => {
            format!("{step}/{visit} not sent {message}: {}", codes(reasons))
        }
        Effect::Set { step, values } => format!("{step} set {values:?}"),
        Effect::Emit { step, visit, event, .. } => format!("{step}/{visit} emit {event}"),
        Effect::Call { step, visit, call, deadline, .. } => {
            format!("{step}/{visit} call {call} until {}", clock(*deadline))
        }
        Effect::Enroll { step, visit, journey, .. } => format!("{step}/{visit} enroll {journey}"),
        Effect::Notify { step, visit, to, text } => format!("{step}/{visit} notify {to}: {text}"),
        Effect::Goal { revenue, .. } => format!("goal {revenue:?}"),
        Effect::Ended { step, how, reason } => format!("{step} ended {} {reason}", how.as_str()),
        Effect::Decided { step, decision } => {
            assert!(!decision.words().en.is_empty() && !decision.words().ja.is_empty());
            format!("{step} {}", decision.words().en.replace(":00Z", "Z"))
        }
    };
    format!("{} {}\n", clock(now), what.trim_end())
}
