//! A small project in memory for the tests.

use crate::{Content, Links, RenderRequest, Rendered, Templates, compile};
use std::collections::BTreeMap;
use words::{Channel, Diagnostic, Language, Locale, Timestamp, Value, Zone};

pub(crate) const BRAND: &str = r#"name: {en: Kumo, ja: 雲}
default_locale: en
locales: [en, ja]
countries: [US, JP]
zone: Asia/Tokyo
currency: JPY
site: https://shop.example/
money: {JPY: {ja: "{amount}円"}}
colours: {primary: green}
senders:
  email: {from: hello@shop.example, name: {en: Kumo, ja: 雲}, reply_to: help@shop.example}
  sms: {from: KUMO}
legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}
greeting: {en: there, ja: お客様}
"#;

/// Files by path below `templates/`, over the brand.
pub(crate) fn files(given: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([("templates/brand.yaml".to_owned(), BRAND.as_bytes().to_vec())]);
    for (path, text) in given {
        files.insert(format!("templates/{path}"), text.as_bytes().to_vec());
    }
    files
}

/// All problems, as text.
pub(crate) fn shown(files: &BTreeMap<String, Vec<u8>>, problems: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in problems {
        let source =
            files.get(&problem.file).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
        out.push_str(&problem.render(&source, Language::En, false));
        out.push_str("\n\n");
    }
    out.trim_end().to_owned()
}

#[track_caller]
pub(crate) fn compiled(given: &[(&str, &str)]) -> Templates {
    let files = files(given);
    let (templates, problems) = compile(&files);
    templates.unwrap_or_else(|| panic!("{}", shown(&files, &problems)))
}

/// The codes of all problems and where they are.
pub(crate) fn codes(given: &[(&str, &str)]) -> Vec<String> {
    let files = files(given);
    let (_, problems) = compile(&files);
    problems
        .iter()
        .map(|p| {
            let source =
                files.get(&p.file).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
            let (line, column) = p.line_column(&source);
            format!("{} {}:{line}:{column}", p.code, p.file.trim_start_matches("templates/"))
        })
        .collect()
}

pub(crate) fn request(message: &str, channel: &str, locale: &str, inputs: &[(&str, Value)]) -> RenderRequest {
    RenderRequest {
        message: message.to_owned(),
        channel: Channel::new(channel),
        locale: Some(Locale::parse(locale).unwrap()),
        inputs: inputs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        customer: BTreeMap::new(),
        links: Links {
            unsubscribe_url: "https://t.example/u/1".to_owned(),
            preferences_url: "https://t.example/p/1".to_owned(),
            view_url: "https://t.example/v/1".to_owned(),
            survey_url: String::new(),
        },
        now: Timestamp::parse("2026-11-21T10:00:00Z").unwrap(),
        zone: Some(Zone::parse("Asia/Tokyo").unwrap()),
    }
}

#[track_caller]
pub(crate) fn sms(templates: &Templates, locale: &str, inputs: &[(&str, Value)]) -> String {
    match templates.render(&request("m", "sms", locale, inputs)).unwrap().content {
        Content::Sms(sms) => sms.text,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn email(rendered: Rendered) -> crate::Email {
    match rendered.content {
        Content::Email(email) => email,
        other => panic!("{other:?}"),
    }
}
