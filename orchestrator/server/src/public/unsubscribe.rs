//! `/u/{token}`: the way out of a message, in one click.
//!
//! POST revokes consent for the message's purpose on the channels that it went out on, at once and without a question:
//! mail programs send it by themselves (RFC 8058), urlencoded or multipart, without cookies, and follow no redirect. The
//! guard of the customer rises with it, so nothing planned before can still go out.

use super::link::{self, Link, about, tell};
use super::page::{self, escape, show};
use crate::App;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use store::StoreError;
use words::{Basis, Channel, Consent, ConsentChange, ConsentState, Evidence, Timestamp, Value};

pub(super) async fn ask(State(app): State<App>, link: Link) -> Response {
    let look = &link.look;
    let what = purpose_title(&app, &link);
    let question = look
        .t("Shall we stop sending you messages of this kind?", "この種類のメッセージの配信を停止しますか？");
    let main = format!(
        "<p>{question}</p><p><strong>{what}</strong></p>\
         <form method=\"post\"><input type=\"hidden\" name=\"via\" value=\"page\"><button>{stop}</button></form>{other}",
        what = escape(&what),
        stop = look.t("Stop these messages", "配信を停止する"),
        other = preferences_link(&app, &link),
    );
    show(look, StatusCode::OK, look.t("Unsubscribe", "配信停止"), &main)
}

pub(super) async fn done(State(app): State<App>, link: Link, body: Body) -> Response {
    // Whatever the body is: the link alone says what is meant.
    let by_page = link::form(body).await.is_ok_and(|form| form.get("via").is_some_and(|via| via == "page"));
    let method = if by_page { "page" } else { "one_click" };
    if let Err(error) = revoke(&app, &link, method, app.now()).await {
        tracing::error!("An unsubscription was not stored: {error}");
        return page::try_later(&link.look);
    }
    let look = &link.look;
    let main = format!(
        "<p>{text}</p><p><strong>{what}</strong></p>{other}",
        text = look
            .t("You will not get these messages any more.", "今後、この種類のメッセージはお送りしません。",),
        what = escape(&purpose_title(&app, &link)),
        other = preferences_link(&app, &link),
    );
    show(look, StatusCode::OK, look.t("You are unsubscribed", "配信を停止しました"), &main)
}

/// Revokes, once: doing it again changes nothing.
async fn revoke(app: &App, link: &Link, method: &'static str, now: Timestamp) -> Result<(), StoreError> {
    let (Some(_), purpose, channels) = (&link.customer, purpose(link), channels(link)) else { return Ok(()) };
    let message = link.message.to_string();
    let updated = app
        .store
        .update_customer(
            link.id,
            now,
            move |customer| {
                let words = channels.into_iter().map(|channel| Consent {
                    purpose: purpose.clone(),
                    channel,
                    state: ConsentState::Revoked,
                    basis: Basis::Express,
                    at: now,
                    expires_at: None,
                    evidence: Evidence {
                        method: method.to_owned(),
                        source: Some(message.clone()),
                        ..Evidence::default()
                    },
                });
                let known = |word: &Consent| {
                    let of_pair = customer
                        .consents
                        .iter()
                        .filter(|c| c.purpose == word.purpose && c.channel == word.channel);
                    of_pair.max_by_key(|c| c.at).is_some_and(|c| c.state == ConsentState::Revoked)
                };
                words.filter(|word| !known(word)).map(|consent| ConsentChange { consent }).collect()
            },
            Vec::new(),
        )
        .await;
    match updated {
        Ok(updated) if updated.changed => {
            let mut properties = about(link);
            if let Some(entry) = &link.entry {
                properties.insert("purpose".to_owned(), Value::Text(entry.row.purpose.clone()));
            }
            let once = format!("unsubscribed:{}:{}", link.message, now.as_micros());
            tell(app, link, "message_unsubscribed", properties, once, now).await.map(|_| ())
        }
        Ok(_) | Err(StoreError::Erased | StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A message that is past its retention says no more what it was about: then everything is meant.
fn purpose(link: &Link) -> Option<String> {
    link.entry.as_ref().map(|entry| entry.row.purpose.clone())
}

fn channels(link: &Link) -> Vec<Option<Channel>> {
    match &link.entry {
        Some(entry) if !entry.row.channels.is_empty() => {
            entry.row.channels.iter().cloned().map(Some).collect()
        }
        _ => vec![None],
    }
}

fn purpose_title(app: &App, link: &Link) -> String {
    let title = purpose(link).and_then(|name| {
        let release = app.current.release()?;
        Some(release.project.schema.purposes.get(&name)?.title.get(link.language()).to_owned())
    });
    title.unwrap_or_else(|| link.look.t("All our messages", "すべてのお知らせ").to_owned())
}

fn preferences_link(app: &App, link: &Link) -> String {
    let mut payload = link.id.0.to_vec();
    payload.extend(link.message.0);
    let token = app.store.vault().sign_link("preferences", &payload);
    let text = link.look.t("Choose what you get from us", "受け取る内容を選ぶ");
    format!("<p><a href=\"/p/{token}\">{text}</a></p>")
}
