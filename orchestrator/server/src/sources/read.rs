//! From YAML to a mapping, with every problem at its place.

use super::mapping::{ConsentRule, Mapping, Signature, Topic, Value};
use journey::Schema;
use journey::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Channel, Diagnostic, Text, Type};

pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) schema: &'a Schema,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

const CUSTOMER: [&str; 8] =
    ["user_id", "anonymous_id", "email", "phone", "country", "locale", "timezone", "traits"];
const TOPIC: [&str; 7] =
    ["customer", "event", "occurred_at", "properties", "consents", "only_if", "once_per"];

impl Reader<'_> {
    pub(super) fn mapping(&mut self, root: &Node) -> Option<Mapping> {
        self.keys(root, &["source", "signature", "topic", "message_id", "on"]);
        let source = self.need(root, "source").and_then(|node| self.word(node));
        let signature = self.need(root, "signature").map(|node| self.signature(node));
        let topic = self.need(root, "topic").and_then(|node| self.value(node));
        let message_id = self.need(root, "message_id").and_then(|node| self.value(node));
        let on = self.need(root, "on");
        let mut topics = BTreeMap::new();
        for entry in on.map(Node::entries).unwrap_or_default() {
            topics.insert(entry.key.clone(), self.topic(&entry.value));
        }
        Some(Mapping {
            source: source?,
            signature: signature?,
            topic: topic?,
            message_id: message_id?,
            topics,
        })
    }

    fn signature(&mut self, node: &Node) -> Signature {
        self.keys(node, &["header", "encoding", "secret"]);
        let mut text = |key: &str| self.need(node, key).and_then(|n| self.word(n)).unwrap_or_default();
        let (header, secret) = (text("header"), text("secret"));
        let hex = match node.get("encoding").map(|n| (n, n.text())) {
            None | Some((_, Some("base64"))) => false,
            Some((_, Some("hex"))) => true,
            Some((node, _)) => {
                self.shape(node.span.clone(), "`base64` or `hex`", "「base64」か「hex」");
                false
            }
        };
        Signature { header, hex, secret }
    }

    fn topic(&mut self, node: &Node) -> Topic {
        self.keys(node, &TOPIC);
        let mut topic =
            Topic { once_per: node.get("once_per").and_then(|n| self.value(n)), ..Topic::default() };
        if let Some(condition) = node.get("only_if") {
            self.keys(condition, &["value", "is"]);
            let value = self.need(condition, "value").and_then(|n| self.value(n));
            let texts = self.need(condition, "is").map(|n| self.words(n));
            topic.only_if = value.zip(texts);
        }
        topic.occurred_at = node.get("occurred_at").and_then(|n| self.value(n));
        if let Some(customer) = self.need(node, "customer") {
            self.keys(customer, &CUSTOMER);
            for entry in customer.entries() {
                if entry.key == "traits" {
                    topic.traits = self.values(&entry.value);
                } else if let Some(value) = self.value(&entry.value) {
                    topic.customer.insert(entry.key.clone(), value);
                }
            }
        }
        if let Some(properties) = node.get("properties") {
            topic.properties = self.values(properties);
        }
        if let Some(event) = node.get("event") {
            topic.event = self.word(event);
            self.declared(event, node, &topic);
        }
        if let Some(consents) = node.get("consents") {
            match &consents.kind {
                Kind::List(items) => topic.consents = items.iter().filter_map(|n| self.consent(n)).collect(),
                _ => self.shape(
                    consents.span.clone(),
                    "a list of lines that begin with `-`",
                    "「-」で始まる行の並び",
                ),
            }
        }
        topic
    }

    /// The event exists, its properties too, and nothing that it needs is left out.
    fn declared(&mut self, event: &Node, node: &Node, topic: &Topic) {
        let Some(name) = &topic.event else { return };
        let Some(declared) = self.schema.events.get(name) else {
            let built_in = journey::builtin::events();
            let known: Vec<&str> = self
                .schema
                .events
                .keys()
                .map(String::as_str)
                .filter(|known| !built_in.contains_key(*known))
                .collect();
            let whole = match topic.properties.len() {
                0 => format!("{name}: {{}}"),
                _ => format!("{name}: {{properties: {{{}}}}}", guesses(topic.properties.iter())),
            };
            let (en, ja) = match known.len() {
                0 => (String::new(), String::new()),
                _ => (
                    format!(", or use one of: {}", known.join(", ")),
                    format!("。または次のどれかにしてください：{}", known.join("、")),
                ),
            };
            self.error(
                "S004",
                event.span.clone(),
                Text::new(
                    format!("no event `{name}` is declared"),
                    format!("「{name}」というイベントは宣言されていません"),
                ),
                Text::new("not declared", "宣言されていません"),
                Text::new(
                    format!("declare it under `events:`, like `{whole}`{en}"),
                    format!("「events:」に「{whole}」のように宣言してください{ja}"),
                ),
            );
            return;
        };
        let written = node.get("properties");
        let span_of = |property: &str| {
            written.map_or_else(|| event.span.clone(), |properties| properties.key_span(property))
        };
        let undeclared: Vec<(&String, &Value)> = topic
            .properties
            .iter()
            .filter(|(property, _)| !declared.properties.contains_key(*property))
            .collect();
        // One error for all of an event: they are declared in one place.
        if let Some((first, _)) = undeclared.first() {
            let names: Vec<&str> = undeclared.iter().map(|(property, _)| property.as_str()).collect();
            let known: Vec<&str> = declared.properties.keys().map(String::as_str).collect();
            let has = match known.len() {
                0 => Text::new("it has none yet", "まだ1つもありません"),
                _ => Text::new(
                    format!("it has: {}", known.join(", ")),
                    format!("あるのは：{}", known.join("、")),
                ),
            };
            let declare = guesses(undeclared.iter().copied());
            self.error(
                "S004",
                span_of(first),
                Text::new(
                    format!("`{name}` has no property `{}`", names.join("`, `")),
                    format!("「{name}」に「{}」という項目はありません", names.join("」「")),
                ),
                Text::new("not declared", "宣言されていません"),
                Text::new(
                    format!("{}; declare under its `properties:` `{declare}`, or leave out here what no journey reads", has.en),
                    format!("{}。「properties:」に「{declare}」を宣言するか、使わない項目をここから外してください", has.ja),
                ),
            );
        }
        for (property, value) in &topic.properties {
            if let Some(field) = declared.properties.get(property)
                && !could_be(value, &field.ty)
            {
                self.shape(
                    span_of(property),
                    &format!("a value that gives {}", field.ty),
                    &format!("{}になる値", field.ty),
                );
            }
        }
        for (property, field) in &declared.properties {
            if field.required && !topic.properties.contains_key(property) {
                self.error(
                    "S002",
                    event.span.clone(),
                    Text::new(
                        format!("`{name}` needs `{property}`, and the mapping does not give it"),
                        format!("「{name}」に必要な「{property}」がありません"),
                    ),
                    Text::new("this event", "このイベントです"),
                    Text::new(
                        format!("add `{property}:` under `properties:`, or declare it with `?`"),
                        format!(
                            "「properties:」に「{property}:」を加えるか、宣言の型に「?」を付けてください"
                        ),
                    ),
                );
            }
        }
    }

    fn consent(&mut self, node: &Node) -> Option<ConsentRule> {
        self.keys(node, &["purpose", "channel", "value", "granted", "refused", "at"]);
        let purpose_node = self.need(node, "purpose")?;
        let purpose = self.word(purpose_node)?;
        if !self.schema.purposes.contains_key(&purpose) {
            let known: Vec<&str> = self.schema.purposes.keys().map(String::as_str).collect();
            self.error(
                "S005",
                purpose_node.span.clone(),
                Text::new(
                    format!("there is no purpose `{purpose}`"),
                    format!("「{purpose}」という目的はありません"),
                ),
                Text::new("not declared", "宣言されていません"),
                Text::new(
                    format!("there are: {}", known.join(", ")),
                    format!("あるのは：{}", known.join("、")),
                ),
            );
        }
        let value = self.need(node, "value").and_then(|n| self.value(n))?;
        let granted = self.need(node, "granted").map(|n| self.words(n)).unwrap_or_default();
        let refused = node.get("refused").map(|n| self.words(n)).unwrap_or_default();
        let at = node.get("at").and_then(|n| self.value(n));
        let channel = node.get("channel").and_then(Node::text).map(Channel::new);
        Some(ConsentRule { purpose, channel, value, granted, refused, at })
    }

    fn values(&mut self, node: &Node) -> BTreeMap<String, Value> {
        if !matches!(node.kind, Kind::Map(_)) {
            self.shape(node.span.clone(), "lines of `name: value`", "「名前: 値」の並び");
        }
        let mut out = BTreeMap::new();
        for entry in node.entries() {
            if let Some(value) = self.value(&entry.value) {
                out.insert(entry.key.clone(), value);
            }
        }
        out
    }

    fn value(&mut self, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Scalar { text, .. } if !text.trim().is_empty() => Some(path(text)),
            Kind::Map(entries) => {
                let first = entries.first()?;
                let boxed = |reader: &mut Self, key: &str| {
                    reader.need(node, key).and_then(|n| reader.value(n)).map(Box::new)
                };
                match first.key.as_str() {
                    "header" => {
                        self.keys(node, &["header"]);
                        first.value.text().map(|text| Value::Header(text.to_owned()))
                    }
                    "const" => {
                        self.keys(node, &["const"]);
                        first.value.text().map(|text| Value::Const(text.to_owned()))
                    }
                    "money" | "currency" => {
                        self.keys(node, &["money", "currency"]);
                        Some(Value::Money(boxed(self, "money")?, boxed(self, "currency")?))
                    }
                    "sum" | "over" => {
                        self.keys(node, &["sum", "over"]);
                        Some(Value::Sum(boxed(self, "sum")?, boxed(self, "over")?))
                    }
                    "each" | "fields" => {
                        self.keys(node, &["each", "fields"]);
                        let each = boxed(self, "each")?;
                        let fields = self.need(node, "fields").map(|n| self.values(n))?;
                        Some(Value::Each(each, fields))
                    }
                    "value" | "except" => {
                        self.keys(node, &["value", "except"]);
                        let value = boxed(self, "value")?;
                        Some(Value::Except(value, self.need(node, "except").map(|n| self.words(n))?))
                    }
                    "first_of" => {
                        self.keys(node, &["first_of"]);
                        match &first.value.kind {
                            Kind::List(items) => {
                                Some(Value::FirstOf(items.iter().filter_map(|n| self.value(n)).collect()))
                            }
                            _ => {
                                self.shape(first.value.span.clone(), "a list of values", "値の並び");
                                None
                            }
                        }
                    }
                    _ => {
                        self.keys(node, &["header", "const", "money", "sum", "each", "first_of", "value"]);
                        None
                    }
                }
            }
            _ => {
                self.shape(
                    node.span.clone(),
                    "a path like `customer.email`, or one of `{header: …}`, `{const: …}`, `{money: …, currency: …}`, `{first_of: […]}`, `{sum: …, over: …}`, `{each: …, fields: …}`",
                    "「customer.email」のようなパスか、{header: …}・{const: …}・{money: …, currency: …}・{first_of: […]}・{sum: …, over: …}・{each: …, fields: …}のどれか",
                );
                None
            }
        }
    }

    fn words(&mut self, node: &Node) -> Vec<String> {
        match &node.kind {
            Kind::List(items) => items.iter().filter_map(|n| self.word(n)).collect(),
            _ => self.word(node).into_iter().collect(),
        }
    }

    fn word(&mut self, node: &Node) -> Option<String> {
        match node.text().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.shape(node.span.clone(), "a text", "文字列");
                None
            }
        }
    }

    fn need<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() && !node.broken {
            self.error(
                "S002",
                start(node),
                Text::new(format!("`{key}` is missing"), format!("「{key}」がありません")),
                Text::new("here", "ここです"),
                Text::new(format!("write `{key}: …` here"), format!("ここに「{key}: …」を書いてください")),
            );
        }
        found
    }

    fn keys(&mut self, node: &Node, known: &[&str]) {
        for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.error(
                "S001",
                entry.key_span.clone(),
                Text::new(
                    format!("`{}` means nothing here", entry.key),
                    format!("「{}」はここでは使えません", entry.key),
                ),
                Text::new("unknown", "不明な項目です"),
                Text::new(
                    format!("here may stand: {}", known.join(", ")),
                    format!("使えるのは：{}", known.join("、")),
                ),
            );
        }
    }

    fn shape(&mut self, span: Range<usize>, wanted: &str, ja: &str) {
        self.error(
            "S003",
            span,
            Text::new("this is not what belongs here", "ここに書けるものではありません"),
            Text::new("this value", "この値です"),
            Text::new(format!("write {wanted}"), format!("{ja}を書いてください")),
        );
    }

    fn error(&mut self, code: &str, span: Range<usize>, title: Text, label: Text, help: Text) {
        self.problems.push(Diagnostic::error(code, self.file, span, title, label).help(help));
    }
}

/// The first bytes of a node, where it as a whole would be too much to underline.
fn start(node: &Node) -> Range<usize> {
    match node.entries().first() {
        Some(first) => first.key_span.clone(),
        None => node.span.clone(),
    }
}

fn path(text: &str) -> Value {
    let (top, text) = match text.trim().strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    Value::Path(text.split('.').map(str::to_owned).collect(), top)
}

/// What a declaration of these could be: a start, for a person to correct.
fn guesses<'v>(values: impl Iterator<Item = (&'v String, &'v Value)>) -> String {
    values.map(|(name, value)| format!("{name}: {}", guess(name, value))).collect::<Vec<_>>().join(", ")
}

fn guess(name: &str, value: &Value) -> &'static str {
    match value {
        Value::Money(..) => "money?",
        Value::Sum(..) => "int?",
        Value::Each(..) => "any?",
        Value::Except(value, _) => guess(name, value),
        Value::FirstOf(values) => values.first().map_or("text?", |value| guess(name, value)),
        Value::Path(..) | Value::Header(_) | Value::Const(_) if name.ends_with("_at") => "time?",
        Value::Path(..) | Value::Header(_) | Value::Const(_) => "text?",
    }
}

/// Whether a value of this form can be read as the type at all.
fn could_be(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (_, Type::Any) | (Value::Path(..) | Value::Header(_) | Value::Const(_), _) => true,
        (Value::Money(..), ty) => matches!(ty, Type::Money(_)),
        (Value::Sum(..), ty) => matches!(ty, Type::Int | Type::Float | Type::Text),
        (Value::Each(..), ty) => matches!(ty, Type::List(_)),
        (Value::Except(value, _), ty) => could_be(value, ty),
        (Value::FirstOf(values), ty) => values.iter().all(|value| could_be(value, ty)),
    }
}
