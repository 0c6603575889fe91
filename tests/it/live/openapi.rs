//! The document of the API against the API: Schemathesis asks everything that the document allows, and much that it does
//! not, of a running Tabi, and holds every answer to it.

use super::{
    answers::{first, path, shop_with, targets, visit},
    clients::installed,
    shop::{identify, order},
};
use std::{collections::BTreeMap, process::Command};

/// How often each operation is asked in each way; `TABI_SCHEMATHESIS_EXAMPLES` says another number.
const EXAMPLES: &str = "6";
const CONFIG: &str = include_str!("../../clients/schemathesis.toml");

/// What the routes need of a project: a journey that starts by the API, a message that may be sent directly, a catalogue.
const FILES: [(&str, &str); 7] = [
    (
        "journeys/sign_in.yaml",
        "journey: sign_in\npurpose: login\nstart:\n  again: always\n  api:\n    code: text?\nfirst_of: [email]\nsteps:\n\
         \x20 - send: code\n    expires: 1 hours\n",
    ),
    (
        "journeys/more.yaml",
        "purposes:\n  login: {title: {en: Sign-in, ja: ログイン}, class: security}\n\
         catalogs:\n  products:\n    title: text?\n",
    ),
    ("templates/code/message.yaml", "title: Code\nuse: security\n"),
    ("templates/code/sample.yaml", "one:\n  inputs: {}\n"),
    ("templates/code/email/subject.txt", "Your code\n"),
    (
        "templates/code/email/body.html",
        "<!doctype html>\n<html lang=\"{{ locale }}\"><head><meta charset=\"utf-8\"><title>Code</title></head><body>\n\
         <p>Your code</p></body></html>\n",
    ),
    (
        "templates/look/email/body.html",
        "<!doctype html>\n<html lang=\"{{ locale }}\"><head><meta charset=\"utf-8\"><title>Look</title></head><body>\n\
         <p><a href=\"https://shop.example/songs\">Songs</a> <a href=\"{{ links.view_url }}\">See</a></p>\n\
         <p><a href=\"{{ links.unsubscribe_url }}\">Out</a> <a href=\"{{ links.preferences_url }}\">Choose</a></p></body></html>\n",
    ),
];

/// The tokens of links that real messages hold, by the first part of their paths.
fn tokens(html: &str) -> BTreeMap<String, String> {
    let parts = |url: &str| {
        let mut parts = path(url).split(['/', '?']).skip(1).map(str::to_owned);
        Some((parts.next()?, parts.next()?))
    };
    targets(html).iter().filter_map(|url| parts(url)).collect()
}

#[test]
fn every_answer_of_the_api_is_one_that_its_document_promises() {
    let Some(clients) = installed() else { return };
    let shop = shop_with(&FILES, &[("SHOPIFY_WEBHOOK_SECRET", "whispered")]);
    for user in ["hana", "ann"] {
        assert_eq!(shop.posted("/v1/identify", &identify(user, "en")).status, 200);
    }
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-1")).status, 200);
    let look = first(&shop, "Look");
    let mut links = tokens(look.html.as_deref().unwrap());
    visit(&shop, "GET", &format!("/c/{}", links["c"]), "");
    links.extend(tokens(first(&shop, "Ask").html.as_deref().unwrap()));
    let config = links
        .iter()
        .fold(CONFIG.to_owned(), |text, (page, token)| text.replace(&format!("{{{page}}}"), token));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schemathesis.toml");
    std::fs::write(&file, config).unwrap();

    let url = format!("http://{}", shop.address);
    let examples = std::env::var("TABI_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let output = Command::new(clients.join("py/bin/python"))
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(&file)
        .args(["run", &format!("{url}/openapi.json"), "--url", &url, "--checks", "all", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {}", shop.key)])
        .args([
            "--max-examples",
            &examples,
            "--continue-on-failure",
            "--request-timeout",
            "30",
            "--output-sanitize",
            "false",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let log = shop.log();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
    println!("{}", said.split("= SUMMARY =").nth(1).unwrap_or(&said));
}
