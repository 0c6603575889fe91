//! Functions of values and of messages.

use super::lists::each_op;
use super::operators::join_types;
use super::{Checker, wrong_type};
use crate::cel::{Ast, AstKind, Call};
use crate::expr::{Expr, ExprKind, Function, Root};
use crate::report::{suggest, t};
use crate::types::map_type;
use std::ops::Range;
use words::{Currency, Elapsed, Money, Text, Timestamp, Type, Value};

const NAMES: [&str; 45] = [
    "money",
    "ago",
    "ahead",
    "duration",
    "time",
    "date",
    "count",
    "sum",
    "min",
    "max",
    "last",
    "first",
    "distinct",
    "last_at",
    "first_at",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "replied",
    "bounced",
    "complained",
    "has",
    "default",
    "in_segment",
    "item",
    "size",
    "contains",
    "starts_with",
    "ends_with",
    "lower",
    "days_between",
    "text",
    "int",
    "exists",
    "all",
    "filter",
    "map",
    "startsWith",
    "endsWith",
    "lowerAscii",
    "timestamp",
    "string",
    "now",
    "coalesce",
];

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Range<usize>) -> Option<Expr> {
        if let (Some(receiver), Some(op)) = (&call.receiver, each_op(&call.name)) {
            return self.each(op, receiver, call, span);
        }
        // `text.contains(x)` is `contains(text, x)`.
        let args: Vec<&Ast> = call.receiver.as_deref().into_iter().chain(&call.args).collect();
        let name = match call.name.as_str() {
            "startsWith" => "starts_with",
            "endsWith" => "ends_with",
            "lowerAscii" => "lower",
            "timestamp" => "time",
            "string" => "text",
            "coalesce" => "default",
            name => name,
        };
        match (name, args.as_slice()) {
            ("money", [arg]) => self.money(arg, span),
            ("ago", [arg]) => self.ago(arg, 1, span),
            ("ahead", [arg]) => self.ago(arg, -1, span),
            ("duration", [arg]) => {
                let elapsed = self.elapsed_arg(arg)?;
                Some(constant(Value::Duration(elapsed), Type::Duration, span))
            }
            ("time", [arg]) => self.parsed(
                arg,
                span,
                "an instant like \"2026-12-01T09:00:00+09:00\"",
                "日時（例：\"2026-12-01T09:00:00+09:00\"）",
                |text| Timestamp::parse(text).ok().map(|time| (Value::Time(time), Type::Time)),
            ),
            ("date", [arg]) if matches!(arg.kind, AstKind::Text(_)) => self.parsed(
                arg,
                span,
                "a date like \"2026-12-01\"",
                "日付（例：\"2026-12-01\"）",
                |text| text.parse().ok().map(|date| (Value::Date(date), Type::Date)),
            ),
            ("date", [arg]) => self.simple(Function::Date, &[arg], &[Type::Time], Type::Date, span),
            ("has", [arg]) => self.has(arg, span),
            ("default", [first, second]) => self.default(first, second, span),
            ("in_segment", [arg]) => self.in_segment(arg, span),
            ("item", [catalog, id]) => self.item(catalog, id, span),
            ("size", [arg]) => self.size(arg, span),
            ("contains", [a, b]) => self.contains(a, b, span),
            ("starts_with", [a, b]) => {
                self.simple(Function::StartsWith, &[a, b], &[Type::Text, Type::Text], Type::Bool, span)
            }
            ("ends_with", [a, b]) => {
                self.simple(Function::EndsWith, &[a, b], &[Type::Text, Type::Text], Type::Bool, span)
            }
            ("lower", [a]) => self.simple(Function::Lower, &[a], &[Type::Text], Type::Text, span),
            ("days_between", [a, b]) => self.days_between(a, b, span),
            ("text", [a]) => {
                let a = self.value(a)?;
                Some(Expr {
                    kind: ExprKind::Call(Function::Text, vec![a]),
                    ty: Type::Text,
                    nullable: false,
                    span,
                })
            }
            ("int", [a]) => self.int(a, span),
            ("count" | "sum" | "last" | "first" | "distinct" | "last_at" | "first_at", [_, ..]) => {
                self.fact(name, &args, span)
            }
            ("min" | "max", [one, ..]) if self.names_event(one) => self.fact(name, &args, span),
            ("min" | "max", [a, b]) => self.least(name == "min", a, b, span),
            ("sent" | "delivered" | "opened" | "clicked" | "replied" | "bounced" | "complained", [arg]) => {
                self.engaged(name, arg, span)
            }
            (name, _) if NAMES.contains(&name) => {
                self.report.help(
                    "J073",
                    span,
                    t(
                        format!("`{name}` takes other arguments"),
                        format!("「{name}」に渡すものの数が違います"),
                    ),
                    t(format!("{} given", args.len()), format!("{} 個渡されています", args.len())),
                    usage(name),
                );
                None
            }
            (name, _) => {
                self.report.maybe_help(
                    "J062",
                    call.name_span.clone(),
                    t(format!("there is no function `{name}`"), format!("「{name}」という関数はありません")),
                    t("this name", "この名前です"),
                    crate::report::nearest(name, NAMES)
                        .map(|near| {
                            t(format!("did you mean `{near}`?"), format!("「{near}」のことでしょうか？"))
                        })
                        .or_else(|| {
                            Some(t(
                                "`tabi explain journeys` lists every function",
                                "使える関数の一覧は「tabi explain journeys」で確認できます",
                            ))
                        }),
                );
                None
            }
        }
    }

    pub(super) fn text_arg<'t>(&self, arg: &'t Ast) -> Option<&'t str> {
        match &arg.kind {
            AstKind::Text(text) => Some(text),
            _ => {
                self.report.help(
                    "J073",
                    arg.span.clone(),
                    t("a text in quotes is wanted here", "ここには引用符で囲んだ文字列を書きます"),
                    t("it is read when the journey is compiled", "コンパイル時に読み取られます"),
                    t(
                        format!("write \"{}\"", self.shown(&arg.span)),
                        format!("\"{}\" と書いてください", self.shown(&arg.span)),
                    ),
                );
                None
            }
        }
    }

    pub(super) fn elapsed_arg(&self, arg: &Ast) -> Option<Elapsed> {
        let text = self.text_arg(arg)?;
        self.report.elapsed_text(text, arg.span.clone())
    }

    fn money(&self, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let text = self.text_arg(arg)?;
        let grouped = text.replace([',', '，'], "");
        match Money::parse(text) {
            Ok(money) => Some(constant(Value::Money(money), Type::Money(Some(money.currency)), span)),
            Err(_) => {
                let mended =
                    [("円", "JPY"), ("¥", "JPY"), ("￥", "JPY"), ("$", "USD"), ("€", "EUR"), ("£", "GBP")]
                        .into_iter()
                        .find(|(sign, _)| grouped.contains(sign))
                        .map(|(sign, code)| format!("{} {code}", grouped.replace(sign, "").trim()))
                        .unwrap_or_else(|| grouped.to_uppercase());
                let good = Currency::parse(mended.rsplit(' ').next().unwrap_or("")).is_ok()
                    && Money::parse(&mended).is_ok();
                let shown = if good { mended } else { "3000 JPY".to_owned() };
                self.report.help(
                    "J078",
                    arg.span.clone(),
                    t(
                        format!("`{text}` is not an amount of money"),
                        format!("「{text}」は金額として読めません"),
                    ),
                    t(
                        "an amount and a currency code, without separators",
                        "金額と通貨コードを、桁区切りなしで書きます",
                    ),
                    t(format!("write money(\"{shown}\")"), format!("money(\"{shown}\") と書いてください")),
                );
                None
            }
        }
    }

    fn ago(&self, arg: &Ast, sign: i64, span: Range<usize>) -> Option<Expr> {
        let elapsed = Elapsed::from_micros(self.elapsed_arg(arg)?.as_micros() * sign);
        let length = constant(Value::Duration(elapsed), Type::Duration, arg.span.clone());
        Some(Expr {
            kind: ExprKind::Call(Function::Ago, vec![length]),
            ty: Type::Time,
            nullable: false,
            span,
        })
    }

    fn parsed(
        &self,
        arg: &Ast,
        span: Range<usize>,
        en: &str,
        ja: &str,
        read: impl Fn(&str) -> Option<(Value, Type)>,
    ) -> Option<Expr> {
        let text = self.text_arg(arg)?;
        let Some((value, ty)) = read(text) else {
            self.report.error(
                "J078",
                arg.span.clone(),
                t(format!("`{text}` is not {en}"), format!("「{text}」は{ja}として読めません")),
                t("this text", "この文字列です"),
            );
            return None;
        };
        Some(constant(value, ty, span))
    }

    fn simple(
        &mut self,
        function: Function,
        args: &[&Ast],
        types: &[Type],
        out: Type,
        span: Range<usize>,
    ) -> Option<Expr> {
        let checked: Vec<Option<Expr>> = args.iter().map(|arg| self.value(arg)).collect();
        let checked: Vec<Expr> = checked.into_iter().collect::<Option<_>>()?;
        for (arg, ty) in checked.iter().zip(types) {
            if !crate::types::fits(&arg.ty, ty) && arg.ty != Type::Any {
                wrong_type(&self.report, arg, ty, None);
                return None;
            }
        }
        Some(Expr { kind: ExprKind::Call(function, checked), ty: out, nullable: false, span })
    }

    fn has(&mut self, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let inner = self.tolerating(|c| c.expr(arg))?;
        Some(Expr { kind: ExprKind::Has(Box::new(inner)), ty: Type::Bool, nullable: false, span })
    }

    fn default(&mut self, first: &Ast, second: &Ast, span: Range<usize>) -> Option<Expr> {
        let first = self.tolerating(|c| c.expr(first));
        let second = self.expr(second);
        let (first, second) = (first?, second?);
        let ty = if crate::types::fits(&second.ty, &first.ty)
            || literal_of(&second).is_some_and(|v| crate::types::literal_fits(v, &first.ty))
        {
            Some(first.ty.clone())
        } else {
            join_types(&first.ty, &second.ty)
        };
        let Some(ty) = ty else {
            wrong_type(&self.report, &second, &first.ty, None);
            return None;
        };
        let nullable = first.nullable && second.nullable;
        Some(Expr { kind: ExprKind::Call(Function::Default, vec![first, second]), ty, nullable, span })
    }

    fn in_segment(&self, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let name = match &arg.kind {
            AstKind::Name(name) | AstKind::Text(name) => name,
            _ => {
                self.text_arg(arg)?;
                return None;
            }
        };
        if !self.scope.segments.contains(name) {
            self.report.maybe_help(
                "J053",
                arg.span.clone(),
                t(format!("there is no segment `{name}`"), format!("「{name}」というセグメントはありません")),
                t("no segment has this name", "この名前のセグメントはありません"),
                suggest(name, self.scope.segments.iter().map(String::as_str)),
            );
            return None;
        }
        Some(Expr {
            kind: ExprKind::Root(Root::Segment(name.clone())),
            ty: Type::Bool,
            nullable: false,
            span,
        })
    }

    fn item(&mut self, catalog: &Ast, id: &Ast, span: Range<usize>) -> Option<Expr> {
        let id = self.value(id);
        let name = match &catalog.kind {
            AstKind::Name(name) => name.clone(),
            _ => self.text_arg(catalog)?.to_owned(),
        };
        let Some(schema) = self.scope.schema.catalogs.get(&name) else {
            self.report.maybe_help(
                "J057",
                catalog.span.clone(),
                t(format!("there is no catalogue `{name}`"), format!("「{name}」というカタログはありません")),
                t("no catalogue has this name", "この名前のカタログはありません"),
                suggest(&name, self.scope.schema.catalogs.keys().map(String::as_str)),
            );
            return None;
        };
        let id = id?;
        if !matches!(id.ty, Type::Text | Type::OneOf(_) | Type::Int | Type::Any) {
            wrong_type(&self.report, &id, &Type::Text, None);
            return None;
        }
        let name = constant(Value::Text(name), Type::Text, catalog.span.clone());
        let ty = map_type(&schema.fields);
        Some(Expr { kind: ExprKind::Call(Function::Item, vec![name, id]), ty, nullable: true, span })
    }

    fn size(&mut self, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let arg = self.value(arg)?;
        if !matches!(arg.ty, Type::Text | Type::OneOf(_) | Type::List(_) | Type::Any) {
            wrong_type(&self.report, &arg, &Type::List(Box::new(Type::Any)), None);
            return None;
        }
        Some(Expr { kind: ExprKind::Call(Function::Size, vec![arg]), ty: Type::Int, nullable: false, span })
    }

    fn contains(&mut self, a: &Ast, b: &Ast, span: Range<usize>) -> Option<Expr> {
        let (a, b) = (self.value(a), self.value(b));
        let (a, b) = (a?, b?);
        let fine = match &a.ty {
            Type::Text | Type::OneOf(_) => matches!(b.ty, Type::Text | Type::OneOf(_)),
            Type::List(inner) => {
                let one = Expr { ty: (**inner).clone(), ..a.clone() };
                self.comparable(&b, &one).then_some(())?;
                true
            }
            Type::Any => true,
            _ => false,
        };
        if !fine {
            wrong_type(&self.report, if matches!(a.ty, Type::Text) { &b } else { &a }, &Type::Text, None);
            return None;
        }
        Some(Expr {
            kind: ExprKind::Call(Function::Contains, vec![a, b]),
            ty: Type::Bool,
            nullable: false,
            span,
        })
    }

    fn days_between(&mut self, a: &Ast, b: &Ast, span: Range<usize>) -> Option<Expr> {
        let (a, b) = (self.value(a), self.value(b));
        let (a, b) = (a?, b?);
        for side in [&a, &b] {
            if !matches!(side.ty, Type::Time | Type::Date) {
                wrong_type(&self.report, side, &Type::Time, None);
                return None;
            }
        }
        Some(Expr {
            kind: ExprKind::Call(Function::DaysBetween, vec![a, b]),
            ty: Type::Int,
            nullable: false,
            span,
        })
    }

    fn int(&mut self, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let arg = self.value(arg)?;
        if !matches!(arg.ty, Type::Int | Type::Float | Type::Text | Type::OneOf(_) | Type::Any) {
            wrong_type(&self.report, &arg, &Type::Float, None);
            return None;
        }
        // A text may be no number; only of numbers there always is a whole one.
        let nullable = !matches!(arg.ty, Type::Int | Type::Float);
        Some(Expr { kind: ExprKind::Call(Function::Int, vec![arg]), ty: Type::Int, nullable, span })
    }

    fn least(&mut self, least: bool, a: &Ast, b: &Ast, span: Range<usize>) -> Option<Expr> {
        let (a, b) = (self.value(a), self.value(b));
        let (a, b) = (a?, b?);
        self.comparable(&a, &b).then_some(())?;
        let ty = join_types(&a.ty, &b.ty)?;
        let function = if least { Function::Min } else { Function::Max };
        Some(Expr { kind: ExprKind::Call(function, vec![a, b]), ty, nullable: false, span })
    }

    fn engaged(&mut self, receipt: &str, arg: &Ast, span: Range<usize>) -> Option<Expr> {
        let name = match &arg.kind {
            AstKind::Name(name) => name.clone(),
            _ => self.text_arg(arg)?.to_owned(),
        };
        let Some(messages) = self.scope.messages else {
            self.report.help(
                "J101",
                span,
                t(format!("`{receipt}` asks about the messages of a journey"), format!("「{receipt}」はジャーニーのメッセージについて調べる関数です")),
                t("there is no journey here", "ここにはジャーニーがありません"),
                t(
                    format!("count the events instead: `count(message_{receipt}, it.message == \"{name}\")`"),
                    format!("代わりにイベントを数えてください：「count(message_{receipt}, it.message == \"{name}\")」"),
                ),
            );
            return None;
        };
        if !messages.contains(&name) {
            self.report.maybe_help(
                "J101",
                arg.span.clone(),
                t(
                    format!("this journey never sends `{name}`"),
                    format!("このジャーニーは「{name}」を送りません"),
                ),
                t(format!("so it can never be {receipt}"), "そのため、この条件は成り立ちません".to_owned()),
                suggest(&name, messages.iter().map(String::as_str)),
            );
            return None;
        }
        Some(Expr {
            kind: ExprKind::Engaged(receipt.to_owned(), name),
            ty: Type::Bool,
            nullable: false,
            span,
        })
    }
}

fn literal_of(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(value),
        _ => None,
    }
}

pub(super) fn constant(value: Value, ty: Type, span: Range<usize>) -> Expr {
    Expr { kind: ExprKind::Literal(value), ty, nullable: false, span }
}

/// How a function is called.
pub(super) fn usage(name: &str) -> Text {
    let example = match name {
        "money" => "money(\"3000 JPY\")",
        "ago" => "ago(\"60 days\")",
        "ahead" => "ahead(\"7 days\")",
        "duration" => "duration(\"3 days\")",
        "time" => "time(\"2026-12-01T09:00:00+09:00\")",
        "date" => "date(\"2026-12-01\")",
        "count" => "count(order_placed, \"90 days\")",
        "sum" | "last" | "first" | "distinct" => "sum(order_placed.total, \"365 days\")",
        "min" | "max" => "max(order_placed.total)",
        "last_at" | "first_at" => "last_at(order_placed)",
        "has" => "has(event.coupon)",
        "default" => "default(customer.first_name, \"\")",
        "in_segment" => "in_segment(\"vip\")",
        "item" => "item(\"products\", event.product_id)",
        "contains" | "starts_with" | "ends_with" => "contains(event.category, \"shoes\")",
        "days_between" => "days_between(customer.created_at, now)",
        "sent" | "delivered" | "opened" | "clicked" | "replied" | "bounced" | "complained" => {
            "clicked(welcome)"
        }
        "exists" | "all" | "filter" | "map" => "event.items.exists(x, x.price > money(\"3000 JPY\"))",
        "now" => "now",
        _ => "size(event.items)",
    };
    t(format!("like `{example}`"), format!("例：「{example}」"))
}
