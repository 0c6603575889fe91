//! What is handed over to messages, calls, events and journeys: given under `with:`, or filled in from what every path
//! to the step has.

use super::flow::Builder;
use crate::cel::{Ast, AstKind, Origin, parse};
use crate::check::{Env, type_ja, wrong_type};
use crate::expr::{Expr, ExprKind};
use crate::report::{Report, suggest, t};
use crate::types::{EVENT_FIELDS, fits, literal_fits};
use crate::yaml::{Kind, Node, Style};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Money, Timestamp, Type, Value};

/// What a place takes: type and whether it has to be given, by name.
pub(super) type Wanted = BTreeMap<String, (Type, bool)>;

/// How a value of the type is written in an expression.
fn written(ty: &Type) -> Option<String> {
    Some(match ty {
        Type::Money(currency) => {
            format!("money(\"500 {}\")", currency.as_ref().map_or("JPY", |currency| currency.as_str()))
        }
        Type::Int => "3".to_owned(),
        Type::Bool => "true".to_owned(),
        _ => return None,
    })
}

impl Builder<'_> {
    /// The values under a key. Also gives the names whose values could not be read and were reported.
    pub(super) fn arguments(
        &self,
        node: &Node,
        key: &str,
        wanted: Option<&Wanted>,
        unknown: &str,
        env: &Env,
    ) -> (Vec<(String, Expr)>, Vec<String>) {
        let (mut out, mut broken) = (Vec::new(), Vec::new());
        let Some(map) = node.get(key).filter(|n| !n.is_null()) else { return (out, broken) };
        if !matches!(map.kind, Kind::Map(_)) {
            self.report.shape(map, "`name: value` lines", "「名前: 値」の並び");
            return (out, wanted.map(|w| w.keys().cloned().collect()).unwrap_or_default());
        }
        for entry in map.entries() {
            let ty = wanted.map(|wanted| wanted.get(&entry.key));
            if let Some(None) = ty {
                // What YAML cut off at a comma looks like a name of its own.
                if map.span.start < entry.key_span.start
                    && entry.value.flow
                    && entry.value.is_null()
                    && entry.key.contains([')', '('])
                {
                    continue;
                }
                self.report.maybe_help(
                    unknown,
                    entry.key_span.clone(),
                    t(
                        format!("`{}` is not asked for here", entry.key),
                        format!("ここでは「{}」は使われません", entry.key),
                    ),
                    t("nothing takes this value", "この値を受け取るものがありません"),
                    suggest(&entry.key, wanted.iter().flat_map(|w| w.keys().map(String::as_str))),
                );
                continue;
            }
            let ty = ty.flatten();
            match self.argument(
                &entry.value,
                &entry.key,
                ty.map(|(ty, _)| ty),
                ty.is_some_and(|(_, r)| *r),
                env,
            ) {
                Some(expr) => out.push((entry.key.clone(), expr)),
                None => broken.push(entry.key.clone()),
            }
        }
        out.sort_by(|a, b| a.0.cmp(&b.0));
        (out, broken)
    }

    /// One value: a text in quotes is that text, anything else an expression.
    pub(super) fn argument(
        &self,
        node: &Node,
        key: &str,
        ty: Option<&Type>,
        required: bool,
        env: &Env,
    ) -> Option<Expr> {
        let expr = match &node.kind {
            Kind::Scalar { text, style: Style::Quoted } if !node.broken => {
                self.quoted(node, text, ty, env)?
            }
            Kind::List(items) => {
                let inner = match ty {
                    Some(Type::List(inner)) => Some(&**inner),
                    _ => None,
                };
                let items: Vec<Option<Expr>> =
                    items.iter().map(|item| self.argument(item, key, inner, true, env)).collect();
                let items: Vec<Expr> = items.into_iter().collect::<Option<_>>()?;
                let of = items.first().map_or(Type::Any, |item| item.ty.clone());
                let ty = Type::List(Box::new(inner.cloned().unwrap_or(of)));
                Expr { kind: ExprKind::List(items), ty, nullable: false, span: node.span.clone() }
            }
            _ => {
                self.flow_expression(node, key)?;
                self.checking(env, None, |checker| checker.node(node, key))?
            }
        };
        if required && !self.checking(env, None, |checker| checker.needs_value(&expr)) {
            return None;
        }
        if let Some(ty) = ty
            && !suits(&expr, ty)
        {
            self.report.help(
                "J091",
                expr.span.clone(),
                t(format!("`{key}` is {ty}"), format!("「{key}」の型は{}です", type_ja(ty))),
                t(format!("this is {}", expr.ty), format!("これは{}です", type_ja(&expr.ty))),
                match written(ty) {
                    Some(example) => t(
                        format!("give {ty}, like `{example}`"),
                        format!("{}を渡してください（例：「{example}」）", type_ja(ty)),
                    ),
                    None => t(format!("give {ty}"), format!("{}を渡してください", type_ja(ty))),
                },
            );
            return None;
        }
        Some(expr)
    }

    /// Inside `{}` only names and numbers survive YAML.
    fn flow_expression(&self, node: &Node, key: &str) -> Option<()> {
        let text = self.whole(node);
        let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if !node.flow || plain || node.broken {
            return Some(());
        }
        self.report.help(
            "J022",
            node.span.clone(),
            t(
                "expressions are not written inside `{}`, because YAML cuts them at commas",
                "{} の中に式は書けません。YAML がカンマで切ってしまうためです",
            ),
            t(
                "only names such as `event.total` may stand here",
                "ここに書けるのは「event.total」のような名前だけです",
            ),
            t(
                format!("write it on a line of its own, below: `{key}: {text}`"),
                format!("{{}} を使わず、次の行に「{key}: {text}」と書いてください"),
            ),
        );
        None
    }

    /// What was meant, where YAML has cut an expression at a comma: as far as the parentheses go.
    fn whole(&self, node: &Node) -> String {
        let text = node.text().unwrap_or("");
        let source = self.report.source.get(node.span.start..).unwrap_or("");
        let mut open = 0_i32;
        for (index, c) in source.char_indices().take_while(|(_, c)| *c != '\n') {
            open += i32::from(c == '(') - i32::from(c == ')');
            if open == 0 && index + 1 >= text.len() && text.contains('(') {
                return source[..=index].to_owned();
            }
        }
        text.to_owned()
    }

    /// A text in quotes, read as what is wanted.
    fn quoted(&self, node: &Node, text: &str, ty: Option<&Type>, env: &Env) -> Option<Expr> {
        let span = node.span.clone();
        let read = match ty {
            Some(Type::Money(_)) => {
                Money::parse(text).ok().map(|m| (Value::Money(m), Type::Money(Some(m.currency))))
            }
            Some(Type::Date) => text.parse().ok().map(|date| (Value::Date(date), Type::Date)),
            Some(Type::Time) => Timestamp::parse(text).ok().map(|time| (Value::Time(time), Type::Time)),
            Some(Type::Duration) => {
                words::Elapsed::parse(text).ok().map(|d| (Value::Duration(d), Type::Duration))
            }
            _ => None,
        };
        if let Some((value, ty)) = read {
            return Some(Expr { kind: ExprKind::Literal(value), ty, nullable: false, span });
        }
        if text.contains('.') && self.means_expression(text, env) {
            self.report.help(
                "J029",
                span,
                t(
                    format!("in quotes this is the text \"{text}\""),
                    format!("引用符で囲むと「{text}」という文字列になります"),
                ),
                t("it looks like an expression", "式のように見えます"),
                t(format!("take the quotes away: `{text}`"), format!("引用符を外してください：「{text}」")),
            );
            return None;
        }
        Some(Expr {
            kind: ExprKind::Literal(Value::Text(text.to_owned())),
            ty: Type::Text,
            nullable: false,
            span,
        })
    }

    /// Whether a text in quotes would be a path that exists.
    fn means_expression(&self, text: &str, env: &Env) -> bool {
        let node = Node {
            span: 0..0,
            kind: Kind::Scalar { text: text.to_owned(), style: Style::Plain },
            flow: false,
            broken: false,
        };
        let Some(origin) = Origin::of(&node, "") else { return false };
        let Ok(ast) = parse(&origin) else { return false };
        matches!(ast.kind, AstKind::Field(..)) && self.quiet(&ast, env).is_some()
    }

    fn quiet(&self, ast: &Ast, env: &Env) -> Option<Expr> {
        let list = RefCell::new(Vec::new());
        let report = Report { list: &list, ..self.report };
        self.checking_into(report, env, None, |checker| checker.expr(ast))
    }

    /// A value of the same name and type that every path to here has. `Ok(None)`: none, and none is needed;
    /// `Err`: one is needed, with what comes nearest.
    pub(super) fn fill(
        &self,
        name: &str,
        ty: &Type,
        required: bool,
        span: &Range<usize>,
        env: &Env,
    ) -> Result<Option<Expr>, Option<Near>> {
        let path = |parts: &[&str]| {
            let (root, rest) = parts.split_first().unwrap_or((&"event", &[]));
            let root = Ast { span: span.clone(), kind: AstKind::Name((*root).to_owned()) };
            rest.iter().fold(root, |base, field| Ast {
                span: span.clone(),
                kind: AstKind::Field(Box::new(base), (*field).to_owned(), span.clone()),
            })
        };
        let declared = !EVENT_FIELDS.iter().any(|(field, _)| *field == name);
        let mut roots: Vec<&str> = Vec::new();
        if declared {
            roots.extend(["event", "item"]);
            roots.extend(env.bindings.keys().map(String::as_str));
        }
        // The id of a customer is nobody's order number.
        if name != "id" {
            roots.push("customer");
        }
        let mut near = None;
        for root in roots {
            let shown = format!("{root}.{name}");
            let missing = env.bindings.get(root).and_then(|b| b.missing.clone());
            if let (Some(why), false) = (missing, env.known.contains(root)) {
                if matches!(&env.bindings[root].ty, Type::Map(fields) if fields.contains_key(name)) {
                    near.get_or_insert(Near::Elsewhere(shown, why));
                }
                continue;
            }
            let Some(expr) = self.quiet(&path(&[root, name]), env) else { continue };
            if !suits(&expr, ty) {
                near.get_or_insert(Near::OtherType(shown, expr.ty));
            } else if required && expr.nullable {
                near.get_or_insert(Near::Perhaps(shown));
            } else {
                return Ok(Some(expr));
            }
        }
        if required { Err(near) } else { Ok(None) }
    }

    pub(super) fn missing_input(
        &self,
        message: &str,
        name: &str,
        ty: &Type,
        near: Option<Near>,
        span: Range<usize>,
    ) {
        let (label, help) = match near {
            Some(Near::Perhaps(path)) => (
                t(format!("`{path}` may be missing"), format!("「{path}」は無いことがあります")),
                t(
                    format!(
                        "guard this step with `if: has({path})`, or write `with:` and below it `{name}: default({path}, …)`"
                    ),
                    format!(
                        "このステップを「if: has({path})」の中に入れるか、「with:」の下に「{name}: default({path}, …)」と書いてください"
                    ),
                ),
            ),
            Some(Near::Elsewhere(path, why)) => (
                t(
                    format!("not everybody has `{path}` here: {}", why.en),
                    format!("「{path}」が無いことがあります：{}", why.ja),
                ),
                t(
                    format!(
                        "move this send up to where it is certain, or write `with:` and below it `{name}: default({path}, …)`"
                    ),
                    format!(
                        "確実にある場所へ移すか、「with:」の下に「{name}: default({path}, …)」と書いてください"
                    ),
                ),
            ),
            Some(Near::OtherType(path, other)) => (
                t(
                    format!("`{path}` is {other}, not {ty}"),
                    format!("「{path}」の型は{}で、{}ではありません", type_ja(&other), type_ja(ty)),
                ),
                t(
                    format!("write `with:` and below it `{name}: …`"),
                    format!("「with:」の下に「{name}: …」と書いてください"),
                ),
            ),
            None => (
                t(
                    format!("nothing here has a `{name}` ({ty})"),
                    format!("ここには「{name}」（{}）がありません", type_ja(ty)),
                ),
                t(
                    format!("write `with:` and below it `{name}: …`"),
                    format!("「with:」の下に「{name}: …」と書いてください"),
                ),
            ),
        };
        self.report.help(
            "J090",
            span,
            t(format!("`{message}` needs `{name}`"), format!("「{message}」には「{name}」が必要です")),
            label,
            help,
        );
    }

    /// Reports values that had to be given and were not.
    pub(super) fn complete(
        &self,
        with: &[(String, Expr)],
        broken: &[String],
        wanted: &Wanted,
        what: &str,
        span: Range<usize>,
    ) {
        for (name, (ty, required)) in wanted {
            if *required && !with.iter().any(|(given, _)| given == name) && !broken.contains(name) {
                self.report.help(
                    "J090",
                    span.clone(),
                    t(format!("`{what}` needs `{name}`"), format!("「{what}」には「{name}」が必要です")),
                    t(format!("it is {ty}"), format!("型は{}です", type_ja(ty))),
                    t(
                        format!("write `with:` and below it `{name}: …`"),
                        format!("「with:」の下に「{name}: …」と書いてください"),
                    ),
                );
            }
        }
    }

    /// A value of this type, or reported.
    pub(super) fn of_type(&self, expr: Expr, ty: &Type) -> Option<Expr> {
        if suits(&expr, ty) {
            return Some(expr);
        }
        wrong_type(&self.report, &expr, ty, None);
        None
    }
}

/// What comes nearest to an input that nothing gives.
pub(super) enum Near {
    Perhaps(String),
    Elsewhere(String, words::Text),
    OtherType(String, Type),
}

/// Whether a value may stand where `ty` is wanted.
fn suits(expr: &Expr, ty: &Type) -> bool {
    let literal = matches!(&expr.kind, ExprKind::Literal(value) if literal_fits(value, ty));
    let null = matches!(&expr.kind, ExprKind::Literal(Value::Null));
    literal || null || fits(&expr.ty, ty) || expr.ty == Type::Any
}
