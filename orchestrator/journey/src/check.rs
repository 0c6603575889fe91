//! Checking expressions: names exist, types agree, currencies do not mix, and what may be missing is guarded.

mod aggregates;
mod apart;
mod functions;
mod lists;
mod names;
mod narrow;
mod operators;

pub(crate) use names::{Binding, Env, Scope, customer_fields};
pub(crate) use narrow::known_if;

use crate::cel::{Ast, AstKind, Origin, parse};
use crate::expr::{Expr, ExprKind, Root};
use crate::report::{Report, t};
use crate::yaml::{Kind, Node, Style};
use std::collections::BTreeSet;
use std::ops::Range;
use words::{Text, Type, Value};

/// Checks one expression after the other in one place of a journey.
pub(crate) struct Checker<'a> {
    pub(crate) report: Report<'a>,
    pub(crate) scope: &'a Scope<'a>,
    /// Paths known to be there, from the place and from guards within the expression.
    known: BTreeSet<String>,
    /// Variables of `exists`, `map` …, innermost last.
    variables: Vec<(String, Type)>,
    /// Inside `has(…)`, `default(…)` or a comparison with null: what may be missing may be named.
    missing_is_fine: bool,
}

impl<'a> Checker<'a> {
    /// A checker for this place.
    pub(crate) fn new(report: Report<'a>, scope: &'a Scope<'a>) -> Self {
        Self { report, scope, known: scope.env.known.clone(), variables: Vec::new(), missing_is_fine: false }
    }

    /// The expression in a node. `key` names it in messages.
    pub(crate) fn node(&mut self, node: &Node, key: &str) -> Option<Expr> {
        let origin = expression_text(&self.report, node, key)?;
        let ast = self.read(&origin, node, key)?;
        self.expr(&ast)
    }

    /// A condition: an expression that is true or false.
    pub(crate) fn condition(&mut self, node: &Node, key: &str) -> Option<Expr> {
        let expr = self.node(node, key)?;
        self.is_condition(expr)
    }

    /// Whether an expression is true or false; what may be missing counts as false.
    pub(crate) fn is_condition(&self, expr: Expr) -> Option<Expr> {
        if expr.ty == Type::Bool {
            return Some(expr);
        }
        let help = match &expr.kind {
            ExprKind::Root(Root::Fact(_)) | ExprKind::Apart(..) | ExprKind::Field(..)
                if expr.ty == Type::Int =>
            {
                t("compare it: `… > 0`", "「… > 0」のように比較してください")
            }
            _ => t(
                "compare it with something, or write `has(…)`",
                "何かと比較するか、「has(…)」と書いてください",
            ),
        };
        self.report.help(
            "J076",
            expr.span.clone(),
            t("a condition is true or false", "条件は真か偽になる式でなければなりません"),
            t(format!("this is {}", expr.ty), format!("これは {} です", type_ja(&expr.ty))),
            help,
        );
        None
    }

    /// Reads the text; where YAML has eaten a part of it, says that rather than what the rest looks like.
    pub(crate) fn read(&self, origin: &Origin<'_>, node: &Node, key: &str) -> Option<Ast> {
        match parse(origin) {
            Ok(ast) => Some(ast),
            Err(mistake) => {
                if !self.eaten(node, key) {
                    self.report.maybe_help("J070", mistake.span, mistake.title, mistake.label, mistake.help);
                }
                None
            }
        }
    }

    /// A comment or a flow map that cut an expression short.
    fn eaten(&self, node: &Node, key: &str) -> bool {
        let source = self.report.source;
        let rest = source.get(node.span.end..).unwrap_or("").split('\n').next().unwrap_or("");
        let plain = matches!(&node.kind, Kind::Scalar { style: Style::Plain, .. });
        let text = node.text().unwrap_or("");
        if plain && rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']) {
            self.report.help(
                "J024",
                node.span.end..node.span.end + rest.trim_end().len(),
                t(
                    "YAML reads `#` as a comment and cuts the expression",
                    "YAML は「#」以降をコメントとして捨ててしまいます",
                ),
                t("this part is lost", "この部分が失われています"),
                crate::yaml::as_block(key, &format!("{text}{}", rest.trim_end())),
            );
            return true;
        }
        if node.flow {
            self.report.help(
                "J022",
                node.span.clone(),
                t(
                    "YAML cuts expressions at commas inside `{}` and `[]`",
                    "{} や [] の中では、YAML が式をカンマで切ってしまいます",
                ),
                t("this is all that is left of it", "式はここまでしか残っていません"),
                t(
                    "write one `name: expression` per line instead of `{}`",
                    "{} を使わず、1 行に 1 つずつ「名前: 式」と書いてください",
                ),
            );
            return true;
        }
        false
    }

    /// Checks a tree.
    pub(crate) fn expr(&mut self, ast: &Ast) -> Option<Expr> {
        let span = ast.span.clone();
        let literal = |value: Value, ty: Type| Expr {
            kind: ExprKind::Literal(value),
            ty,
            nullable: false,
            span: span.clone(),
        };
        match &ast.kind {
            AstKind::Null => Some(Expr { nullable: true, ..literal(Value::Null, Type::Any) }),
            AstKind::Bool(b) => Some(literal(Value::Bool(*b), Type::Bool)),
            AstKind::Int(n) => Some(literal(Value::Int(*n), Type::Int)),
            AstKind::Float(n) => Some(literal(Value::Float(*n), Type::Float)),
            AstKind::Text(text) => Some(literal(Value::Text(text.clone()), Type::Text)),
            AstKind::Name(name) => self.name(name, span),
            AstKind::Field(base, name, name_span) => self.field(base, name, name_span.clone(), span),
            AstKind::Index(base, index) => self.index(base, index, span),
            AstKind::List(items) => self.list(items, span),
            AstKind::Unary(op, inner) => self.unary(*op, inner, span),
            AstKind::Binary(op, left, right) => self.binary(*op, left, right, span),
            AstKind::Conditional(condition, yes, no) => self.conditional(condition, yes, no, span),
            AstKind::Call(call) => self.call(call, span),
        }
    }

    /// The same, where a value is needed: what may be missing is an error.
    pub(crate) fn value(&mut self, ast: &Ast) -> Option<Expr> {
        let expr = self.expr(ast)?;
        self.needs_value(&expr).then_some(expr)
    }

    /// Whether an expression always has a value; reports it if not.
    pub(crate) fn needs_value(&self, expr: &Expr) -> bool {
        if !expr.nullable {
            return true;
        }
        let shown = self.shown(&expr.span);
        self.report.help(
            "J074",
            expr.span.clone(),
            t(format!("`{shown}` may be missing here"), format!("ここでは「{shown}」が無いことがあります")),
            t("a value is needed", "値が必要です"),
            t(
                format!("guard it with `if: has({shown})`, or write `default({shown}, …)`"),
                format!("「if: has({shown})」で確かめるか、「default({shown}, …)」と書いてください"),
            ),
        );
        false
    }

    /// The source of a place, in one line.
    pub(crate) fn shown(&self, span: &Range<usize>) -> String {
        let text = self.report.source.get(span.clone()).unwrap_or("");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Runs `check` with more paths known to be there.
    fn knowing<T>(&mut self, more: Vec<String>, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.known.clone();
        self.known.extend(more);
        let out = check(self);
        self.known = before;
        out
    }

    /// Runs `check` where what may be missing may be named.
    fn tolerating<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.missing_is_fine, true);
        let out = check(self);
        self.missing_is_fine = before;
        out
    }
}

/// The text of an expression, unless YAML has made something else of it.
pub(crate) fn expression_text<'n>(report: &Report<'_>, node: &'n Node, key: &str) -> Option<Origin<'n>> {
    if node.broken {
        return None;
    }
    match &node.kind {
        Kind::Scalar { .. } if node.is_null() => {
            // `if: &x` leaves an anchor and nothing else; `if: #…` a comment.
            report.shape(node, "an expression", "式");
            None
        }
        Kind::Scalar { .. } => {
            let line =
                report.source[..node.span.start.min(report.source.len())].rsplit('\n').next().unwrap_or("");
            if let Some((_, at, value)) = crate::yaml::key_value(line)
                && value.starts_with('&')
            {
                let start = node.span.start - line.len() + at;
                let whole = &report.source[start..node.span.end];
                crate::yaml::star(report, start..node.span.end, key, whole);
                return None;
            }
            Origin::of(node, report.source)
        }
        _ => {
            let shown = report.source.get(report.first_line(&node.span)).unwrap_or("");
            report.help(
                "J022",
                report.first_line(&node.span),
                t(
                    "YAML reads braces, brackets and `name: value` lines as its own; here an expression is wanted",
                    "ここには式を書きますが、YAML が括弧や「名前: 値」を自分の記号として読み取りました",
                ),
                t("this is no expression any more", "式ではなくなっています"),
                crate::yaml::as_block(key, shown),
            );
            None
        }
    }
}

/// A type in Japanese.
pub(crate) fn type_ja(ty: &Type) -> String {
    match ty {
        Type::Bool => "真偽値".into(),
        Type::Int => "整数".into(),
        Type::Float => "小数".into(),
        Type::Text => "文字列".into(),
        Type::OneOf(texts) => format!("{} のどれか", texts.join("、")),
        Type::Money(None) => "金額".into(),
        Type::Money(Some(currency)) => format!("金額（{currency}）"),
        Type::Time => "日時".into(),
        Type::Date => "日付".into(),
        Type::Duration => "時間の長さ".into(),
        Type::List(inner) => format!("{}のリスト", type_ja(inner)),
        Type::Map(_) => "項目の集まり".into(),
        Type::Any => "型の決まっていない値".into(),
    }
}

/// `wanted`, but `found` stands here.
pub(crate) fn wrong_type(report: &Report<'_>, expr: &Expr, wanted: &Type, help: Option<Text>) {
    report.maybe_help(
        "J071",
        expr.span.clone(),
        t(format!("{wanted} is wanted here"), format!("ここには{}が必要です", type_ja(wanted))),
        t(format!("this is {}", expr.ty), format!("これは{}です", type_ja(&expr.ty))),
        help,
    );
}

#[cfg(test)]
mod tests;
