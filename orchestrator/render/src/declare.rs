//! `message.yaml` and `sample.yaml`: what a message wants to be given, and examples of it.

use crate::brand::{Localised, unknown_key, wrong_value};
use crate::problems::{Place, Problems};
use crate::yaml::{Kind, Node};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Currency, Elapsed, Locale, MessageClass, Money, Text, Timestamp, Type, Value, Zone};

/// A declared input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its type.
    pub ty: Type,
    /// Whether a send has to give it.
    pub required: bool,
    /// What stands for it where it is not given.
    pub default: Option<Value>,
}

/// What `message.yaml` says.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) title: Localised,
    pub(crate) class: MessageClass,
    pub(crate) clicks: Option<bool>,
    pub(crate) inputs: BTreeMap<String, Input>,
    /// Where each input is declared.
    pub(crate) places: BTreeMap<String, Range<usize>>,
}

/// One example of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The customer's traits.
    pub customer: BTreeMap<String, Value>,
    /// The inputs.
    pub inputs: BTreeMap<String, Value>,
    /// The customer's zone; `None`: the brand's.
    pub zone: Option<Zone>,
}

/// Reads `message.yaml`.
pub(crate) fn message(file: &str, root: &Node, problems: &mut Problems) -> Declared {
    let mut out = Declared {
        title: Localised::default(),
        class: MessageClass::Marketing,
        clicks: None,
        inputs: BTreeMap::new(),
        places: BTreeMap::new(),
    };
    for (key, value) in root.entries() {
        match key.text.as_str() {
            "title" => match value.text() {
                Some(text) => out.title.all = Some(text.to_owned()),
                None => {
                    for (locale, text) in value.entries() {
                        if let (Ok(locale), Some(text)) = (Locale::parse(&locale.text), text.text()) {
                            out.title.by_locale.insert(locale, text.to_owned());
                        }
                    }
                }
            },
            "use" => match value.text().and_then(MessageClass::parse) {
                Some(class) => out.class = class,
                None => {
                    let reason = Text::new(
                        "`use` is one of marketing, service, transactional, regulatory, security",
                        "use は marketing、service、transactional、regulatory、security のいずれかです",
                    );
                    wrong_value(problems, &Place::new(file, value.span.clone()), &reason);
                }
            },
            "clicks" => match yes_or_no(value) {
                Ok(clicks) => out.clicks = Some(clicks),
                Err(reason) => wrong_value(problems, &Place::new(file, value.span.clone()), &reason),
            },
            "inputs" => {
                for (name, declared) in value.entries() {
                    if let Some(input) = input(file, &name.text, &name.span, declared, problems) {
                        out.inputs.insert(name.text.clone(), input);
                        out.places.insert(name.text.clone(), name.span.clone());
                    }
                }
            }
            _ => unknown_key(problems, file, key, &["title", "use", "clicks", "inputs"]),
        }
    }
    out
}

/// `true` or `false`.
pub(crate) fn yes_or_no(node: &Node) -> Result<bool, Text> {
    match node.text() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(Text::new("write true or false", "true か false を書いてください")),
    }
}

/// Names that templates already give a meaning to.
const RESERVED: [&str; 6] = ["brand", "customer", "links", "locale", "now", "loop"];

fn input(file: &str, name: &str, at: &Range<usize>, node: &Node, problems: &mut Problems) -> Option<Input> {
    let plain = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.starts_with(|c: char| c.is_ascii_lowercase());
    if !plain || RESERVED.contains(&name) {
        let reason = Text::new(
            "an input is named in small letters, digits and _, and not like something templates already have",
            "入力の名前は英小文字、数字、_ で、既にある名前（brand など）は使えません",
        );
        wrong_value(problems, &Place::new(file, at.clone()), &reason);
        return None;
    }
    let (ty, mut required) = typed(file, node, problems)?;
    let mut default = None;
    if let Some(given) = node.get("default").filter(|_| node.get("type").is_some()) {
        required = false;
        match value_of(given, &ty) {
            Ok(value) => default = Some(value),
            Err(wrong) => wrong_value(problems, &Place::new(file, wrong.span), &wrong.reason),
        }
    }
    Some(Input { ty, required, default })
}

/// A type as written, and whether what has it must be there.
fn typed(file: &str, node: &Node, problems: &mut Problems) -> Option<(Type, bool)> {
    let mut wrong = |span: &Range<usize>, reason: Text| {
        wrong_value(problems, &Place::new(file, span.clone()), &reason);
        None
    };
    match &node.kind {
        Kind::Scalar { text, .. } => {
            let (name, required) =
                text.strip_suffix('?').map_or((text.as_str(), true), |rest| (rest.trim_end(), false));
            match simple(name) {
                Some(ty) => Some((ty, required)),
                None => wrong(
                    &node.span,
                    Text::new(
                        format!(
                            "`{name}` is not a type: write text, int, float, bool, money, date, time, duration, a list [a, b] of allowed texts, {{list: …}} or {{fields: …}}"
                        ),
                        format!(
                            "「{name}」は型ではありません。text、int、float、bool、money、date、time、duration、選択肢のリスト [a, b]、{{list: …}}、{{fields: …}} のいずれかを書きます"
                        ),
                    ),
                ),
            }
        }
        Kind::List(items) => {
            let texts: Vec<String> = items.iter().filter_map(|item| item.text().map(str::to_owned)).collect();
            if texts.is_empty() || texts.len() != items.len() {
                return wrong(
                    &node.span,
                    Text::new(
                        "a choice lists its texts: [standard, express]",
                        "選択肢は [standard, express] のように並べます",
                    ),
                );
            }
            Some((Type::OneOf(texts), true))
        }
        Kind::Map(_) => {
            let optional = node.get("optional").and_then(Node::text) == Some("true");
            if let Some(inner) = node.get("type") {
                let (ty, required) = typed(file, inner, problems)?;
                return Some((ty, required && !optional));
            }
            if let Some(inner) = node.get("list") {
                let ty = match &inner.kind {
                    Kind::Map(_) if inner.get("type").is_none() && inner.get("list").is_none() => {
                        fields(file, inner, problems)?
                    }
                    _ => typed(file, inner, problems)?.0,
                };
                return Some((Type::List(Box::new(ty)), !optional));
            }
            if let Some(inner) = node.get("fields") {
                return Some((fields(file, inner, problems)?, !optional));
            }
            wrong(
                &node.span,
                Text::new(
                    "a type with settings has `type:`, `list:` or `fields:`",
                    "設定付きの型には type:、list:、fields: のいずれかを書きます",
                ),
            )
        }
        Kind::Null => wrong(
            &node.span,
            Text::new("here goes a type, like `text`", "ここには text のような型を書きます"),
        ),
    }
}

fn fields(file: &str, node: &Node, problems: &mut Problems) -> Option<Type> {
    let mut out = BTreeMap::new();
    for (key, value) in node.entries() {
        out.insert(key.text.clone(), typed(file, value, problems)?);
    }
    Some(Type::Map(out))
}

fn simple(name: &str) -> Option<Type> {
    Some(match name {
        "text" => Type::Text,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "money" => Type::Money(None),
        "date" => Type::Date,
        "time" => Type::Time,
        "duration" => Type::Duration,
        "any" => Type::Any,
        _ => {
            let currency = name.strip_prefix("money ").and_then(|code| Currency::parse(code.trim()).ok());
            if let Some(currency) = currency {
                return Some(Type::Money(Some(currency)));
            }
            return name.strip_prefix("list of ").and_then(simple).map(|ty| Type::List(Box::new(ty)));
        }
    })
}

/// A value that does not fit its type.
pub(crate) struct Unfit {
    pub(crate) span: Range<usize>,
    pub(crate) reason: Text,
}

/// A YAML node as a value of a type.
pub(crate) fn value_of(node: &Node, ty: &Type) -> Result<Value, Unfit> {
    let unfit = |en: String, ja: &str| Unfit { span: node.span.clone(), reason: Text::new(en, ja) };
    let text = || node.text().ok_or_else(|| unfit(format!("this wants {ty}"), "値の型が宣言と合いません"));
    Ok(match ty {
        Type::Bool => match text()? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(unfit("this wants true or false".to_owned(), "true か false を書きます")),
        },
        Type::Int => Value::Int(
            text()?.parse().map_err(|_| unfit("this wants a whole number".to_owned(), "整数を書きます"))?,
        ),
        Type::Float => Value::Float(
            text()?
                .parse()
                .ok()
                .filter(|f: &f64| f.is_finite())
                .ok_or_else(|| unfit("this wants a number".to_owned(), "数を書きます"))?,
        ),
        Type::Text => Value::Text(text()?.to_owned()),
        Type::OneOf(allowed) => match text()? {
            text if allowed.iter().any(|a| a == text) => Value::Text(text.to_owned()),
            _ => {
                return Err(unfit(
                    format!("this is one of {}", allowed.join(", ")),
                    &format!("{} のいずれかを書きます", allowed.join("、")),
                ));
            }
        },
        Type::Money(currency) => {
            let money = Money::parse(text()?)
                .map_err(|e| unfit(e.to_string(), "金額は「3000 JPY」のように数と通貨で書きます"))?;
            if currency.is_some_and(|c| c != money.currency) {
                return Err(unfit(format!("this wants {ty}"), "値の型が宣言と合いません"));
            }
            Value::Money(money)
        }
        Type::Time => Value::Time(
            Timestamp::parse(text()?)
                .map_err(|e| unfit(e.to_string(), "日時は 2026-11-21T18:30:00+09:00 のように書きます"))?,
        ),
        Type::Date => Value::Date(text()?.parse().map_err(|_| {
            unfit("this wants a date, like 2026-12-24".to_owned(), "日付は 2026-12-24 のように書きます")
        })?),
        Type::Duration => Value::Duration(
            Elapsed::parse(text()?).map_err(|e| unfit(e.to_string(), "長さは「3 days」のように書きます"))?,
        ),
        Type::List(inner) => {
            let items =
                node.items().ok_or_else(|| unfit("this wants a list".to_owned(), "リストを書きます"))?;
            Value::List(items.iter().map(|item| value_of(item, inner)).collect::<Result<_, _>>()?)
        }
        Type::Map(fields) => {
            if !matches!(node.kind, Kind::Map(_)) {
                return Err(unfit("this wants named fields".to_owned(), "名前付きの項目を書きます"));
            }
            let mut out = BTreeMap::new();
            for (key, value) in node.entries() {
                let Some((ty, _)) = fields.get(&key.text) else {
                    return Err(Unfit {
                        span: key.span.clone(),
                        reason: Text::new(
                            format!("`{}` is not declared", key.text),
                            format!("「{}」は宣言されていません", key.text),
                        ),
                    });
                };
                if value.kind != Kind::Null {
                    out.insert(key.text.clone(), value_of(value, ty)?);
                }
            }
            if let Some((missing, _)) =
                fields.iter().find(|(name, (_, required))| *required && !out.contains_key(*name))
            {
                return Err(unfit(
                    format!("the field `{missing}` is missing"),
                    &format!("項目「{missing}」がありません"),
                ));
            }
            Value::Map(out)
        }
        Type::Any => any(node),
    })
}

fn any(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::List(items) => Value::List(items.iter().map(any).collect()),
        Kind::Map(entries) => Value::Map(entries.iter().map(|(k, v)| (k.text.clone(), any(v))).collect()),
        Kind::Scalar { text, quoted: true } => Value::Text(text.clone()),
        Kind::Scalar { text, .. } => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => text.parse().map(Value::Int).unwrap_or_else(|_| Value::Text(text.to_owned())),
        },
    }
}

/// Reads `sample.yaml`.
pub(crate) fn samples(
    file: &str,
    root: &Node,
    declared: &Declared,
    problems: &mut Problems,
) -> BTreeMap<String, Sample> {
    let mut out = BTreeMap::new();
    for (name, node) in root.entries() {
        let mut sample = Sample { customer: BTreeMap::new(), inputs: BTreeMap::new(), zone: None };
        let mut fits = true;
        for (key, value) in node.entries() {
            match key.text.as_str() {
                "customer" => {
                    for (trait_, value) in value.entries() {
                        sample.customer.insert(trait_.text.clone(), any(value));
                    }
                }
                "zone" => match value.text().map(Zone::parse) {
                    Some(Ok(zone)) => sample.zone = Some(zone),
                    _ => wrong_value(
                        problems,
                        &Place::new(file, value.span.clone()),
                        &Text::new(
                            "this wants a time zone, like Asia/Tokyo",
                            "Asia/Tokyo のようなタイムゾーン名を書きます",
                        ),
                    ),
                },
                "inputs" => {
                    for (input, value) in value.entries() {
                        let place = Place::new(file, input.span.clone());
                        let found = match declared.inputs.get(&input.text) {
                            None => Err((
                                place,
                                Text::new(
                                    format!("message.yaml declares no input `{}`", input.text),
                                    format!("message.yaml に入力「{}」の宣言がありません", input.text),
                                ),
                            )),
                            Some(_) if value.kind == Kind::Null => continue,
                            Some(declared) => value_of(value, &declared.ty)
                                .map_err(|e| (Place::new(file, e.span), e.reason)),
                        };
                        match found {
                            Ok(value) => {
                                sample.inputs.insert(input.text.clone(), value);
                            }
                            Err((place, reason)) => {
                                fits = false;
                                misfit(problems, &place, &name.text, &reason);
                            }
                        }
                    }
                }
                _ => unknown_key(problems, file, key, &["customer", "zone", "inputs"]),
            }
        }
        for (input, declared) in &declared.inputs {
            if declared.required && fits && !sample.inputs.contains_key(input) {
                fits = false;
                misfit(
                    problems,
                    &Place::new(file, name.span.clone()),
                    &name.text,
                    &Text::new(
                        format!("the input `{input}` is missing"),
                        format!("入力「{input}」がありません"),
                    ),
                );
            }
        }
        if fits {
            out.insert(name.text.clone(), sample);
        }
    }
    out
}

fn misfit(problems: &mut Problems, place: &Place, sample: &str, reason: &Text) {
    problems.error(
        "T032",
        place,
        Text::new(
            format!("the sample `{sample}` does not fit the message: {}", reason.en),
            format!("サンプル「{sample}」がメッセージの入力に合いません：{}", reason.ja),
        ),
        Text::new("here", "ここ"),
        Text::new(
            "change the sample, or the inputs in message.yaml",
            "サンプルか、message.yaml の inputs を直してください",
        ),
    );
}
