//! What `tabi init` wants to know: from flags, from questions, or something to edit.

use super::InitArgs;
use crate::{exit::Fault, output::Output};
use std::{
    io::{BufRead as _, Write as _},
    path::Path,
};
use words::{Country, EmailAddress, Locale, Zone};

/// Everything that a new project needs to be told.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    /// The brand's name.
    pub(super) brand: String,
    /// Country codes.
    pub(super) countries: Vec<String>,
    /// The brand's zone.
    pub(super) zone: String,
    /// Locales, the default first; never empty.
    pub(super) languages: Vec<String>,
    /// The e-mail sender.
    pub(super) sender: String,
    /// The postal address.
    pub(super) postal_address: String,
    /// The shop's address.
    pub(super) site: String,
    todo: Vec<&'static str>,
}

impl Answers {
    /// Asks where `ask` is set; else takes the flags and fills in the rest.
    pub(super) fn collect(out: Output, args: &InitArgs, root: &Path, ask: bool) -> anyhow::Result<Self> {
        let mut todo = Vec::new();
        let mut questions = Questions { out, ask, todo: &mut todo };
        let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let brand = questions.text(
            ("What is the brand called?", "ブランド名は何ですか？"),
            args.brand.clone(),
            if folder.is_empty() { "My Shop".to_owned() } else { folder },
            None,
            |text| {
                if text.trim().is_empty() {
                    Err("a brand has a name".to_owned())
                } else {
                    Ok(text.trim().to_owned())
                }
            },
        )?;
        let countries = questions.text(
            (
                "Which countries do your customers live in? (codes: JP,US)",
                "お客様はどの国にいますか？（国コード。例：JP,US）",
            ),
            joined(&args.countries),
            out.either("US", "JP").to_owned(),
            None,
            |text| {
                each(text, |code| {
                    Country::parse(&code.to_uppercase())
                        .map(|c| c.as_str().to_owned())
                        .ok_or_else(|| format!("`{code}` is not a country code: two letters, like JP"))
                })
            },
        )?;
        let zone = questions.text(
            (
                "Which time zone counts where a customer's is not known?",
                "タイムゾーンの分からないお客様には、どこの時間を使いますか？",
            ),
            args.zone.clone(),
            zone_of(&countries).to_owned(),
            None,
            |text| Zone::parse(text.trim()).map(|zone| zone.name().to_owned()).map_err(|e| e.to_string()),
        )?;
        let languages = questions.text(
            (
                "Which languages do you write in, the default first?",
                "メッセージをどの言語で書きますか？（先頭が既定。例：ja,en）",
            ),
            joined(&args.languages),
            out.either("en", "ja").to_owned(),
            None,
            |text| {
                each(text, |code| {
                    Locale::parse(code).map(|l| l.as_str().to_owned()).map_err(|e| e.to_string())
                })
            },
        )?;
        let sender = questions.text(
            ("Which address do e-mails come from?", "メールの差出人アドレスは何ですか？"),
            args.sender.clone(),
            "hello@shop.example".to_owned(),
            Some("senders.email.from"),
            |text| {
                EmailAddress::parse(text.trim())
                    .map(|a| a.as_str().to_owned())
                    .map_err(|why| format!("`{text}`: {why}"))
            },
        )?;
        let postal_address = questions.text(
            (
                "Which postal address do e-mails show (the law asks for it)?",
                "メールに表示する住所は何ですか？（法律で表示が必要です）",
            ),
            args.postal_address.clone(),
            example_street(out.either("en", "ja")).to_owned(),
            Some("legal.postal_address"),
            |text| Ok(text.trim().to_owned()),
        )?;
        let site = questions.text(
            ("What is the shop's web address?", "お店の URL は何ですか？"),
            args.site.clone(),
            "https://shop.example/".to_owned(),
            Some("site"),
            |text| {
                let text = text.trim();
                if text.starts_with("https://") || text.starts_with("http://") {
                    Ok(text.to_owned())
                } else {
                    Err(format!("`{text}` is not a web address: write https://…"))
                }
            },
        )?;
        let list = |text: String| text.split(',').map(str::to_owned).collect();
        Ok(Self {
            brand,
            countries: list(countries),
            zone,
            languages: list(languages),
            sender,
            postal_address,
            site,
            todo,
        })
    }

    /// What was filled in with something that has to be edited, by its key in `brand.yaml`.
    pub(super) fn placeholders(&self) -> Vec<&str> {
        self.todo.clone()
    }
}

struct Questions<'t> {
    out: Output,
    ask: bool,
    todo: &'t mut Vec<&'static str>,
}

impl Questions<'_> {
    /// A flag's value must do; an answer that does not is asked for again; an empty one takes what is offered.
    fn text(
        &mut self,
        question: (&str, &str),
        flag: Option<String>,
        offered: String,
        placeholder: Option<&'static str>,
        check: impl Fn(&str) -> Result<String, String>,
    ) -> anyhow::Result<String> {
        if let Some(flag) = flag {
            return check(&flag).map_err(|why| Fault::usage(why).into());
        }
        // Ends with an answer that will do, or with an empty one.
        loop {
            if !self.ask {
                break;
            }
            let mut err = std::io::stderr().lock();
            write!(err, "{} [{offered}] ", self.out.either(question.0, question.1))?;
            err.flush()?;
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line)? == 0 {
                return Err(Fault::refused("the questions were not answered; nothing was written").into());
            }
            if line.trim().is_empty() {
                break;
            }
            match check(line.trim()) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.out.say(format!("  {}", self.out.error_words(why))),
            }
        }
        if let Some(placeholder) = placeholder {
            self.todo.push(placeholder);
        }
        check(&offered).map_err(|why| Fault::usage(why).into())
    }
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

fn each(text: &str, check: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
        let part = check(part)?;
        if !found.contains(&part) {
            found.push(part);
        }
    }
    if found.is_empty() {
        return Err("at least one is needed".to_owned());
    }
    Ok(found.join(","))
}

/// A postal address that nobody lives at, for texts in this language.
pub(super) fn example_street(language: &str) -> &'static str {
    if language.starts_with("ja") {
        "〒000-0000 東京都○○区○○1-2-3"
    } else {
        "1 Example Street, Example City"
    }
}

/// The zone to offer for the first country; those with several are offered their largest.
fn zone_of(countries: &str) -> &'static str {
    match countries.split(',').next().unwrap_or_default() {
        "JP" => "Asia/Tokyo",
        "US" | "CA" => "America/New_York",
        "GB" => "Europe/London",
        "DE" => "Europe/Berlin",
        "FR" => "Europe/Paris",
        "KR" => "Asia/Seoul",
        "TW" => "Asia/Taipei",
        "AU" => "Australia/Sydney",
        _ => "UTC",
    }
}
