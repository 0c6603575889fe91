//! `/v/{token}`: a mail as it was sent, in the browser.

use super::link::Link;
use super::page;
use crate::App;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use words::Channel;

/// Nothing of it runs, and it stands in an origin of its own; links open in a new window.
const POLICY: &str = "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

pub(super) async fn show(State(app): State<App>, link: Link, method: Method) -> Response {
    let look = &link.look;
    let gone = || {
        let text = look.t("This message is no longer kept.", "このメッセージはもう保存されていません。");
        page::show(
            look,
            StatusCode::GONE,
            look.t("Message not kept", "メッセージがありません"),
            &format!("<p>{text}</p>"),
        )
    };
    let mail = link.entry.as_ref().and_then(|entry| {
        entry.deliveries.iter().find(|delivery| delivery.channel == Channel::EMAIL && delivery.has_content)
    });
    let (Some(mail), Some(_)) = (mail, &link.customer) else { return gone() };
    // Reading content is written down; a HEAD reads nothing.
    if method == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    let content = match app.store.log_content(mail.id, "customer", "view in browser", app.now()).await {
        Ok(Some(content)) => content,
        Ok(None) | Err(store::StoreError::Erased) => return gone(),
        Err(error) => {
            tracing::error!("A mail could not be shown: {error}");
            return page::try_later(look);
        }
    };
    let html = serde_json::from_str::<channel::Content>(&content.parcel)
        .ok()
        .and_then(|mut content| content.parts.remove("html"));
    let Some(html) = html else { return gone() };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}
