//! What a project declares: events, customer traits, facts, segments, catalogues, calls, surveys, purposes.

use crate::expr::Expr;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use words::{Basis, Channel, Elapsed, MessageClass, Text, Type};

/// Everything a project declares, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Events. Those of Tabi itself (`message_clicked` …) are there too.
    pub events: BTreeMap<String, EventSchema>,
    /// Customer traits.
    pub traits: BTreeMap<String, Field>,
    /// Facts, named ones and those that stand for `count(…)` in expressions.
    pub facts: BTreeMap<String, Fact>,
    /// Segments.
    pub segments: BTreeMap<String, Segment>,
    /// Purposes of consent.
    pub purposes: BTreeMap<String, Purpose>,
    /// Catalogues of items.
    pub catalogs: BTreeMap<String, CatalogSchema>,
    /// HTTP calls that journeys may make.
    pub calls: BTreeMap<String, CallSchema>,
    /// Surveys.
    pub surveys: BTreeMap<String, Survey>,
}

/// A typed field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it is always there.
    pub required: bool,
    /// Whether it names or describes a person and must be shown with care.
    pub sensitive: bool,
    /// For people.
    pub description: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSchema {
    /// For people.
    pub description: Option<String>,
    /// Its properties.
    pub properties: BTreeMap<String, Field>,
    /// Whether a browser key may send it.
    pub from_browser: bool,
    /// Names under which other systems send it (`Order Completed`).
    pub also: BTreeSet<String>,
}

/// An aggregate over events, folded per event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What is kept.
    pub kind: FactKind,
    /// Over which event.
    pub event: String,
    /// Only those for which this holds; sees the event as `it`.
    pub condition: Option<Expr>,
    /// Only those that occurred within this time; `None`: ever.
    pub window: Option<Elapsed>,
    /// The type of its value.
    pub ty: Type,
    /// Kept apart for each value of this, of the event as `it`: an event without one is left out. Such a fact is read
    /// by [`crate::ExprKind::Apart`] alone, which says which value is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Expr>,
}

/// What a fact keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// How many.
    Count,
    /// Sum of this value; zero (of no currency: null) where there is none.
    Sum(Expr),
    /// Least.
    Min(Expr),
    /// Greatest.
    Max(Expr),
    /// This value at the newest by `occurred_at`.
    Last(Expr),
    /// This value at the oldest.
    First(Expr),
    /// How many different.
    Distinct(Expr),
    /// When the newest occurred.
    LastAt,
    /// When the oldest occurred.
    FirstAt,
}

/// A segment: a condition on the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// For people.
    pub title: Option<Text>,
    /// In the segment while this holds; sees `customer` and facts.
    pub condition: Expr,
    /// Events whose arrival can change it.
    pub events: BTreeSet<String>,
    /// Whether the mere passing of time can change it: then its next flip is computed and kept as a due time.
    pub timed: bool,
}

/// A purpose of consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purpose {
    /// For people, also on the preference page.
    pub title: Text,
    /// Fixes the class of every message under it.
    pub class: MessageClass,
    /// The least basis that a grant must stand on, by channel; the rule packs may ask for more.
    pub basis: BTreeMap<Channel, Basis>,
    /// Whether links count clicks, where the message does not say; `None`: as the brand says.
    #[serde(default)]
    pub clicks: Option<bool>,
}

/// A catalogue of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogSchema {
    /// The fields of an item; its id is `id`.
    pub fields: BTreeMap<String, Field>,
}

/// An HTTP call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallSchema {
    /// Where to.
    pub url: String,
    /// `GET` or `POST`.
    pub method: String,
    /// Arguments.
    pub inputs: BTreeMap<String, Field>,
    /// The answer.
    pub answer: BTreeMap<String, Field>,
}

/// A survey: one question, its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// The question.
    pub title: Text,
    /// Whole numbers from .. to, or texts to choose from.
    pub answers: SurveyAnswers,
    /// What the least number of a scale means: "not at all".
    #[serde(default)]
    pub low: Option<Text>,
    /// What the greatest means.
    #[serde(default)]
    pub high: Option<Text>,
}

/// What may be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurveyAnswers {
    /// A whole number in this range.
    Scale {
        /// Least.
        from: i64,
        /// Greatest.
        to: i64,
    },
    /// One of these.
    Choices(Vec<(String, Text)>),
}
