//! The page, as text. It loads nothing but itself; e-mails lie in frames that may run nothing.

use super::Shown;
use render::escape_html as escape;
use render::{Content, Preview, RenderError};
use std::fmt::Write as _;
use words::Language;

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:minmax(9rem,15rem) 1fr;min-height:100vh}
nav{border-right:1px solid var(--line);padding:1rem;overflow-wrap:anywhere}
nav a{display:block;padding:.25rem .5rem;border-radius:.3rem;color:inherit;text-decoration:none}
nav a small{display:block;opacity:.75}nav a:hover{text-decoration:underline}nav a[aria-current]{background:#14532d;color:#fff}
main{padding:1rem 1.5rem;min-width:0}
h1{font-size:1.3rem;margin:.2rem 0 1rem}h2{font-size:1.05rem;margin:1.5rem 0 .5rem}
.cells{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr));gap:1rem}
article{border:1px solid var(--line);border-radius:.5rem;overflow:hidden;min-width:0}
article header{padding:.5rem .75rem;background:var(--soft);border-bottom:1px solid var(--line)}
article header b{margin-right:.5rem}
.preheader{opacity:.7}
.subject{padding:.5rem .75rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
iframe{display:block;width:100%;height:36rem;border:0;background:#fff;color-scheme:light}
pre{margin:0;padding:.75rem;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace}
details>summary{padding:.4rem .75rem;cursor:pointer}
.bubble{margin:1rem;padding:.6rem .9rem;border-radius:1rem;background:var(--soft);white-space:pre-wrap;overflow-wrap:anywhere}
.problems{border:2px solid #b91c1c;border-radius:.5rem;margin-bottom:1rem}
.problems h2{margin:.5rem .75rem 0}
@media(max-width:40rem){body{grid-template-columns:1fr}nav{border:0;border-bottom:1px solid var(--line)}}
";

/// One page: the list of messages, and every cell of one of them.
pub(super) fn page(shown: &Shown, message: &str) -> String {
    let words = Words::of(shown.language);
    let mut out = String::new();
    let catalog = shown.templates.as_ref().map(|templates| templates.catalog()).unwrap_or_default();
    let lang = words.lang;
    let locale = words::Locale::parse(words.lang).ok();
    let named = |name: &str| match (&shown.templates, &locale) {
        (Some(templates), Some(locale)) => templates.title(name, locale).to_owned(),
        _ => name.to_owned(),
    };
    let title = if message.is_empty() { words.preview.to_owned() } else { named(message) };
    let _ = write!(
        out,
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><nav aria-label=\"{}\">",
        escape(&title),
        words.messages
    );
    for name in catalog.messages.keys() {
        let current = if name == message { " aria-current=\"page\"" } else { "" };
        let (name, title) = (escape(name), escape(&named(name)));
        let id = if name == title { String::new() } else { format!("<small>{name}</small>") };
        let _ = write!(out, "<a href=\"/m/{name}\"{current}>{title}{id}</a>");
    }
    let _ = write!(out, "</nav><main><h1>{}</h1>", escape(&title));
    problems(&mut out, shown, &words);
    match (&shown.templates, catalog.messages.contains_key(message)) {
        (Some(templates), true) => cells(&mut out, &templates.preview(message), &words),
        _ => {
            let _ = write!(out, "<p>{}</p>", words.choose);
        }
    }
    let _ = write!(out, "</main>{}</body></html>", script(shown.stamp));
    out
}

/// Asks for the version twice a second, and loads the page again where it stands when it is another.
fn script(stamp: u64) -> String {
    format!(
        "<script>const known='{stamp}';let y=sessionStorage.getItem('y'+location.pathname);\
         if(y)scrollTo(0,y);setInterval(async()=>{{try{{const now=await(await fetch('/version')).text();\
         if(now!==known){{sessionStorage.setItem('y'+location.pathname,scrollY);location.reload()}}}}catch{{}}}},500)</script>"
    )
}

fn problems(out: &mut String, shown: &Shown, words: &Words) {
    if shown.problems.is_empty() {
        return;
    }
    let _ = write!(out, "<section class=\"problems\" role=\"alert\"><h2>{}</h2>", words.wrong);
    for problem in &shown.problems {
        let _ = write!(out, "<pre>{}</pre>", escape(problem));
    }
    out.push_str("</section>");
}

fn cells(out: &mut String, previews: &[Preview], words: &Words) {
    let mut channel = None;
    for preview in previews {
        if channel != Some(&preview.channel) {
            if channel.is_some() {
                out.push_str("</div>");
            }
            let _ = write!(out, "<h2>{}</h2><div class=\"cells\">", escape(preview.channel.as_str()));
            channel = Some(&preview.channel);
        }
        cell(out, preview, words);
    }
    if channel.is_some() {
        out.push_str("</div>");
    }
}

fn cell(out: &mut String, preview: &Preview, words: &Words) {
    let locale = escape(preview.locale.as_str());
    let sample = escape(&preview.sample);
    let _ = write!(out, "<article><header><b>{locale}</b>{sample}</header><div lang=\"{locale}\">");
    match &preview.result {
        Ok(rendered) => content(out, &rendered.content, &format!("{locale} {sample}"), words),
        Err(error) => {
            let _ = write!(out, "<pre role=\"alert\">{}</pre>", escape(&reason(error)));
        }
    }
    out.push_str("</div></article>");
}

fn reason(error: &RenderError) -> String {
    error.to_string()
}

fn content(out: &mut String, content: &Content, name: &str, words: &Words) {
    match content {
        Content::Email(email) => {
            let _ = write!(
                out,
                "<div class=\"subject\"><b>{}</b> <span class=\"preheader\">{}</span><br><small>{} &lt;{}&gt;</small></div>\
                 <iframe sandbox=\"\" title=\"{name}\" srcdoc=\"{}\"></iframe>\
                 <details><summary>{}</summary><pre>{}</pre></details>",
                escape(&email.subject),
                escape(&preheader(&email.html)),
                escape(&email.from_name),
                escape(&email.from_address),
                escape(&email.html),
                words.text,
                escape(&email.text),
            );
        }
        Content::Sms(sms) => {
            let segments = sms::segments(&sms.text);
            let _ = write!(
                out,
                "<div class=\"bubble\">{}</div><pre>{} {}</pre>",
                escape(&sms.text),
                segments.parts,
                words.parts
            );
        }
        Content::Push(push) => {
            let _ = write!(
                out,
                "<div class=\"bubble\"><b>{}</b>\n{}</div>",
                escape(&push.title),
                escape(&push.body)
            );
            if !push.data.is_empty() {
                let data: Vec<String> = push.data.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                let _ = write!(out, "<pre>{}</pre>", escape(&data.join("\n")));
            }
        }
        Content::Parts(parts) => {
            for (name, text) in parts {
                let _ = write!(out, "<pre><b>{}</b>\n{}</pre>", escape(name), escape(text));
            }
        }
    }
}

/// What inboxes show behind the subject: the text that MJML hides at the beginning of the body.
fn preheader(html: &str) -> String {
    let Some((_, body)) = html.split_once("<body") else { return String::new() };
    let hidden = body.split_once("display:none").filter(|(before, _)| before.matches('<').count() <= 1);
    let text =
        hidden.and_then(|(_, rest)| rest.split_once('>')?.1.split_once('<')).map_or("", |(text, _)| text);
    let plain =
        [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")];
    plain.iter().fold(text.trim().to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

/// The page's own words.
struct Words {
    lang: &'static str,
    preview: &'static str,
    messages: &'static str,
    wrong: &'static str,
    choose: &'static str,
    text: &'static str,
    parts: &'static str,
}

impl Words {
    fn of(language: Language) -> Self {
        match language {
            Language::En => Self {
                lang: "en",
                preview: "Preview",
                messages: "Messages",
                wrong: "This has to be mended; below is the last version that worked",
                choose: "Choose a message on the left.",
                text: "Plain text",
                parts: "part(s)",
            },
            Language::Ja => Self {
                lang: "ja",
                preview: "プレビュー",
                messages: "メッセージ",
                wrong: "修正が必要です。下は最後に正しく表示できた内容です",
                choose: "左の一覧からメッセージを選んでください。",
                text: "プレーンテキスト",
                parts: "通分",
            },
        }
    }
}
