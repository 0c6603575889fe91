//! Functions over events: `count(order_placed, "90 days")`, `sum(order_placed.total, it.paid)` and the like are facts.

use super::functions::{constant, usage};
use super::narrow::path_of;
use super::{Checker, Env, Scope, type_ja};
use crate::cel::{Ast, AstKind};
use crate::declare::{fact_may_be_missing, fact_name};
use crate::expr::{Expr, ExprKind, Root};
use crate::report::{suggest, t};
use crate::schema::{Fact, FactKind};
use crate::types::event_type;
use std::ops::Range;
use words::{Type, Value};

impl Checker<'_> {
    /// Whether the path begins with the name of an event.
    pub(super) fn names_event(&self, arg: &Ast) -> bool {
        match &arg.kind {
            AstKind::Name(name) => {
                self.scope.schema.events.contains_key(name)
                    && !self.scope.env.bindings.contains_key(name)
                    && !self.variables.iter().any(|(variable, _)| variable == name)
            }
            AstKind::Field(base, ..) => self.names_event(base),
            _ => false,
        }
    }

    /// `count(order_placed, "90 days")`, `sum(order_placed.total, it.paid)` …: a fact without a name of its own.
    pub(super) fn fact(&mut self, name: &str, args: &[&Ast], span: Range<usize>) -> Option<Expr> {
        let (fact, which) = self.fact_of(name, args, &span)?;
        let name = fact_name(&fact);
        let (ty, nullable) = (fact.ty.clone(), fact_may_be_missing(&fact));
        self.scope.facts.borrow_mut().entry(name.clone()).or_insert(fact);
        let kind = match which {
            Some(which) => ExprKind::Apart(name, Box::new(which)),
            None => ExprKind::Root(Root::Fact(name)),
        };
        let expr = Expr { kind, ty, nullable, span };
        let known = path_of(&expr).is_some_and(|path| self.known.contains(&path));
        Some(Expr { nullable: nullable && !known, ..expr })
    }

    /// The fact that a call describes; where it is kept apart, also which one is meant.
    pub(crate) fn fact_of(
        &mut self,
        name: &str,
        args: &[&Ast],
        span: &Range<usize>,
    ) -> Option<(Fact, Option<Expr>)> {
        let (first, rest) = args.split_first()?;
        let mut root = *first;
        let mut path = Vec::new();
        while let AstKind::Field(base, field, field_span) = &root.kind {
            path.push((field, field_span));
            root = base;
        }
        let AstKind::Name(event) = &root.kind else {
            self.report.help(
                "J073",
                first.span.clone(),
                t(
                    format!("`{name}` begins with an event"),
                    format!("「{name}」の最初にはイベントを書きます"),
                ),
                t("this is none", "これはイベントではありません"),
                usage(name),
            );
            return None;
        };
        let Some(schema) = self.scope.schema.events.get(event) else {
            self.report.maybe_help(
                "J050",
                root.span.clone(),
                t(format!("there is no event `{event}`"), format!("「{event}」というイベントはありません")),
                t("no event is declared by this name", "この名前のイベントは宣言されていません"),
                suggest(event, self.scope.schema.events.keys().map(String::as_str)),
            );
            return None;
        };
        let it = event_type(&schema.properties);
        let no_event = t(
            "facts look at one event at a time: `it`",
            "ファクトはイベントを 1 件ずつ調べます。それを「it」で表します",
        );
        let scope = Scope {
            event: Err(&no_event),
            it: Some(it.clone()),
            item: None,
            turn: false,
            customer: false,
            messages: None,
            env: &Env::default(),
            ..*self.scope
        };
        let mut inner = Checker::new(self.report, &scope);
        let (mut window, mut condition, mut apart) = (None, None, None);
        for arg in rest {
            match &arg.kind {
                AstKind::Text(_) => window = Some(self.elapsed_arg(arg)?),
                _ => {
                    let split = self.split(name, (first, event), arg)?;
                    apart = self.apart(&mut inner, &split.apart)?;
                    condition = match &split.rest {
                        Some(rest) => {
                            let expr = inner.expr(rest)?;
                            Some(inner.is_condition(expr)?)
                        }
                        None => None,
                    };
                }
            }
        }
        let counting = matches!(name, "count" | "last_at" | "first_at");
        let value = if path.is_empty() {
            if !counting {
                let numeric = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Money(_));
                let mut named = schema.properties.iter();
                let property = match name {
                    "sum" | "min" | "max" => named.find(|(_, field)| numeric(&field.ty)),
                    _ => named.next(),
                };
                let property = property.map_or("…", |(name, _)| name.as_str());
                self.report.help(
                    "J073",
                    first.span.clone(),
                    t(
                        format!("`{name}` needs a property of the event"),
                        format!("「{name}」にはイベントの項目が必要です"),
                    ),
                    t("only the event is named", "イベントの名前だけが書かれています"),
                    t(
                        format!("for example `{name}({event}.{property})`"),
                        format!("例：「{name}({event}.{property})」"),
                    ),
                );
                return None;
            }
            None
        } else {
            let mut value = Ast { span: root.span.clone(), kind: AstKind::Name("it".to_owned()) };
            for (field, field_span) in path.iter().rev() {
                let span = root.span.start..field_span.end;
                value = Ast {
                    span,
                    kind: AstKind::Field(Box::new(value), (*field).clone(), (*field_span).clone()),
                };
            }
            Some(inner.expr(&value)?)
        };
        let of =
            |value: Option<Expr>| value.unwrap_or_else(|| constant(Value::Null, Type::Any, span.clone()));
        let value_ty = value.as_ref().map_or(Type::Any, |v| v.ty.clone());
        let ordered = matches!(
            value_ty,
            Type::Int | Type::Float | Type::Money(_) | Type::Time | Type::Date | Type::Duration
        );
        let (kind, ty) = match name {
            "count" => (FactKind::Count, Type::Int),
            "last_at" => (FactKind::LastAt, Type::Time),
            "first_at" => (FactKind::FirstAt, Type::Time),
            "sum" if matches!(value_ty, Type::Int | Type::Float | Type::Money(_)) => {
                (FactKind::Sum(of(value)), value_ty)
            }
            "min" if ordered => (FactKind::Min(of(value)), value_ty),
            "max" if ordered => (FactKind::Max(of(value)), value_ty),
            "last" => (FactKind::Last(of(value)), value_ty),
            "first" => (FactKind::First(of(value)), value_ty),
            "distinct" => (FactKind::Distinct(of(value)), Type::Int),
            _ => {
                self.report.error(
                    "J071",
                    first.span.clone(),
                    t(
                        format!("`{name}` works on numbers and money"),
                        format!("「{name}」は数値か金額に使います"),
                    ),
                    t(format!("this is {value_ty}"), format!("これは{}です", type_ja(&value_ty))),
                );
                return None;
            }
        };
        let (by, which) = apart.unzip();
        Some((Fact { kind, event: event.clone(), condition, window, ty, by }, which))
    }
}
