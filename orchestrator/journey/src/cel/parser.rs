//! From tokens to the tree, by precedence: `?:`, `or`, `and`, `not`, comparisons, `+ -`, `* / %`, `! -`, paths.

use super::lexer::{Token, tokens};
use super::{Ast, AstKind, Call, EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, Mistake, Origin};
use crate::expr::{BinaryOp, UnaryOp};
use crate::report::t;
use std::ops::Range;

/// Reads an expression.
pub(crate) fn parse(origin: &Origin<'_>) -> Result<Ast, Mistake> {
    if origin.text.len() > EXPRESSION_BYTES_MAX {
        return Err(Mistake {
            span: origin.range(0..1),
            title: t("this expression is too long", "式が長すぎます"),
            label: t(
                format!("more than {EXPRESSION_BYTES_MAX} bytes"),
                format!("{EXPRESSION_BYTES_MAX} バイトを超えています"),
            ),
            help: Some(t("make parts of it segments or facts", "一部をセグメントやファクトに分けてください")),
        });
    }
    let tokens = tokens(origin)?;
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let ast = parser.conditional()?;
    match parser.peek() {
        Token::End => Ok(ast),
        _ => Err(parser.surprise()),
    }
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn take(&mut self) -> (Token, Range<usize>) {
        let token = self.tokens[self.at].clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(s) if *s == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(n) if n == word)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let there = self.is_sign(sign);
        if there {
            self.take();
        }
        there
    }

    fn expect(&mut self, sign: &'static str) -> Result<Range<usize>, Mistake> {
        if self.is_sign(sign) {
            return Ok(self.take().1);
        }
        let mut mistake = self.surprise();
        mistake
            .help
            .get_or_insert(t(format!("`{sign}` is missing here"), format!("ここに「{sign}」が必要です")));
        Err(mistake)
    }

    /// What stands here was not expected.
    fn surprise(&self) -> Mistake {
        let span = self.span();
        let mistake = |title, label, help| Mistake { span: span.clone(), title, label, help };
        match self.peek() {
            Token::End => mistake(
                t("this expression is not finished", "式が途中で終わっています"),
                t("something is missing here", "ここに何か足りません"),
                None,
            ),
            Token::Sign("=") => mistake(
                t("`=` does not compare", "「=」では比較できません"),
                t("here", "ここです"),
                Some(t("write `==`", "「==」と書いてください")),
            ),
            Token::Sign("{") => mistake(
                t("braces have no meaning in expressions", "式の中で {} は使えません"),
                t("here", "ここです"),
                None,
            ),
            Token::Name(name) if matches!(name.as_str(), "AND" | "OR" | "NOT") => mistake(
                t(format!("`{name}` is written in small letters"), format!("「{name}」は小文字で書きます")),
                t("here", "ここです"),
                Some(t(
                    format!("write `{}`", name.to_lowercase()),
                    format!("「{}」と書いてください", name.to_lowercase()),
                )),
            ),
            Token::Name(name) if name == "is" => mistake(
                t("`is` does not compare", "「is」では比較できません"),
                t("here", "ここです"),
                Some(t("write `==`, or `!=` for `is not`", "「==」（否定は「!=」）と書いてください")),
            ),
            token => {
                let shown = match token {
                    Token::Name(name) => name.clone(),
                    Token::Int(n) => n.to_string(),
                    Token::Float(n) => n.to_string(),
                    Token::Text(text) => format!("\"{text}\""),
                    Token::Sign(sign) => (*sign).to_owned(),
                    Token::End => String::new(),
                };
                let closes = match token {
                    Token::Sign(")") => Some("("),
                    Token::Sign("]") => Some("["),
                    Token::Sign("}") => Some("{"),
                    _ => None,
                };
                mistake(
                    t(format!("`{shown}` does not fit here"), format!("ここに「{shown}」は置けません")),
                    t("here", "ここです"),
                    Some(match (token, closes) {
                        (_, Some(open)) => t(
                            format!("no `{open}` is open here: take `{shown}` away, or open it before"),
                            format!(
                                "対応する「{open}」がありません。「{shown}」を消すか、手前に「{open}」を書いてください"
                            ),
                        ),
                        (Token::Sign(_), _) => t(
                            "a name or a value is missing before or behind it; `tabi explain J070` has examples",
                            "前後に名前や値が抜けていませんか。例は「tabi explain J070」で確認できます",
                        ),
                        _ => t(
                            "an operator such as `and`, `or`, `==` or `,` is missing before it",
                            "手前に and、or、==、カンマなどが抜けていませんか",
                        ),
                    }),
                )
            }
        }
    }

    fn conditional(&mut self) -> Result<Ast, Mistake> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(Mistake {
                span: self.span(),
                title: t("this expression is nested too deeply", "式の入れ子が深すぎます"),
                label: t("here", "ここです"),
                help: Some(t(
                    "make parts of it segments or facts",
                    "一部をセグメントやファクトに分けてください",
                )),
            });
        }
        let condition = self.or()?;
        let out = if self.eat("?") {
            let yes = self.conditional()?;
            self.expect(":")?;
            let no = self.conditional()?;
            let span = condition.span.start..no.span.end;
            Ast { span, kind: AstKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)) }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(out)
    }

    fn or(&mut self) -> Result<Ast, Mistake> {
        let mut left = self.and()?;
        while self.is_sign("||") || self.is_word("or") {
            self.take();
            let right = self.and()?;
            left = binary(BinaryOp::Or, left, right);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Ast, Mistake> {
        let mut left = self.not()?;
        while self.is_sign("&&") || self.is_word("and") {
            self.take();
            let right = self.not()?;
            left = binary(BinaryOp::And, left, right);
        }
        Ok(left)
    }

    /// `not a == b` means `not (a == b)`; `!a == b` binds tightly, as in CEL.
    fn not(&mut self) -> Result<Ast, Mistake> {
        let mut starts = Vec::new();
        while self.is_word("not") {
            starts.push(self.take().1.start);
            if starts.len() > EXPRESSION_DEPTH_MAX {
                return Err(self.surprise());
            }
        }
        let mut inner = self.compare()?;
        for start in starts.into_iter().rev() {
            inner = Ast { span: start..inner.span.end, kind: AstKind::Unary(UnaryOp::Not, Box::new(inner)) };
        }
        Ok(inner)
    }

    fn compare(&mut self) -> Result<Ast, Mistake> {
        let left = self.sum()?;
        let Some((op, negated)) = self.comparison() else { return Ok(left) };
        let right = self.sum()?;
        if self.comparison().is_some() {
            self.at -= 1;
            return Err(Mistake {
                span: self.span(),
                title: t("two comparisons in a row", "比較を 2 つ続けることはできません"),
                label: t("this is the second", "2 つ目の比較です"),
                help: Some(t("write `a < b and b < c`", "「a < b and b < c」のように分けて書いてください")),
            });
        }
        let out = binary(op, left, right);
        Ok(if negated {
            Ast { span: out.span.clone(), kind: AstKind::Unary(UnaryOp::Not, Box::new(out)) }
        } else {
            out
        })
    }

    /// A comparison sign, and whether `not` stands before it (`not in`).
    fn comparison(&mut self) -> Option<(BinaryOp, bool)> {
        let op = match self.peek() {
            Token::Sign("==") => BinaryOp::Equal,
            Token::Sign("!=") => BinaryOp::NotEqual,
            Token::Sign("<") => BinaryOp::Less,
            Token::Sign("<=") => BinaryOp::LessEqual,
            Token::Sign(">") => BinaryOp::Greater,
            Token::Sign(">=") => BinaryOp::GreaterEqual,
            Token::Name(name) if name == "in" => BinaryOp::In,
            Token::Name(name) if name == "not" => {
                let next = self.tokens.get(self.at + 1)?;
                if !matches!(&next.0, Token::Name(n) if n == "in") {
                    return None;
                }
                self.take();
                self.take();
                return Some((BinaryOp::In, true));
            }
            _ => return None,
        };
        self.take();
        Some((op, false))
    }

    fn sum(&mut self) -> Result<Ast, Mistake> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Sign("+") => BinaryOp::Add,
                Token::Sign("-") => BinaryOp::Subtract,
                _ => return Ok(left),
            };
            self.take();
            let right = self.product()?;
            left = binary(op, left, right);
        }
    }

    fn product(&mut self) -> Result<Ast, Mistake> {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Token::Sign("*") => BinaryOp::Multiply,
                Token::Sign("/") => BinaryOp::Divide,
                Token::Sign("%") => BinaryOp::Remainder,
                _ => return Ok(left),
            };
            self.take();
            let right = self.unary()?;
            left = binary(op, left, right);
        }
    }

    fn unary(&mut self) -> Result<Ast, Mistake> {
        let mut signs = Vec::new();
        loop {
            let op = match self.peek() {
                Token::Sign("!") => UnaryOp::Not,
                Token::Sign("-") => UnaryOp::Negate,
                _ => break,
            };
            signs.push((op, self.take().1.start));
            if signs.len() > EXPRESSION_DEPTH_MAX {
                return Err(self.surprise());
            }
        }
        let mut inner = self.path()?;
        for (op, start) in signs.into_iter().rev() {
            inner = match (op, inner.kind) {
                (UnaryOp::Negate, AstKind::Int(n)) => {
                    Ast { span: start..inner.span.end, kind: AstKind::Int(-n) }
                }
                (UnaryOp::Negate, AstKind::Float(n)) => {
                    Ast { span: start..inner.span.end, kind: AstKind::Float(-n) }
                }
                (op, kind) => {
                    let inner = Ast { span: inner.span, kind };
                    Ast { span: start..inner.span.end, kind: AstKind::Unary(op, Box::new(inner)) }
                }
            };
        }
        Ok(inner)
    }

    fn path(&mut self) -> Result<Ast, Mistake> {
        let mut base = self.primary()?;
        let mut parts = 0;
        loop {
            parts += 1;
            if parts > EXPRESSION_DEPTH_MAX {
                return Err(self.surprise());
            }
            if self.eat(".") {
                let (token, span) = self.take();
                let Token::Name(name) = token else {
                    self.at = self.at.saturating_sub(1);
                    return Err(self.surprise());
                };
                if self.is_sign("(") {
                    let (args, end) = self.args()?;
                    let whole = base.span.start..end;
                    let call = Call { name, name_span: span, receiver: Some(Box::new(base)), args };
                    base = Ast { span: whole, kind: AstKind::Call(call) };
                } else {
                    let whole = base.span.start..span.end;
                    base = Ast { span: whole, kind: AstKind::Field(Box::new(base), name, span) };
                }
            } else if self.eat("[") {
                let index = self.conditional()?;
                let end = self.expect("]")?.end;
                base =
                    Ast { span: base.span.start..end, kind: AstKind::Index(Box::new(base), Box::new(index)) };
            } else {
                return Ok(base);
            }
        }
    }

    fn args(&mut self) -> Result<(Vec<Ast>, usize), Mistake> {
        self.expect("(")?;
        let mut args = Vec::new();
        while !self.is_sign(")") {
            args.push(self.conditional()?);
            if !self.eat(",") {
                break;
            }
        }
        Ok((args, self.expect(")")?.end))
    }

    fn primary(&mut self) -> Result<Ast, Mistake> {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Int(n) => AstKind::Int(n),
            Token::Float(n) => AstKind::Float(n),
            Token::Text(text) => AstKind::Text(text),
            Token::Name(name) => match name.as_str() {
                "true" => AstKind::Bool(true),
                "false" => AstKind::Bool(false),
                "null" => AstKind::Null,
                "and" | "or" | "not" | "in" | "AND" | "OR" | "NOT" | "is" => return Err(self.surprise()),
                _ => {
                    self.take();
                    if !self.is_sign("(") {
                        return Ok(Ast { span, kind: AstKind::Name(name) });
                    }
                    let (args, end) = self.args()?;
                    let whole = span.start..end;
                    return Ok(Ast {
                        span: whole,
                        kind: AstKind::Call(Call { name, name_span: span, receiver: None, args }),
                    });
                }
            },
            Token::Sign("(") => {
                self.take();
                let inner = self.conditional()?;
                let end = self.expect(")")?.end;
                return Ok(Ast { span: span.start..end, kind: inner.kind });
            }
            Token::Sign("[") => {
                self.take();
                let mut items = Vec::new();
                while !self.is_sign("]") {
                    items.push(self.conditional()?);
                    if !self.eat(",") {
                        break;
                    }
                }
                let end = self.expect("]")?.end;
                return Ok(Ast { span: span.start..end, kind: AstKind::List(items) });
            }
            _ => return Err(self.surprise()),
        };
        self.take();
        Ok(Ast { span, kind })
    }
}

fn binary(op: BinaryOp, left: Ast, right: Ast) -> Ast {
    Ast { span: left.span.start..right.span.end, kind: AstKind::Binary(op, Box::new(left), Box::new(right)) }
}
