#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

/// The tree, with every operation in parentheses.
fn show(ast: &Ast) -> String {
    match &ast.kind {
        AstKind::Null => "null".into(),
        AstKind::Bool(b) => b.to_string(),
        AstKind::Int(n) => n.to_string(),
        AstKind::Float(n) => format!("{n:?}"),
        AstKind::Text(text) => format!("{text:?}"),
        AstKind::Name(name) => name.clone(),
        AstKind::Field(base, name, _) => format!("{}.{name}", show(base)),
        AstKind::Index(base, index) => format!("{}[{}]", show(base), show(index)),
        AstKind::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        AstKind::Unary(op, a) => format!("({op:?} {})", show(a)),
        AstKind::Binary(op, a, b) => format!("({} {op:?} {})", show(a), show(b)),
        AstKind::Conditional(a, b, c) => format!("({} ? {} : {})", show(a), show(b), show(c)),
        AstKind::Call(call) => format!(
            "{}{}({})",
            call.receiver.as_ref().map_or(String::new(), |r| show(r) + "."),
            call.name,
            call.args.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
    }
}

#[allow(clippy::result_large_err)]
fn read(text: &str) -> Result<Ast, Mistake> {
    parse(&Origin { text, start: 0, places: None, end: text.len() })
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = match read(text) {
        Ok(ast) => show(&ast),
        Err(mistake) => format!("{:?} {}", mistake.span, mistake.title.en),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn operators_bind_as_people_read_them() {
    check("a and b or not c == d", "((a And b) Or (Not (c Equal d)))");
    check("a && b || !c", "((a And b) Or (Not c))");
    check("1 + 2 * 3 - -4", "((1 Add (2 Multiply 3)) Subtract -4)");
    check("a.b[0].c in [\"x\", 'y']", "(a.b[0].c In [\"x\", \"y\"])");
    check("a not in b", "(Not (a In b))");
    check("a ? b : c ? d : e", "(a ? b : (c ? d : e))");
    check("items.exists(x, x.price > 3)", "items.exists(x, (x.price Greater 3))");
    check("event.total >= money(\"3000 JPY\")", "(event.total GreaterEqual money(\"3000 JPY\"))");
    check("(a or b) and c", "((a Or b) And c)");
    check("名前 == \"花子\"", "(名前 Equal \"花子\")");
}

#[test]
fn mistakes_are_named_where_they_stand() {
    check("a = b", "2..3 `=` does not compare");
    check("a AND b", "2..5 `AND` is written in small letters");
    check("a < b < c", "6..7 two comparisons in a row");
    check("a ==", "4..4 this expression is not finished");
    check("(a", "2..2 this expression is not finished");
    check("a b", "2..3 `b` does not fit here");
    check("a > 3000円", "4..11 this is not a number");
    check("a > 3,000", "4..9 this is not a number");
    check("a ＝ b", "2..5 `＝` is no part of an expression");
    check("a == \"b", "5..7 this quote is never closed");
    check("", "0..0 this expression is not finished");
    let deep = "(".repeat(60) + "a";
    assert!(read(&deep).unwrap_err().title.en.contains("nested too deeply"));
    let long = "a".repeat(5000);
    assert!(read(&long).unwrap_err().title.en.contains("too long"));
}

#[test]
fn places_survive_folding_and_quoting() {
    for (source, span) in
        [("event.total", 0..11), ("\"event.total\"", 0..13), (">\n  event\n  .total\n", 0..19)]
    {
        let style = match source.as_bytes()[0] {
            b'"' => Style::Quoted,
            b'>' => Style::Block,
            _ => Style::Plain,
        };
        let text = if style == Style::Block { "event .total" } else { "event.total" };
        let node = Node { span, kind: Kind::Scalar { text: text.into(), style }, flow: false, broken: false };
        let origin = Origin::of(&node, source).unwrap();
        let local = text.find("total").unwrap();
        assert_eq!(&source[origin.range(local..local + 5)], "total", "{source}");
    }
}
