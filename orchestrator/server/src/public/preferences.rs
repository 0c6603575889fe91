//! `/p/{token}`: what a customer gets, purpose by purpose and channel by channel.

use super::link::{self, Link};
use super::page::{self, escape};
use crate::App;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::collections::BTreeMap;
use store::StoreError;
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, Customer, Evidence, Language, MessageClass,
    Timestamp,
};

/// One box of the page.
struct Choice {
    purpose: String,
    title: String,
    channel: Channel,
    on: bool,
}

impl Choice {
    fn field(&self) -> String {
        format!("{}/{}", self.purpose, self.channel)
    }
}

async fn show_page(app: &App, link: &Link, saved: bool) -> Response {
    let look = &link.look;
    let title = look.t("What you get from us", "受け取る内容");
    let Some(customer) = &link.customer else {
        let text = look.t("We hold nothing about you any more.", "お客様の情報は既に消去されています。");
        return page::show(look, StatusCode::OK, title, &format!("<p>{text}</p>"));
    };
    let mut main = String::new();
    if saved {
        main.push_str(&format!(
            "<p role=\"status\"><strong>{}</strong></p>",
            look.t("Saved. It holds from now on.", "保存しました。ただちに反映されます。")
        ));
    }
    main.push_str("<form method=\"post\">");
    let mut open: Option<String> = None;
    for choice in choices(app, customer, link.language(), app.now()) {
        if open.as_ref() != Some(&choice.purpose) {
            if open.is_some() {
                main.push_str("</fieldset>");
            }
            main.push_str(&format!("<fieldset><legend>{}</legend>", escape(&choice.title)));
            open = Some(choice.purpose.clone());
        }
        main.push_str(&format!(
            "<input type=\"hidden\" name=\"shown:{field}\" value=\"1\"><label><input type=\"checkbox\" name=\"{field}\" value=\"on\"{checked}> {name}</label>",
            field = escape(&choice.field()),
            checked = if choice.on { " checked" } else { "" },
            name = escape(&channel_name(&choice.channel, look.language)),
        ));
    }
    if open.is_some() {
        main.push_str("</fieldset>");
        main.push_str(&format!(
            "<p><button name=\"do\" value=\"save\">{}</button></p>",
            look.t("Save", "保存する")
        ));
    } else {
        let text = look.t("There is nothing to choose.", "選択できる項目はありません。");
        main.push_str(&format!("<p>{text}</p>"));
    }
    main.push_str(&format!(
        "<p><button class=\"quiet\" name=\"do\" value=\"stop_all\">{}</button></p></form>",
        look.t("Stop everything that is not about my orders", "ご注文に関するもの以外をすべて停止する")
    ));
    page::show(look, StatusCode::OK, title, &main)
}

pub(super) async fn show(State(app): State<App>, link: Link) -> Response {
    show_page(&app, &link, false).await
}

pub(super) async fn change(State(app): State<App>, mut link: Link, body: Body) -> Response {
    let Ok(form) = link::form(body).await else { return page::try_later(&link.look) };
    match store_choices(&app, &link, form).await {
        Ok(customer) => {
            link.customer = customer;
            show_page(&app, &link, true).await
        }
        Err(error) => {
            tracing::error!("Preferences were not stored: {error}");
            page::try_later(&link.look)
        }
    }
}

/// Writes what differs from before. Only boxes that the page showed are read: a form from an older page changes nothing
/// that it did not show.
async fn store_choices(
    app: &App,
    link: &Link,
    form: BTreeMap<String, String>,
) -> Result<Option<Customer>, StoreError> {
    let Some(customer) = &link.customer else { return Ok(None) };
    let now = app.now();
    let language = link.language();
    let source = link.message.to_string();
    let word =
        move |purpose: Option<String>, channel: Option<Channel>, on: bool, text: Option<String>| Consent {
            purpose,
            channel,
            state: if on { ConsentState::Granted } else { ConsentState::Revoked },
            basis: Basis::Express,
            at: now,
            expires_at: None,
            evidence: Evidence {
                method: "page".to_owned(),
                source: Some(source.clone()),
                text,
                text_hash: None,
            },
        };
    let mut said = Vec::new();
    match form.get("do").map(String::as_str) {
        Some("stop_all") => said.push(word(None, None, false, None)),
        Some("save") => {
            for choice in choices(app, customer, language, now) {
                let shown = form.contains_key(&format!("shown:{}", choice.field()));
                let on = form.contains_key(&choice.field());
                if shown && on != choice.on {
                    let text =
                        on.then(|| format!("{}: {}", choice.title, channel_name(&choice.channel, language)));
                    said.push(word(Some(choice.purpose), Some(choice.channel), on, text));
                }
            }
        }
        _ => {}
    }
    if said.is_empty() {
        return Ok(Some(customer.clone()));
    }
    let change = move |_: &mut Customer| {
        said.into_iter().map(|consent| ConsentChange { consent: crate::api::hashed(consent) }).collect()
    };
    let updated = app.store.update_customer(link.id, now, change, Vec::new()).await?;
    Ok(Some(updated.customer))
}

/// Everything that can be chosen: purposes of advertising and service, on the channels that the customer has addresses on.
fn choices(app: &App, customer: &Customer, language: Language, now: Timestamp) -> Vec<Choice> {
    let Some(release) = app.current.release() else { return Vec::new() };
    let mut channels: Vec<Channel> = Vec::new();
    for address in &customer.addresses {
        if !channels.contains(&address.channel) {
            channels.push(address.channel.clone());
        }
    }
    channels.sort();
    let chosen = |class| matches!(class, MessageClass::Marketing | MessageClass::Service);
    let purposes = release.project.schema.purposes.iter().filter(|(_, purpose)| chosen(purpose.class));
    purposes
        .flat_map(|(name, purpose)| {
            let channels = channels.clone().into_iter();
            channels.map(move |channel| {
                let on = match customer.consent(name, &channel) {
                    Some(word) => {
                        word.state == ConsentState::Granted && word.expires_at.is_none_or(|end| end > now)
                    }
                    None => purpose.class == MessageClass::Service,
                };
                Choice { purpose: name.clone(), title: purpose.title.get(language).to_owned(), channel, on }
            })
        })
        .collect()
}

fn channel_name(channel: &Channel, language: Language) -> String {
    let name = match (channel.as_str(), language) {
        ("email", Language::En) => "E-mail",
        ("email", Language::Ja) => "メール",
        ("sms", Language::En) => "Text message",
        ("sms", Language::Ja) => "SMS",
        ("push", Language::En) => "Notifications of our app",
        ("push", Language::Ja) => "アプリの通知",
        ("line", _) => "LINE",
        (other, _) => other,
    };
    name.to_owned()
}
