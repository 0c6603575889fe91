//! Types as declared: `text`, `money JPY`, `list of text`, `one of a, b`, `text?`, or the long form as a map.

use crate::report::{Report, suggest, t};
use crate::schema::Field;
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Currency, Type, Value};

const PLAIN: [&str; 10] =
    ["text", "int", "float", "bool", "money", "time", "date", "duration", "any", "money JPY"];

impl Report<'_> {
    /// A map of field names to types.
    pub(crate) fn fields(&self, node: &Node) -> BTreeMap<String, Field> {
        let mut out = BTreeMap::new();
        if !matches!(node.kind, Kind::Map(_)) {
            if !node.is_null() {
                self.shape(node, "a list of `name: type` lines", "「名前: 型」の並び");
            }
            return out;
        }
        for entry in node.entries() {
            if self.check_name(&entry.key, entry.key_span.clone())
                && let Some(field) = self.field(&entry.value)
            {
                out.insert(entry.key.clone(), field);
            }
        }
        out
    }

    /// One field: its type, and whether it is always there.
    pub(crate) fn field(&self, node: &Node) -> Option<Field> {
        match &node.kind {
            Kind::Map(_) => self.field_long(node),
            Kind::List(_) => {
                let ty = Type::OneOf(self.texts(node));
                Some(Field { ty, required: true, sensitive: false, description: None })
            }
            Kind::Scalar { .. } => {
                let text = self.text(node, "a type", "型")?;
                let (text, required) = match text.strip_suffix(['?', '？']) {
                    Some(rest) => (rest.trim_end(), false),
                    None => (text, true),
                };
                let ty = self.type_text(text, node.span.clone())?;
                Some(Field { ty, required, sensitive: false, description: None })
            }
        }
    }

    fn field_long(&self, node: &Node) -> Option<Field> {
        self.keys(
            node,
            &[
                "type",
                "one_of",
                "list_of",
                "list",
                "fields",
                "optional",
                "required",
                "sensitive",
                "description",
            ],
        );
        let flag = |key: &str| node.get(key).and_then(|n| self.boolean(n));
        let inner = if let Some(choices) = node.get("one_of") {
            Field {
                ty: Type::OneOf(self.texts(choices)),
                required: true,
                sensitive: false,
                description: None,
            }
        } else if let Some(fields) = node.get("list") {
            let ty = Type::List(Box::new(map_type(&self.fields(fields))));
            Field { ty, required: true, sensitive: false, description: None }
        } else if let Some(items) = node.get("list_of") {
            let field = self.field(items)?;
            Field { ty: Type::List(Box::new(field.ty)), required: true, sensitive: false, description: None }
        } else if let Some(fields) = node.get("fields") {
            Field { ty: map_type(&self.fields(fields)), required: true, sensitive: false, description: None }
        } else {
            let ty = self.need(node, "type", t("every field has a type", "項目には型が必要です"))?;
            self.field(ty)?
        };
        let required = flag("required").or_else(|| flag("optional").map(|o| !o)).unwrap_or(inner.required);
        Some(Field {
            ty: inner.ty,
            required,
            sensitive: flag("sensitive").unwrap_or(false),
            description: node.get("description").and_then(Node::text).map(str::to_owned),
        })
    }

    fn texts(&self, node: &Node) -> Vec<String> {
        let items = self.items(node).into_iter();
        items.filter_map(|n| self.text(n, "a text", "文字列")).map(str::to_owned).collect()
    }

    fn type_text(&self, text: &str, span: Range<usize>) -> Option<Type> {
        let plain = match text {
            "text" | "string" => Some(Type::Text),
            "int" | "integer" => Some(Type::Int),
            "float" | "number" => Some(Type::Float),
            "bool" | "boolean" => Some(Type::Bool),
            "money" => Some(Type::Money(None)),
            "time" => Some(Type::Time),
            "date" => Some(Type::Date),
            "duration" => Some(Type::Duration),
            "any" => Some(Type::Any),
            _ => None,
        };
        if plain.is_some() {
            return plain;
        }
        if let Some(code) = text.strip_prefix("money ").map(|c| c.trim_start_matches("in ").trim())
            && let Ok(currency) = Currency::parse(code)
        {
            return Some(Type::Money(Some(currency)));
        }
        if let Some(inner) = text.strip_prefix("list of ") {
            return Some(Type::List(Box::new(self.type_text(inner.trim(), span)?)));
        }
        if let Some(choices) = text.strip_prefix("one of ") {
            let choices: Vec<String> =
                choices.split([',', '、']).map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect();
            return Some(Type::OneOf(choices));
        }
        self.help(
            "J043",
            span,
            t(format!("`{text}` is not a type"), format!("「{text}」という型はありません")),
            t("the type of this field", "この項目の型です"),
            suggest(text, PLAIN).unwrap_or_else(|| {
                t(
                    "text, int, float, bool, money, money JPY, time, date, duration, `list of text`, `one of a, b`; with `?` where it may be missing",
                    "text、int、float、bool、money、money JPY、time、date、duration、「list of text」「one of a, b」。無いことがある項目には末尾に「?」を付けます",
                )
            }),
        );
        None
    }
}

/// The type of a value with these fields.
pub(crate) fn map_type(fields: &BTreeMap<String, Field>) -> Type {
    Type::Map(fields.iter().map(|(name, field)| (name.clone(), (field.ty.clone(), field.required))).collect())
}

/// Whether a value of type `from` may stand where `to` is wanted.
pub(crate) fn fits(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (_, Type::Any) => true,
        (a, b) if a == b => true,
        (Type::Int, Type::Float)
        | (Type::OneOf(_), Type::Text)
        | (Type::Money(Some(_)), Type::Money(None)) => true,
        (Type::OneOf(some), Type::OneOf(all)) => some.iter().all(|choice| all.contains(choice)),
        (Type::List(a), Type::List(b)) => fits(a, b),
        (Type::Map(a), Type::Map(b)) => b.iter().all(|(name, (ty, required))| match a.get(name) {
            Some((have, always)) => fits(have, ty) && (*always || !*required),
            None => !*required,
        }),
        _ => false,
    }
}

/// Whether this very value may stand where `to` is wanted, although its type alone would not say so.
pub(crate) fn literal_fits(value: &Value, to: &Type) -> bool {
    match (value, to) {
        (Value::Text(text), Type::OneOf(choices)) => choices.contains(text),
        (Value::List(items), Type::List(inner)) => items.iter().all(|item| literal_fits(item, inner)),
        (Value::Text(_), Type::Text) | (Value::Int(_), Type::Int | Type::Float) => true,
        _ => false,
    }
}

/// What every event carries beside its properties.
pub(crate) const EVENT_FIELDS: [(&str, Type); 3] =
    [("name", Type::Text), ("occurred_at", Type::Time), ("received_at", Type::Time)];

/// The type of an event with these properties, as `event`, `it` and bindings see it.
pub(crate) fn event_type(properties: &BTreeMap<String, Field>) -> Type {
    let mut fields: BTreeMap<String, (Type, bool)> =
        EVENT_FIELDS.map(|(name, ty)| (name.to_owned(), (ty, true))).into();
    fields.extend(properties.iter().map(|(name, field)| (name.clone(), (field.ty.clone(), field.required))));
    Type::Map(fields)
}
