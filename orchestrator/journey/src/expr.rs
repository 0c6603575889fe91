//! Expressions: CEL with words (`and`, `or`, `not`), typed and total.
//!
//! An expression here has been checked: names exist, types agree, and what may be missing is guarded or yields null.

mod display;

use serde::{Deserialize, Serialize};
use std::ops::Range;
use words::{Type, Value};

/// A checked expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type; [`Type::Any`] in a program, which needs it no more.
    pub ty: Type,
    /// Whether it may be null at run time.
    pub nullable: bool,
    /// Where it stands in the file, bytes.
    pub span: Range<usize>,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// A name.
    Root(Root),
    /// A field of a map; null where the map is null or lacks it.
    Field(Box<Expr>, String),
    /// An element of a list, from 0; null past its end.
    Index(Box<Expr>, Box<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// `not a`, `-a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a and b`, `a + b`, `a in b` …
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a ? b : c`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `has(a.b)`: not null.
    Has(Box<Expr>),
    /// A function of values alone.
    Call(Function, Vec<Expr>),
    /// `list.exists(x, cond)`, `all`, `filter`, `map`: function, list, variable, body.
    Each(EachOp, Box<Expr>, String, Box<Expr>),
    /// Whether a message of this enrollment was sent, opened, clicked, …: receipt name, message name.
    Engaged(String, String),
    /// The value of a fact that is kept apart ([`crate::Fact::by`]), for this one: the fact's name, what to look up.
    Apart(String, Box<Expr>),
}

/// A name at the root of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// The event that started the enrollment (or the inputs of an API start).
    Event,
    /// The customer: traits, facts, and `locale`, `country`, `zone`, `account`, `created_at`, `id`.
    Customer,
    /// A fact by name, also the unnamed ones that `count(…)` and `last(…)` in expressions stand for.
    Fact(String),
    /// Whether the customer is in this segment: `in_segment("vip")`.
    Segment(String),
    /// What `as:` bound, or a variable of [`ExprKind::Each`].
    Binding(String),
    /// The event being matched.
    It,
    /// The catalogue item that changed.
    Item,
    /// That item before the change.
    Before,
    /// The business clock.
    Now,
    /// How often the enclosing `repeat` has run its body, from 1.
    Turn,
}

/// Operators on one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnaryOp {
    /// `not a`, `!a`.
    Not,
    /// `-a`.
    Negate,
}

/// Operators on two values. `and` and `or` are lazy; comparing with null is false except `==` and `!=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    In,
}

/// What runs over a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum EachOp {
    Exists,
    All,
    Filter,
    Map,
}

/// Functions of values alone. `ago` and `now` depend on the business clock, and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// `ago("60 days")`: the instant that long before now.
    Ago,
    /// `size(x)`: characters or elements.
    Size,
    /// `contains(text, part)` or `text.contains(part)`.
    Contains,
    /// `starts_with`.
    StartsWith,
    /// `ends_with`.
    EndsWith,
    /// `lower(text)`.
    Lower,
    /// `date(time)`: the civil date in the customer's zone.
    Date,
    /// `days_between(a, b)`: whole days.
    DaysBetween,
    /// `default(a, b)`: `a`, or `b` where `a` is null.
    Default,
    /// `text(x)`: as text.
    Text,
    /// `int(x)`: as a whole number.
    Int,
    /// `min(a, b)`.
    Min,
    /// `max(a, b)`.
    Max,
    /// `item("products", id)`: an item of a catalogue, or null.
    Item,
}
