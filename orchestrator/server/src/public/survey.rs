//! `/s/{token}?a=9`: a survey's question, and its answer.
//!
//! A link in the mail may carry an answer; it is chosen on the page already and counts when it is sent. One message is
//! answered once.

use super::link::{self, Link, about, tell};
use super::page::{self, escape, show};
use crate::App;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use journey::Survey;
use journey::program::Op;
use journey::schema::SurveyAnswers;
use serde::Deserialize;
use std::collections::BTreeMap;
use store::Ingested;
use words::{Text, Value};

type Properties = BTreeMap<String, Value>;

const COMMENT_MAX: usize = 2_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    a: Option<String>,
}

pub(super) async fn ask(
    State(app): State<App>,
    link: Link,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Some((name, survey)) = survey_of(&app, &link) else { return page::unknown_link(&link.look) };
    if let Some(given) = given(&app, &link, &name).await {
        return answered(&link, &survey, &given);
    }
    let chosen = query.ok().and_then(|Query(asked)| asked.a);
    question(&link, &survey, chosen.as_deref(), None)
}

/// The answer that this message got: its event's properties.
async fn given(app: &App, link: &Link, name: &str) -> Option<Properties> {
    link.customer.as_ref()?;
    // Answers are few; a link that is opened again is rare.
    let events = app.store.history(link.id, u64::MAX >> 1).await.ok()?;
    let (message, name) = (Value::Text(link.message.to_string()), Value::Text(name.to_owned()));
    let of_this = |event: &words::Event| {
        event.name == "survey_answered"
            && event.properties.get("message_id") == Some(&message)
            && event.properties.get("survey") == Some(&name)
    };
    events.into_iter().find(of_this).map(|event| event.properties)
}

/// What was answered, instead of a form that would change nothing.
fn answered(link: &Link, survey: &Survey, given: &Properties) -> Response {
    let look = &link.look;
    let answer = match (given.get("score"), given.get("choice"), &survey.answers) {
        (Some(Value::Int(score)), ..) => score.to_string(),
        (_, Some(Value::Text(choice)), SurveyAnswers::Choices(choices)) => choices
            .iter()
            .find(|(name, _)| name == choice)
            .map_or_else(|| choice.clone(), |(_, text)| text.get(look.language).to_owned()),
        _ => String::new(),
    };
    let comment = match given.get("comment") {
        Some(Value::Text(comment)) => format!("<blockquote><p>{}</p></blockquote>", escape(comment)),
        _ => String::new(),
    };
    let main = format!(
        "<p>{said} <strong>{answer}</strong></p>{comment}<p>{thanks}</p>",
        said = look.t("You answered:", "ご回答："),
        answer = escape(&answer),
        thanks = look.t(
            "Thank you. Your answer has reached us and counts as it is.",
            "ありがとうございます。このご回答を記録しています。",
        ),
    );
    show(look, StatusCode::OK, survey.title.get(look.language), &main)
}

fn question(link: &Link, survey: &Survey, chosen: Option<&str>, complaint: Option<&str>) -> Response {
    let look = &link.look;
    let option = |value: &str, label: &str| {
        format!(
            "<label><input type=\"radio\" name=\"a\" value=\"{value}\" required{checked}> {label}</label>",
            value = escape(value),
            checked = if chosen == Some(value) { " checked" } else { "" },
            label = escape(label),
        )
    };
    let options: String = match &survey.answers {
        SurveyAnswers::Scale { from, to } => {
            (*from..=*to).take(100).map(|n| option(&n.to_string(), &n.to_string())).collect()
        }
        SurveyAnswers::Choices(choices) => {
            choices.iter().map(|(name, text)| option(name, text.get(look.language))).collect()
        }
    };
    let (class, ends) = match &survey.answers {
        SurveyAnswers::Scale { .. } => ("scale", ends(link, survey)),
        SurveyAnswers::Choices(_) => ("choices", String::new()),
    };
    let complaint =
        complaint.map(|text| format!("<p role=\"alert\">{}</p>", escape(text))).unwrap_or_default();
    let main = format!(
        "{complaint}<form method=\"post\"><fieldset><legend>{legend}</legend><div class=\"{class}\">{options}</div>{ends}</fieldset>\
         <p><label for=\"comment\">{comment}</label><textarea id=\"comment\" name=\"comment\" maxlength=\"{COMMENT_MAX}\"></textarea></p>\
         <p><button>{send}</button></p></form>",
        legend = look.t("Your answer", "ご回答"),
        comment = look.t("Anything you would like to add?", "ご意見があればお書きください"),
        send = look.t("Send", "送信する"),
    );
    let status = if complaint.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    show(look, status, survey.title.get(look.language), &main)
}

/// What the ends of a scale mean, below them.
fn ends(link: &Link, survey: &Survey) -> String {
    let end = |text: &Option<Text>| {
        text.as_ref().map(|text| escape(text.get(link.look.language))).unwrap_or_default()
    };
    match (end(&survey.low), end(&survey.high)) {
        (low, high) if low.is_empty() && high.is_empty() => String::new(),
        (low, high) => format!("<p class=\"ends\"><span>{low}</span> <span>{high}</span></p>"),
    }
}

pub(super) async fn answer(State(app): State<App>, link: Link, body: Body) -> Response {
    let Some((name, survey)) = survey_of(&app, &link) else { return page::unknown_link(&link.look) };
    let Ok(form) = link::form(body).await else { return page::try_later(&link.look) };
    let look = &link.look;
    let given = form.get("a").map(String::as_str).unwrap_or_default();
    let mut properties = about(&link);
    let valid = match &survey.answers {
        SurveyAnswers::Scale { from, to } => {
            given.parse::<i64>().ok().filter(|n| (*from..=*to).contains(n)).map(|n| {
                properties.insert("score".to_owned(), Value::Int(n));
            })
        }
        SurveyAnswers::Choices(choices) => choices.iter().find(|(name, _)| name == given).map(|(name, _)| {
            properties.insert("choice".to_owned(), Value::Text(name.clone()));
        }),
    };
    if valid.is_none() {
        let text = look.t("Please choose one of the answers.", "いずれかを選んでください。");
        return question(&link, &survey, None, Some(text));
    }
    properties.insert("survey".to_owned(), Value::Text(name.clone()));
    let comment: String = form
        .get("comment")
        .map(String::as_str)
        .unwrap_or_default()
        .trim()
        .chars()
        .take(COMMENT_MAX)
        .collect();
    if !comment.is_empty() {
        properties.insert("comment".to_owned(), Value::Text(comment));
    }
    let text = if link.customer.is_none() {
        look.t("Thank you.", "ありがとうございます。")
    } else {
        let once = format!("survey:{name}:{}", link.message);
        match tell(&app, &link, "survey_answered", properties, once, app.now()).await {
            Ok(Ingested::Stored { .. }) => look.t("Your answer has reached us.", "ご回答をいただきました。"),
            Ok(Ingested::Duplicate) => look.t(
                "You had answered before; your first answer counts.",
                "既にご回答をいただいています。最初のご回答を記録しています。",
            ),
            Err(error) => {
                tracing::error!("An answer to a survey was not stored: {error}");
                return page::try_later(look);
            }
        }
    };
    show(look, StatusCode::OK, look.t("Thank you", "ありがとうございます"), &format!("<p>{text}</p>"))
}

/// The survey that the message asks: named in the link, else found by the step that sent the message.
fn survey_of(app: &App, link: &Link) -> Option<(String, Survey)> {
    let release = app.current.release()?;
    let surveys = &release.project.schema.surveys;
    let name = if link.more.is_empty() {
        let row = &link.entry.as_ref()?.row;
        let program = release.project.programs.get(&row.journey)?;
        program.nodes.iter().find_map(|node| match &node.op {
            Op::Send { send, .. } if node.step == row.step => send.survey.clone(),
            _ => None,
        })?
    } else {
        link.more.clone()
    };
    surveys.get(&name).map(|survey| (name.clone(), survey.clone()))
}
