//! Functions that run over lists: `event.items.exists(x, x.price > 0)`.

use super::{Checker, wrong_type};
use crate::cel::{Ast, AstKind, Call};
use crate::expr::{EachOp, Expr, ExprKind};
use crate::report::t;
use std::ops::Range;
use words::Type;

/// Which of them a name is.
pub(super) fn each_op(name: &str) -> Option<EachOp> {
    match name {
        "exists" => Some(EachOp::Exists),
        "all" => Some(EachOp::All),
        "filter" => Some(EachOp::Filter),
        "map" => Some(EachOp::Map),
        _ => None,
    }
}

impl Checker<'_> {
    pub(super) fn each(
        &mut self,
        op: EachOp,
        receiver: &Ast,
        call: &Call,
        span: Range<usize>,
    ) -> Option<Expr> {
        let list = self.value(receiver)?;
        let Type::List(inner) = &list.ty else {
            wrong_type(&self.report, &list, &Type::List(Box::new(Type::Any)), None);
            return None;
        };
        let [Ast { kind: AstKind::Name(variable), .. }, body] = call.args.as_slice() else {
            self.report.help(
                "J073",
                span,
                t(
                    format!("`{}` takes a name and an expression", call.name),
                    format!("「{}」には名前と式を渡します", call.name),
                ),
                t("here", "ここです"),
                t(
                    format!("like `event.items.{}(x, x.price > 0)`", call.name),
                    format!("例：「event.items.{}(x, x.price > 0)」", call.name),
                ),
            );
            return None;
        };
        self.variables.push((variable.clone(), (**inner).clone()));
        let body = self.expr(body);
        self.variables.pop();
        let mut body = body?;
        let ty = match op {
            EachOp::Exists | EachOp::All => Type::Bool,
            EachOp::Filter => list.ty.clone(),
            EachOp::Map => Type::List(Box::new(body.ty.clone())),
        };
        if op == EachOp::Map {
            self.needs_value(&body).then_some(())?;
        } else {
            body = self.is_condition(body)?;
        }
        Some(Expr {
            kind: ExprKind::Each(op, Box::new(list), variable.clone(), Box::new(body)),
            ty,
            nullable: false,
            span,
        })
    }
}
