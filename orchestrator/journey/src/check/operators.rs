//! Operators and what they may join.

use super::{Checker, known_if, type_ja, wrong_type};
use crate::cel::{Ast, AstKind};
use crate::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::report::{suggest, t};
use crate::types::{fits, literal_fits};
use std::ops::Range;
use words::{Text, Type, Value};

impl Checker<'_> {
    pub(super) fn list(&mut self, items: &[Ast], span: Range<usize>) -> Option<Expr> {
        let checked: Vec<Option<Expr>> = items.iter().map(|item| self.value(item)).collect();
        let checked: Vec<Expr> = checked.into_iter().collect::<Option<_>>()?;
        let mut ty = checked.first().map_or(Type::Any, |first| first.ty.clone());
        for item in &checked {
            match join_types(&ty, &item.ty) {
                Some(joined) => ty = joined,
                None => {
                    wrong_type(&self.report, item, &ty, None);
                    return None;
                }
            }
        }
        let values: Option<Vec<Value>> = checked
            .iter()
            .map(|item| match &item.kind {
                ExprKind::Literal(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let kind =
            values.map_or_else(|| ExprKind::List(checked), |values| ExprKind::Literal(Value::List(values)));
        Some(Expr { kind, ty: Type::List(Box::new(ty)), nullable: false, span })
    }

    pub(super) fn index(&mut self, base: &Ast, index: &Ast, span: Range<usize>) -> Option<Expr> {
        let (base, index) = (self.expr(base), self.value(index));
        let (base, index) = (base?, index?);
        let Type::List(inner) = &base.ty else {
            wrong_type(&self.report, &base, &Type::List(Box::new(Type::Any)), None);
            return None;
        };
        if index.ty != Type::Int {
            wrong_type(&self.report, &index, &Type::Int, None);
            return None;
        }
        let ty = (**inner).clone();
        Some(Expr { kind: ExprKind::Index(Box::new(base), Box::new(index)), ty, nullable: true, span })
    }

    pub(super) fn unary(&mut self, op: UnaryOp, inner: &Ast, span: Range<usize>) -> Option<Expr> {
        let inner = match op {
            UnaryOp::Not => {
                let expr = self.expr(inner)?;
                self.is_condition(expr)?
            }
            UnaryOp::Negate => self.value(inner)?,
        };
        let ty = inner.ty.clone();
        if op == UnaryOp::Negate && !matches!(ty, Type::Int | Type::Float | Type::Money(_) | Type::Duration) {
            wrong_type(&self.report, &inner, &Type::Int, None);
            return None;
        }
        Some(Expr { kind: ExprKind::Unary(op, Box::new(inner)), ty, nullable: false, span })
    }

    pub(super) fn conditional(
        &mut self,
        condition: &Ast,
        yes: &Ast,
        no: &Ast,
        span: Range<usize>,
    ) -> Option<Expr> {
        let condition = self.expr(condition)?;
        let condition = self.is_condition(condition)?;
        let yes = self.knowing(known_if(&condition, true), |c| c.expr(yes));
        let no = self.knowing(known_if(&condition, false), |c| c.expr(no));
        let (yes, no) = (yes?, no?);
        let Some(ty) = join_types(&yes.ty, &no.ty) else {
            wrong_type(&self.report, &no, &yes.ty, None);
            return None;
        };
        let nullable = yes.nullable || no.nullable;
        Some(Expr {
            kind: ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)),
            ty,
            nullable,
            span,
        })
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &Ast,
        right: &Ast,
        span: Range<usize>,
    ) -> Option<Expr> {
        let done = |left: Expr, right: Expr, ty: Type| {
            Some(Expr {
                kind: ExprKind::Binary(op, Box::new(left), Box::new(right)),
                ty,
                nullable: false,
                span: span.clone(),
            })
        };
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let left = self.expr(left).and_then(|e| self.is_condition(e));
                let more = left.as_ref().map(|l| known_if(l, op == BinaryOp::And)).unwrap_or_default();
                let right = self.knowing(more, |c| c.expr(right)).and_then(|e| self.is_condition(e));
                done(left?, right?, Type::Bool)
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let with_null = matches!(left.kind, AstKind::Null) || matches!(right.kind, AstKind::Null);
                let (left, right) = if with_null {
                    self.tolerating(|c| (c.expr(left), c.expr(right)))
                } else {
                    (self.expr(left), self.expr(right))
                };
                let (left, right) = (left?, right?);
                (with_null || self.comparable(&left, &right)).then_some(())?;
                done(left, right, Type::Bool)
            }
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                let (left, right) = (self.expr(left), self.expr(right));
                let (left, right) = (left?, right?);
                self.comparable(&left, &right).then_some(())?;
                for side in [&left, &right] {
                    let ordered = matches!(
                        side.ty,
                        Type::Int
                            | Type::Float
                            | Type::Money(_)
                            | Type::Time
                            | Type::Date
                            | Type::Duration
                            | Type::Text
                            | Type::Any
                    );
                    if !ordered {
                        self.report.error(
                            "J071",
                            side.span.clone(),
                            t(
                                format!("{} has no order", side.ty),
                                format!("{}に大小はありません", type_ja(&side.ty)),
                            ),
                            t("nothing is larger or smaller than this", "大小を比べられません"),
                        );
                        return None;
                    }
                }
                done(left, right, Type::Bool)
            }
            BinaryOp::In => {
                let (left, right) = (self.expr(left), self.expr(right));
                let (left, right) = (left?, right?);
                let Type::List(inner) = right.ty.clone() else {
                    let help = (right.ty == Type::Text).then(|| {
                        t(
                            "to look into a text write `contains(text, part)`",
                            "文字列の中を探すなら「contains(文, 部分)」と書いてください",
                        )
                    });
                    wrong_type(&self.report, &right, &Type::List(Box::new(left.ty.clone())), help);
                    return None;
                };
                if let ExprKind::Literal(Value::List(values)) = &right.kind {
                    for value in values {
                        let one = Expr {
                            kind: ExprKind::Literal(value.clone()),
                            ty: (*inner).clone(),
                            nullable: false,
                            span: right.span.clone(),
                        };
                        self.comparable(&left, &one).then_some(())?;
                    }
                } else {
                    let element = Expr { ty: *inner, nullable: true, ..right.clone() };
                    self.comparable(&left, &element).then_some(())?;
                }
                done(left, right, Type::Bool)
            }
            BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::Multiply
            | BinaryOp::Divide
            | BinaryOp::Remainder => {
                let (left, right) = (self.value(left), self.value(right));
                let (left, right) = (left?, right?);
                let Some(ty) = self.arithmetic(op, &left, &right) else {
                    self.cannot_join(op, &left, &right, span);
                    return None;
                };
                done(left, right, ty)
            }
        }
    }

    /// The type of the result; `None` where there is none.
    fn arithmetic(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<Type> {
        use BinaryOp::{Add, Multiply, Remainder, Subtract};
        Some(match (op, &left.ty, &right.ty) {
            (_, Type::Int, Type::Int) => Type::Int,
            (op, Type::Int | Type::Float, Type::Int | Type::Float) if op != Remainder => Type::Float,
            (Add | Subtract, Type::Money(a), Type::Money(b)) => match (a, b) {
                (Some(a), Some(b)) if a != b => return None,
                (a, b) => Type::Money(a.or(*b)),
            },
            (Multiply, Type::Money(c), Type::Int) | (Multiply, Type::Int, Type::Money(c)) => Type::Money(*c),
            (Add, Type::Text | Type::OneOf(_), Type::Text | Type::OneOf(_)) => Type::Text,
            (Add | Subtract, Type::Time, Type::Duration) | (Add, Type::Duration, Type::Time) => Type::Time,
            (Subtract, Type::Time, Type::Time) => Type::Duration,
            (Add | Subtract, Type::Duration, Type::Duration) => Type::Duration,
            (Multiply, Type::Duration, Type::Int) | (Multiply, Type::Int, Type::Duration) => Type::Duration,
            _ => return None,
        })
    }

    fn cannot_join(&self, op: BinaryOp, left: &Expr, right: &Expr, span: Range<usize>) {
        if self.mixed(left, right) {
            return;
        }
        let money_and_number = matches!(
            (&left.ty, &right.ty),
            (Type::Money(_), Type::Int | Type::Float) | (Type::Int | Type::Float, Type::Money(_))
        );
        let help = match (&left.ty, &right.ty) {
            _ if money_and_number && matches!(op, BinaryOp::Add | BinaryOp::Subtract) => Some(t(
                "write the number as money: `money(\"500 JPY\")`",
                "数値を金額として書いてください：「money(\"500 JPY\")」",
            )),
            (Type::Text, _) | (_, Type::Text) if op == BinaryOp::Add => Some(t(
                "make text of the other with `text(…)`",
                "もう一方を「text(…)」で文字列にしてください",
            )),
            (Type::Time, Type::Int) => {
                Some(t("write `duration(\"3 days\")`", "「duration(\"3 days\")」と書いてください"))
            }
            (Type::Date, _) | (_, Type::Date) => Some(t(
                "for days between dates write `days_between(a, b)`",
                "日数を数えるなら「days_between(a, b)」と書いてください",
            )),
            _ => None,
        };
        let (en, ja) = match op {
            BinaryOp::Add => ("added", "足すこと"),
            BinaryOp::Subtract => ("subtracted", "引くこと"),
            BinaryOp::Multiply => ("multiplied", "掛けること"),
            _ => ("divided", "割ること"),
        };
        self.report.maybe_help(
            "J071",
            span,
            t(
                format!("{} and {} cannot be {en}", left.ty, right.ty),
                format!("{}と{}は{ja}ができません", type_ja(&left.ty), type_ja(&right.ty)),
            ),
            t("this operation", "この計算です"),
            help,
        );
    }

    /// Two currencies; reports it.
    fn mixed(&self, left: &Expr, right: &Expr) -> bool {
        let (Type::Money(Some(a)), Type::Money(Some(b))) = (&left.ty, &right.ty) else { return false };
        if a == b {
            return false;
        }
        self.report.help(
            "J072",
            left.span.start.min(right.span.start)..right.span.end.max(left.span.end),
            t(
                format!("{a} and {b} are different currencies and neither add nor compare"),
                format!("{a} と {b} は通貨が違うため、足したり比べたりできません"),
            ),
            t("two currencies meet here", "ここで 2 つの通貨が混ざっています"),
            t("bring both sides to one currency", "両方を同じ通貨にそろえてください"),
        );
        true
    }

    /// Whether two values can be compared; reports it if not.
    pub(super) fn comparable(&self, left: &Expr, right: &Expr) -> bool {
        if self.mixed(left, right) {
            return false;
        }
        for (one, other) in [(left, right), (right, left)] {
            let (ExprKind::Literal(value), Type::OneOf(choices)) = (&one.kind, &other.ty) else { continue };
            if literal_fits(value, &other.ty) {
                return true;
            }
            if let Value::Text(text) = value {
                let list = choices.join(", ");
                self.report.maybe_help(
                    "J071",
                    one.span.clone(),
                    t(
                        format!("`{}` is never \"{text}\"", self.shown(&other.span)),
                        format!("「{}」が「{text}」になることはありません", self.shown(&other.span)),
                    ),
                    t(format!("it is one of: {list}"), format!("{} のどれかです", choices.join("、"))),
                    suggest(text, choices.iter().map(String::as_str)),
                );
                return false;
            }
        }
        let numbers = |ty: &Type| matches!(ty, Type::Int | Type::Float);
        let (a, b) = (&left.ty, &right.ty);
        let fine =
            fits(a, b) || fits(b, a) || (numbers(a) && numbers(b)) || *a == Type::Any || *b == Type::Any;
        if !fine {
            let help = self.conversion(left, right).or_else(|| self.conversion(right, left));
            self.report.maybe_help(
                "J071",
                left.span.start.min(right.span.start)..right.span.end.max(left.span.end),
                t(
                    format!("{a} and {b} cannot be compared"),
                    format!("{}と{}は比べられません", type_ja(a), type_ja(b)),
                ),
                t("this comparison", "この比較です"),
                help,
            );
        }
        fine
    }

    /// How a literal could be written so that it compares.
    fn conversion(&self, literal: &Expr, other: &Expr) -> Option<Text> {
        let shown = self.shown(&literal.span);
        let bare = shown.trim_matches(['"', '\'']);
        let write = |text: String| Some(t(format!("write `{text}`"), format!("「{text}」と書いてください")));
        match (&literal.kind, &other.ty) {
            (ExprKind::Literal(Value::Int(n)), Type::Money(currency)) => {
                let code = currency.map_or("JPY".to_owned(), |c| c.to_string());
                write(format!("money(\"{n} {code}\")"))
            }
            (ExprKind::Literal(Value::Text(_)), Type::Date) => write(format!("date(\"{bare}\")")),
            (ExprKind::Literal(Value::Text(_)), Type::Time) => write(format!("time(\"{bare}\")")),
            (ExprKind::Literal(Value::Text(_)), Type::Duration) => write(format!("duration(\"{bare}\")")),
            (ExprKind::Literal(Value::Text(_)), Type::Int | Type::Float) => write(bare.to_owned()),
            (ExprKind::Literal(Value::Int(_)), Type::Text) => write(format!("\"{bare}\"")),
            (_, Type::Date) if literal.ty == Type::Time => write(format!("date({shown})")),
            _ => None,
        }
    }
}

/// The type that takes both; `None` where none does.
pub(super) fn join_types(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Any, other) | (other, Type::Any) => Some(other.clone()),
        _ if fits(a, b) => Some(b.clone()),
        _ if fits(b, a) => Some(a.clone()),
        (Type::OneOf(_), Type::OneOf(_)) => Some(Type::Text),
        (Type::Money(Some(_)), Type::Money(Some(_))) => None,
        _ => None,
    }
}
