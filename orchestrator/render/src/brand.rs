//! `brand.yaml`: what is the same in every message.

use crate::problems::{Place, Problems, did_you_mean};
use crate::yaml::{Key, Kind, Node};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Channel, Country, Currency, EmailAddress, Locale, Text, Zone};

/// The path of the file.
pub(crate) const FILE: &str = "templates/brand.yaml";

/// One text for all locales, or one for each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Localised {
    /// The text where a locale has none of its own.
    pub all: Option<String>,
    /// By locale.
    pub by_locale: BTreeMap<Locale, String>,
}

/// The brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    /// Its name.
    pub name: Localised,
    /// The language of those who have none of ours.
    pub default_locale: Locale,
    /// Every language that messages are written in; the default is among them.
    pub locales: Vec<Locale>,
    /// Where its customers live.
    pub countries: Vec<Country>,
    /// The zone of customers whose zone is not known.
    pub zone: Zone,
    /// The main currency.
    pub currency: Currency,
    /// How amounts are written, by currency: `{amount}円`.
    pub money: BTreeMap<Currency, Localised>,
    /// Who a message comes from, by channel.
    pub senders: BTreeMap<Channel, Sender>,
    /// What stands for an unknown name.
    pub greeting: Localised,
    /// What templates may see of a customer: the name there, and the trait that it is.
    pub customer: BTreeMap<String, String>,
    /// Whether links count clicks where neither message nor purpose says; `None`: yes, in marketing and service.
    #[serde(default)]
    pub clicks: Option<bool>,
    /// Everything else, by dotted path: `colours.primary`, `legal.sender`.
    pub fields: BTreeMap<String, Localised>,
}

/// Who a message comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Address, number or name of the app.
    pub from: Localised,
    /// The name beside an address.
    pub name: Localised,
    /// Where answers go.
    pub reply_to: Localised,
}

impl Localised {
    /// The text for `locale`: its own, that of its language, the one for all.
    pub fn get(&self, locale: &Locale) -> Option<&str> {
        self.by_locale
            .get(locale)
            .or_else(|| {
                self.by_locale.iter().find(|(l, _)| l.language() == locale.language()).map(|(_, t)| t)
            })
            .or(self.all.as_ref())
            .map(String::as_str)
    }

    fn is_empty(&self) -> bool {
        self.all.is_none() && self.by_locale.is_empty()
    }
}

impl Brand {
    /// `brand.<path>` in a locale: `name`, `colours.primary`, `logo.alt` …
    pub fn field(&self, path: &str, locale: &Locale) -> Option<&str> {
        match path {
            "name" => self.name.get(locale),
            "currency" => Some(self.currency.as_str()),
            path => self.fields.get(path).and_then(|field| field.get(locale)),
        }
    }

    /// All paths below `brand.`.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        ["name", "currency"].into_iter().chain(self.fields.keys().map(String::as_str))
    }

    /// As a value for templates, in one locale.
    pub(crate) fn value(&self, locale: &Locale) -> tera::Value {
        let mut tree: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        let mut out = tera::Map::new();
        for path in self.paths() {
            let Some(text) = self.field(path, locale) else { continue };
            match path.split_once('.') {
                Some((group, name)) => {
                    tree.entry(group).or_default().insert(name, text);
                }
                None => {
                    out.insert(path.to_owned().into(), tera::Value::normal_string(text));
                }
            }
        }
        for (group, fields) in tree {
            let mut inner = tera::Map::new();
            for (name, text) in fields {
                inner.insert(name.to_owned().into(), tera::Value::normal_string(text));
            }
            out.insert(group.to_owned().into(), tera::Value::from(inner));
        }
        tera::Value::from(out)
    }
}

const KEYS: [&str; 18] = [
    "name",
    "default_locale",
    "locales",
    "countries",
    "zone",
    "currency",
    "money",
    "senders",
    "greeting",
    "customer",
    "clicks",
    "site",
    "colours",
    "fonts",
    "logo",
    "legal",
    "support",
    "footer",
];

/// Reads the file's tree. `None` where too much is missing to go on.
pub(crate) fn read(root: &Node, problems: &mut Problems) -> Option<Brand> {
    let mut reader = Reader { problems, locales: Vec::new() };
    for (key, _) in root.entries() {
        if !KEYS.contains(&key.text.as_str()) {
            unknown_key(reader.problems, FILE, key, &KEYS);
        }
    }
    let locales = reader.parsed_list(root, "locales", |text| Locale::parse(text).map_err(|e| no_locale(&e)));
    let default_locale =
        reader.parsed(root, "default_locale", |text| Locale::parse(text).map_err(|e| no_locale(&e)));
    let mut locales = locales.unwrap_or_default();
    let default_locale = default_locale.or_else(|| locales.first().cloned());
    if let Some(default) = &default_locale
        && !locales.contains(default)
    {
        locales.insert(0, default.clone());
    }
    reader.locales.clone_from(&locales);
    let name = reader.needed(root, "name");
    let zone = reader.parsed(root, "zone", |text| {
        Zone::parse(text)
            .map_err(|e| Text::new(e.to_string(), "Asia/Tokyo のような IANA のタイムゾーン名で書きます"))
    });
    let currency = reader.parsed(root, "currency", |text| {
        Currency::parse(text)
            .map_err(|e| Text::new(e.to_string(), "通貨は JPY や USD のような ISO 4217 のコードで書きます"))
    });
    let countries = reader
        .parsed_list(root, "countries", |text| {
            Country::parse(text).filter(|country| !words::calendar::zones_of(*country).is_empty()).ok_or_else(
                || {
                    Text::new(
                        format!("`{text}` is not a country code of two letters, like JP"),
                        format!("「{text}」は JP のような2文字の国コードではありません"),
                    )
                },
            )
        })
        .unwrap_or_default();
    let mut money = BTreeMap::new();
    for (key, value) in root.get("money").map(Node::entries).unwrap_or_default() {
        match Currency::parse(&key.text) {
            Ok(currency) => {
                let written = reader.partly(value);
                for text in written.all.iter().chain(written.by_locale.values()) {
                    if !text.contains("{amount}") {
                        reader.wrong(
                            value,
                            Text::new(
                                "an amount is written with {amount} in it, like \"{amount}円\"",
                                "金額の書き方には {amount} を入れます（例：\"{amount}円\"）",
                            ),
                        );
                    }
                }
                money.insert(currency, written);
            }
            Err(error) => reader.wrong_at(
                &key.span,
                Text::new(error.to_string(), "通貨は JPY や USD のような ISO 4217 のコードで書きます"),
            ),
        }
    }
    let mut senders = BTreeMap::new();
    for (key, value) in root.get("senders").map(Node::entries).unwrap_or_default() {
        let sender = reader.sender(&key.text, value);
        senders.insert(Channel::new(key.text.clone()), sender);
    }
    let mut fields = BTreeMap::new();
    for single in ["site", "footer"] {
        if let Some(node) = root.get(single) {
            fields.insert(single.to_owned(), reader.localised(node));
        }
    }
    for group in ["colours", "fonts", "logo", "legal", "support"] {
        for (key, value) in root.get(group).map(Node::entries).unwrap_or_default() {
            let text = reader.localised(value);
            if group == "colours" {
                reader.colours(value, &text);
            }
            fields.insert(format!("{group}.{}", key.text), text);
        }
    }
    let greeting = root.get("greeting").map(|node| reader.partly(node)).unwrap_or_default();
    let customer = reader.customer(root.get("customer"));
    let mut clicks = None;
    if let Some(node) = root.get("clicks") {
        match crate::declare::yes_or_no(node) {
            Ok(counted) => clicks = Some(counted),
            Err(reason) => reader.wrong(node, reason),
        }
    }
    Some(Brand {
        name: name?,
        default_locale: default_locale?,
        locales,
        countries,
        zone: zone?,
        currency: currency?,
        money,
        senders,
        greeting,
        customer,
        clicks,
        fields,
    })
}

struct Reader<'a> {
    problems: &'a mut Problems,
    locales: Vec<Locale>,
}

impl Reader<'_> {
    fn wrong(&mut self, node: &Node, reason: Text) {
        self.wrong_at(&node.span, reason);
    }

    fn wrong_at(&mut self, span: &std::ops::Range<usize>, reason: Text) {
        wrong_value(self.problems, &Place::new(FILE, span.clone()), &reason);
    }

    fn missing(&mut self, key: &str) {
        self.problems.error(
            "T005",
            &Place::new(FILE, 0..0),
            Text::new(
                format!("brand.yaml does not say `{key}`"),
                format!("brand.yaml に「{key}」がありません"),
            ),
            Text::new("needed for every message", "すべてのメッセージに必要です"),
            Text::new(
                format!("add a line `{key}: …`; `tabi explain templates` has an example"),
                format!("「{key}: …」の行を追加してください。例は「tabi explain templates」で確認できます"),
            ),
        );
    }

    fn parsed<T>(&mut self, root: &Node, key: &str, parse: impl Fn(&str) -> Result<T, Text>) -> Option<T> {
        let Some(node) = root.get(key) else {
            self.missing(key);
            return None;
        };
        match node.text().ok_or_else(one_text).and_then(&parse) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.wrong(node, reason);
                None
            }
        }
    }

    fn parsed_list<T>(
        &mut self,
        root: &Node,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Text>,
    ) -> Option<Vec<T>> {
        let Some(node) = root.get(key) else {
            self.missing(key);
            return None;
        };
        let Some(items) = node.items() else {
            self.wrong(
                node,
                Text::new(
                    format!("`{key}` wants a list, like [en, ja]"),
                    format!("「{key}」は [en, ja] のようなリストで書きます"),
                ),
            );
            return None;
        };
        let mut out = Vec::new();
        for item in items {
            match item.text().ok_or_else(one_text).and_then(&parse) {
                Ok(value) => out.push(value),
                Err(reason) => self.wrong(item, reason),
            }
        }
        Some(out)
    }

    fn needed(&mut self, root: &Node, key: &str) -> Option<Localised> {
        match root.get(key) {
            Some(node) => Some(self.localised(node)),
            None => {
                self.missing(key);
                None
            }
        }
    }

    /// One text, or a text for each locale; a locale without one is a problem.
    fn localised(&mut self, node: &Node) -> Localised {
        let out = self.partly(node);
        for locale in self.locales.clone() {
            if !out.is_empty() && out.get(&locale).is_none() {
                self.problems.error(
                    "T020",
                    &Place::new(FILE, node.span.clone()),
                    Text::new(
                        format!("there is no text for the locale {locale}"),
                        format!("ロケール {locale} の文がありません"),
                    ),
                    Text::new("translated here", "翻訳はここ"),
                    Text::new(format!("add `{locale}: …`"), format!("「{locale}: …」を追加してください")),
                );
            }
        }
        out
    }

    /// The same, where a locale may do without.
    fn partly(&mut self, node: &Node) -> Localised {
        if let Some(text) = node.text() {
            return Localised { all: Some(text.to_owned()), by_locale: BTreeMap::new() };
        }
        let mut out = Localised::default();
        for (key, value) in node.entries() {
            match (Locale::parse(&key.text), value.text()) {
                (Ok(locale), Some(text)) => {
                    out.by_locale.insert(locale, text.to_owned());
                }
                (Err(error), _) => self.wrong_at(&key.span, no_locale(&error)),
                (_, None) => self.wrong(value, one_text()),
            }
        }
        if out.by_locale.is_empty() {
            self.wrong(
                node,
                Text::new(
                    "this wants one text, or one for each locale: {en: …, ja: …}",
                    "一つの文か、ロケールごとの文 {en: …, ja: …} を書きます",
                ),
            );
        }
        out
    }

    fn sender(&mut self, channel: &str, node: &Node) -> Sender {
        let mut sender = Sender::default();
        for (key, value) in node.entries() {
            match key.text.as_str() {
                "from" => sender.from = self.localised(value),
                "name" => sender.name = self.localised(value),
                "reply_to" => sender.reply_to = self.localised(value),
                _ => unknown_key(self.problems, FILE, key, &["from", "name", "reply_to"]),
            }
        }
        if sender.from.is_empty() {
            self.wrong(node, Text::new("a sender wants `from`", "送信者には from が必要です"));
        }
        for text in sender.name.all.iter().chain(sender.name.by_locale.values()) {
            if text.chars().any(char::is_control) {
                self.wrong(node, Text::new("a sender's name is one line", "送信者名は1行で書きます"));
            }
        }
        if channel == "email" {
            let addresses = [&sender.from, &sender.reply_to]
                .into_iter()
                .flat_map(|l| l.all.iter().chain(l.by_locale.values()));
            for address in addresses.cloned().collect::<Vec<_>>() {
                if let Err(error) = EmailAddress::parse(&address) {
                    self.wrong(node, Text::new(error.to_string(), "メールアドレスとして正しくありません"));
                }
            }
        }
        sender
    }

    /// What mail clients cannot read as a colour they leave out without a word.
    fn colours(&mut self, node: &Node, text: &Localised) {
        for colour in text.all.iter().chain(text.by_locale.values()) {
            if crate::colours::is_colour(colour) {
                continue;
            }
            let (en, ja) = match did_you_mean(&colour.to_lowercase(), crate::colours::NAMES) {
                Some(meant) => {
                    (format!("; did you mean `{meant}`?"), format!("。「{meant}」のことでしょうか？"))
                }
                None => (String::new(), String::new()),
            };
            self.wrong(
                node,
                Text::new(
                    format!("`{colour}` is no colour: write it like \"#b3361e\"{en}"),
                    format!("「{colour}」は色として読めません。\"#b3361e\" のように書きます{ja}"),
                ),
            );
        }
    }

    fn customer(&mut self, node: Option<&Node>) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        match node.map(|n| (&n.kind, n)) {
            Some((Kind::List(items), _)) => {
                for item in items {
                    if let Some(text) = item.text() {
                        out.insert(text.to_owned(), text.to_owned());
                    }
                }
            }
            Some((Kind::Map(entries), _)) => {
                for (key, value) in entries {
                    if let Some(text) = value.text() {
                        out.insert(key.text.clone(), text.to_owned());
                    }
                }
            }
            Some((_, node)) => self.wrong(
                node,
                Text::new(
                    "`customer` wants a list of traits: [name, family_name, given_name]",
                    "「customer」には [name, family_name, given_name] のように属性を並べます",
                ),
            ),
            None => {
                for name in ["name", "family_name", "given_name"] {
                    out.insert(name.to_owned(), name.to_owned());
                }
            }
        }
        out
    }
}

/// A key that no file of this kind has.
pub(crate) fn unknown_key(problems: &mut Problems, file: &str, key: &Key, known: &[&str]) {
    let help = match did_you_mean(&key.text, known.iter().copied()) {
        Some(meant) => {
            Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
        }
        None => Text::new(
            format!("known here: {}", known.join(", ")),
            format!("ここで使えるのは {} です", known.join("、")),
        ),
    };
    problems.error(
        "T004",
        &Place::new(file, key.span.clone()),
        Text::new(
            format!("`{}` is not known here", key.text),
            format!("「{}」はここでは使えません", key.text),
        ),
        Text::new("nothing reads this", "この項目は読まれません"),
        help,
    );
}

fn no_locale(error: &words::LocaleError) -> Text {
    Text::new(error.to_string(), "ロケールは ja や en-US のような言語コードで書きます")
}

fn one_text() -> Text {
    Text::new("this wants a text", "ここには文字列を書きます")
}

/// A value that does not do.
pub(crate) fn wrong_value(problems: &mut Problems, place: &Place, reason: &Text) {
    problems.error(
        "T006",
        place,
        Text::new(
            format!("this value does not do: {}", reason.en),
            format!("この値は使えません: {}", reason.ja),
        ),
        Text::new("here", "ここ"),
        Text::new(
            "`tabi explain templates` shows what goes here",
            "書き方は「tabi explain templates」で確認できます",
        ),
    );
}
