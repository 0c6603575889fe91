//! What can be named where: events, customers, bindings, items; and what each of them is.

use super::{Checker, narrow::path_of};
use crate::cel::{Ast, AstKind};
use crate::expr::{Expr, ExprKind, Root};
use crate::report::{suggest, t};
use crate::schema::{Fact, Schema};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Text, Type};

/// What every expression of one place may name.
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    /// The names of all segments, also of those not yet compiled.
    pub(crate) segments: &'a BTreeSet<String>,
    /// Facts that expressions ask for are added here.
    pub(crate) facts: &'a RefCell<BTreeMap<String, Fact>>,
    /// What `event` is, or why there is none.
    pub(crate) event: Result<&'a Type, &'a Text>,
    /// What `it` is, where an event is being matched.
    pub(crate) it: Option<Type>,
    /// What `item` and `before` are, where a catalogue starts the journey.
    pub(crate) item: Option<&'a Type>,
    /// Whether `turn` is known.
    pub(crate) turn: bool,
    /// Whether `customer` is known.
    pub(crate) customer: bool,
    /// The messages that this journey sends, for `clicked(…)`; `None`: there is no journey here.
    pub(crate) messages: Option<&'a BTreeSet<String>>,
    pub(crate) env: &'a Env,
}

/// What is known at one place of a journey.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Env {
    /// Names bound by `as:` on some path to here.
    pub(crate) bindings: BTreeMap<String, Binding>,
    /// Paths that are there although they might be missing elsewhere.
    pub(crate) known: BTreeSet<String>,
}

/// A name bound by `as:`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Binding {
    pub(crate) ty: Type,
    /// Why it may be missing here; `None`: every path has it.
    pub(crate) missing: Option<Text>,
}

impl Env {
    /// What is known where two paths meet.
    pub(crate) fn join(self, other: Self) -> Self {
        let mut bindings = BTreeMap::new();
        let names: BTreeSet<&String> = self.bindings.keys().chain(other.bindings.keys()).collect();
        for name in names {
            let binding = match (self.bindings.get(name), other.bindings.get(name)) {
                (Some(a), Some(b)) if a.ty == b.ty => {
                    Binding { ty: a.ty.clone(), missing: a.missing.clone().or_else(|| b.missing.clone()) }
                }
                (Some(one), _) | (None, Some(one)) => {
                    let missing = one.missing.clone().unwrap_or_else(|| {
                        t(
                            "not every way to this step goes through it",
                            "このステップに至るすべての道筋がそこを通るわけではありません",
                        )
                    });
                    Binding { ty: one.ty.clone(), missing: Some(missing) }
                }
                (None, None) => continue,
            };
            bindings.insert(name.clone(), binding);
        }
        let known = self.known.intersection(&other.known).cloned().collect();
        Self { bindings, known }
    }

    /// Time passes: what the customer's record says now may be gone.
    pub(crate) fn time_passes(&mut self) {
        self.known.retain(|path| !path.starts_with("customer"));
    }
}

/// The fields that every customer has, apart from traits and facts.
pub(crate) fn customer_fields() -> [(&'static str, Type, bool); 9] {
    [
        ("id", Type::Text, true),
        ("user_id", Type::Text, false),
        ("locale", Type::Text, false),
        ("country", Type::Text, false),
        ("zone", Type::Text, false),
        ("account", Type::Text, false),
        ("email", Type::Text, false),
        ("phone", Type::Text, false),
        ("created_at", Type::Time, true),
    ]
}

impl Checker<'_> {
    fn rooted(&self, root: Root, ty: Type, nullable: bool, span: Range<usize>) -> Expr {
        let mut expr = Expr { kind: ExprKind::Root(root), ty, nullable, span };
        if nullable && path_of(&expr).is_some_and(|path| self.known.contains(&path)) {
            expr.nullable = false;
        }
        expr
    }

    /// A name that stands alone.
    pub(super) fn name(&mut self, name: &str, span: Range<usize>) -> Option<Expr> {
        if let Some((_, ty)) = self.variables.iter().rev().find(|(variable, _)| variable == name) {
            return Some(self.rooted(Root::Binding(name.to_owned()), ty.clone(), false, span));
        }
        let nowhere = |en: &str, ja: &str, help: Option<Text>| {
            let (title, label) = (
                t(format!("there is no `{name}` here"), format!("ここに「{name}」はありません")),
                t(en.to_owned(), ja.to_owned()),
            );
            self.report.maybe_help("J077", span.clone(), title, label, help);
            None
        };
        match name {
            "event" => match &self.scope.event {
                Ok(ty) => Some(self.rooted(Root::Event, (*ty).clone(), false, span)),
                Err(why) => {
                    let help =
                        self.scope.it.is_some().then(|| {
                            t("the event looked at is `it`", "調べているイベントは「it」で表します")
                        });
                    nowhere(&why.en, &why.ja, help)
                }
            },
            "it" => match &self.scope.it {
                Some(ty) => Some(self.rooted(Root::It, ty.clone(), false, span)),
                None => nowhere(
                    "`it` is the event being waited for, and none is waited for here",
                    "「it」は待っているイベントのことで、ここでは何も待っていません",
                    self.scope.event.is_ok().then(|| {
                        t(
                            "the event that started the journey is `event`",
                            "ジャーニーを始めたイベントは「event」です",
                        )
                    }),
                ),
            },
            "item" | "before" => match &self.scope.item {
                Some(ty) => {
                    let root = if name == "item" { Root::Item } else { Root::Before };
                    let nullable = name == "before";
                    Some(self.rooted(root, (*ty).clone(), nullable, span))
                }
                None => nowhere(
                    "only journeys that start with `item_changed` have it",
                    "「item_changed」で始まるジャーニーだけで使えます",
                    None,
                ),
            },
            "customer" if self.scope.customer => {
                let fields = customer_fields().map(|(name, ty, always)| (name.to_owned(), (ty, always)));
                Some(self.rooted(Root::Customer, Type::Map(fields.into()), false, span))
            }
            "customer" => nowhere("only the event is known here", "ここで使えるのはイベントだけです", None),
            "now" => Some(self.rooted(Root::Now, Type::Time, false, span)),
            "turn" if self.scope.turn => Some(self.rooted(Root::Turn, Type::Int, false, span)),
            "turn" => nowhere(
                "only the steps of a `repeat` count turns",
                "「repeat」の中のステップだけで使えます",
                None,
            ),
            _ => self.binding(name, span),
        }
    }

    fn binding(&mut self, name: &str, span: Range<usize>) -> Option<Expr> {
        let Some(binding) = self.scope.env.bindings.get(name) else {
            self.unknown_name(name, span);
            return None;
        };
        let known = self.known.contains(name);
        if let (Some(why), false, false) = (&binding.missing, known, self.missing_is_fine) {
            self.report.help(
                "J075",
                span,
                t(
                    format!("not everybody has \"{name}\" here: {}", why.en),
                    format!("ここでは「{name}」が無いことがあります：{}", why.ja),
                ),
                t("it does not exist on every path to this step", "このステップに至る道筋のうち、それを持たないものがあります"),
                t(
                    format!("move this up to where it is certain, guard it with `has({name})`, or give a default: `default(…, …)`"),
                    format!("確実にある場所へ移すか、「has({name})」で確かめるか、「default(…, …)」で代わりの値を決めてください"),
                ),
            );
            return None;
        }
        let nullable = binding.missing.is_some() && !known;
        Some(self.rooted(Root::Binding(name.to_owned()), binding.ty.clone(), nullable, span))
    }

    fn unknown_name(&self, name: &str, span: Range<usize>) {
        let schema = self.scope.schema;
        let help = if schema.traits.contains_key(name) || schema.facts.contains_key(name) {
            Some(t(format!("write `customer.{name}`"), format!("「customer.{name}」と書いてください")))
        } else if matches!(&self.scope.event, Ok(Type::Map(fields)) if fields.contains_key(name)) {
            Some(t(format!("write `event.{name}`"), format!("「event.{name}」と書いてください")))
        } else if matches!(&self.scope.it, Some(Type::Map(fields)) if fields.contains_key(name)) {
            Some(t(format!("write `it.{name}`"), format!("「it.{name}」と書いてください")))
        } else if self.scope.segments.contains(name) {
            Some(t(
                format!("write `in_segment(\"{name}\")`"),
                format!("「in_segment(\"{name}\")」と書いてください"),
            ))
        } else {
            let mut known: Vec<&str> = self.scope.env.bindings.keys().map(String::as_str).collect();
            known.extend(self.variables.iter().map(|(name, _)| name.as_str()));
            known.extend(["customer", "now"].into_iter().filter(|n| *n == "now" || self.scope.customer));
            known.extend(self.scope.event.is_ok().then_some("event"));
            known.extend(self.scope.it.is_some().then_some("it"));
            crate::report::nearest(name, known.iter().copied())
                .map(|near| t(format!("did you mean `{near}`?"), format!("「{near}」のことでしょうか？")))
                .or_else(|| {
                    Some(t(
                        format!(
                            "if it is meant as text, write it in quotes: \"{name}\"; known here: {}",
                            known.join(", ")
                        ),
                        format!(
                            "文字列のつもりなら引用符で囲んでください：\"{name}\"。ここで使える名前：{}",
                            known.join("、")
                        ),
                    ))
                })
        };
        self.report.maybe_help(
            "J061",
            span,
            t(format!("nothing is called `{name}` here"), format!("ここに「{name}」というものはありません")),
            t("this name", "この名前です"),
            help,
        );
    }

    /// `base.name`.
    pub(super) fn field(
        &mut self,
        base: &Ast,
        name: &str,
        name_span: Range<usize>,
        span: Range<usize>,
    ) -> Option<Expr> {
        if self.scope.customer && matches!(&base.kind, AstKind::Name(n) if n == "customer") {
            return self.customer_field(name, name_span, span);
        }
        if let AstKind::Name(event) = &base.kind
            && self.scope.schema.events.contains_key(event)
            && !self.scope.env.bindings.contains_key(event)
            && !self.variables.iter().any(|(v, _)| v == event)
        {
            self.report.help(
                "J077",
                base.span.clone(),
                t(format!("`{event}` is the name of an event, not one of them"), format!("「{event}」はイベントの名前で、個々のイベントではありません")),
                t("which one is meant?", "どのイベントのことか分かりません"),
                t(
                    format!("write `last({event}.{name})` for the newest, or bind one with `as:`"),
                    format!("最新のものなら「last({event}.{name})」と書き、待ったイベントなら「as:」で名前を付けてください"),
                ),
            );
            return None;
        }
        if let Some(expr) = self.root_field(base, name, &span) {
            return Some(expr);
        }
        let mut base = self.expr(base)?;
        let Type::Map(fields) = &base.ty else {
            if base.ty == Type::Any {
                let kind = ExprKind::Field(Box::new(base), name.to_owned());
                return Some(Expr { kind, ty: Type::Any, nullable: true, span });
            }
            self.report.error(
                "J071",
                name_span,
                t(
                    format!("{} has no fields", base.ty),
                    format!("{}に項目はありません", super::type_ja(&base.ty)),
                ),
                t(format!("`{name}` is asked of it"), format!("「{name}」を読もうとしています")),
            );
            return None;
        };
        let Some((ty, always)) = fields.get(name) else {
            self.report.maybe_help(
                "J051",
                name_span,
                t(
                    format!("`{}` has no `{name}`", self.shown(&base.span)),
                    format!("「{}」に「{name}」はありません", self.shown(&base.span)),
                ),
                t("nothing is declared by this name", "この名前の項目は宣言されていません"),
                suggest(name, fields.keys().map(String::as_str)),
            );
            return None;
        };
        let (ty, nullable) = (ty.clone(), base.nullable || !always);
        // Programs are stored: the whole type of the base would be repeated with every field.
        base.ty = Type::Map(BTreeMap::new());
        let expr = Expr { ty, nullable, kind: ExprKind::Field(Box::new(base), name.to_owned()), span };
        let known = path_of(&expr).is_some_and(|path| self.known.contains(&path));
        Some(Expr { nullable: nullable && !known, ..expr })
    }

    /// A field of `event`, `it`, `item` or a binding that is there: the usual case, without a copy of the whole type.
    fn root_field(&self, base: &Ast, name: &str, span: &Range<usize>) -> Option<Expr> {
        let AstKind::Name(root) = &base.kind else { return None };
        if self.variables.iter().any(|(variable, _)| variable == root) {
            return None;
        }
        let (ty, root) = match root.as_str() {
            "event" => (self.scope.event.ok()?, Root::Event),
            "it" => (self.scope.it.as_ref()?, Root::It),
            "item" => (self.scope.item?, Root::Item),
            _ => {
                let binding = self.scope.env.bindings.get(root)?;
                if binding.missing.is_some() {
                    return None;
                }
                (&binding.ty, Root::Binding(root.clone()))
            }
        };
        let Type::Map(fields) = ty else { return None };
        let (ty, always) = fields.get(name)?;
        let base = Expr {
            kind: ExprKind::Root(root),
            ty: Type::Map(BTreeMap::new()),
            nullable: false,
            span: base.span.clone(),
        };
        let kind = ExprKind::Field(Box::new(base), name.to_owned());
        let expr = Expr { kind, ty: ty.clone(), nullable: !always, span: span.clone() };
        let known = !always && path_of(&expr).is_some_and(|path| self.known.contains(&path));
        Some(Expr { nullable: !always && !known, ..expr })
    }

    fn customer_field(&mut self, name: &str, name_span: Range<usize>, span: Range<usize>) -> Option<Expr> {
        let schema = self.scope.schema;
        if let Some(fact) = schema.facts.get(name) {
            let nullable = crate::declare::fact_may_be_missing(fact);
            return Some(self.rooted(Root::Fact(name.to_owned()), fact.ty.clone(), nullable, span));
        }
        let declared = schema.traits.get(name).map(|field| (field.ty.clone(), field.required));
        let built_in =
            || customer_fields().into_iter().find(|(n, ..)| *n == name).map(|(_, ty, always)| (ty, always));
        let Some((ty, always)) = declared.or_else(built_in) else {
            let built_in = customer_fields().map(|(name, ..)| name);
            let known = schema.traits.keys().chain(schema.facts.keys()).map(String::as_str).chain(built_in);
            let help = suggest(name, known).or_else(|| {
                Some(t(
                    "declare it under `customer:` as a trait, or under `facts:`",
                    "「customer:」（属性）か「facts:」（ファクト）に宣言してください",
                ))
            });
            self.report.maybe_help(
                "J052",
                name_span,
                t(
                    format!("customers have no `{name}`"),
                    format!("お客様に「{name}」という属性やファクトはありません"),
                ),
                t("neither a trait nor a fact has this name", "この名前の属性もファクトもありません"),
                help,
            );
            return None;
        };
        let customer = Expr {
            kind: ExprKind::Root(Root::Customer),
            ty: Type::Map(BTreeMap::new()),
            nullable: false,
            span: span.start..name_span.start.saturating_sub(1).max(span.start),
        };
        let expr =
            Expr { kind: ExprKind::Field(Box::new(customer), name.to_owned()), ty, nullable: !always, span };
        let known = path_of(&expr).is_some_and(|path| self.known.contains(&path));
        Some(Expr { nullable: !always && !known, ..expr })
    }
}
