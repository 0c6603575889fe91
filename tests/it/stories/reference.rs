//! The project that a reference of the journey language describes: its whole files as they stand there, and just enough
//! messages for its journeys to send.

use crate::tidy::top;
use release::files::Files;

const BRAND: &str = "\
name: {en: Kumo, ja: 雲}
default_locale: en
locales: [en, ja]
countries: [US, JP]
zone: Asia/Tokyo
currency: JPY
site: https://shop.example/
senders:
  email: {from: hello@shop.example, name: {en: Kumo, ja: 雲}}
  sms: {from: KUMO}
legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}
greeting: {en: there, ja: お客様}
";

/// A message, which is an e-mail at least.
struct Message {
    name: &'static str,
    class: &'static str,
    /// Also as a text and on the app.
    everywhere: bool,
    /// Its inputs: name, type, and a value for the sample.
    inputs: &'static [(&'static str, &'static str, &'static str)],
}

const MESSAGES: &[Message] = &[
    Message {
        name: "thank_you",
        class: "service",
        everywhere: true,
        inputs: &[("order_id", "text", "A-1"), ("total", "money", "3000 JPY")],
    },
    Message { name: "thanks_again", class: "service", everywhere: true, inputs: &[] },
    Message {
        name: "how_to_use",
        class: "service",
        everywhere: false,
        inputs: &[("tracking", "text", "https://track.example/1")],
    },
    Message { name: "review_request", class: "service", everywhere: false, inputs: &[] },
    Message { name: "reset", class: "security", everywhere: false, inputs: &[("code", "text", "B-7")] },
];

/// The files of the page at `path`, from the top.
#[track_caller]
pub(super) fn project(path: &str) -> Files {
    let page = std::fs::read_to_string(top().join(path)).unwrap();
    let mut files = Files::new();
    let mut put = |path: String, text: &str| files.insert(path, text.as_bytes().to_vec());
    let blocks = page.split("\n```yaml").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap().split_once('\n').unwrap());
    for (number, (kind, block)) in blocks.enumerate() {
        let name = block.strip_prefix("journey: ").and_then(|rest| rest.lines().next());
        match (kind.trim(), name) {
            ("", Some(name)) => put(format!("journeys/{name}.yaml"), block),
            ("", None) => put(format!("journeys/declared_{number}.yaml"), block),
            // A story that names no journeys means the one of its file.
            ("story", _) => put(format!("journeys/story_{number}.test.yaml"), block),
            _ => continue,
        };
    }
    put("templates/brand.yaml".to_owned(), BRAND);
    for Message { name, class, everywhere, inputs } in MESSAGES {
        let listed =
            |part: fn(&(&str, &str, &str)) -> String| inputs.iter().map(part).collect::<Vec<_>>().join(", ");
        let declared = listed(|(name, ty, _)| format!("{name}: {ty}"));
        let sample = listed(|(name, _, value)| format!("{name}: {value}"));
        let printed = listed(|(name, ..)| format!("{{{{ {name} }}}}"));
        let mut part = |file: &str, text: &str| put(format!("templates/{name}/{file}"), text);
        part("message.yaml", &format!("use: {class}\ninputs: {{{declared}}}\n"));
        part("sample.yaml", &format!("one: {{inputs: {{{sample}}}}}\n"));
        part("email/subject.txt", "Hello\n");
        part("email/body.html", &format!("<p>Hello {printed}</p>\n"));
        if *everywhere {
            part("sms/body.txt", &format!("Hello {printed}\n"));
            part("push/title.txt", "Hello\n");
            part("push/body.txt", &format!("Hello {printed}\n"));
        }
    }
    files
}
