//! A folder of files to compiled templates, or every problem at once.

use crate::brand::{self, Brand};
use crate::check::Checker;
use crate::declare::{self, Declared};
use crate::flatten::{self, Piece, Source};
use crate::fold::{Folder, Out};
use crate::lints;
use crate::mjml;
use crate::pool::PoolOptions;
use crate::probe;
use crate::problems::{Place, Problems, did_you_mean};
use crate::request::RenderError;
use crate::scope::Mode;
use crate::slips;
use crate::strings::{File, Strings};
use crate::syntax;
use crate::templates::{Bundle, FORMAT, Message, Origin, Part, Templates};
use crate::text;
use crate::trial;
use crate::yaml::{self, Reason};
use std::collections::{BTreeMap, BTreeSet};
use words::{Channel, Diagnostic, Locale, Severity, Text};

/// Bytes of one file, at most.
const FILE_MAX: usize = 256 * 1024;
/// Bytes of all files, at most.
const TOTAL_MAX: usize = 16 * 1024 * 1024;
/// Folders of `templates/` that are no messages.
const FOLDERS: [&str; 3] = ["layouts", "blocks", "locales"];

/// Compiles the files of a project, by path from its root (`templates/brand.yaml`); what is not under `templates/` is
/// passed over. The templates are there where no problem is an error.
///
/// Every message is tried in this process, without a limit on time: for tests and for templates that were accepted before.
pub fn compile(files: &BTreeMap<String, Vec<u8>>) -> (Option<Templates>, Vec<Diagnostic>) {
    let (templates, mut problems) = compile_untried(files);
    let found = templates.as_ref().map(Templates::try_here).unwrap_or_default();
    let good = found.iter().all(|problem| problem.severity == Severity::Warning);
    problems.extend(found);
    (templates.filter(|_| good), problems)
}

impl Templates {
    /// Renders every message with values that its inputs allow, in this process and for as long as it takes; says what
    /// fails.
    pub fn try_here(&self) -> Vec<Diagnostic> {
        let mut problems = Problems::default();
        probe::here(self, &mut problems);
        problems.finish()
    }

    /// The same in a child process, within the limits of `options` for each render.
    ///
    /// Blocks; not to be called where asynchronous work waits for this thread.
    ///
    /// # Errors
    /// [`RenderError::Unavailable`] where there is no child to do it, whatever the templates are.
    pub fn try_in_child(&self, options: &PoolOptions) -> Result<Vec<Diagnostic>, RenderError> {
        let unavailable = |reason: String| RenderError::Unavailable { reason };
        // A thread of its own: whoever calls may be driven by a runtime, and runtimes do not nest.
        let trial = std::thread::scope(|scope| {
            let run = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| unavailable(error.to_string()))?;
                runtime.block_on(trial::run(self, options))
            };
            scope.spawn(run).join().unwrap_or_else(|_| Err(unavailable("the trial broke off".to_owned())))
        })?;
        let mut problems = Problems::default();
        for (request, failed) in &trial {
            probe::tell(self, request, failed, &mut problems);
        }
        Ok(problems.finish())
    }
}

/// The same as [`compile()`] without trying any message: of what was accepted before, or is tried next.
pub fn compile_untried(files: &BTreeMap<String, Vec<u8>>) -> (Option<Templates>, Vec<Diagnostic>) {
    let mut problems = Problems::default();
    let texts = read(files, &mut problems);
    let brand = read_brand(&texts, &mut problems);
    let messages = message_names(&texts);
    let mut sources = BTreeMap::new();
    for (path, text) in &texts {
        if is_template(path) {
            syntax::check(path, text, &mut problems);
            sources.insert(path.clone(), Source::new(text.clone()));
        }
    }
    let Some(brand) = brand else { return (None, problems.finish()) };
    let strings = read_strings(&texts, &brand, &messages, &mut problems);
    let mut used = BTreeSet::new();
    let mut compiled = BTreeMap::new();
    for name in &messages {
        let project = Project { texts: &texts, brand: &brand, strings: &strings, sources: &sources };
        if let Some(message) = project.message(name, &mut used, &mut problems) {
            compiled.insert(name.clone(), message);
        }
    }
    // Where a part could not be read, nobody knows what it would have used.
    let all_read = problems.no_errors();
    strings.check(&used, all_read, &mut problems);
    if !problems.no_errors() {
        return (None, problems.finish());
    }
    let templates = Templates::new(Bundle {
        format: FORMAT,
        brand,
        messages: compiled,
        strings: strings.files,
        sources: texts,
    });
    (Some(templates), problems.finish())
}

/// The files as texts.
fn read(files: &BTreeMap<String, Vec<u8>>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut total = 0;
    for (path, bytes) in files {
        if !path.starts_with("templates/") || is_page(path) {
            continue;
        }
        total += bytes.len();
        if bytes.len() > FILE_MAX || total > TOTAL_MAX {
            problems.error(
                "T002",
                &Place::new(path, 0..0),
                Text::new(
                    format!(
                        "this file is too large: a file may have {} KiB, all together {} MiB",
                        FILE_MAX / 1024,
                        TOTAL_MAX / 1024 / 1024
                    ),
                    format!(
                        "ファイルが大きすぎます（1 ファイル {} KiB、全体で {} MiB まで）",
                        FILE_MAX / 1024,
                        TOTAL_MAX / 1024 / 1024
                    ),
                ),
                Text::new("not read", "読み込みません"),
                Text::new(
                    "put pictures on a web server and keep texts here",
                    "画像などは Web サーバーに置いてください",
                ),
            );
            continue;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
                if crate::bounds::within(path, &text, problems) {
                    texts.insert(path.clone(), text);
                }
            }
            Err(error) => problems.error(
                "T001",
                &Place::new(path, error.valid_up_to()..error.valid_up_to()),
                Text::new(
                    format!("this file is not UTF-8, from byte {}", error.valid_up_to()),
                    format!("UTF-8 ではないファイルです（{} バイト目から）", error.valid_up_to()),
                ),
                Text::new("not text", "文字として読めません"),
                Text::new("save it as UTF-8", "UTF-8 で保存してください"),
            ),
        }
    }
    texts
}

fn read_brand(texts: &BTreeMap<String, String>, problems: &mut Problems) -> Option<Brand> {
    let Some(text) = texts.get(brand::FILE) else {
        problems.error(
            "T007",
            &Place::new(brand::FILE, 0..0),
            Text::new("there is no templates/brand.yaml", "templates/brand.yaml がありません"),
            Text::new("every message needs it", "すべてのメッセージに必要です"),
            Text::new(
                "`tabi init` writes one; `tabi explain templates` says what goes in",
                "「tabi init」で作れます。書き方は「tabi explain templates」で確認できます",
            ),
        );
        return None;
    };
    let root = read_yaml(brand::FILE, text, problems)?;
    brand::read(&root, problems)
}

/// A YAML file as a tree, or a problem.
fn read_yaml(file: &str, text: &str, problems: &mut Problems) -> Option<yaml::Node> {
    let error = match yaml::parse(text) {
        Ok(node) => return Some(node),
        Err(error) => error,
    };
    if matches!(error.reason, Reason::Syntax(_))
        && let Some((place, sign)) = words::keyboard::near(text, error.span.start)
    {
        problems.error("T003", &Place::new(file, place), sign.title(), sign.label(), sign.help());
        return None;
    }
    let (en, ja) = match &error.reason {
        Reason::Syntax(reason) => {
            let said = crate::japanese::because("this is not YAML", "YAML として読めません", reason);
            (said.en, said.ja)
        }
        Reason::TooLarge => {
            ("this YAML is too large or too deep".to_owned(), "YAML が大きすぎるか深すぎます".to_owned())
        }
        Reason::Alias => {
            ("aliases (*name) are not allowed".to_owned(), "エイリアス（*名前）は使えません".to_owned())
        }
        Reason::DuplicateKey(key) => {
            (format!("`{key}` is written twice"), format!("「{key}」が二度書かれています"))
        }
        Reason::KeyNotText => ("a key has to be a text".to_owned(), "キーは文字列で書きます".to_owned()),
        Reason::SecondDocument => {
            ("a file has one document".to_owned(), "文書は1ファイルに一つです".to_owned())
        }
    };
    problems.error(
        "T003",
        &Place::new(file, error.span.clone()),
        Text::new(en, ja),
        Text::new("here", "ここ"),
        Text::new(
            "check indentation, and quote texts that begin with { [ * & ! % @ or hold `: `",
            "字下げを確かめ、{ [ * & ! % @ で始まる文や「: 」を含む文は引用符で囲んでください",
        ),
    );
    None
}

/// The folders that are messages.
fn message_names(texts: &BTreeMap<String, String>) -> BTreeSet<String> {
    texts
        .keys()
        .filter_map(|path| path.strip_prefix("templates/")?.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| !FOLDERS.contains(folder) && !folder.starts_with('.'))
        .map(str::to_owned)
        .collect()
}

/// A page for people, in any language: `README.md`, `README.ja.md`.
fn is_page(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("README.") && name.ends_with(".md"))
}

fn is_template(path: &str) -> bool {
    let inner = path.strip_prefix("templates/").unwrap_or(path);
    let depth = inner.matches('/').count();
    let kind = matches!(inner.rsplit('.').next(), Some("txt" | "html" | "mjml" | "json"));
    kind && (inner.starts_with("layouts/") || inner.starts_with("blocks/") || depth >= 2)
}

fn read_strings(
    texts: &BTreeMap<String, String>,
    brand: &Brand,
    messages: &BTreeSet<String>,
    problems: &mut Problems,
) -> Strings {
    let mut strings = Strings::default();
    strings.broken = problems.files_with_errors().filter_map(locale_of).collect();
    for (path, source) in texts {
        let Some((folder, name)) =
            path.strip_prefix("templates/locales/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        let Some(name) = name.strip_suffix(".ftl") else { continue };
        match Locale::parse(folder) {
            Ok(locale) if brand.locales.contains(&locale) => {
                let message = messages.get(name).cloned();
                strings.add(File { path: path.clone(), locale, message, source: source.clone() }, problems);
            }
            _ => problems.warning(
                "T026",
                &Place::new(path, 0..0),
                Text::new(
                    format!("nobody reads the locale `{folder}`"),
                    format!("ロケール「{folder}」は使われません"),
                ),
                Text::new("brand.yaml does not list it", "brand.yaml の locales にありません"),
                Text::new(
                    format!("add `{folder}` to `locales` in brand.yaml, or remove the folder"),
                    format!("brand.yaml の locales に「{folder}」を加えるか、フォルダーを削除してください"),
                ),
            ),
        }
    }
    strings
}

/// The locale of a file of translations.
fn locale_of(path: &str) -> Option<Locale> {
    let (folder, _) = path.strip_prefix("templates/locales/")?.split_once('/')?;
    Locale::parse(folder).ok()
}

struct Project<'a> {
    texts: &'a BTreeMap<String, String>,
    brand: &'a Brand,
    strings: &'a Strings,
    sources: &'a BTreeMap<String, Source>,
}

/// A part before it is folded.
struct Raw {
    channel: Channel,
    name: String,
    mode: Mode,
    mjml: bool,
    pieces: Vec<Piece>,
}

impl Project<'_> {
    fn message(
        &self,
        name: &str,
        used: &mut BTreeSet<(Option<String>, String)>,
        problems: &mut Problems,
    ) -> Option<Message> {
        let folder = format!("templates/{name}/");
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain {
            problems.error(
                "T031",
                &Place::new(folder.trim_end_matches('/'), 0..0),
                Text::new(
                    format!("`{name}` cannot be a message's name"),
                    format!("「{name}」はメッセージの名前に使えません"),
                ),
                Text::new("the folder", "フォルダー"),
                Text::new("use small letters, digits and _", "英小文字、数字、_ を使ってください"),
            );
            return None;
        }
        let declared = self.declared(name, problems)?;
        let (raws, mut whole) = self.parts(name, problems);
        let mut checker = Checker {
            brand: self.brand,
            message: name,
            inputs: &declared.inputs,
            strings: self.strings,
            sources: self.sources,
            read: BTreeSet::new(),
            keys: BTreeSet::new(),
        };
        for raw in &raws {
            checker.part(&raw.pieces, problems);
        }
        let read = checker.read;
        used.extend(checker.keys);
        let known =
            |root: &str| declared.inputs.contains_key(root) || ["brand", "customer", "links"].contains(&root);
        for raw in raws.iter().filter(|raw| raw.mode != Mode::Json) {
            whole &= !slips::single_braces(&raw.pieces, &known, problems);
        }
        // What a part that could not be read would have used or shown, nobody knows.
        let marketing = if whole {
            self.unused(name, &declared, &read, problems);
            self.marketing(name, &declared, &raws, problems)
        } else {
            BTreeSet::new()
        };
        let asks = asks(&raws);
        for raw in &raws {
            if raw.mode == Mode::Html {
                lints::html(&raw.pieces, problems);
            }
            if raw.mode != Mode::Json {
                slips::markup(&raw.pieces, raw.mode, name, &self.brand.locales, self.strings, problems);
            }
        }
        let samples = self.samples(name, &declared, problems);
        if !whole || !problems.no_errors() {
            return None;
        }
        let mut folder = Folder {
            brand: self.brand,
            message: name,
            inputs: &declared.inputs,
            strings: self.strings,
            sources: self.sources,
            calls: Vec::new(),
        };
        let mut channels: BTreeMap<Channel, BTreeMap<Locale, Vec<Part>>> = BTreeMap::new();
        for locale in &self.brand.locales {
            for raw in &raws {
                let mut outs = folder.fold(&raw.pieces, locale, raw.mode);
                slips::length(&raw.channel, &raw.name, locale, &outs, problems);
                if raw.mjml {
                    outs = mjml::compile(&outs, locale, problems)?;
                }
                let parts =
                    channels.entry(raw.channel.clone()).or_default().entry(locale.clone()).or_default();
                let has_text = raws.iter().any(|other| other.channel == raw.channel && other.name == "text");
                if raw.channel == Channel::EMAIL && raw.name == "html" && !has_text {
                    parts.push(assemble("text", Mode::Text, &text::from_html(&outs)));
                }
                parts.push(assemble(&raw.name, raw.mode, &outs));
            }
        }
        let calls = folder.calls;
        let Declared { title, class, clicks, inputs, .. } = declared;
        Some(Message { title, class, inputs, samples, marketing, asks, clicks, channels, calls })
    }

    fn declared(&self, name: &str, problems: &mut Problems) -> Option<Declared> {
        let file = format!("templates/{name}/message.yaml");
        let Some(text) = self.texts.get(&file) else {
            // It is there and cannot be read: that has been told.
            if problems.has_error_in(&file) {
                return None;
            }
            problems.error(
                "T030",
                &Place::new(&file, 0..0),
                Text::new(
                    format!("the message `{name}` has no message.yaml"),
                    format!("メッセージ「{name}」に message.yaml がありません"),
                ),
                Text::new("it declares the inputs", "入力を宣言するファイルです"),
                Text::new(
                    "write one; `inputs: {}` says that there are none",
                    "作ってください。入力がなければ「inputs: {}」と書きます",
                ),
            );
            return None;
        };
        let root = read_yaml(&file, text, problems)?;
        Some(declare::message(&file, &root, problems))
    }

    fn samples(
        &self,
        name: &str,
        declared: &Declared,
        problems: &mut Problems,
    ) -> BTreeMap<String, declare::Sample> {
        let file = format!("templates/{name}/sample.yaml");
        let root = self.texts.get(&file).and_then(|text| read_yaml(&file, text, problems));
        let samples = root.map(|root| declare::samples(&file, &root, declared, problems)).unwrap_or_default();
        if samples.is_empty() && problems.no_errors() {
            problems.warning(
                "T033",
                &Place::new(format!("templates/{name}/message.yaml"), 0..0),
                Text::new(
                    format!("the message `{name}` has no sample"),
                    format!("メッセージ「{name}」にサンプルがありません"),
                ),
                Text::new("nothing to preview", "プレビューできません"),
                Text::new(
                    format!("write templates/{name}/sample.yaml, one entry per example"),
                    format!("templates/{name}/sample.yaml に例を書いてください"),
                ),
            );
        }
        samples
    }

    /// The parts that the message's folder has, flattened; and whether these are all.
    fn parts(&self, name: &str, problems: &mut Problems) -> (Vec<Raw>, bool) {
        let folder = format!("templates/{name}/");
        let mut raws: Vec<Raw> = Vec::new();
        let mut complete = true;
        for path in self.texts.keys().filter(|path| path.starts_with(&folder)) {
            let inner = &path[folder.len()..];
            if matches!(inner, "message.yaml" | "sample.yaml") || inner.starts_with('.') {
                continue;
            }
            let Some((channel, part, mode, mjml)) = part_of(inner) else {
                unknown_part(path, inner, problems);
                complete = false;
                continue;
            };
            let pieces = if problems.has_error_in(path) {
                None
            } else {
                flatten::flatten(path, self.sources, problems)
            };
            let Some(pieces) = pieces.filter(|p| p.iter().all(|p| !problems.has_error_in(&p.place.file)))
            else {
                complete = false;
                continue;
            };
            if raws.iter().any(|raw| raw.channel == channel && raw.name == part) {
                unknown_part(path, inner, problems);
                complete = false;
                continue;
            }
            raws.push(Raw { channel, name: part, mode, mjml, pieces });
        }
        let channels: BTreeSet<Channel> = raws.iter().map(|raw| raw.channel.clone()).collect();
        complete &= !problems
            .files_with_errors()
            .any(|path| path.starts_with(&folder) && path[folder.len()..].contains('/'));
        if channels.is_empty() && complete {
            missing_part(name, "email", "subject.txt", problems);
            complete = false;
        }
        for channel in &channels {
            let wanted: &[(&str, &str)] = match channel.as_str() {
                "email" => &[("subject", "subject.txt"), ("html", "body.mjml")],
                "sms" => &[("body", "body.txt")],
                "push" => &[("title", "title.txt"), ("body", "body.txt")],
                "webhook" => &[("body", "body.json")],
                _ => &[],
            };
            for (part, file) in wanted {
                let unread = problems.has_error_in(&format!("{folder}{channel}/{file}"));
                if complete && !unread && !raws.iter().any(|raw| raw.channel == *channel && raw.name == *part)
                {
                    missing_part(name, channel.as_str(), file, problems);
                }
            }
            if matches!(channel.as_str(), "email" | "sms") && !self.brand.senders.contains_key(channel) {
                problems.error(
                    "T005",
                    &Place::new(brand::FILE, 0..0),
                    Text::new(
                        format!("brand.yaml does not say `senders.{channel}`"),
                        format!("brand.yaml に「senders.{channel}」がありません"),
                    ),
                    Text::new(
                        format!("the message `{name}` is sent on this channel"),
                        format!("メッセージ「{name}」がこのチャネルを使います"),
                    ),
                    Text::new(
                        format!("add `{channel}: {{from: …}}` under `senders:`"),
                        format!("「senders:」の下に「{channel}: {{from: …}}」を追加してください"),
                    ),
                );
            }
        }
        (raws, complete)
    }

    fn unused(&self, name: &str, declared: &Declared, read: &BTreeSet<String>, problems: &mut Problems) {
        for (input, span) in &declared.places {
            let is_read = read.iter().any(|path| path.split('.').next() == Some(input));
            if !is_read {
                problems.warning(
                    "T034",
                    &Place::new(format!("templates/{name}/message.yaml"), span.clone()),
                    Text::new(
                        format!("no part uses the input `{input}`"),
                        format!("入力「{input}」はどこにも使われていません"),
                    ),
                    Text::new("declared for nothing", "宣言だけされています"),
                    Text::new("remove it, or use it", "削除するか、使ってください"),
                );
            }
        }
    }

    /// The channels whose parts carry what advertising must, and a problem for each that does not though it says so.
    fn marketing(
        &self,
        name: &str,
        declared: &Declared,
        raws: &[Raw],
        problems: &mut Problems,
    ) -> BTreeSet<Channel> {
        let mut ready = BTreeSet::new();
        let class = declared.class;
        let channels: BTreeSet<&Channel> = raws.iter().map(|raw| &raw.channel).collect();
        for channel in channels {
            let parts: Vec<&Raw> = raws.iter().filter(|raw| raw.channel == *channel).collect();
            if lints::fit_for_marketing(
                name,
                channel,
                &parts.iter().map(|r| (r.name.as_str(), &r.pieces[..])).collect::<Vec<_>>(),
                self.brand,
                self.strings,
                class,
                problems,
            ) {
                ready.insert(channel.clone());
            }
        }
        ready
    }
}

/// The channels that lead to a survey's page: a mail in each of its two forms, other channels in one part.
fn asks(raws: &[Raw]) -> BTreeSet<Channel> {
    let channels: BTreeSet<&Channel> = raws.iter().map(|raw| &raw.channel).collect();
    let asks = |channel: &Channel| {
        let mut bodies = raws.iter().filter(|raw| raw.channel == *channel && raw.mode != Mode::Line);
        let links = |raw: &Raw| lints::reads(&raw.pieces, "links.survey_url");
        if *channel == Channel::EMAIL { bodies.all(links) } else { bodies.any(links) }
    };
    channels.into_iter().filter(|channel| asks(channel)).cloned().collect()
}

/// Channel, part, mode and whether it is MJML, of a path inside a message's folder.
fn part_of(inner: &str) -> Option<(Channel, String, Mode, bool)> {
    let (channel, file) = inner.split_once('/')?;
    let (stem, extension) = file.rsplit_once('.')?;
    if stem.is_empty() || file.contains('/') {
        return None;
    }
    let (name, mode, mjml) = match (channel, stem, extension) {
        ("email", "subject", "txt") => ("subject", Mode::Line, false),
        ("email", "body", "mjml") => ("html", Mode::Html, true),
        ("email", "body", "html") => ("html", Mode::Html, false),
        ("email", "body", "txt") => ("text", Mode::Text, false),
        ("email", ..) => return None,
        ("sms", "body", "txt") => ("body", Mode::Text, false),
        ("push", "title", "txt") => ("title", Mode::Line, false),
        ("push", "body", "txt") => ("body", Mode::Text, false),
        ("push", "data", "json") => ("data", Mode::Json, false),
        ("webhook", "body", "json") => ("body", Mode::Json, false),
        ("sms" | "push" | "webhook", ..) => return None,
        (_, stem, "txt") => (stem, Mode::Text, false),
        (_, stem, "html") => (stem, Mode::Html, false),
        (_, stem, "json") => (stem, Mode::Json, false),
        _ => return None,
    };
    Some((Channel::new(channel), name.to_owned(), mode, mjml))
}

fn unknown_part(path: &str, inner: &str, problems: &mut Problems) {
    const KNOWN: [&str; 11] = [
        "email/subject.txt",
        "email/body.mjml",
        "email/body.html",
        "email/body.txt",
        "sms/body.txt",
        "push/title.txt",
        "push/body.txt",
        "push/data.json",
        "webhook/body.json",
        "message.yaml",
        "sample.yaml",
    ];
    let help = match did_you_mean(inner, KNOWN) {
        Some(meant) if meant != inner => {
            Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
        }
        _ => Text::new(
            "`tabi explain templates` lists the parts of every channel; a body is written once, as MJML or as HTML",
            "チャネルごとのファイルは「tabi explain templates」で確認できます。本文は MJML か HTML のどちらか一つです",
        ),
    };
    problems.error(
        "T031",
        &Place::new(path, 0..0),
        Text::new(
            format!("`{inner}` is no part of a message"),
            format!("「{inner}」はメッセージの部品ではありません"),
        ),
        Text::new("nothing reads this file", "このファイルは読まれません"),
        help,
    );
}

fn missing_part(message: &str, channel: &str, file: &str, problems: &mut Problems) {
    problems.error(
        "T030",
        &Place::new(format!("templates/{message}/{channel}/{file}"), 0..0),
        Text::new(
            format!("the message `{message}` has no {channel}/{file}"),
            format!("メッセージ「{message}」に {channel}/{file} がありません"),
        ),
        Text::new(format!("{channel} needs it"), format!("{channel} に必要です")),
        Text::new(
            format!("write templates/{message}/{channel}/{file}"),
            format!("templates/{message}/{channel}/{file} を作ってください"),
        ),
    );
}

/// The template of a part, with the origin of every piece.
fn assemble(name: &str, mode: Mode, outs: &[Out]) -> Part {
    let mut template = String::new();
    let mut origins = Vec::new();
    for out in outs {
        let start = template.len();
        template.push_str(out.text());
        if let Out::Tag { place, .. } = out {
            let span = (place.span.start, place.span.end);
            origins.push(Origin { start, end: template.len(), file: place.file.clone(), span });
        }
    }
    Part { name: name.to_owned(), mode, template, origins }
}

/// The engine that a check uses: for tests of what templates may name.
#[cfg(test)]
pub(crate) fn knows_every_listed_filter() -> bool {
    let listed = crate::filters::FILTERS.iter().map(|f| format!("{{{{ x | {f} }}}}")).collect::<String>();
    crate::filters::engine().add_raw_template("all", &listed).is_ok()
}
