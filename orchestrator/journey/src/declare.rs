//! Declarations: events, the customer's traits, facts, segments, purposes, catalogues, calls and surveys.

mod facts;
mod segments;

pub(crate) use facts::{fact_may_be_missing, fact_name};

use crate::check::{Env, Scope};
use crate::report::{Report, suggest, t};
use crate::schema::{
    CallSchema, CatalogSchema, EventSchema, Fact, Field, Purpose, Schema, Survey, SurveyAnswers,
};
use crate::types::event_type;
use crate::yaml::{Entry, Kind, Node};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use words::{Basis, Channel, MessageClass, Text};

/// What a file of declarations may hold.
pub(crate) const SECTIONS: [&str; 8] =
    ["events", "customer", "facts", "segments", "purposes", "catalogs", "calls", "surveys"];

/// Everything declared, while it is being read.
pub(crate) struct Declared<'a> {
    pub(crate) schema: Schema,
    /// The names of all segments.
    pub(crate) segments: BTreeSet<String>,
    /// Facts that expressions ask for.
    pub(crate) unnamed: RefCell<BTreeMap<String, Fact>>,
    /// Where each name was declared first: (section, name) → file and byte.
    places: BTreeMap<(&'static str, String), (Report<'a>, usize)>,
    later_facts: Vec<(Report<'a>, &'a Entry)>,
    later_segments: Vec<(Report<'a>, &'a Entry)>,
}

impl<'a> Declared<'a> {
    /// Nothing but what Tabi brings.
    pub(crate) fn new() -> Self {
        Self {
            schema: Schema { events: crate::builtin::events(), ..Schema::default() },
            segments: BTreeSet::new(),
            unnamed: RefCell::default(),
            places: BTreeMap::new(),
            later_facts: Vec::new(),
            later_segments: Vec::new(),
        }
    }

    /// What an expression may name that stands in no journey; `no_event` says why there is no event at hand.
    fn outside_journeys<'s>(&'s self, no_event: &'s Text, env: &'s Env) -> Scope<'s> {
        Scope {
            schema: &self.schema,
            segments: &self.segments,
            facts: &self.unnamed,
            event: Err(no_event),
            it: None,
            item: None,
            turn: false,
            customer: false,
            messages: None,
            env,
        }
    }

    /// Takes one file in. Facts and segments wait until everything they may name is there.
    pub(crate) fn file(&mut self, report: Report<'a>, root: &'a Node) {
        let mut known = SECTIONS.to_vec();
        known.push("journey");
        report.keys(root, &known);
        for entry in root.entries() {
            let Some(section) = SECTIONS.into_iter().find(|section| *section == entry.key) else { continue };
            match &entry.value.kind {
                Kind::Map(entries) => {
                    for entry in entries {
                        self.entry(report, section, entry);
                    }
                }
                _ if entry.value.is_null() => {}
                _ => report.shape(&entry.value, "a list of `name: …` lines", "「名前: …」の並び"),
            }
        }
    }

    fn entry(&mut self, report: Report<'a>, section: &'static str, entry: &'a Entry) {
        if !report.check_name(&entry.key, entry.key_span.clone()) || !self.first(report, section, entry) {
            return;
        }
        let (name, node) = (entry.key.clone(), &entry.value);
        let schema = &mut self.schema;
        match section {
            "events" => {
                if let Some(event) = event(&report, entry) {
                    self.aliases(report, entry, &event);
                    let schema = &mut self.schema;
                    schema.events.insert(name, event);
                }
            }
            "customer" => {
                if let Some(field) = report.field(node) {
                    // Nobody can promise that every shop sends every trait, unless it says so.
                    let required = field.required && node.get("required").is_some();
                    schema.traits.insert(name, Field { required, ..field });
                }
            }
            "facts" => self.later_facts.push((report, entry)),
            "segments" => {
                self.segments.insert(name);
                self.later_segments.push((report, entry));
            }
            "purposes" => {
                if let Some(purpose) = purpose(&report, entry) {
                    schema.purposes.insert(name, purpose);
                }
            }
            "catalogs" => {
                let mut fields = report.fields(node.get("fields").unwrap_or(node));
                fields.entry("id".to_owned()).or_insert(Field {
                    ty: words::Type::Text,
                    required: true,
                    sensitive: false,
                    description: None,
                });
                schema.catalogs.insert(name, CatalogSchema { fields });
            }
            "calls" => {
                if let Some(call) = call(&report, node) {
                    schema.calls.insert(name, call);
                }
            }
            _ => {
                if let Some(survey) = survey(&report, node) {
                    schema.surveys.insert(name, survey);
                }
            }
        }
    }

    /// Other systems' names: each means one event.
    fn aliases(&mut self, report: Report<'a>, entry: &Entry, event: &EventSchema) {
        for alias in &event.also {
            let place = (report, entry.key_span.start);
            if let Some((first, at)) = self.places.insert(("also", alias.clone()), place) {
                let span = entry.value.get("also").map_or_else(|| entry.key_span.clone(), |n| n.span.clone());
                duplicate(&report, alias, span, first.file, first.line(at));
            }
        }
    }

    /// Whether a name is new; traits and facts share one space, because both are read as `customer.name`.
    fn first(&mut self, report: Report<'a>, section: &'static str, entry: &Entry) -> bool {
        let space = if section == "facts" { "customer" } else { section };
        if section == "events"
            && (self.schema.events.contains_key(&entry.key)
                && !self.places.contains_key(&(space, entry.key.clone()))
                || words::internal::ALL.contains(&entry.key.as_str()))
        {
            report.help(
                "J065",
                entry.key_span.clone(),
                t(
                    format!("`{}` is an event of Tabi itself", entry.key),
                    format!("「{}」は Tabi 自身のイベントです", entry.key),
                ),
                t("it is declared already", "すでに宣言されています"),
                t("take it away here, or choose another name", "ここから消すか、別の名前にしてください"),
            );
            return false;
        }
        if space == "customer" && crate::check::customer_fields().iter().any(|(name, ..)| *name == entry.key)
        {
            report.help(
                "J065",
                entry.key_span.clone(),
                t(
                    format!("every customer has `{}` already", entry.key),
                    format!("「{}」はどのお客様にも最初からあります", entry.key),
                ),
                t("it needs no declaration", "宣言は要りません"),
                t("take it away here, or choose another name", "ここから消すか、別の名前にしてください"),
            );
            return false;
        }
        match self.places.get(&(space, entry.key.clone())) {
            None => {
                self.places.insert((space, entry.key.clone()), (report, entry.key_span.start));
                true
            }
            Some((first, at)) => {
                duplicate(&report, &entry.key, entry.key_span.clone(), first.file, first.line(*at));
                false
            }
        }
    }

    /// Facts, then segments, now that everything is known.
    pub(crate) fn finish(&mut self) {
        facts::read(self);
        segments::read(self);
    }
}

/// A name that is taken.
pub(crate) fn duplicate(
    report: &Report<'_>,
    name: &str,
    span: std::ops::Range<usize>,
    file: &str,
    line: usize,
) {
    report.help(
        "J041",
        span,
        t(format!("the name `{name}` is taken"), format!("「{name}」という名前はすでに使われています")),
        t(format!("{file}:{line} has it already"), format!("{file}:{line} にあります")),
        t("choose another name", "別の名前にしてください"),
    );
}

fn event(report: &Report<'_>, entry: &Entry) -> Option<EventSchema> {
    let node = &entry.value;
    if !node.is_null() && !matches!(node.kind, Kind::Map(_)) {
        report.shape(node, "`properties:` and the like", "「properties:」など");
        return None;
    }
    report.keys(node, &["description", "properties", "from_browser", "also"]);
    let also = node.get("also").map(|n| report.items(n)).unwrap_or_default();
    Some(EventSchema {
        description: node.get("description").and_then(Node::text).map(str::to_owned),
        properties: node.get("properties").map(|n| report.fields(n)).unwrap_or_default(),
        from_browser: node.get("from_browser").and_then(|n| report.boolean(n)).unwrap_or(false),
        also: also.into_iter().filter_map(|n| report.text(n, "a name", "名前")).map(str::to_owned).collect(),
    })
}

fn purpose(report: &Report<'_>, entry: &Entry) -> Option<Purpose> {
    const BASES: [(&str, Basis); 3] = [
        ("express", Basis::Express),
        ("express_written", Basis::ExpressWritten),
        ("implied", Basis::Implied),
    ];
    let node = &entry.value;
    report.keys(node, &["title", "class", "basis", "clicks"]);
    let classes = MessageClass::ALL.map(|class| (class.as_str(), class));
    let why = t(
        "the class decides about consent, caps and quiet hours",
        "区分によって、同意・上限・配信停止時間の扱いが決まります",
    );
    let class = report.need(node, "class", why).and_then(|n| report.one_of(n, &classes));
    let title = node.get("title").and_then(|n| report.title(n));
    let mut basis = BTreeMap::new();
    if let Some(node) = node.get("basis") {
        for entry in node.entries() {
            if let Some(one) = report.one_of(&entry.value, &BASES) {
                basis.insert(Channel::new(entry.key.clone()), one);
            }
        }
    }
    let name = humanised(&entry.key);
    let clicks = node.get("clicks").and_then(|n| report.boolean(n));
    let title = title.unwrap_or_else(|| Text::new(name.clone(), name));
    // What is wrong in it has been told; that it is not there would be untrue.
    let class = class.unwrap_or(MessageClass::Service);
    Some(Purpose { title, class, basis, clicks })
}

fn call(report: &Report<'_>, node: &Node) -> Option<CallSchema> {
    report.keys(node, &["url", "method", "inputs", "answer"]);
    let url = report.need(node, "url", t("where to call", "呼び出し先です"));
    let url = url.and_then(|n| {
        let text = report.text(n, "an address", "URL")?;
        if text.starts_with("https://") || text.starts_with("http://") {
            return Some(text.to_owned());
        }
        report.help(
            "J033",
            n.span.clone(),
            t(format!("`{text}` is not a web address"), format!("「{text}」は URL ではありません")),
            t("it begins with https://", "https:// で始めます"),
            t(format!("write https://{text}"), format!("https://{text} と書いてください")),
        );
        None
    });
    let methods = [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH")];
    let method = node.get("method").map_or(Some("POST"), |n| report.one_of(n, &methods));
    Some(CallSchema {
        url: url?,
        method: method?.to_owned(),
        inputs: node.get("inputs").map(|n| report.fields(n)).unwrap_or_default(),
        answer: node.get("answer").map(|n| report.fields(n)).unwrap_or_default(),
    })
}

fn survey(report: &Report<'_>, node: &Node) -> Option<Survey> {
    report.keys(node, &["title", "scale", "low", "high", "choices"]);
    let end = |key: &str| node.get(key).and_then(|n| report.title(n));
    let (low, high) = (end("low"), end("high"));
    let title = report
        .need(node, "title", t("the question is asked in these words", "質問文です"))
        .and_then(|n| report.title(n));
    let answers = match (node.get("scale"), node.get("choices")) {
        (Some(scale), None) => {
            let text = report.text(scale, "a scale", "目盛り").unwrap_or("0..10");
            let range = text
                .split_once("..")
                .and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
            match range {
                Some((from, to)) if from < to => Some(SurveyAnswers::Scale { from, to }),
                _ => {
                    report.help(
                        "J042",
                        scale.span.clone(),
                        t(format!("`{text}` is not a scale"), format!("「{text}」は目盛りとして読めません")),
                        t("two whole numbers, the smaller first", "小さいほうから順に整数を 2 つ書きます"),
                        t("write it like `0..10`", "「0..10」のように書いてください"),
                    );
                    None
                }
            }
        }
        (None, Some(choices)) => {
            let entries = choices.entries();
            if entries.len() < 2 {
                report.shape(choices, "two or more `name: title` lines", "2 つ以上の「名前: 文」");
            }
            Some(SurveyAnswers::Choices(
                entries.iter().filter_map(|e| Some((e.key.clone(), report.title(&e.value)?))).collect(),
            ))
        }
        _ => {
            report.help(
                "J031",
                report.first_line(&node.span),
                t(
                    "a survey has either `scale:` or `choices:`",
                    "アンケートには「scale:」か「choices:」のどちらか一方が必要です",
                ),
                t("this one has none or both", "どちらも無いか、両方あります"),
                t("for example `scale: 0..10`", "例：「scale: 0..10」"),
            );
            None
        }
    };
    // What is wrong in it has been told; that it is not there would be untrue.
    let title = title.unwrap_or_else(|| Text::new(String::new(), String::new()));
    Some(Survey { title, answers: answers.unwrap_or(SurveyAnswers::Scale { from: 0, to: 10 }), low, high })
}

/// `thank_you` as people would write it: `Thank you`.
pub(crate) fn humanised(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl Declared<'_> {
    /// The event of this name as a type, or reported.
    pub(crate) fn event_type(
        &self,
        report: &Report<'_>,
        name: &str,
        span: std::ops::Range<usize>,
    ) -> Option<words::Type> {
        if let Some(event) = self.schema.events.get(name) {
            return Some(event_type(&event.properties));
        }
        let help = suggest(name, self.schema.events.keys().map(String::as_str)).or_else(|| {
            Some(t(
                format!("declare it under `events:` in journeys/schema.yaml: `{name}: {{properties: …}}`"),
                format!(
                    "journeys/schema.yaml の「events:」に「{name}: {{properties: …}}」と宣言してください"
                ),
            ))
        });
        report.maybe_help(
            "J050",
            span,
            t(format!("there is no event `{name}`"), format!("「{name}」というイベントはありません")),
            t("no event is declared by this name", "この名前のイベントは宣言されていません"),
            help,
        );
        None
    }
}
