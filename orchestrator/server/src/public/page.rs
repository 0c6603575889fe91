//! The frame of a public page: the brand's name and colours, the reader's language, no script.

use crate::App;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
pub(super) use render::escape_html as escape;
use words::{Customer, Language, Locale};

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How a page looks and speaks.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) language: Language,
    brand: String,
    sender: String,
}

impl Look {
    /// In the customer's language, else in what the browser asks for.
    pub(super) fn of(app: &App, customer: Option<&Customer>, asked: &str) -> Self {
        let wanted = customer.and_then(|c| c.locale.clone()).or_else(|| {
            let first = asked.split([',', ';']).next().unwrap_or_default();
            Locale::parse(first.trim()).ok()
        });
        let Some(release) = app.current.release() else {
            let language = wanted.map_or(Language::En, |l| Language::guess(l.as_str()));
            return Self { language, brand: String::new(), sender: String::new() };
        };
        let locale = release.templates.pick(wanted.as_ref());
        let brand = release.templates.brand();
        let field = |path: &str| brand.field(path, locale).unwrap_or_default().to_owned();
        let sender = [field("legal.sender"), field("legal.postal_address")];
        let sender: Vec<String> = sender.into_iter().filter(|text| !text.is_empty()).collect();
        Self { language: Language::guess(locale.as_str()), brand: field("name"), sender: sender.join(" · ") }
    }

    /// One of two texts.
    pub(super) fn t(&self, en: &'static str, ja: &'static str) -> &'static str {
        match self.language {
            Language::En => en,
            Language::Ja => ja,
        }
    }
}

/// A whole page; `main` is HTML.
pub(super) fn show(look: &Look, status: StatusCode, title: &str, main: &str) -> Response {
    let lang = look.t("en", "ja");
    let (title, brand, sender) = (escape(title), escape(&look.brand), escape(&look.sender));
    let html = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\">\
         <title>{title}{dash}{brand}</title><link rel=\"stylesheet\" href=\"/public.css\"></head>\n\
         <body><header><p class=\"brand\">{brand}</p></header>\n<main><h1>{title}</h1>\n{main}\n</main>\n\
         <footer><p>{sender}</p></footer></body>\n</html>\n",
        dash = if brand.is_empty() { "" } else { " · " },
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}

/// What every link that does not open leads to, whatever the reason.
pub(super) fn unknown_link(look: &Look) -> Response {
    let text = look.t(
        "This link does not work. It may have been cut off on its way: try it again from the message, or copy it whole.",
        "このリンクは使えません。途中で切れている可能性があります。メッセージからもう一度開くか、リンク全体をコピーしてください。",
    );
    show(
        look,
        StatusCode::NOT_FOUND,
        look.t("Link not found", "リンクが見つかりません"),
        &format!("<p>{text}</p>"),
    )
}

/// Nothing was changed.
pub(super) fn try_later(look: &Look) -> Response {
    let text = look.t(
        "Nothing was changed. Please try again in a minute.",
        "何も変更されていません。少し待ってから、もう一度お試しください。",
    );
    show(
        look,
        StatusCode::SERVICE_UNAVAILABLE,
        look.t("This did not work", "処理できませんでした"),
        &format!("<p>{text}</p>"),
    )
}

/// `GET /public.css`
pub(super) async fn style(State(app): State<App>) -> Response {
    let release = app.current.release();
    let colour = |name: &str, default: &str| -> String {
        let found = release.as_ref().and_then(|release| {
            let brand = release.templates.brand();
            brand.field(&format!("colours.{name}"), &brand.default_locale).map(str::to_owned)
        });
        let plain = |text: &String| {
            text.len() <= 32 && text.chars().all(|c| c.is_ascii_alphanumeric() || "#(),.% ".contains(c))
        };
        found.filter(plain).unwrap_or_else(|| default.to_owned())
    };
    let css = format!(
        ":root{{color-scheme:light}}\
         *{{box-sizing:border-box}}\
         body{{margin:0;font:1.0625rem/1.6 system-ui,'Hiragino Sans','Noto Sans JP',Meiryo,sans-serif;background:{background};color:{text}}}\
         header,main,footer{{max-width:38rem;margin:0 auto;padding:1rem}}\
         main{{background:{surface};border-radius:.75rem;padding:1.5rem}}\
         h1{{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}}\
         .brand{{font-weight:700;margin:1rem 0 0}}\
         footer{{color:{muted};font-size:.875rem}}\
         button{{font:inherit;min-height:2.75rem;padding:.5rem 1.25rem;border:2px solid {primary};border-radius:.5rem;background:{primary};color:{on_primary};cursor:pointer}}\
         button.quiet{{background:transparent;color:{text}}}\
         :focus-visible{{outline:3px solid {primary};outline-offset:2px}}\
         fieldset{{border:1px solid {muted};border-radius:.5rem;margin:0 0 1rem;padding:.75rem 1rem}}\
         legend{{font-weight:700;padding:0 .25rem}}\
         label{{display:flex;gap:.75rem;align-items:center;min-height:2.75rem}}\
         input[type=checkbox],input[type=radio]{{width:1.25rem;height:1.25rem;accent-color:{primary}}}\
         textarea{{font:inherit;width:100%;min-height:6rem}}\
         .scale{{display:grid;grid-template-columns:repeat(auto-fit,minmax(2.5rem,1fr));gap:.25rem 0}}\
         .scale label{{flex-direction:column;gap:.25rem;padding:.375rem 0;justify-content:center}}\
         .ends{{display:flex;justify-content:space-between;gap:2rem;margin:.25rem 0 0;color:{muted};font-size:.875rem}}\
         .ends span:last-child{{text-align:right}}\
         blockquote{{margin:0 0 1rem;padding-left:1rem;border-left:3px solid {muted}}}\
         a{{color:inherit}}",
        background = colour("background", "#f5f5f4"),
        surface = colour("surface", "#ffffff"),
        text = colour("text", "#1f2937"),
        muted = colour("muted", "#6b7280"),
        primary = colour("primary", "#1d4ed8"),
        on_primary = colour("on_primary", "#ffffff"),
    );
    let mut response = css.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
