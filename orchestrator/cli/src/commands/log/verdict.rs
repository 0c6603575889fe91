//! What a message stood on, in lines: the verdict, each rule that was asked, the consent with its wording and source.

use crate::voice::Voice;
use serde_json::Value;
use words::{Consent, Timestamp};

/// The verdict of a record, and the consent that it names as it was said.
pub(super) fn show(voice: &Voice, why: Option<&str>, consent: Option<&Consent>) {
    let why: Value = why.and_then(|why| serde_json::from_str(why).ok()).unwrap_or_default();
    let language = voice.out.either("en", "ja");
    if let Some(decision) = why["decision"]["verdict"].as_str() {
        let until = why["decision"]["until"].as_str().and_then(|at| Timestamp::parse(at).ok());
        let until = until.map(|at| voice.at(at)).map(|at| match voice.out.language {
            words::Language::En => format!(" (until {at})"),
            words::Language::Ja => format!("（{at} まで）"),
        });
        let until = until.unwrap_or_default();
        voice.say("verdict", &format!("{}{until}", voice.label("verdict", decision)));
    }
    for reason in why["reasons"].as_array().into_iter().flatten() {
        let text = reason["text"][language].as_str().or_else(|| reason["code"].as_str()).unwrap_or_default();
        let effect = voice.label("effect", reason["outcome"].as_str().unwrap_or_default());
        let rule = reason["rule"].as_str().map(|rule| format!(" [{rule}]")).unwrap_or_default();
        voice.out.line(format!("    {effect}{}{text}{rule}", voice.colon()));
    }
    match consent {
        Some(consent) => voice.consent("stood-on-consent", consent),
        // Erased, or said before words were kept: what the verdict itself holds of it.
        None if why["consent"].is_object() => {
            let of = &why["consent"];
            let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
            let at = of["at"].as_str().and_then(|at| Timestamp::parse(at).ok());
            let at = at.map(|at| voice.at(at)).unwrap_or_default();
            voice.say(
                "stood-on-consent",
                &format!("{} {at} ({})", voice.titles.purpose(&text("purpose")), text("method")),
            );
        }
        None => {}
    }
    voice.say("rule-packs", why["packs"].as_str().unwrap_or_default());
}
