//! What can be known of a part without running it: names, fields, filters, translations, loops.

use crate::brand::Brand;
use crate::declare::Input;
use crate::filters::{FILTERS, FUNCTIONS, TESTS};
use crate::flatten::{Piece, Source};
use crate::names::{Lost, Names, translation};
use crate::problems::{Place, Problems, did_you_mean};
use crate::scan::{self, Kind, Token};
use crate::strings::Strings;
use std::collections::{BTreeMap, BTreeSet};
use words::{Locale, Text};

/// Loops into each other, at most: what is longer is not a message.
const LOOPS_MAX: usize = 3;
const TAGS: [&str; 16] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "set_global",
    "endset",
    "filter",
    "endfilter",
    "break",
    "continue",
    "block",
    "include",
    "extends",
];

/// What a message's parts are checked against.
pub(crate) struct Checker<'a> {
    pub(crate) brand: &'a Brand,
    pub(crate) message: &'a str,
    pub(crate) inputs: &'a BTreeMap<String, Input>,
    pub(crate) strings: &'a Strings,
    pub(crate) sources: &'a BTreeMap<String, Source>,
    /// Dotted paths that some part reads.
    pub(crate) read: BTreeSet<String>,
    /// Keys that some part asks for.
    pub(crate) keys: BTreeSet<(Option<String>, String)>,
}

impl Checker<'_> {
    /// Checks one flat part.
    pub(crate) fn part(&mut self, pieces: &[Piece], problems: &mut Problems) {
        let mut names = Names::new(self.brand, self.inputs);
        for piece in pieces {
            let (Kind::Print | Kind::Tag, Some(source)) = (piece.kind, self.sources.get(&piece.place.file))
            else {
                continue;
            };
            let tokens = scan::tokens(&source.text, piece.inner.clone());
            if piece.kind == Kind::Tag {
                self.tag(&tokens, &piece.place, &names, problems);
            } else {
                self.expression(&tokens, &piece.place.file, &names, problems);
            }
            if piece.kind == Kind::Tag {
                names.pass(&tokens);
                if names.loops() > LOOPS_MAX && tokens.first().and_then(Token::word) == Some("for") {
                    problems.error(
                        "T016",
                        &piece.place,
                        Text::new(
                            format!("loops may be {LOOPS_MAX} deep, this one is deeper"),
                            format!("ループの入れ子は{LOOPS_MAX}段までです"),
                        ),
                        Text::new("one loop too many", "ここで深くなりすぎます"),
                        Text::new(
                            "let the journey prepare a flatter list as an input",
                            "入力のリストをもっと平らな形で渡してください",
                        ),
                    );
                }
            }
        }
    }

    fn tag(&mut self, tokens: &[Token], place: &Place, names: &Names<'_>, problems: &mut Problems) {
        let Some(word) = tokens.first().and_then(Token::word) else { return };
        if !TAGS.contains(&word) {
            let help = did_you_mean(word, TAGS).map_or_else(
                || {
                    Text::new(
                        "templates have if, for, set, include, extends and block; a piece to reuse is a file in blocks/",
                        "使えるのは if、for、set、include、extends、block です。使い回す部品は blocks/ に置きます",
                    )
                },
                |meant| Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？")),
            );
            problems.error(
                "T014",
                &Place::new(&place.file, tokens[0].span.clone()),
                Text::new(format!("there is no tag `{word}`"), format!("タグ「{word}」はありません")),
                Text::new("not a tag", "タグではありません"),
                help,
            );
            return;
        }
        let rest = match word {
            "for" => tokens.iter().position(|t| t.word() == Some("in")).map_or(tokens.len(), |i| i + 1),
            "set" | "set_global" => 3,
            _ => 1,
        };
        if word == "filter" {
            if let Some(token) = tokens.get(1) {
                known_name(token, "filter", FILTERS, &place.file, problems);
            }
            return;
        }
        self.expression(tokens.get(rest..).unwrap_or(&[]), &place.file, names, problems);
    }

    fn expression(&mut self, tokens: &[Token], file: &str, names: &Names<'_>, problems: &mut Problems) {
        let comprehension = tokens.iter().any(|t| t.word() == Some("for"));
        for (index, token) in tokens.iter().enumerate() {
            let Some(word) = token.word() else { continue };
            let before = index.checked_sub(1).map(|i| &tokens[i]);
            if word == "__tera_context" {
                problems.error(
                    "T015",
                    &Place::new(file, token.span.clone()),
                    Text::new(
                        "`__tera_context` shows everything at once",
                        "「__tera_context」はすべての値を表示します",
                    ),
                    Text::new("not allowed in a message", "メッセージでは使えません"),
                    Text::new("print the inputs that the reader needs", "必要な入力だけを書いてください"),
                );
            } else if before.is_some_and(|t| t.is('|')) {
                known_name(token, "filter", FILTERS, file, problems);
            } else if before.and_then(Token::word) == Some("is") && word != "not" {
                known_name(token, "test", TESTS, file, problems);
            } else if tokens.get(index + 1).is_some_and(|t| t.is('(')) && !before.is_some_and(|t| t.is('.')) {
                if before.and_then(Token::word) != Some("not") || !TESTS.contains(&word) {
                    known_name(token, "function", FUNCTIONS, file, problems);
                }
                if let Some(call) = translation(tokens, index) {
                    self.translation(&call, tokens, file, problems);
                }
            } else if Names::begins_path(tokens, index) && !comprehension {
                let (path, _) = Names::path(tokens, index);
                let dotted: Vec<&str> = path.iter().map(|(name, _)| name.as_str()).collect();
                self.read.insert(dotted.join("."));
                if let Err(lost) = names.follow(&path) {
                    report(&lost, self.message, file, problems);
                }
            } else if Names::begins_path(tokens, index) {
                self.read.insert(word.to_owned());
            }
        }
    }

    fn translation(
        &mut self,
        call: &crate::names::Translation,
        tokens: &[Token],
        file: &str,
        problems: &mut Problems,
    ) {
        let first = tokens[call.tokens.start].span.clone();
        let Some((key, span)) = &call.key else {
            problems.error(
                "T021",
                &Place::new(file, first),
                Text::new("t() wants its key written out", "t() のキーは文字列で書きます"),
                Text::new("no plain key here", "キーがありません"),
                Text::new("write t(key=\"subject\")", "t(key=\"subject\") のように書いてください"),
            );
            return;
        };
        let place = Place::new(file, span.clone());
        self.keys.insert((Some(self.message.to_owned()), key.clone()));
        let given: BTreeSet<&str> = call.arguments.iter().map(|(name, _)| name.as_str()).collect();
        let mut lacking: Vec<&Locale> = Vec::new();
        let mut wanted_anywhere = BTreeSet::new();
        let needs = |locale| self.strings.arguments(locale, self.message, key);
        // A text that asks for what another language does without is the one to be looked at.
        let served = self.brand.locales.iter().any(|locale| {
            self.strings.get(locale, self.message, key).is_some()
                && needs(locale).iter().all(|name| given.contains(name.as_str()))
        });
        for locale in &self.brand.locales {
            if key.starts_with('-') || self.strings.get(locale, self.message, key).is_none() {
                if !self.strings.broken.contains(locale) {
                    lacking.push(locale);
                }
                continue;
            }
            let wanted = self.strings.arguments(locale, self.message, key);
            let missing: Vec<&String> = wanted.iter().filter(|name| !given.contains(name.as_str())).collect();
            let unused: Vec<&str> = given.iter().copied().filter(|name| !wanted.contains(*name)).collect();
            let meant = missing.first().and_then(|name| did_you_mean(name, unused.iter().copied()));
            if let Some(name) = missing.first()
                && (meant.is_some() || served)
                && let Some(entry) = self.strings.get(locale, self.message, key)
            {
                wanted_anywhere.extend(meant.map(str::to_owned));
                let pass = Text::new(
                    format!("pass it in {file}: t(key=\"{key}\", {name}=…)"),
                    format!("{file} で t(key=\"{key}\", {name}=…) と渡してください"),
                );
                let help = match meant {
                    Some(meant) => Text::new(
                        format!("did you mean `{{ ${meant} }}`? If not, {}", pass.en),
                        format!("「{{ ${meant} }}」のことでしょうか？そうでなければ、{}", pass.ja),
                    ),
                    None => Text::new(
                        format!("{}, or take `{{ ${name} }}` out of the text", pass.en),
                        format!("{}。または文から「{{ ${name} }}」を外してください", pass.ja),
                    ),
                };
                problems.error(
                    "T019",
                    &entry.place,
                    Text::new(
                        format!("the {locale} text of `{key}` says `{{ ${name} }}`, and nobody gives it"),
                        format!("「{key}」の {locale} の文にある「{{ ${name} }}」は渡されていません"),
                    ),
                    Text::new("this text", "この文です"),
                    help,
                );
            } else if let Some(name) = missing.first() {
                problems.error(
                    "T019",
                    &place,
                    Text::new(
                        format!("the {locale} text of `{key}` needs `{name}`"),
                        format!("「{key}」の {locale} の文には「{name}」が必要です"),
                    ),
                    Text::new(format!("`{name}` is not given here"), format!("「{name}」が渡されていません")),
                    Text::new(
                        format!("write t(key=\"{key}\", {name}=…)"),
                        format!("t(key=\"{key}\", {name}=…) と書いてください"),
                    ),
                );
            }
            wanted_anywhere.extend(wanted);
        }
        if lacking.is_empty() {
            if !self.strings.broken.is_empty() {
                return;
            }
            for (name, range) in &call.arguments {
                if !wanted_anywhere.contains(name) {
                    let at = tokens[range.start.saturating_sub(2)].span.clone();
                    problems.warning(
                        "T025",
                        &Place::new(file, at),
                        Text::new(
                            format!("no text of `{key}` uses `{name}`"),
                            format!("「{key}」のどの文も「{name}」を使っていません"),
                        ),
                        Text::new("given for nothing", "渡しても使われません"),
                        Text::new("remove it, or write it in the text", "削除するか、文の中で使ってください"),
                    );
                }
            }
            return;
        }
        let names: Vec<&str> = lacking.iter().map(|l| l.as_str()).collect();
        let known: Vec<&str> =
            self.brand.locales.iter().flat_map(|locale| self.strings.keys(locale, self.message)).collect();
        let meant = if lacking.len() == self.brand.locales.len() { did_you_mean(key, known) } else { None };
        let help = match meant {
            Some(meant) => {
                Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
            }
            None => Text::new(
                format!("add `{key} = …` to templates/locales/{}/{}.ftl", names[0], self.message),
                format!(
                    "templates/locales/{}/{}.ftl に「{key} = …」を追加してください",
                    names[0], self.message
                ),
            ),
        };
        problems.error(
            "T020",
            &place,
            Text::new(
                format!("`{key}` is not translated into {}", names.join(", ")),
                format!("「{key}」の翻訳が {} にありません", names.join("、")),
            ),
            Text::new("asked for here", "ここで使っています"),
            help,
        );
    }
}

fn known_name(token: &Token, kind: &str, known: &[&str], file: &str, problems: &mut Problems) {
    let Some(word) = token.word() else { return };
    if known.contains(&word) {
        return;
    }
    let place = Place::new(file, token.span.clone());
    if matches!(word, "safe" | "escape" | "escape_html" | "escape_xml" | "newlines_to_br" | "throw") {
        problems.error(
            "T015",
            &place,
            Text::new(
                format!("`{word}` is not allowed in a message"),
                format!("「{word}」はメッセージでは使えません"),
            ),
            Text::new(
                "everything printed is escaped already",
                "表示される値はすべて自動でエスケープされます",
            ),
            Text::new(
                "for markup inside a translation write t_html(key=…)",
                "翻訳の中でタグを使うには t_html(key=…) と書いてください",
            ),
        );
        return;
    }
    let ja = match kind {
        "filter" => "フィルター",
        "test" => "テスト",
        _ => "関数",
    };
    let help = match did_you_mean(word, known.iter().copied()) {
        Some(meant) => {
            Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
        }
        None => Text::new(
            format!("known are {}", known.join(", ")),
            format!("使えるのは {} です", known.join("、")),
        ),
    };
    problems.error(
        "T014",
        &place,
        Text::new(format!("there is no {kind} `{word}`"), format!("{ja}「{word}」はありません")),
        Text::new(format!("no {kind} has this name"), format!("この名前の{ja}はありません")),
        help,
    );
}

fn report(lost: &Lost, message: &str, file: &str, problems: &mut Problems) {
    let place = Place::new(file, lost.span.clone());
    let meant = did_you_mean(&lost.name, lost.known.iter().map(String::as_str));
    match &lost.under {
        None => {
            let help = match meant {
                Some(meant) => {
                    Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
                }
                None => Text::new(
                    format!("declare it under `inputs` in templates/{message}/message.yaml"),
                    format!("templates/{message}/message.yaml の inputs に宣言してください"),
                ),
            };
            problems.error(
                "T011",
                &place,
                Text::new(
                    format!("the message `{message}` has no input `{}`", lost.name),
                    format!("メッセージ「{message}」に入力「{}」はありません", lost.name),
                ),
                Text::new("not declared", "宣言されていません"),
                help,
            );
        }
        // A key of the brand that could not be read has been told.
        Some(under)
            if (under == "brand" || under.starts_with("brand."))
                && problems.has_error_in(crate::brand::FILE) => {}
        Some(under) => {
            let help = match meant {
                Some(meant) => {
                    Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
                }
                None if lost.known.is_empty() => Text::new(
                    format!("`{under}` is one value, print it as it is"),
                    format!("「{under}」は一つの値です。そのまま書いてください"),
                ),
                None => Text::new(
                    format!("`{under}` has {}", lost.known.join(", ")),
                    format!("「{under}」にあるのは {} です", lost.known.join("、")),
                ),
            };
            problems.error(
                "T012",
                &place,
                Text::new(
                    format!("`{under}` has no field `{}`", lost.name),
                    format!("「{under}」に項目「{}」はありません", lost.name),
                ),
                Text::new("no such field", "この項目はありません"),
                help,
            );
        }
    }
}
