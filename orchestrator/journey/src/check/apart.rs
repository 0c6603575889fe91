//! Facts kept apart: `count(order_placed, it.sku == event.sku)` asks for those events that share a value with what is
//! known at this place of a journey.
//!
//! Facts are folded as events come, long before anybody knows which value a journey will ask for. So what is compared
//! by `==` is kept apart by its value, and looked up later; any other comparison would need the events themselves.

use super::Checker;
use crate::cel::{Ast, AstKind};
use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::report::t;
use words::Type;

/// The condition of a fact, taken apart.
pub(super) struct Split<'t> {
    /// Of each comparison the side that looks at the event, and the side that is known outside.
    pub(super) apart: Vec<(&'t Ast, &'t Ast)>,
    /// What looks at the event alone.
    pub(super) rest: Option<Ast>,
}

impl Checker<'_> {
    /// Takes the condition of a fact over `of` (as written, and its event) apart; reports what cannot be looked up.
    pub(super) fn split<'t>(
        &self,
        function: &str,
        of: (&Ast, &str),
        condition: &'t Ast,
    ) -> Option<Split<'t>> {
        let mut parts = Vec::new();
        conjuncts(condition, &mut parts);
        // Outside journeys there is nothing to compare with: the condition says so itself.
        if self.scope.messages.is_none() || !parts.iter().any(|part| self.speaks_of_here(part)) {
            return Some(Split { apart: Vec::new(), rest: Some(condition.clone()) });
        }
        let mut split = Split { apart: Vec::new(), rest: None };
        for part in parts {
            if !self.speaks_of_here(part) {
                split.rest = Some(match split.rest {
                    None => part.clone(),
                    Some(before) => Ast {
                        span: before.span.start..part.span.end,
                        kind: AstKind::Binary(BinaryOp::And, Box::new(before), Box::new(part.clone())),
                    },
                });
                continue;
            }
            let sides = match &part.kind {
                AstKind::Binary(BinaryOp::Equal, a, b) => [(a, b), (b, a)].into_iter().find(|(it, here)| {
                    mentions(it, "it") && !self.speaks_of_here(it) && !mentions(here, "it")
                }),
                _ => None,
            };
            let Some((it, here)) = sides else {
                self.not_apart(function, of, part);
                return None;
            };
            split.apart.push((&**it, &**here));
        }
        Some(split)
    }

    /// By what the fact is kept apart, and which one is meant; several of each are lists.
    #[expect(clippy::option_option, reason = "nothing to keep apart is no mistake")]
    pub(super) fn apart(
        &mut self,
        inner: &mut Checker<'_>,
        sides: &[(&Ast, &Ast)],
    ) -> Option<Option<(Expr, Expr)>> {
        let mut pairs = Vec::new();
        for (it, here) in sides {
            let (it, here) = (inner.expr(it), self.expr(here));
            let (it, here) = (it?, here?);
            self.comparable(&it, &here).then_some(())?;
            pairs.push((it, here));
        }
        if pairs.len() < 2 {
            return Some(pairs.pop());
        }
        let (by, which) = pairs.into_iter().unzip();
        Some(Some((listed(by), listed(which))))
    }

    /// Whether it speaks of what only this place of the journey knows.
    fn speaks_of_here(&self, ast: &Ast) -> bool {
        names(ast, &mut |name| {
            matches!(name, "event" | "customer" | "item" | "before" | "turn")
                || self.scope.env.bindings.contains_key(name)
                || self.variables.iter().any(|(variable, _)| variable == name)
        })
    }

    fn not_apart(&self, function: &str, (of, event): (&Ast, &str), part: &Ast) {
        let of = self.shown(&of.span);
        self.report.help(
            "J079",
            part.span.clone(),
            t(
                format!("`{function}` cannot look back with this condition"),
                format!("「{function}」は、この条件で過去のイベントを調べられません"),
            ),
            t(
                "past events are kept as totals: only `==` with a value known here finds its total",
                "過去のイベントは集計だけが残るため、ここで分かる値とは「==」でしか突き合わせられません",
            ),
            t(
                format!(
                    "compare a property with `==`, as in `{function}({of}, it.x == event.x)`; or, for what comes \
                     after the start, use `wait_for: {event}` with `if:` and `since: start`"
                ),
                format!(
                    "「{function}({of}, it.x == event.x)」のように「==」で比べてください。開始後に届くイベントなら、\
                     「wait_for: {event}」に「if:」と「since: start」を付けて待てます"
                ),
            ),
        );
    }
}

fn listed(parts: Vec<Expr>) -> Expr {
    let span = parts.first().map_or(0, |p| p.span.start)..parts.last().map_or(0, |p| p.span.end);
    let nullable = parts.iter().any(|part| part.nullable);
    Expr { kind: ExprKind::List(parts), ty: Type::List(Box::new(Type::Any)), nullable, span }
}

/// What has to hold at once.
fn conjuncts<'t>(ast: &'t Ast, out: &mut Vec<&'t Ast>) {
    match &ast.kind {
        AstKind::Binary(BinaryOp::And, a, b) => {
            conjuncts(a, out);
            conjuncts(b, out);
        }
        _ => out.push(ast),
    }
}

fn mentions(ast: &Ast, name: &str) -> bool {
    names(ast, &mut |found| found == name)
}

/// Whether `is` holds for a name in it.
fn names(ast: &Ast, is: &mut impl FnMut(&str) -> bool) -> bool {
    match &ast.kind {
        AstKind::Null | AstKind::Bool(_) | AstKind::Int(_) | AstKind::Float(_) | AstKind::Text(_) => false,
        AstKind::Name(name) => is(name),
        AstKind::Field(of, ..) | AstKind::Unary(_, of) => names(of, is),
        AstKind::Index(a, b) | AstKind::Binary(_, a, b) => names(a, is) || names(b, is),
        AstKind::Conditional(a, b, c) => names(a, is) || names(b, is) || names(c, is),
        AstKind::List(items) => items.iter().any(|item| names(item, is)),
        AstKind::Call(call) => {
            call.receiver.iter().any(|of| names(of, is)) || call.args.iter().any(|a| names(a, is))
        }
    }
}
