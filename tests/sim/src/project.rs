//! The simulated shop's project: brand, declarations, messages, and its journeys at one version.

use crate::plan::{Journey, MESSAGES, PURPOSES};
use anyhow::{Context as _, anyhow};
use release::{Files, Release};
use std::fmt::Write as _;

const BRAND: &str = r#"name: Kumo
default_locale: en
locales: [en]
countries: [JP]
zone: Asia/Tokyo
currency: JPY
site: https://shop.example/
senders:
  email: {from: hello@shop.example, name: Kumo}
  sms: {from: KUMO}
legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}
greeting: {en: there}
"#;

const DECLARATIONS: &str = r#"events:
  order_placed: {properties: {order_id: text, total: money JPY}}
  order_delivered: {properties: {order_id: text}}
  refund_requested: {properties: {order_id: text}}
  visited: {properties: {page: text?}}
customer:
  plan: text?
  note: text?
facts:
  orders: count(order_placed)
"#;

/// The project's files. What a message says changes with every version.
pub fn files(journeys: &[Journey], version: u32) -> Files {
    let mut files = Files::new();
    let mut add = |path: String, text: String| files.insert(path, text.into_bytes());
    add("templates/brand.yaml".to_owned(), BRAND.to_owned());
    for message in MESSAGES {
        let at = |part: &str| format!("templates/{message}/{part}");
        add(at("message.yaml"), "title: {en: A message}\nuse: security\ninputs: {}\n".to_owned());
        add(at("sample.yaml"), "plain:\n  inputs: {}\n".to_owned());
        add(at("email/subject.txt"), format!("{message}, version {version}\n"));
        add(
            at("email/body.html"),
            format!(
                "<p>Version {version}</p><p>{{{{ brand.legal.sender }}}}, {{{{ brand.legal.postal_address }}}}, \
                 {{{{ brand.legal.complaints }}}}</p><p><a href=\"{{{{ links.unsubscribe_url }}}}\">No more</a></p>\n"
            ),
        );
        add(
            at("sms/body.txt"),
            format!("v{version} {{{{ brand.legal.sender }}}} {{{{ links.unsubscribe_url }}}}\n"),
        );
    }
    let mut declarations = DECLARATIONS.to_owned();
    declarations.push_str("purposes:\n");
    for (purpose, class) in PURPOSES {
        let _ = writeln!(declarations, "  {purpose}: {{title: {{en: {purpose}}}, class: {class}}}");
    }
    add("journeys/declarations.yaml".to_owned(), declarations);
    for journey in journeys {
        add(format!("journeys/{}.yaml", journey.name), journey.yaml());
    }
    files
}

/// Compiled by the real compiler.
pub fn release(journeys: &[Journey], version: u32) -> anyhow::Result<Release> {
    let files = files(journeys, version);
    let (release, problems) = Release::again(files.clone());
    release
        .ok_or_else(|| {
            let shown = problems.iter().map(|problem| {
                let source = files.get(&problem.file).map(|b| String::from_utf8_lossy(b)).unwrap_or_default();
                problem.render(&source, words::Language::En, false)
            });
            anyhow!(shown.collect::<Vec<_>>().join("\n\n"))
        })
        .context("the simulator wrote a journey that does not compile")
}
