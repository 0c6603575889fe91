//! The files of a new project.

use super::answers::Answers;
use release::Files;
use words::Language;

macro_rules! skeleton {
    ($($name:literal),+) => {
        include_str!(concat!("../../../skeleton/", $($name),+))
    };
}

/// A file whose comments and names are in the language of whoever runs `tabi init`.
macro_rules! spoken {
    ($language:expr, $name:literal, $end:literal) => {
        match $language {
            Language::En => skeleton!($name, $end),
            Language::Ja => skeleton!($name, ".ja", $end),
        }
    };
}

/// Everything that `tabi init` writes, by path; what is said to whoever edits it, in their language.
pub(super) fn files(answers: &Answers, reader: Language) -> Files {
    let mut files = Files::new();
    let mut put = |path: &str, text: &str| {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    };
    put("templates/brand.yaml", &brand(answers, spoken!(reader, "brand", ".yaml")));
    put("templates/layouts/main.mjml", skeleton!("layout.mjml"));
    put("templates/blocks/footer.mjml", skeleton!("footer.mjml"));
    put("templates/blocks/button.mjml", skeleton!("button.mjml"));
    put("templates/welcome/message.yaml", spoken!(reader, "message", ".yaml"));
    put("templates/welcome/sample.yaml", spoken!(reader, "sample", ".yaml"));
    put("templates/welcome/email/subject.txt", skeleton!("subject.txt"));
    put("templates/welcome/email/body.mjml", skeleton!("body.mjml"));
    for language in &answers.languages {
        let (common, welcome) = words_of(language, reader);
        put(&format!("templates/locales/{language}/common.ftl"), &common);
        put(&format!("templates/locales/{language}/welcome.ftl"), &welcome);
    }
    put("journeys/schema.yaml", spoken!(reader, "schema", ".yaml"));
    put("journeys/welcome.yaml", spoken!(reader, "welcome", ".yaml"));
    let story = spoken!(reader, "welcome.test", ".yaml")
        .replace("{zone}", &answers.zone)
        .replace("{locale}", &answers.languages[0])
        .replace("{country}", &answers.countries[0]);
    put("journeys/welcome.test.yaml", &story);
    files
}

/// Japanese and English as born; any other language begins with the English words, and says so.
fn words_of(language: &str, reader: Language) -> (String, String) {
    let (common, welcome) = (skeleton!("common.en.ftl"), skeleton!("welcome.en.ftl"));
    match language.split('-').next() {
        Some("ja") => (skeleton!("common.ja.ftl").to_owned(), skeleton!("welcome.ja.ftl").to_owned()),
        Some("en") => (common.to_owned(), welcome.to_owned()),
        _ => {
            let note = match reader {
                Language::En => format!("# To be translated into {language}.\n"),
                Language::Ja => format!("# {language} に訳してください。\n"),
            };
            (note.clone() + common, note + welcome)
        }
    }
}

fn brand(answers: &Answers, template: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let currency = match answers.countries[0].as_str() {
        "JP" => "JPY",
        "GB" => "GBP",
        "KR" => "KRW",
        "TW" => "TWD",
        "CA" => "CAD",
        "AU" => "AUD",
        "AT" | "BE" | "DE" | "ES" | "FI" | "FR" | "IE" | "IT" | "NL" | "PT" => "EUR",
        _ => "USD",
    };
    let filled = [
        ("default", answers.languages[0].clone()),
        ("locales", answers.languages.join(", ")),
        ("countries", answers.countries.join(", ")),
        ("zone", answers.zone.clone()),
        ("currency", currency.to_owned()),
        ("greeting", greeting(answers)),
        ("site", quoted(&answers.site)),
        ("sender", quoted(&answers.sender)),
        ("postal", postal(answers)),
        ("name", quoted(&answers.brand)),
    ];
    // Once over the template: what a person answered is never taken for a place to fill in.
    let (mut out, mut rest) = (String::with_capacity(template.len() + 256), template);
    while let Some(at) = rest.find('{') {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let place = filled.iter().find_map(|(name, value)| {
            Some((behind.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?, value))
        });
        rest = match place {
            Some((after, value)) => {
                out.push_str(value);
                after
            }
            None => {
                out.push('{');
                &behind[1..]
            }
        };
    }
    out + rest
}

/// One for all languages; where it is still the example, one to fill in for each.
fn postal(answers: &Answers) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    if answers.languages.len() == 1 || !answers.placeholders().contains(&"legal.postal_address") {
        return quoted(&answers.postal_address);
    }
    let each: Vec<String> = answers
        .languages
        .iter()
        .map(|language| format!("{language}: {}", quoted(super::answers::example_street(language))))
        .collect();
    format!("{{{}}}", each.join(", "))
}

fn greeting(answers: &Answers) -> String {
    let of = |language: &str| if language.starts_with("ja") { "お客様" } else { "there" };
    let each: Vec<String> = answers.languages.iter().map(|l| format!("{l}: {}", of(l))).collect();
    format!("{{{}}}", each.join(", "))
}
