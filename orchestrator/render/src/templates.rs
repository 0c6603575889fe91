//! The compiled templates of a release, and the render of one message.

use crate::brand::{Brand, Localised};
use crate::declare::{Input, Sample};
use crate::filters::{self, Call};
use crate::format::Formats;
use crate::problems::Place;
use crate::request::{Content, Email, Push, RenderError, RenderRequest, Rendered, Sms};
use crate::scope::{self, Mode, Scope, Typed};
use crate::strings::{File, Strings};
use crate::text;
use crate::trace;
use crate::values::{self, Shape};
use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, OnceLock};
use tera::{Context, Tera};
use words::{Channel, Locale, MessageCatalog, MessageClass, MessageEntry, MessageInput, Value};

/// The version of the stored form.
pub(crate) const FORMAT: u32 = 2;
/// Bytes of one rendered part, at most.
pub(crate) const OUTPUT_MAX: usize = 1024 * 1024;

/// What a release keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bundle {
    pub(crate) format: u32,
    pub(crate) brand: Brand,
    pub(crate) messages: BTreeMap<String, Message>,
    pub(crate) strings: Vec<File>,
    /// The files as they were written.
    pub(crate) sources: BTreeMap<String, String>,
}

/// A compiled message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) title: Localised,
    pub(crate) class: MessageClass,
    pub(crate) inputs: BTreeMap<String, Input>,
    pub(crate) samples: BTreeMap<String, Sample>,
    pub(crate) marketing: BTreeSet<Channel>,
    /// The channels that lead to a survey's page.
    #[serde(default)]
    pub(crate) asks: BTreeSet<Channel>,
    /// Whether its links count clicks; `None`: as purpose and brand say.
    #[serde(default)]
    pub(crate) clicks: Option<bool>,
    /// Channel → locale → parts.
    pub(crate) channels: BTreeMap<Channel, BTreeMap<Locale, Vec<Part>>>,
    /// Translations that are left to fluent, by index.
    pub(crate) calls: Vec<(Locale, String)>,
}

/// A compiled part in one locale.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// `subject`, `html`, `body` …
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) template: String,
    /// Where the pieces of the template come from: start and end in it, and the place.
    pub(crate) origins: Vec<Origin>,
}

/// Where a piece of a compiled template comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) file: String,
    pub(crate) span: (usize, usize),
}

/// Why stored templates cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not our bytes, or damaged.
    #[error("the stored templates cannot be read: {0}")]
    Damaged(#[from] postcard::Error),
    /// Of another version of Tabi.
    #[error("the stored templates have format {found}, this Tabi reads {FORMAT}: deploy the project again")]
    Format {
        /// What was found.
        found: u32,
    },
}

/// The templates of a project, compiled. Cheap to load: an engine is built for a message when it is first rendered.
pub struct Templates {
    pub(crate) bundle: Bundle,
    formats: BTreeMap<Locale, (Arc<Formats>, tera::Value)>,
    ready: BTreeMap<String, OnceLock<Result<Ready, String>>>,
    stored: OnceLock<([u8; 32], Arc<[u8]>)>,
}

/// A message ready to render.
struct Ready {
    tera: Tera,
    shapes: BTreeMap<String, (Shape, Option<tera::Value>, bool)>,
    /// Channel → locale → template names in the order of the parts.
    names: BTreeMap<Channel, BTreeMap<Locale, Vec<String>>>,
}

impl Templates {
    pub(crate) fn new(bundle: Bundle) -> Self {
        let brand = &bundle.brand;
        let formats = brand
            .locales
            .iter()
            .map(|locale| {
                let money = brand
                    .money
                    .iter()
                    .filter_map(|(currency, text)| Some((*currency, text.get(locale)?.to_owned())))
                    .collect();
                let fallback = if locale.language() == "ja" { "お客様" } else { "there" };
                let greeting = brand.greeting.get(locale).unwrap_or(fallback).to_owned();
                let formats = Formats::new(locale, money, greeting);
                (locale.clone(), (Arc::new(formats), brand.value(locale)))
            })
            .collect();
        let ready = bundle.messages.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        Self { bundle, formats, ready, stored: OnceLock::new() }
    }

    /// As bytes for a release: the same project gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.bundle).expect("what a bundle is made of has lengths that are known")
    }

    /// The stored form and its SHA-256, made once.
    pub(crate) fn stored(&self) -> ([u8; 32], Arc<[u8]>) {
        let (id, bytes) = self.stored.get_or_init(|| {
            let bytes = self.to_bytes();
            (Sha256::digest(&bytes).into(), Arc::from(bytes))
        });
        (*id, Arc::clone(bytes))
    }

    /// Reads what [`Templates::to_bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let (found, _) = postcard::take_from_bytes::<u32>(bytes)?;
        if found != FORMAT {
            return Err(LoadError::Format { found });
        }
        Ok(Self::new(postcard::from_bytes(bytes)?))
    }

    /// The brand.
    pub fn brand(&self) -> &Brand {
        &self.bundle.brand
    }

    /// The names of all messages.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.bundle.messages.keys().map(String::as_str)
    }

    /// The locales that every message is written in.
    pub fn locales(&self) -> &[Locale] {
        &self.bundle.brand.locales
    }

    /// The declared inputs of a message.
    pub fn inputs(&self, message: &str) -> Option<&BTreeMap<String, Input>> {
        self.bundle.messages.get(message).map(|m| &m.inputs)
    }

    /// The channels that a message has parts for.
    pub fn channels(&self, message: &str) -> impl Iterator<Item = &Channel> {
        self.bundle.messages.get(message).into_iter().flat_map(|m| m.channels.keys())
    }

    /// The message's title for the console, in a locale; its name where it has none.
    pub fn title<'a>(&'a self, message: &'a str, locale: &Locale) -> &'a str {
        self.bundle.messages.get(message).and_then(|m| m.title.get(locale)).unwrap_or(message)
    }

    /// What the message says it is for.
    pub fn class(&self, message: &str) -> Option<MessageClass> {
        self.bundle.messages.get(message).map(|m| m.class)
    }

    /// The samples of a message, by name.
    pub fn samples(&self, message: &str) -> Option<&BTreeMap<String, Sample>> {
        self.bundle.messages.get(message).map(|m| &m.samples)
    }

    /// The files as they were written, by path from the project's root.
    pub fn sources(&self) -> &BTreeMap<String, String> {
        &self.bundle.sources
    }

    /// The fluent files: locale, path and source.
    pub fn strings(&self) -> impl Iterator<Item = (&Locale, &str, &str)> {
        self.bundle.strings.iter().map(|f| (&f.locale, f.path.as_str(), f.source.as_str()))
    }

    /// What journeys are checked against.
    pub fn catalog(&self) -> MessageCatalog {
        let locales: BTreeSet<Locale> = self.locales().iter().cloned().collect();
        let messages = self
            .bundle
            .messages
            .iter()
            .map(|(name, message)| {
                let inputs = message.inputs.iter().map(|(name, input)| {
                    (name.clone(), MessageInput { ty: input.ty.clone(), required: input.required })
                });
                let entry = MessageEntry {
                    channels: message.channels.keys().cloned().collect(),
                    class: Some(message.class),
                    marketing: message.marketing.clone(),
                    asks: message.asks.clone(),
                    clicks: message.clicks,
                    inputs: inputs.collect(),
                    locales: locales.clone(),
                };
                (name.clone(), entry)
            })
            .collect();
        MessageCatalog { messages, locales, clicks: self.bundle.brand.clicks }
    }

    /// The channels on which a message leads to a survey's page.
    pub fn asks(&self, message: &str) -> Option<&BTreeSet<Channel>> {
        self.bundle.messages.get(message).map(|message| &message.asks)
    }

    /// Whether clicks on the links of a message count: its own word is `clicks:` in its `message.yaml`.
    pub fn counts_clicks(&self, message: &str, purpose: Option<bool>, class: MessageClass) -> bool {
        let own = self.bundle.messages.get(message).and_then(|message| message.clicks);
        words::counts_clicks(own, purpose, self.bundle.brand.clicks, class)
    }

    /// Builds the engines of all messages now instead of at their first render.
    ///
    /// # Errors
    /// Where a stored template does not parse: the release was built by another version.
    pub fn warm(&self) -> Result<(), RenderError> {
        self.bundle.messages.keys().try_for_each(|name| self.ready(name).map(|_| ()))
    }

    fn ready(&self, message: &str) -> Result<&Ready, RenderError> {
        let slot = self.ready.get(message).zip(self.bundle.messages.get(message));
        let Some((slot, compiled)) = slot else {
            return Err(RenderError::Missing { message: message.to_owned(), channel: Channel::new("any") });
        };
        slot.get_or_init(|| Ready::new(message, compiled, &self.bundle.strings)).as_ref().map_err(|reason| {
            RenderError::Template { place: format!("message `{message}`"), reason: reason.clone() }
        })
    }

    /// Makes the final bytes of one message, in this process and without a limit on time: for check, preview, tests and
    /// benchmarks. Live sends go through [`crate::Pool`].
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render(&self, request: &RenderRequest) -> Result<Rendered, RenderError> {
        let message = self.bundle.messages.get(&request.message).ok_or_else(|| missing(request))?;
        let locale = self.pick(request.locale.as_ref());
        let ready = || self.ready(&request.message);
        let texts = self.texts(message, request, ready)?;
        let content = self.content(message, request, locale, texts)?;
        Ok(Rendered {
            message: request.message.clone(),
            channel: request.channel.clone(),
            locale: locale.clone(),
            content,
        })
    }

    /// Renders for the sake of the way there: `reached` hears of each piece that is reached for the first time.
    pub(crate) fn trace(
        &self,
        request: &RenderRequest,
        reached: impl Fn(u32, u32) + Send + Sync + 'static,
    ) -> Result<(), RenderError> {
        let message = self.bundle.messages.get(&request.message).ok_or_else(|| missing(request))?;
        let marked = trace::marked(message, &request.channel, self.pick(request.locale.as_ref()));
        let failed =
            |reason| RenderError::Template { place: format!("message `{}`", request.message), reason };
        let mut tera = filters::engine();
        trace::register(&mut tera, reached);
        let ready = Ready::with(tera, &request.message, &marked, &self.bundle.strings).map_err(failed)?;
        self.texts(&marked, request, || Ok(&ready)).map(|_| ())
    }

    /// The parts of a message, as its templates write them.
    fn texts<'a, 'r>(
        &self,
        message: &'a Message,
        request: &RenderRequest,
        ready: impl FnOnce() -> Result<&'r Ready, RenderError>,
    ) -> Result<Vec<(&'a Part, String)>, RenderError> {
        let missing = || missing(request);
        let by_locale = message.channels.get(&request.channel).ok_or_else(missing)?;
        let locale = self.pick(request.locale.as_ref());
        let parts = by_locale.get(locale).ok_or_else(missing)?;
        let ready = ready()?;
        let names = ready.names.get(&request.channel).and_then(|n| n.get(locale)).ok_or_else(missing)?;
        let (formats, brand) = self.formats.get(locale).ok_or_else(missing)?;
        let context = self.context(ready, request, brand, locale)?;
        let zone = request.zone.as_ref().unwrap_or(&self.bundle.brand.zone).to_jiff().clone();
        let mut scope = Scope { mode: Mode::Text, formats: Arc::clone(formats), zone };
        let mut texts = Vec::with_capacity(parts.len());
        for (part, name) in parts.iter().zip(names) {
            scope.mode = part.mode;
            let rendered = scope::within(scope.clone(), || {
                let mut out = Capped(Vec::with_capacity(part.template.len() + 1024));
                ready.tera.render_to(name, &context, &mut out).map(|()| out.0)
            });
            let bytes = rendered.map_err(|error| self.failed(part, &request.message, &error))?;
            let text = String::from_utf8(bytes).map_err(|_| RenderError::Template {
                place: format!("message `{}`", request.message),
                reason: "the output is not UTF-8".to_owned(),
            })?;
            texts.push((part, text));
        }
        Ok(texts)
    }

    /// The locale that a customer gets.
    pub fn pick(&self, wanted: Option<&Locale>) -> &Locale {
        wanted
            .and_then(|l| l.best_of(&self.bundle.brand.locales))
            .unwrap_or(&self.bundle.brand.default_locale)
    }

    fn context(
        &self,
        ready: &Ready,
        request: &RenderRequest,
        brand: &tera::Value,
        locale: &Locale,
    ) -> Result<Context, RenderError> {
        let misfit = |input: String, reason: String| RenderError::Input {
            message: request.message.clone(),
            input,
            reason,
        };
        let mut context = Context::new();
        for (name, (shape, default, required)) in &ready.shapes {
            match request.inputs.get(name) {
                None | Some(Value::Null) => match default {
                    Some(default) => context.insert_value(name.clone(), default.clone()),
                    None if *required => return Err(misfit(name.clone(), "is missing".to_owned())),
                    None => {}
                },
                Some(value) => {
                    let value = shape.fit(value).map_err(|m| {
                        let m = m.below(name);
                        misfit(m.path, m.reason)
                    })?;
                    context.insert_value(name.clone(), value);
                }
            }
        }
        if let Some(extra) = request.inputs.keys().find(|name| !ready.shapes.contains_key(*name)) {
            return Err(misfit(extra.clone(), "is not declared by the message".to_owned()));
        }
        let mut customer = tera::Map::new();
        for (name, trait_) in &self.bundle.brand.customer {
            let aliases: &[&str] = match name.as_str() {
                "family_name" => &["last_name", "lastName", "lastname"],
                "given_name" => &["first_name", "firstName", "firstname"],
                _ => &[],
            };
            let found = std::iter::once(trait_.as_str())
                .chain(aliases.iter().copied())
                .find_map(|key| request.customer.get(key).filter(|v| **v != Value::Null));
            if let Some(value) = found {
                customer.insert(
                    name.clone().into(),
                    Shape::Any.fit(value).map_err(|m| misfit(format!("customer.{name}"), m.reason))?,
                );
            }
        }
        let mut links = tera::Map::with_capacity(4);
        let own = &request.links;
        let given = [&own.unsubscribe_url, &own.preferences_url, &own.view_url, &own.survey_url];
        for (name, url) in crate::names::LINKS.into_iter().zip(given) {
            links.insert(name.into(), values::text_value(url));
        }
        context.insert_value("customer", tera::Value::from(customer));
        context.insert_value("links", tera::Value::from(links));
        context.insert_value("brand", brand.clone());
        context.insert_value("locale", tera::Value::normal_string(locale.as_str()));
        context.insert_value("now", values::typed(Typed::Time(request.now)));
        Ok(context)
    }

    fn failed(&self, part: &Part, message: &str, error: &tera::Error) -> RenderError {
        if let tera::ErrorKind::Io(_) = error.kind() {
            return RenderError::Bound {
                message: message.to_owned(),
                reason: format!("it wrote more than {} KiB", OUTPUT_MAX / 1024),
            };
        }
        let (place, reason) = self.locate(part, error);
        let place = match place.and_then(|p| Some((self.bundle.sources.get(&p.file)?, p))) {
            Some((source, place)) => {
                let start = place.span.start.min(source.len());
                let before = source.get(..start).unwrap_or("");
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
                format!("{}:{line}:{column}", place.file)
            }
            None => format!("message `{message}`"),
        };
        RenderError::Template { place, reason }
    }

    /// The place in the author's files that an error of the engine is about, and the engine's words.
    pub(crate) fn locate(&self, part: &Part, error: &tera::Error) -> (Option<Place>, String) {
        locate(part, error)
    }

    fn content(
        &self,
        message: &Message,
        request: &RenderRequest,
        locale: &Locale,
        texts: Vec<(&Part, String)>,
    ) -> Result<Content, RenderError> {
        let sender = self.bundle.brand.senders.get(&request.channel);
        let said = |text: fn(&crate::brand::Sender) -> &Localised| {
            sender.and_then(|s| text(s).get(locale)).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let mut parts: BTreeMap<String, String> =
            texts.into_iter().map(|(part, text)| (part.name.clone(), finish(part, text))).collect();
        let mut take = |name: &str| parts.remove(name).unwrap_or_default();
        Ok(match request.channel.as_str() {
            "email" => {
                let mut headers = vec![("Content-Language".to_owned(), locale.as_str().to_owned())];
                if message.class == MessageClass::Marketing && !request.links.unsubscribe_url.is_empty() {
                    let url = scope::one_line(&request.links.unsubscribe_url);
                    headers.push(("List-Unsubscribe".to_owned(), format!("<{url}>")));
                    headers
                        .push(("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()));
                }
                Content::Email(Email {
                    subject: take("subject"),
                    from_name: said(|s| &s.name)
                        .or_else(|| self.bundle.brand.name.get(locale).map(str::to_owned))
                        .unwrap_or_default(),
                    from_address: said(|s| &s.from).unwrap_or_default(),
                    reply_to: said(|s| &s.reply_to),
                    html: take("html"),
                    text: take("text"),
                    headers,
                })
            }
            "sms" => Content::Sms(Sms { from: said(|s| &s.from), text: take("body") }),
            "push" => {
                let data = take("data");
                let data = if data.is_empty() { BTreeMap::new() } else { push_data(&data, request)? };
                Content::Push(Push { title: take("title"), body: take("body"), data })
            }
            _ => Content::Parts(parts),
        })
    }
}

impl Ready {
    fn new(name: &str, message: &Message, files: &[File]) -> Result<Self, String> {
        Self::with(filters::engine(), name, message, files)
    }

    fn with(mut tera: Tera, name: &str, message: &Message, files: &[File]) -> Result<Self, String> {
        let mut bundles: BTreeMap<&Locale, Arc<FluentBundle<FluentResource>>> = BTreeMap::new();
        let mut calls = Vec::new();
        for (locale, key) in &message.calls {
            let bundle = bundles.entry(locale).or_insert_with(|| Arc::new(bundle(files, locale, name)));
            calls.push(Call { bundle: Arc::clone(bundle), key: key.clone() });
        }
        filters::register_calls(&mut tera, calls);
        let mut names: BTreeMap<Channel, BTreeMap<Locale, Vec<String>>> = BTreeMap::new();
        let mut templates = Vec::new();
        for (channel, by_locale) in &message.channels {
            for (locale, parts) in by_locale {
                let mut own = Vec::new();
                for part in parts {
                    let id = format!("{channel}/{locale}/{}", part.name);
                    templates.push((id.clone(), part.template.as_str()));
                    own.push(id);
                }
                names.entry(channel.clone()).or_default().insert(locale.clone(), own);
            }
        }
        tera.add_raw_templates(templates.iter().map(|(id, text)| (id.as_str(), *text)))
            .map_err(|e| e.to_string())?;
        let shapes = message
            .inputs
            .iter()
            .map(|(name, input)| {
                let shape = Shape::of(&input.ty);
                let default = input.default.as_ref().and_then(|value| shape.fit(value).ok());
                (name.clone(), (shape, default, input.required))
            })
            .collect();
        Ok(Self { tera, shapes, names })
    }
}

fn missing(request: &RenderRequest) -> RenderError {
    RenderError::Missing { message: request.message.clone(), channel: request.channel.clone() }
}

/// The translations of one message in one locale.
fn bundle(files: &[File], locale: &Locale, message: &str) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![locale.as_str().parse().unwrap_or_default()]);
    // Isolation marks would show in subjects, SMS and old clients.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(filters::fluent_number));
    // The only builtin is NUMBER; it is added to a bundle that has none.
    let _ = bundle.add_builtins();
    for file in Strings::files_of(files, locale, message) {
        let resource = match FluentResource::try_new(file.source.clone()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The place in the author's files that an error of the engine is about, and the engine's words.
pub(crate) fn locate(part: &Part, error: &tera::Error) -> (Option<Place>, String) {
    let report = match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => report,
        _ => return (None, error.to_string()),
    };
    let at = report.span().range.clone();
    let origin = part.origins.iter().find(|o| o.start <= at.start && at.start < o.end);
    let place = origin.map(|o| Place::new(&o.file, o.span.0..o.span.1));
    (place, report.message().to_owned())
}

/// What is done to a part once its text is there.
fn finish(part: &Part, text: String) -> String {
    match (part.mode, part.name.as_str()) {
        (Mode::Line, _) => {
            let line = scope::one_line(&text);
            if line.contains("  ") || line.starts_with(' ') || line.ends_with(' ') {
                line.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
            } else {
                line
            }
        }
        (Mode::Text, "text") => text::wrap(&text),
        (Mode::Text | Mode::Json, _) => text.trim().to_owned(),
        (Mode::Html, _) => text,
    }
}

fn push_data(json: &str, request: &RenderRequest) -> Result<BTreeMap<String, String>, RenderError> {
    let wrong = |reason: String| RenderError::Template {
        place: format!("templates/{}/push/data.json", request.message),
        reason,
    };
    let read: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|e| wrong(format!("the output is not a JSON object: {e}")))?;
    Ok(read
        .into_iter()
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
        .collect())
}

/// A buffer that refuses more than [`OUTPUT_MAX`].
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.0.len() + bytes.len() > OUTPUT_MAX {
            return Err(std::io::Error::other("too much output"));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("messages", &self.bundle.messages.keys()).finish_non_exhaustive()
    }
}
