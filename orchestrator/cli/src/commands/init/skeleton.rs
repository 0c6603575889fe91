//! The files of a new project.

use super::answers::Answers;
use release::Files;

macro_rules! skeleton {
    ($name:literal) => {
        include_str!(concat!("../../../skeleton/", $name))
    };
}

/// Everything that `tabi init` writes, by path.
pub(super) fn files(answers: &Answers) -> Files {
    let mut files = Files::new();
    let mut put = |path: &str, text: &str| {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    };
    put("templates/brand.yaml", &brand(answers));
    put("templates/layouts/main.mjml", skeleton!("layout.mjml"));
    put("templates/blocks/footer.mjml", skeleton!("footer.mjml"));
    put("templates/blocks/button.mjml", skeleton!("button.mjml"));
    put("templates/welcome/message.yaml", skeleton!("message.yaml"));
    put("templates/welcome/sample.yaml", skeleton!("sample.yaml"));
    put("templates/welcome/email/subject.txt", skeleton!("subject.txt"));
    put("templates/welcome/email/body.mjml", skeleton!("body.mjml"));
    for language in &answers.languages {
        let (common, welcome) = words_of(language);
        put(&format!("templates/locales/{language}/common.ftl"), &common);
        put(&format!("templates/locales/{language}/welcome.ftl"), &welcome);
    }
    put("journeys/schema.yaml", skeleton!("schema.yaml"));
    put("journeys/welcome.yaml", skeleton!("welcome.yaml"));
    let story = skeleton!("welcome.test.yaml")
        .replace("{zone}", &answers.zone)
        .replace("{locale}", &answers.languages[0])
        .replace("{country}", &answers.countries[0]);
    put("journeys/welcome.test.yaml", &story);
    files
}

/// Japanese and English as born; any other language begins with the English words, and says so.
fn words_of(language: &str) -> (String, String) {
    let (common, welcome) = (skeleton!("common.en.ftl"), skeleton!("welcome.en.ftl"));
    match language.split('-').next() {
        Some("ja") => (skeleton!("common.ja.ftl").to_owned(), skeleton!("welcome.ja.ftl").to_owned()),
        Some("en") => (common.to_owned(), welcome.to_owned()),
        _ => {
            let note = format!("# To be translated into {language}.\n");
            (note.clone() + common, note + welcome)
        }
    }
}

fn brand(answers: &Answers) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let name = quoted(&answers.brand);
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
    format!(
        r##"# The brand: everything that is the same in every message. Any text may be one for all languages, or one for each:
# name: {{en: Kumo, ja: 雲}}
name: {name}
default_locale: {default}
locales: [{locales}]
countries: [{countries}]               # decides which laws hold
zone: {zone}                  # of customers whose zone is not known
currency: {currency}
site: {site}

colours:
  primary: "#14532d"
  text: "#1f2937"
  muted: "#6b7280"
  background: "#f5f5f4"
  surface: "#ffffff"
  on_primary: "#ffffff"

fonts:
  body: "'Helvetica Neue', Arial, 'Hiragino Sans', 'Noto Sans JP', Meiryo, sans-serif"

# Who a message comes from, by channel.
senders:
  email:
    from: {sender}
    name: {name}

# What the law wants every e-mail to show.
legal:
  sender: {name}
  postal_address: {postal}
  complaints: {sender}

footer: {name}

# How somebody is greeted whose name we do not know, and what templates may see of a customer.
greeting: {greeting}
customer: [family_name, given_name]
"##,
        default = answers.languages[0],
        locales = answers.languages.join(", "),
        countries = answers.countries.join(", "),
        zone = answers.zone,
        site = quoted(&answers.site),
        sender = quoted(&answers.sender),
        postal = quoted(&answers.postal_address),
        greeting = greeting(answers),
    )
}

fn greeting(answers: &Answers) -> String {
    let of = |language: &str| if language.starts_with("ja") { "お客様" } else { "there" };
    let each: Vec<String> = answers.languages.iter().map(|l| format!("{l}: {}", of(l))).collect();
    format!("{{{}}}", each.join(", "))
}
